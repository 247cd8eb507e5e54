"""What a snapshot may know: days inside its windows, and clusters that its own time could know."""

from __future__ import annotations

import math
import re
from datetime import date, timedelta

import pytest
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from events.engagement import SUMS
from events.tiles import ALL_TIME
from features.build.engine import asked_sums, feature_frames
from features.build.inputs import FeatureInputs
from features.catalogue import columns
from lake.schema import struct
from lake.tables.daily import DAILY_ENGAGEMENT
from lake.tables.logs import TRACKS
from lake.tables.nightly import EXPOSURE_CURVES, QUERIES
from night.snapshots import training_pairs
from tests.features.rows import filled

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
    spark: SparkSession, daily: DataFrame, pairs: list[tuple[date, str, str, str]], aliases_of: date | None
) -> FeatureInputs:
    """Two wordings, helo and hello: one alias cluster as mined, two by their texts."""
    asked = spark.createDataFrame(
        [(p, q) for p in ("en-US", "en") for q in ("helo", "hello")], "locale string, query string"
    )
    queries = filled(
        asked,
        QUERIES,
        locale=F.col("locale"),
        query=F.col("query"),
        language=F.lit("en"),
        cluster_id=F.lit("mined"),
        text_cluster_id=F.col("query"),
        intent_group=F.lit("open"),
        stripped=F.col("query"),
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
    frame = spark.createDataFrame(pairs, "as_of date, locale string, query string, track_id string")
    curves = spark.createDataFrame([], struct(EXPOSURE_CURVES))
    return FeatureInputs(
        frame, daily, queries, tracks, curves, tuple(sorted({p[0] for p in pairs})), aliases_of=aliases_of
    )


@pytest.mark.parametrize("aliases_of", [None, D])
def test_an_alias_that_was_mined_tonight_counts_tonight_and_for_no_older_snapshot(
    spark: SparkSession, aliases_of: date | None
) -> None:
    daily = days(spark, ("hello", "x", T - timedelta(days=2), 4, 3), ("helo", "x", T - timedelta(days=2), 1, 0))
    pairs = [(day, "en-US", "helo", "x") for day in (T, D)]
    with feature_frames(inputs(spark, daily, pairs, aliases_of), ["cluster_long_play_rate"]) as frames:
        found = {r["as_of"]: r["cluster_long_play_rate_28d"] for r in frames["query_track"].collect()}
    assert found == {T: 0.6 if aliases_of is None else 0.0, D: 0.6}


def test_a_window_holds_its_last_day_and_not_the_one_before(spark: SparkSession) -> None:
    ages = (1, 2, 7, 8, 28, 29, 90, 91)
    daily = days(spark, *[("hello", "x", D - timedelta(days=a), 10**i, 0) for i, a in enumerate(ages)])
    with feature_frames(inputs(spark, daily, [(D, "en-US", "hello", "x")], None), ["impressions_log1p"]) as frames:
        [row] = frames["query_track"].collect()
    for window in (1, 7, 28, 90):
        held = sum(10**i for i, a in enumerate(ages) if a <= window)
        assert row[f"impressions_log1p_{window}d"] == pytest.approx(math.log1p(held), abs=1e-9), window


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
    head = spark.createDataFrame([("en-US", "hello"), ("en", "hello")], "locale string, query string")
    tracks = spark.createDataFrame([("x",), ("y",), ("z",)], "track_id string")
    found = training_pairs(daily, head, tracks, T, 7).collect()
    assert sorted(tuple(r) for r in found) == sorted((T, p, "hello", t) for p in ("en", "en-US") for t in ("x", "y"))
