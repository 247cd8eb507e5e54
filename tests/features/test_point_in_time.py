"""What a snapshot may know: days inside its windows, and needs that its own time could know."""

from __future__ import annotations

import math
import re
from dataclasses import replace
from datetime import date, timedelta

import pytest
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from events.engagement import SUMS
from events.tiles import ALL_TIME
from features.build.engine import asked_sums, feature_frames
from features.build.inputs import FeatureInputs
from features.catalogue import columns
from features.measures import CHAIN
from lake.schema import struct
from lake.tables.daily import DAILY_ENGAGEMENT
from lake.tables.logs import TRACKS
from lake.tables.nightly import EXPOSURE_CURVES, NEEDS
from night.snapshots import training_pairs
from tests.features.rows import as_said, filled

D = date(2026, 3, 31)
T = D - timedelta(days=9)
TREND_LIKE = {
    "moved",
    "trend",
    "lift",
    "shift",
    "against",
    "volatility",
}  # their columns compare with another span on purpose


def days(spark: SparkSession, *rows: tuple[str, str, date, int, int]) -> DataFrame:
    """(query, track, day, impressions, long plays), asked on voice in en-US."""
    frame = spark.createDataFrame(list(rows), "query string, track_id string, search_date date, n bigint, l bigint")
    cells = F.array(F.col("n"), *[F.lit(0).cast("bigint")] * 10)
    counts = {m: F.lit(0) for m in SUMS} | {"impressions": F.col("n"), "plays": F.col("n"), "long_plays": F.col("l")}
    return filled(
        frame,
        DAILY_ENGAGEMENT,
        search_date=F.col("search_date"),
        locale=F.lit("en-US"),
        query=F.col("query"),
        client=F.lit("alexa"),
        track_id=F.col("track_id"),
        impressions_by_position=cells,
        plays_by_dwell=F.array(*[F.lit(0)] * 32),
        **counts,
    )


def inputs(
    spark: SparkSession, daily: DataFrame, pairs: list[tuple[date, str, str, str]], wordings: DataFrame | None = None
) -> FeatureInputs:
    """Two needs, helo and hello, with one broader need; every wording leads to the need of its name unless `wordings` says otherwise."""
    asked = spark.createDataFrame([("helo",), ("hello",)], "need string")
    needs = filled(
        asked, NEEDS, need=F.col("need"), broader=F.lit("greeting"), intent_group=F.lit("open"), text=F.col("need")
    )
    ids = spark.createDataFrame([("x",)], "track_id string")
    tracks = filled(
        ids,
        TRACKS,
        track_id=F.col("track_id"),
        title_normal=F.col("track_id"),
        artists_normal=F.array(F.lit("a")),
        work_id=F.lit(None),
    )
    frame = spark.createDataFrame(pairs, "as_of date, locale string, need string, track_id string")
    curves = spark.createDataFrame([], struct(EXPOSURE_CURVES))
    dates = tuple(sorted({p[0] for p in pairs}))
    leads = as_said(daily, *dates) if wordings is None else wordings
    return FeatureInputs(frame, daily, needs, leads, tracks, curves, dates)


def test_a_wording_counts_for_the_need_that_its_snapshot_knew(spark: SparkSession) -> None:
    daily = days(spark, ("hello", "x", T - timedelta(days=2), 4, 3), ("helo", "x", T - timedelta(days=2), 1, 0))
    pairs = [(day, "en-US", "helo", "x") for day in (T, D)]
    rows = [
        (T, "en", "hello", "hello"),
        (T, "en", "helo", "helo"),
        (D, "en", "hello", "helo"),
        (D, "en", "helo", "helo"),
    ]
    wordings = spark.createDataFrame(rows, "as_of date, language string, query string, need string")
    wanted = ["long_play_rate_28d", "impressions_log1p_28d", "broader_long_play_rate"]
    with feature_frames(inputs(spark, daily, pairs, wordings), wanted) as frames:
        rates = {r["as_of"]: r for r in frames["need_track"].collect()}
    assert {d: r["long_play_rate_28d"] for d, r in rates.items()} == {T: 0.0, D: 0.6}
    assert {d: r["broader_long_play_rate_28d"] for d, r in rates.items()} == {T: 0.6, D: 0.6}


def test_the_plays_of_a_cold_need_count_for_their_track_alone(spark: SparkSession) -> None:
    daily = days(spark, ("hello", "x", D - timedelta(days=2), 4, 3))
    nothing = spark.createDataFrame([], "as_of date, language string, query string, need string")
    wanted = ["impressions_log1p_28d", "need_impressions_log1p_28d", "track_impressions_log1p_28d", "coec_28d"]
    with feature_frames(inputs(spark, daily, [(D, "en-US", "hello", "x")], nothing), wanted) as frames:
        [pair], [need], tracks = (frames[g].collect() for g in ("need_track", "need", "track"))
    assert pair["impressions_log1p_28d"] == 0 and need["need_impressions_log1p_28d"] == 0
    assert [t["track_impressions_log1p_28d"] for t in tracks] == [pytest.approx(math.log1p(4))]


def test_a_window_holds_its_last_day_and_not_the_one_before(spark: SparkSession) -> None:
    ages = (1, 2, 7, 8, 28, 29, 90, 91)
    daily = days(spark, *[("hello", "x", D - timedelta(days=a), 10**i, 0) for i, a in enumerate(ages)])
    with feature_frames(inputs(spark, daily, [(D, "en-US", "hello", "x")]), ["impressions_log1p"]) as frames:
        [row] = frames["need_track"].collect()
    for window in (1, 7, 28, 90):
        held = sum(10**i for i, a in enumerate(ages) if a <= window)
        assert row[f"impressions_log1p_{window}d"] == pytest.approx(math.log1p(held), abs=1e-9), window


def test_the_snapshots_own_day_and_later_ones_count_in_no_window(spark: SparkSession) -> None:
    ages = (2, 0, -1, -3, -30)
    daily = days(spark, *[("hello", "x", D - timedelta(days=a), 10**i, 0) for i, a in enumerate(ages)])
    wanted = ["impressions_log1p", "track_impressions_log1p_28d"]
    with feature_frames(inputs(spark, daily, [(D, "en-US", "hello", "x")]), wanted) as frames:
        [row], [track] = (frames[g].collect() for g in ("need_track", "track"))
    for window in (7, 28, 90):
        assert row[f"impressions_log1p_{window}d"] == pytest.approx(math.log1p(1), abs=1e-9), window
    assert track["track_impressions_log1p_28d"] == pytest.approx(math.log1p(1), abs=1e-9)


def test_each_snapshot_reads_its_own_curve_and_its_own_strengths(spark: SparkSession) -> None:
    """Ten impressions and three long plays, in the windows of both snapshots; T expects .2 a rank, D .6, a week later .9."""
    daily = days(spark, ("hello", "x", T - timedelta(days=2), 10, 3))
    given = inputs(spark, daily, [(day, "en-US", "hello", "x") for day in (T, D)])
    rates = {T: 0.2, D: 0.6, T + timedelta(days=7): 0.9, D + timedelta(days=7): 0.9}
    rows = [(day, p, rate) for day, rate in rates.items() for p in range(1, 12)]
    frame = spark.createDataFrame(rows, "run_date date, position int, expected_rate double")
    columns_of = {n: F.col(n) for n in ("run_date", "position", "expected_rate")}
    curves = filled(frame, EXPOSURE_CURVES, client=F.lit("alexa"), intent_group=F.lit("open"), **columns_of)
    strengths = {T: dict.fromkeys(CHAIN, 1.0), D: dict.fromkeys(CHAIN, 4.0)}
    with feature_frames(replace(given, curves=curves, strengths=strengths), ["coec_raw", "coec_28d"]) as frames:
        found = {r["as_of"]: r for r in frames["need_track"].collect()}
    assert {d: r["coec_raw_28d"] for d, r in found.items()} == {T: pytest.approx(3 / 2), D: pytest.approx(3 / 6)}
    for day, expected in ((T, 2.0), (D, 6.0)):
        rate, k = 1.0, strengths[day]["pair"]
        for _ in range(4):  # every level of the chain sees the same impressions
            rate = (3 + k * rate) / (expected + k)
        assert found[day]["coec_28d"] == pytest.approx(rate, abs=1e-8), day


def test_the_last_part_of_a_column_is_the_span_that_it_sums(spark: SparkSession) -> None:
    told = 0
    for column in columns():
        if column.days is None or TREND_LIKE & set(column.name.split("_")):
            continue
        spans = {s.days for s in asked_sums([column])[0] if s.days}
        assert spans in ({column.days}, set()), column.name
        named = "all" if column.days == ALL_TIME else f"{column.days}d"
        assert re.search(rf"_{named}$", column.name), column.name
        told += 1
    assert told > 80


def test_training_pairs_are_of_the_head_and_the_catalog_and_of_the_label_days(spark: SparkSession) -> None:
    daily = days(
        spark,
        ("hello", "x", T, 1, 0),
        ("hello", "y", T, 1, 0),
        ("hello", "gone", T, 1, 0),
        ("tail", "x", T, 1, 0),
        ("hello", "z", T - timedelta(days=1), 1, 0),
        ("hello", "z", T + timedelta(days=7), 1, 0),
    )
    head = spark.createDataFrame([("en-US", "hello"), ("en", "hello")], "locale string, need string")
    tracks = spark.createDataFrame([("x",), ("y",), ("z",)], "track_id string")
    found = training_pairs(daily, as_said(daily, T), head, tracks, T, 7).collect()
    assert sorted(tuple(r) for r in found) == sorted((T, p, "hello", t) for p in ("en", "en-US") for t in ("x", "y"))
