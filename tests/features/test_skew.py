"""Skewed traffic: a need that a hundred thousand tracks were shown for, beside one with a fifth of all impressions."""

from __future__ import annotations

import math
from datetime import date

import pytest
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from events.engagement import SUMS
from features.build.engine import feature_frames
from features.build.inputs import FeatureInputs
from lake.schema import struct
from lake.tables.daily import DAILY_ENGAGEMENT
from lake.tables.logs import TRACKS
from lake.tables.nightly import EXPOSURE_CURVES, NEEDS
from tests.features.rows import AS_OF, as_said, filled

# HEAD: the head need's impressions, a fifth of all; the other need shows the other tracks once each
TRACK_COUNT, HEAD = 125_000, 25_000


@pytest.fixture(scope="module")
def built(spark: SparkSession) -> dict[str, DataFrame]:
    """Features of three pairs: two of the wide need, one of the head need; each impression is a long play."""
    ids = spark.range(TRACK_COUNT).select(F.concat(F.lit("t"), F.col("id").cast("string")).alias("track_id"))
    tracks = filled(
        ids,
        TRACKS,
        track_id=F.col("track_id"),
        title_normal=F.col("track_id"),
        artists_normal=F.array(F.lit("a")),
        work_id=F.lit(None),
    )
    one = [F.lit(1).cast("bigint") if i == 0 else F.lit(0).cast("bigint") for i in range(11)]
    counts = {m: F.lit(0) for m in SUMS} | {"impressions": F.lit(1), "plays": F.lit(1), "long_plays": F.lit(1)}
    same = {
        "search_date": F.lit(date(2026, 2, 20)),
        "locale": F.lit("en-US"),
        "client": F.lit("alexa"),
        "impressions_by_position": F.array(*one),
        "long_plays_by_position": F.array(*one),
        "plays_by_dwell": F.array(*[F.lit(0)] * 32),
    }
    wide = filled(
        ids.limit(TRACK_COUNT - HEAD),
        DAILY_ENGAGEMENT,
        query=F.lit("anything"),
        track_id=F.col("track_id"),
        **counts,
        **same,
    )
    heavy = counts | {m: F.lit(HEAD) for m in ("impressions", "plays", "long_plays")}
    head = filled(
        ids.where("track_id = 't7'"),
        DAILY_ENGAGEMENT,
        query=F.lit("hello"),
        track_id=F.col("track_id"),
        **heavy,
        **same,
    )
    asked = spark.createDataFrame([("anything",), ("hello",)], "need string")
    needs = filled(
        asked, NEEDS, need=F.col("need"), broader=F.col("need"), intent_group=F.lit("open"), text=F.col("need")
    )
    curves = spark.createDataFrame([], struct(EXPOSURE_CURVES))
    pairs = spark.createDataFrame(
        [(AS_OF, "en-US", "anything", "t7"), (AS_OF, "en-US", "anything", "t8"), (AS_OF, "en-US", "hello", "t7")],
        "as_of date, locale string, need string, track_id string",
    )
    daily = wide.unionByName(head)
    inputs = FeatureInputs(pairs, daily, needs, as_said(daily, AS_OF), tracks, curves, (AS_OF,))
    wanted = [
        "play_share",
        "need_impressions_log1p_28d",
        "need_play_entropy",
        "need_top_track_share",
        "track_long_plays_log1p_28d",
    ]
    with feature_frames(inputs, wanted) as frames:
        return {g: f.toPandas() for g, f in frames.items()}  # type: ignore[misc]


def test_every_impression_counts_once(built) -> None:  # type: ignore[no-untyped-def]
    wide_tracks = TRACK_COUNT - HEAD
    by_need = built["need"].set_index("need")
    assert by_need.loc["anything", "need_impressions_log1p_28d"] == pytest.approx(math.log1p(wide_tracks))
    assert by_need.loc["hello", "need_impressions_log1p_28d"] == pytest.approx(math.log1p(HEAD))
    assert by_need.loc["anything", "need_play_entropy_28d"] == pytest.approx(math.log2(wide_tracks))
    assert by_need.loc["hello", "need_play_entropy_28d"] == 0 and by_need.loc["hello", "need_top_track_share_28d"] == 1
    shares = built["need_track"].set_index(["need", "track_id"])["play_share_28d"]
    assert shares.loc[("hello", "t7")] == 1 and shares.loc[("anything", "t8")] == pytest.approx(
        1 / wide_tracks, abs=1e-9
    )
    plays = built["track"].set_index("track_id")["track_long_plays_log1p_28d"]
    assert plays.loc["t8"] == pytest.approx(math.log1p(1)) and plays.loc["t7"] == pytest.approx(math.log1p(HEAD + 1))
