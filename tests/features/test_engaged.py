"""Cold needs: what too few people asked counts for no need, in no snapshot; a share of the others is hidden from past ones."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from events.tiles import LISTENER_SPANS, SKETCH_BITS
from features.build.engaged import engaged_wordings
from features.build.engine import feature_frames
from tests.features.test_point_in_time import D, days, inputs

EARLY = D - timedelta(days=7)


def sketches(spark: SparkSession, *asked: tuple[str, str, str], dates: tuple[date, ...] = (D,)) -> DataFrame:
    """What `events.tiles.listener_history` returns of searches (locale, query, user)."""
    rows = spark.createDataFrame(list(asked), "locale string, query string, user_id string")
    sketched = rows.groupBy("locale", "query").agg(F.hll_sketch_agg("user_id", SKETCH_BITS).alias("listeners"))
    spans = F.explode(F.array(*[F.lit(s) for s in LISTENER_SPANS]))
    return sketched.withColumn("span_days", spans).withColumn("as_of", F.explode(F.array(*[F.lit(d) for d in dates])))


def leads(spark: SparkSession, *rows: tuple[str, str, str], dates: tuple[date, ...] = (D,)) -> DataFrame:
    """(as_of, language, query, need) of rows (language, query, need)."""
    frame = spark.createDataFrame(list(rows), "language string, query string, need string")
    return frame.withColumn("as_of", F.explode(F.array(*[F.lit(d) for d in dates])))


def needs_of(frame: DataFrame) -> set[tuple[str, str]]:
    return {(r["query"], r["need"]) for r in frame.collect()}


def test_people_are_counted_by_need_over_wordings_and_places_and_each_once(spark: SparkSession) -> None:
    mapped = leads(spark, ("en", "hello", "n"), ("en", "play hello", "n"), ("es", "hello", "n"), ("en", "other", "m"))
    asked = [
        ("en-US", "hello", "a"),
        ("en-GB", "play hello", "a"),
        ("es-MX", "hello", "b"),
        ("en-US", "other", "a"),
        ("en-US", "other", "c"),
    ]
    few = engaged_wordings(mapped, sketches(spark, *asked), 3, 0.0, D)
    assert needs_of(few) == set()
    enough = engaged_wordings(mapped, sketches(spark, *asked, ("en-US", "play hello", "c")), 3, 0.0, D)
    assert needs_of(enough) == {("hello", "n"), ("play hello", "n")}


def test_a_share_is_hidden_from_past_snapshots_and_none_from_tonights(spark: SparkSession) -> None:
    dates = (EARLY, D)
    mapped = leads(spark, *[("en", f"q{i}", f"n{i}") for i in range(300)], dates=dates)
    asked = [("en-US", f"q{i}", user) for i in range(300) for user in "abc"]
    kept = engaged_wordings(mapped, sketches(spark, *asked, dates=dates), 3, 0.2, D).groupBy("as_of").count().collect()
    counted = {r["as_of"]: r["count"] for r in kept}
    assert counted[D] == 300 and 200 <= counted[EARLY] <= 270


@pytest.mark.parametrize("people", [0, 1, 2])
def test_with_and_without_an_odd_listener_all_that_is_known_of_the_need_is_equal(
    spark: SparkSession, people: int
) -> None:
    """Two people, fewer than k = 3, ask "helo", one of them in another way: every feature of the need is as if nobody had."""
    odd = [("helo", "x", D - timedelta(days=2), 5, 4), ("hey there", "x", D - timedelta(days=1), 2, 2)][:people]
    others = ("hello", "x", D - timedelta(days=3), 9, 5)
    mapped = leads(spark, ("en", "helo", "helo"), ("en", "hey there", "helo"), ("en", "hello", "hello"))
    asked = [("en-US", "hello", user) for user in "abcd"] + [
        ("en-US", query, f"odd{i}") for i, (query, *_) in enumerate(odd)
    ]
    kept = engaged_wordings(mapped, sketches(spark, *asked), 3, 0.0, D)
    assert needs_of(kept) == {("hello", "hello")}

    def of_need(daily: DataFrame) -> list[tuple[object, ...]]:
        wanted = ["engagement", "need_impressions_log1p_28d", "need_long_play_rate_28d", "coec_raw", "long_play_trend"]
        with feature_frames(inputs(spark, daily, [(D, "en-US", "helo", "x")], kept), wanted) as frames:
            return [tuple(r) for grain in ("need_track", "need") for r in frames[grain].collect()]

    assert of_need(days(spark, others, *odd)) == of_need(days(spark, others))
