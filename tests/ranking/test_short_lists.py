"""The first tracks of each name: works before their repeats, the strongest first; of an artist's newest, by year."""

import pytest
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from lake.rows import frame_of
from ranking.rerank.unfit import ALBUM_TRACKS
from ranking.short_lists import name_lists, pair_lists

ROWS = [
    # track_id, work_id, title, artists, albums, strength, year, popularity
    ("a1", "a", ["hello"], ["adele"], ["25"], 9.0, 2015, 90),
    ("a2", "a", ["hello live", "hello"], ["adele"], ["live"], 8.0, 2019, 60),
    ("b1", "b", ["hello"], ["lionel"], ["25"], 5.0, None, None),
    ("c1", "c", ["other"], ["adele", "lionel"], ["25"], 1.0, 2021, 10),
]
SCHEMA = (
    "track_id string, work_id string, title_forms array<string>, artist_forms array<string>, album_forms array<string>, "
    "strength double, release_year int, popularity int"
)


@pytest.fixture(scope="module")
def tracks(spark: SparkSession) -> DataFrame:
    return with_album(frame_of(spark, ROWS, SCHEMA))


def with_album(rows: DataFrame) -> DataFrame:
    return rows.withColumns({"album": F.col("album_forms")[0], "title": F.initcap(F.col("title_forms")[0])})


def test_a_remaster_is_the_recording_of_that_name(spark: SparkSession) -> None:
    rows = frame_of(
        spark,
        [
            ("o", "o", ["yesterday remastered 2009", "yesterday"], ["the beatles"], ["help"], 5.0, 1965, 75),
            ("c", "c", ["yesterday"], ["lil peep"], ["x"], 4.9, 2016, 74),
            ("l", "l", ["yesterday live", "yesterday"], ["someone"], ["y"], 5.2, 2016, 76),
        ],
        SCHEMA,
    )
    titles = {"o": "Yesterday - Remastered 2009", "c": "Yesterday", "l": "Yesterday - Live"}
    title = F.coalesce(*[F.when(F.col("track_id") == track, F.lit(name)) for track, name in titles.items()])
    listed = name_lists(rows.withColumns({"album": F.col("album_forms")[0], "title": title}), 3).collect()
    assert {(r["kind"], r["name"]): r["tracks"] for r in listed}["title", "yesterday"] == ["o", "c", "l"]


def test_an_album_comes_before_a_single_of_its_name(spark: SparkSession) -> None:
    band = [
        (f"n{i}", f"n{i}", [f"song {i}"], ["nirvana"], ["nevermind"], 5.0 - i, 1991, 80 - i)
        for i in range(ALBUM_TRACKS)
    ]
    single = ("s", "s", ["nevermind"], ["dennis lloyd"], ["nevermind single", "nevermind"], 9.0, 2017, 70)
    listed = {
        (r["kind"], r["name"]): r["tracks"]
        for r in name_lists(with_album(frame_of(spark, [*band, single], SCHEMA)), 3).collect()
    }
    assert listed["album", "nevermind"] == ["n0", "n1", "n2"] and listed["title", "nevermind"] == ["s"]
    few = name_lists(with_album(frame_of(spark, [*band[1:], single], SCHEMA)), 3).collect()
    assert {(r["kind"], r["name"]): r["tracks"] for r in few}["album", "nevermind"] == ["s", "n1", "n2"]


def test_names(tracks: DataFrame) -> None:
    rows = {(r["kind"], r["name"]): (r["popularity"], r["tracks"]) for r in name_lists(tracks, 3).collect()}
    assert rows == {
        ("title", "hello"): (90.0, ["a1", "b1", "a2"]),
        ("title", "hello live"): (60.0, ["a2"]),
        ("title", "other"): (10.0, ["c1"]),
        ("artist", "adele"): (90.0, ["a1", "c1", "a2"]),
        ("artist", "lionel"): (10.0, ["b1", "c1"]),
        ("album", "25"): (90.0, ["a1", "b1", "c1"]),
        ("album", "live"): (60.0, ["a2"]),
        ("newest", "adele"): (90.0, ["c1", "a2", "a1"]),
        ("newest", "lionel"): (10.0, ["c1"]),  # the undated track is none of the newest
    }
    assert {r["name"]: r["tracks"] for r in name_lists(tracks, 1).collect() if r["kind"] == "title"}["hello"] == ["a1"]


def test_recordings_of_an_artist(tracks: DataFrame) -> None:
    rows = {(r["is_album"], r["name"], r["artist"]): r["tracks"] for r in pair_lists(tracks, 2).collect()}
    assert rows[False, "hello", "adele"] == ["a1", "a2"] and rows[False, "hello", "lionel"] == ["b1"]
    assert rows[True, "25", "adele"] == ["a1", "c1"] and rows[True, "25", "lionel"] == ["b1", "c1"]
    assert (False, "hello live", "lionel") not in rows
