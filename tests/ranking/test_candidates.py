"""What a request asks for draws candidates: genre, years, mood; the strongest of those that meet it first."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from events.contract import AUDIO
from queries.grammar.constraints import TYPED
from ranking.sources.constraint import constraint
from ranking.sources.source import SourceInputs
from ranking.sources.text import rare_words
from tests.features.rows import asked as asked_for
from tests.shipped import SHIPPED

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession

ASKED = (
    "locale string, query string, intent_group string, constraint_key string, genre array<string>, decade array<int>, mood string, "
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


def given(queries: DataFrame, tracks: DataFrame) -> SourceInputs:
    """No source tried here reads the days."""
    return SourceInputs(queries, tracks.limit(0), tracks, SHIPPED.candidates)


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


@pytest.fixture(scope="module")
def proposed(spark: SparkSession, tracks: DataFrame) -> dict[str, list[str]]:
    """Key -> the tracks that are proposed, best first; all keys in one pass."""
    rows = [
        ("en", key, "broad", key, genre, decade, mood, None, _sort(key), *asked_for(key))
        for key, genre, decade, mood, _ in CASES
    ]
    lists: dict[str, list[str]] = {}
    for row in constraint(given(spark.createDataFrame(rows, ASKED), tracks)).orderBy("query", "source_rank").collect():
        lists.setdefault(row["query"], []).append(row["track_id"])
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
        ("en", q, group, "version=live", [], [], None, None, None, *asked_for("version=live"))
        for q, group in (("adele live", "artist"), ("live music", "broad"))
    ]
    found = constraint(given(spark.createDataFrame(rows, ASKED), tracks)).collect()
    assert {r["query"] for r in found} == {"live music"}


def test_words_propose_also_where_a_version_is_asked_for_beside_a_name(spark: SparkSession) -> None:
    known = spark.createDataFrame(
        [
            ("live", "someone like you live", ["adele"], 1.0),
            ("studio", "someone like you", ["adele"], 9.0),
            ("other", "hello", ["x"], 9.0),
        ],
        "track_id string, title_normal string, artists_normal array<string>, strength double",
    )
    rows = [
        ("en", "play someone like you live", "known_item", "version=live", "someone like you live"),
        ("en", "play live music", "broad", "version=live", "live music"),
    ]
    queries = spark.createDataFrame(
        rows, "locale string, query string, intent_group string, constraint_key string, stripped string"
    )
    found = rare_words(given(queries, known)).orderBy("query", "source_rank").collect()
    assert [(r["query"], r["track_id"]) for r in found] == [
        ("play someone like you live", "live"),
        ("play someone like you live", "studio"),
    ]
