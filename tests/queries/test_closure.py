"""Needs that the grammar can say about a catalog: each kind beside the tracks that give rise to it."""

import pytest
from pyspark.sql import DataFrame, SparkSession

from lake.rows import frame_of
from queries.nightly.closure import SHORT_LIST, ClosureSettings, closure

_SCHEMA = "title string, artists array<string>, album string, genres array<string>, release_year int, popularity int"


def _tracks(spark: SparkSession, album: str | None) -> DataFrame:
    many = [("Hello", [f"Singer {i}"], album, ["rock"], 1990 + i, 50) for i in range(SHORT_LIST + 1)]
    few = [("Other", ["Someone"], album, ["polka"], None, None)]
    return frame_of(spark, [*many, *few], _SCHEMA)


def _needs(tracks: DataFrame, *kinds: str, most: int = 1000) -> list[str]:
    rows = closure(tracks, ClosureSettings(kinds=list(kinds), min_tracks=10, mood_genres=1), most).collect()
    return [r["need"] for r in sorted(rows, key=lambda r: (-r["demand"], r["need"]))]


@pytest.mark.parametrize(
    ("kinds", "needs"),
    [
        (["title", "artist", "title_artist"], ["title=hello"]),  # each artist has one track: a short list
        (["genre"], ["genre=rock"]),
        (["genre_decade"], ["decade=1990|genre=rock"]),
        (["decade"], ["decade=1990"]),
        (["genre", "genre_newest"], ["genre=rock", "genre=rock|sort=newest"]),
        (["open", "genre"], ["open", "genre=rock"]),
        (["album"], ["album=the wall"]),
        (["sort", "instrumental"], ["sort=newest", "sort=popular", "version=instrumental"]),
        (["language"], ["language=en", "language=es"]),
    ],
)
def test_a_need_for_what_enough_tracks_have(spark: SparkSession, kinds: list[str], needs: list[str]) -> None:
    assert _needs(_tracks(spark, "The Wall"), *kinds) == needs


def test_a_year_with_enough_tracks_has_a_need(spark: SparkSession) -> None:
    rows = [(f"Song {i}", ["A"], None, ["rock"], 1985 if i < 10 else 1986, 50) for i in range(19)]
    assert _needs(frame_of(spark, rows, _SCHEMA), "year") == ["year=1985"]


def test_tracks_without_an_album_give_rise_to_no_album(spark: SparkSession) -> None:
    assert _needs(_tracks(spark, None), "album", "title") == ["title=hello"]


def test_the_likeliest_needs_stay_where_there_are_too_many(spark: SparkSession) -> None:
    assert _needs(_tracks(spark, "The Wall"), "open", "genre", "genre_decade", most=2) == ["open", "genre=rock"]


def test_an_unknown_kind_is_refused(spark: SparkSession) -> None:
    with pytest.raises(ValueError, match="genres"):
        _needs(_tracks(spark, None), "genres")
