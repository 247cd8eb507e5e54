"""The last touches on a list: the artist cap, and the swap that explores with the probability that it says."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from datetime import date

import pytest
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from ranking.head import HeadSettings, head_queries
from ranking.lists import ranked_lists
from tests.shipped import SHIPPED

D = date(2026, 3, 1)
SHIPPED_HEAD = SHIPPED.ranking
STILL = replace(SHIPPED_HEAD, explore_share=0.0)


def lists(
    spark: SparkSession, by_artist: str, settings: HeadSettings, group: str = "broad", queries: int = 1
) -> DataFrame:
    """Each query's list, of tracks 0, 1, … by score; the letter at a place is its artist."""
    rows = [("en", f"q{q}", f"t{i:03}", 100.0 - i, ["popular"]) for q in range(queries) for i in range(len(by_artist))]
    scored = spark.createDataFrame(
        rows, "locale string, query string, track_id string, model_score double, sources array<string>"
    )
    asked = spark.createDataFrame(
        [("en", f"q{q}", group) for q in range(queries)], "locale string, query string, intent_group string"
    )
    tracks = spark.createDataFrame(
        [(f"t{i:03}", [a]) for i, a in enumerate(by_artist)], "track_id string, artists_normal array<string>"
    )
    return ranked_lists(scored, asked, tracks, D, settings)


def order(spark: SparkSession, by_artist: str, group: str = "broad") -> list[int]:
    rows = lists(spark, by_artist, STILL, group).orderBy("rank").collect()
    assert [r["rank"] for r in rows] == list(range(1, len(rows) + 1))
    scores = [r["score"] for r in rows]
    assert scores == sorted(scores, reverse=True)
    return [int(r["track_id"][1:]) for r in rows]


def test_a_fourth_track_of_an_artist_waits_behind_the_first_ten(spark: SparkSession) -> None:
    assert order(spark, "aaaaa" + "bcdefghij") == [0, 1, 2, *range(5, 12), 3, 4, 12, 13]


def test_a_list_that_asks_for_one_thing_is_left_by_score(spark: SparkSession) -> None:
    assert order(spark, "aaaaa" + "bcdefghij", "known_item") == list(range(14))


def test_where_few_artists_are_meant_the_score_decides_and_nobody_is_led_from_far_behind(spark: SparkSession) -> None:
    assert order(spark, "a" * 60) == list(range(50))
    assert order(spark, "a" * 50 + "bcdefghij") == list(range(50))
    assert order(spark, "a" * 39 + "b" + "c" * 20)[:5] == [0, 1, 2, 39, 3]


def test_a_list_explores_as_often_as_its_propensity_says(spark: SparkSession) -> None:
    found = lists(spark, "abcdef", replace(SHIPPED_HEAD, explore_share=0.3), queries=600).collect()
    by_query: dict[str, list[int]] = {}
    chance: dict[str, float] = {}
    for row in sorted(found, key=lambda r: (r["query"], r["rank"])):
        by_query.setdefault(row["query"], []).append(int(row["track_id"][1:]))
        chance[row["query"]] = row["propensity"]
    told = Counter((tuple(tracks), chance[query]) for query, tracks in by_query.items())
    swaps = {(0, 2, 1, 3, 4, 5), (0, 1, 3, 2, 4, 5), (0, 1, 2, 4, 3, 5)}
    assert {tracks: p for tracks, p in told} == {(0, 1, 2, 3, 4, 5): 0.7} | dict.fromkeys(swaps, 0.1)
    for (_, propensity), n in told.items():
        assert n == pytest.approx(600 * propensity, abs=4 * (600 * propensity * (1 - propensity)) ** 0.5)


def test_the_head_covers_its_share_of_each_locale_and_a_language_answers_for_its_locales(spark: SparkSession) -> None:
    rows = [
        ("en", "a", 60, True),
        ("en", "b", 30, True),
        ("en", "c", 10, True),
        ("en", "secret", 500, False),
        ("en-US", "a", 40, True),
        ("en-GB", "a", 5, True),
        ("*", "a", 90, True),
        ("*", "only here", 9, True),
    ]
    names = "locale string, query string, searches_28d bigint, is_public boolean"
    asked = (
        spark.createDataFrame(rows, names)
        .withColumn("is_music", F.lit(True))
        .withColumn("people_28d", F.col("searches_28d"))
    )
    kept = head_queries(asked, replace(SHIPPED_HEAD, head_share=0.9, min_people_in_locale=20))
    found = {(r["locale"], r["query"]) for r in kept.collect()}
    assert found == {("en", "a"), ("en", "b"), ("en-US", "a"), ("*", "only here")}
    fewer = head_queries(asked, replace(SHIPPED_HEAD, head_share=0.9, min_people_in_locale=20, max_entries=2))
    assert {(r["locale"], r["query"]) for r in fewer.collect()} == {("en", "a"), ("en-US", "a")}
