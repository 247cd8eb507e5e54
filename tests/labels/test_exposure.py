"""Exposure curves: what swaps of neighbouring ranks say, by hand."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import pandas as pd
import pytest
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from labels.exposure import CELLS, CurveSettings, curves, position_counts
from tests.features.rows import DAILY_BY_NEED, filled
from tests.shipped import CURVES

FREE = replace(CURVES, strength=1e-9)  # nothing is shrunk


def day(spark: SparkSession, *rows: tuple[str, str, str, dict[int, tuple[int, int]]]) -> DataFrame:
    """(client, need, track, {rank: (impressions, clicks or long plays)})."""
    flat = [(c, q, t, *[[at.get(p, (0, 0))[i] for p in range(1, CELLS + 1)] for i in (0, 1)]) for c, q, t, at in rows]
    frame = spark.createDataFrame(flat, "client string, need string, track_id string, n array<bigint>, c array<bigint>")
    columns = {name: F.col(name) for name in ("client", "need", "track_id")}
    return filled(
        frame,
        DAILY_BY_NEED,
        search_date=F.lit(date(2026, 3, 1)),
        locale=F.lit("en-US"),
        impressions_by_position=F.col("n"),
        clicks_by_position=F.col("c"),
        long_plays_by_position=F.col("c"),
        **columns,
    )


def made(spark: SparkSession, daily: DataFrame, settings: CurveSettings = FREE) -> pd.DataFrame:
    needs = spark.createDataFrame([("hello", "known_item")], "need string, intent_group string")
    return (
        curves(position_counts(daily, needs).toPandas(), settings)
        .set_index(["client", "intent_group", "position"])
        .sort_index()
    )


def test_a_track_at_two_ranks_tells_how_much_less_the_lower_one_is_looked_at(spark: SparkSession) -> None:
    """A good track (.8 where seen) stood mostly at rank 1, a bad one (.2) mostly at rank 2: clicks per rank say .8·90+.2·10 : ….

    Rank 2 is looked at half as often. Raw rates are .74 and .13, a ratio of .18; within each track the ratio is .5.
    """
    daily = day(
        spark,
        ("mobile", "hello", "good", {1: (900, 720), 2: (100, 40)}),
        ("mobile", "hello", "bad", {1: (100, 20), 2: (900, 90)}),
    )
    found = made(spark, daily)
    assert found.loc["mobile", "known_item", 1]["propensity"] == 1.0
    assert found.loc["mobile", "known_item", 2]["propensity"] == pytest.approx(0.5, abs=1e-6)
    # expected clicks of the two ranks sum to the actual 870
    rates = found.loc[("mobile", "known_item")]["expected_rate"]
    assert 1000 * rates[1] + 1000 * rates[2] == pytest.approx(870, abs=1e-3)
    assert rates[2] == pytest.approx(rates[1] / 2, abs=1e-6)


def test_all_positions_at_which_a_track_was_shown_count(spark: SparkSession) -> None:
    """A track at ranks 1 and 3 alone tells about rank 3, though no track connects rank 2 with either."""
    found = made(spark, day(spark, ("web", "hello", "a", {1: (100, 60), 3: (300, 45)})))
    assert found.loc["web", "known_item", 3]["propensity"] == pytest.approx((45 / 300) / (60 / 100), abs=1e-6)


def test_a_curve_never_rises(spark: SparkSession) -> None:
    found = made(spark, day(spark, ("web", "hello", "a", {1: (100, 50), 2: (100, 10), 3: (100, 20)})))
    curve = found.loc[("web", "known_item")]["propensity"]
    assert curve[1] == 1.0 and curve[2] == pytest.approx(curve[3]) and 0.2 < curve[2] < 0.4
    assert curve.is_monotonic_decreasing


def test_the_interval_is_that_of_needs_left_out(spark: SparkSession) -> None:
    """One need tells everything here: without it nothing is known, and the interval is wide. Rank 1 is 1 by definition."""
    found = made(spark, day(spark, ("web", "hello", "a", {1: (1000, 500), 2: (1000, 100)})), CURVES)
    row = found.loc["web", "known_item", 2]
    assert row["propensity_low"] < row["propensity"] < row["propensity_high"]
    first = found.loc["web", "known_item", 1]
    assert (first["propensity_low"], first["propensity_high"]) == (1.0, 1.0)


def test_without_any_swap_a_rank_is_looked_at_as_one_over_it(spark: SparkSession) -> None:
    found = made(spark, day(spark, ("mobile", "hello", "a", {1: (10, 5)})), CURVES)
    for rank in (1, 2, 3, 10):
        assert found.loc["web", "broad", rank]["propensity"] == pytest.approx(1 / rank, abs=1e-6)


def test_voice_is_heard_until_the_listener_stops_and_expects_one_rate_at_every_rank(spark: SparkSession) -> None:
    found = made(spark, day(spark, ("alexa", "hello", "a", {1: (100, 60)}), ("alexa", "hello", "b", {2: (40, 10)})))
    assert list(found.loc[("alexa", "known_item")]["propensity"][:3]) == [1.0, 0.4, 0.0]
    rates = found.loc[("alexa", "known_item")]["expected_rate"]
    assert set(rates.round(6)) == {round(70 / 140, 6)}


def test_a_need_that_nobody_has_read_counts_as_open(spark: SparkSession) -> None:
    counts = position_counts(
        day(spark, ("mobile", "never seen", "a", {1: (3, 1)})),
        spark.createDataFrame([("hello", "known_item")], "need string, intent_group string"),
    ).toPandas()
    assert set(counts[counts.impressions > 0].intent_group) == {"open"}


def test_requests_that_lead_to_no_need_are_compared_with_nothing(spark: SparkSession) -> None:
    """Two requests for no music got the same track at other ranks: nothing says that it was as good an answer to both."""
    daily = day(spark, ("mobile", None, "a", {1: (10, 9)}), ("mobile", None, "a", {3: (10, 1)}))
    needs = spark.createDataFrame([("hello", "known_item")], "need string, intent_group string")
    assert position_counts(daily, needs).count() == 0


def test_voice_counts_long_plays_and_screens_count_clicks(spark: SparkSession) -> None:
    """Ten impressions each: one click and seven long plays."""
    daily = day(spark, ("mobile", "hello", "a", {1: (10, 1)}), ("alexa", "hello", "a", {1: (10, 1)}))
    long_plays = F.array(F.lit(7).cast("bigint"), *[F.lit(0).cast("bigint")] * (CELLS - 1))
    needs = spark.createDataFrame([("hello", "known_item")], "need string, intent_group string")
    counts = position_counts(daily.withColumn("long_plays_by_position", long_plays), needs).toPandas()
    assert counts[counts.clicks > 0].set_index("client").clicks.to_dict() == {"mobile": 1, "alexa": 7}


def test_a_track_is_compared_with_itself_for_one_need_alone(spark: SparkSession) -> None:
    """The same track first for one need and second for another: two relevances, and no comparison."""
    daily = day(spark, ("mobile", "hello", "a", {1: (10, 9)}), ("mobile", "bye", "a", {2: (10, 1)}))
    needs = spark.createDataFrame([(n, "known_item") for n in ("hello", "bye")], "need string, intent_group string")
    counts = position_counts(daily, needs).toPandas()
    assert counts.hits.sum() == 0
    assert counts.impressions.sum() == 20


def test_hits_and_their_variance_are_sums_over_tracks(spark: SparkSession) -> None:
    """Of 30 and 10 impressions: 8 clicks at rank 1 are 8·10/40 hits, each click of weight 1/4."""
    daily = day(
        spark, ("mobile", "hello", "a", {1: (30, 8), 2: (10, 4)}), ("mobile", "hello", "b", {1: (5, 2), 2: (5, 1)})
    )
    needs = spark.createDataFrame([("hello", "known_item")], "need string, intent_group string")
    counts = position_counts(daily, needs).toPandas().set_index(["position", "other"])[["hits", "squares"]]
    assert tuple(counts.loc[1, 2]) == pytest.approx((8 / 4 + 2 / 2, 8 / 16 + 2 / 4))
    assert tuple(counts.loc[2, 1]) == pytest.approx((4 * 3 / 4 + 1 / 2, 4 * 9 / 16 + 1 / 4))
