"""What a request asks for draws candidates: genre, years, mood; the strongest of those that meet it first."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from pyspark.sql import functions as F

from events.contract import AUDIO
from queries.grammar.constraints import TYPED
from queries.nightly.names import with_name_forms
from ranking.sources.constraint import constraint
from ranking.sources.engagement import engagement
from ranking.sources.linked import linked
from ranking.sources.popular import popular
from ranking.sources.source import SourceInputs
from ranking.sources.text import named, rare_words
from tests.features.rows import asked as asked_for
from tests.shipped import SHIPPED

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession

ASKED = (
    "locale string, need string, intent_group string, intent string, genre array<string>, decade array<int>, mood string, "
    "activity string, sort_by string, " + ", ".join(f"{name} {kind}" for name, kind in TYPED.items())
)
TRACKS = [  # id, genres, moods, year, strength
    ("rock75", ["rock"], [], 1975, 1.0),
    ("rock95", ["rock"], [], 1995, 9.0),
    ("rock", ["rock"], [], None, 8.0),
    ("jazz79", ["jazz"], ["sad"], 1979, 2.0),
    ("jazz80", ["jazz"], [], 1980, 7.0),
    ("pop15", ["pop"], ["sad"], 2015, 3.0),
]


def given(needs: DataFrame, tracks: DataFrame) -> SourceInputs:
    """No source tried here reads what was heard."""
    return SourceInputs(needs, tracks.limit(0), tracks, SHIPPED.candidates)


# key, genres, decades and mood in it, and the tracks that come first
CASES = [
    (
        "genre=rock|year=-1979",
        ["rock"],
        [],
        None,
        ["rock75", "rock95", "rock"],
    ),  # what is out of the years, or has none, is behind
    ("genre=rock", ["rock"], [], None, ["rock95", "rock", "rock75"]),
    ("year=1980-", [], [], None, ["rock95", "jazz80", "pop15"]),
    ("year=-1979", [], [], None, ["jazz79", "rock75"]),
    ("year=1979-1980", [], [], None, ["jazz80", "jazz79"]),
    ("year=1995", [], [], None, ["rock95"]),
    ("decade=1970", [], [1970], None, ["jazz79", "rock75"]),
    ("mood=sad|year=1980-", [], [], "sad", ["pop15"]),  # of all that are in the years, it alone is sad
    (
        "mood=sad",
        [],
        [],
        "sad",
        ["pop15", "jazz79", "rock95", "rock"],
    ),  # whose sound is unknown does not fit by that
    ("version=live", [], [], None, ["jazz80", "rock95"]),
    ("language=es", [], [], None, ["jazz80", "rock95"]),
    ("explicit=true", [], [], None, ["jazz80", "rock95"]),
    ("explicit=false", [], [], None, ["rock95", "rock"]),
    ("genre!=rock", [], [], None, ["jazz80", "pop15", "jazz79"]),
    ("artist!=cher", [], [], None, ["rock", "jazz80", "pop15", "jazz79", "rock75", "rock95"]),
    ("artist!=cher|genre=rock", ["rock"], [], None, ["rock", "rock75", "rock95"]),
    ("title!=river", [], [], None, ["jazz80", "rock95"]),
    ("decade!=1990", [], [], None, ["rock", "jazz80", "pop15", "jazz79", "rock75", "rock95"]),
    ("year!=1980-1995", [], [], None, ["rock", "pop15", "jazz79", "rock75", "rock95", "jazz80"]),
    ("year!=1980-", [], [], None, ["rock", "jazz79", "rock75", "rock95", "jazz80", "pop15"]),
    ("version!=live", [], [], None, ["rock95", "rock", "pop15", "jazz79", "rock75", "jazz80"]),
    ("language!=es", [], [], None, ["rock95", "rock", "pop15", "jazz79", "rock75", "jazz80"]),
    ("mood!=sad", [], [], None, ["rock95", "rock", "jazz80", "rock75", "pop15", "jazz79"]),
    ("genre=jazz|version=live", ["jazz"], [], None, ["jazz80", "jazz79"]),
    ("sort=newest", [], [], None, ["pop15", "rock95", "jazz80", "jazz79", "rock75", "rock"]),
]


@pytest.fixture(scope="module")
def tracks(spark: SparkSession) -> DataFrame:
    schema = "track_id string, genres array<string>, moods array<string>, release_year int, strength double"
    schema += ", versions array<string>, title_tokens array<string>, explicit boolean, title_normal string, artists_normal array<string>"
    # jazz80 alone is live, has a Spanish title, and is explicit; the sound is as far from sad as can be, or unknown
    rows = [
        (
            *t,
            ["live"] if t[0] == "jazz80" else [],
            ["el", "rio"] if t[0] == "jazz80" else ["river"],
            t[0] == "jazz80",
            "el rio" if t[0] == "jazz80" else "river",
            ["abba", "cher"] if t[0] == "rock95" else ["bach"],
            *[None if t[0] == "rock" else 0.4 if a == "instrumentalness" else 1.0 for a in AUDIO],
        )
        for t in TRACKS
    ]
    return spark.createDataFrame(rows, schema + "".join(f", {a} double" for a in AUDIO))


def test_what_is_popular_and_what_is_new_of_all_music(spark: SparkSession, tracks: DataFrame) -> None:
    needs = [("en", "open"), ("es", "sort=popular"), ("en", "sort=newest"), ("en", "genre=rock")]
    more = spark.createDataFrame(
        [("new14", 2014, 4.0), ("old13", 2013, 5.0)], "track_id string, release_year int, strength double"
    )
    catalog = tracks.select("track_id", "release_year", "strength").unionByName(more)
    rows = popular(given(spark.createDataFrame(needs, "locale string, need string"), catalog)).collect()
    listed: dict[tuple[str, str], list[str]] = {}
    for row in sorted(rows, key=lambda r: r["source_rank"]):
        listed.setdefault((row["locale"], row["need"]), []).append(row["track_id"])
    strongest = ["rock95", "rock", "jazz80", "old13", "new14", "pop15", "jazz79", "rock75"]
    assert listed == {
        ("en", "open"): strongest,
        ("es", "sort=popular"): strongest,
        ("en", "sort=newest"): ["new14", "pop15"],  # of the last two years of the catalog, the stronger first
    }


@pytest.fixture(scope="module")
def proposed(spark: SparkSession, tracks: DataFrame) -> dict[str, list[str]]:
    """Key -> the tracks that are proposed, best first; all keys in one pass."""
    rows = [
        ("en", key, "broad", "mixed", genre, decade, mood, None, _sort(key), *asked_for(key))
        for key, genre, decade, mood, _ in CASES
    ]
    lists: dict[str, list[str]] = {}
    for row in constraint(given(spark.createDataFrame(rows, ASKED), tracks)).orderBy("need", "source_rank").collect():
        lists.setdefault(row["need"], []).append(row["track_id"])
    return lists


@pytest.mark.parametrize(("key", "genre", "decade", "mood", "first"), CASES, ids=[case[0] for case in CASES])
def test_what_meets_the_request_comes_first(
    proposed: dict[str, list[str]], key: str, genre: list[str], decade: list[int], mood: str | None, first: list[str]
) -> None:
    assert proposed[key][: len(first)] == first
    narrows = bool(genre or decade or key.startswith("year="))
    assert len(proposed[key]) == (len(first) if narrows else len(TRACKS)) or mood


def _sort(key: str) -> str | None:
    return key.removeprefix("sort=") if key.startswith("sort=") else None


def test_who_is_named_with_a_version_beside_is_not_answered_by_all_tracks_of_that_version(
    spark: SparkSession, tracks: DataFrame
) -> None:
    rows = [
        ("en", q, group, "mixed", [], [], None, None, None, *asked_for("version=live"))
        for q, group in (("artist=adele|version=live", "artist"), ("version=live", "broad"))
    ]
    found = constraint(given(spark.createDataFrame(rows, ASKED), tracks)).collect()
    assert {r["need"] for r in found} == {"version=live"}


NAMED = "locale string, need string, intent_group string, intent string, text string, title_name string, artist_name string, sort_by string"
CATALOG = [  # id, title, artist, album, year, strength
    ("live", "Someone Like You (Live)", "Adele", "Live", 2012, 1.0),
    ("studio", "Someone Like You", "Adele", "21", 2011, 9.0),
    ("cover", "Someone Like You", "Nobody", "Covers", 2020, 2.0),
    ("new", "Easy on Me", "Adele", "30", 2021, 3.0),
    ("other", "Hello", "Someone", "21", None, 8.0),
]


@pytest.fixture(scope="module")
def catalog(spark: SparkSession) -> DataFrame:
    rows = [(i, t, [a], album, year, s) for i, t, a, album, year, s in CATALOG]
    frame = spark.createDataFrame(
        rows, "track_id string, title string, artists array<string>, album string, release_year int, strength double"
    )
    normal = frame.withColumns(
        {
            "title_normal": F.lower(F.regexp_replace("title", "[()]", "")),
            "artists_normal": F.transform("artists", F.lower),
        }
    )
    return with_name_forms(normal).persist()


@pytest.mark.parametrize(
    ("need", "intent", "title", "artist", "sort_by", "first"),
    [
        ("title", "title", "someone like you", None, None, ["studio", "cover", "live"]),
        ("both", "title_artist", "someone like you", "adele", None, ["studio", "live", "new", "cover"]),
        ("artist", "artist", None, "adele", None, ["studio", "new", "live"]),
        ("newest", "artist", None, "adele", "newest", ["new", "live", "studio"]),
        ("album", "album", "21", None, None, ["studio", "other"]),
        ("newest album", "album", "21", None, "newest", ["studio", "other"]),  # undated tracks come last
    ],
)
def test_tracks_that_bear_the_names_of_the_need(
    spark: SparkSession,
    catalog: DataFrame,
    need: str,
    intent: str,
    title: str | None,
    artist: str | None,
    sort_by: str | None,
    first: list[str],
) -> None:
    rows = [("*", need, "known_item", intent, "", title, artist, sort_by)]
    found = named(given(spark.createDataFrame(rows, NAMED), catalog)).orderBy("source_rank").collect()
    assert [r["track_id"] for r in found] == first


def test_words_propose_for_names_and_for_what_nothing_explains(spark: SparkSession, catalog: DataFrame) -> None:
    rows = [
        ("*", "title=hello someone", "known_item", "title", "hello someone", "hello someone", None, None),
        ("en", "words=easy hello", "open", "other", "easy hello", None, None, None),
        ("en", "mood=easy", "broad", "mood", "easy", None, None, None),
    ]
    found = rare_words(given(spark.createDataFrame(rows, NAMED), catalog)).collect()
    assert {r["need"] for r in found} == {"title=hello someone", "words=easy hello"}
    assert {r["track_id"] for r in found if r["need"] == "words=easy hello"} == {"new", "other"}


def test_the_linker_proposes_where_nothing_explains_the_words(spark: SparkSession, catalog: DataFrame) -> None:
    rows = [
        ("en", "words=esy on mee", "open", "other", "esy on mee", None, None, None),
        ("*", "title=esy", "known_item", "title", "esy", "esy", None, None),
    ]
    tracks = catalog.withColumns({"genres": F.array(F.lit("pop")), "popularity": F.lit(50.0)})
    needs = spark.createDataFrame(rows, NAMED).withColumn("language", F.lit("en"))
    found = linked(given(needs, tracks)).orderBy("source_rank").collect()
    assert {r["need"] for r in found} == {"words=esy on mee"} and found[0]["track_id"] == "new"


def test_only_what_several_people_heard_for_a_need_that_enough_asked_is_proposed(spark: SparkSession) -> None:
    needs = spark.createDataFrame(
        [("*", "warm", True), ("*", "cold", False)], "locale string, need string, is_warm boolean"
    )
    rows = [
        ("*", "warm", "a", 9, 3),
        ("*", "warm", "b", 90, 2),
        ("*", "warm", "c", 12, 4),
        ("*", "cold", "a", 99, 99),
        ("en", "warm", "a", 9, 9),
    ]
    heard = spark.createDataFrame(rows, "locale string, need string, track_id string, plays bigint, listeners bigint")
    found = engagement(SourceInputs(needs, heard, heard, SHIPPED.candidates)).orderBy("source_rank").collect()
    assert [(r["locale"], r["need"], r["track_id"]) for r in found] == [("*", "warm", "c"), ("*", "warm", "a")]
