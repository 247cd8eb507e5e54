"""What a request asks for draws candidates: genre, years, mood; the strongest of those that meet it first."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from features.attributes import AUDIO
from ranking.candidates import CandidateSettings, _constraint

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession

TRACKS = [  # id, genres, moods, year, strength
    ("rock75", ["rock"], [], 1975, 1.0),
    ("rock95", ["rock"], [], 1995, 9.0),
    ("rock", ["rock"], [], None, 8.0),
    ("jazz79", ["jazz"], ["sad"], 1979, 2.0),
    ("jazz80", ["jazz"], [], 1980, 7.0),
    ("pop15", ["pop"], ["sad"], 2015, 3.0),
]


@pytest.fixture(scope="module")
def tracks(spark: SparkSession) -> DataFrame:
    schema = "track_id string, genres array<string>, moods array<string>, release_year int, strength double"
    rows = [
        (*t, *[None if t[0] == "rock" else 1.0] * len(AUDIO)) for t in TRACKS
    ]  # as far from sad as can be, or unknown
    return spark.createDataFrame(rows, schema + "".join(f", {a} double" for a in AUDIO))


@pytest.mark.parametrize(
    ("key", "genre", "decade", "mood", "first"),
    [
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
    ],
)
def test_what_meets_the_request_comes_first(
    spark: SparkSession,
    tracks: DataFrame,
    key: str,
    genre: list[str],
    decade: list[int],
    mood: str | None,
    first: list[str],
) -> None:
    columns = "locale string, query string, constraint_key string, genre array<string>, decade array<int>, mood string, activity string"
    asked = spark.createDataFrame([("en", "as asked", key, genre, decade, mood, None)], columns)
    found = _constraint(asked, tracks, CandidateSettings()).orderBy("source_rank").collect()
    assert [r["track_id"] for r in found][: len(first)] == first
    assert mood or len(found) == len(first)
