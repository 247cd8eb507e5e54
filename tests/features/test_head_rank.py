"""The rank of a need among all that were asked, wanted or not, on rows one can read."""

from __future__ import annotations

import math
from datetime import timedelta

import pytest
from pyspark.sql import SparkSession
from pyspark.sql import functions as F

from features.build.engine import feature_frames
from tests.features.test_point_in_time import D, days, inputs


def test_as_many_as_had_more_impressions_at_the_same_place(spark: SparkSession) -> None:
    yesterday, out = D - timedelta(days=1), D - timedelta(days=29)
    us = days(
        spark,
        ("song", "y", yesterday, 9, 0),
        ("hello", "x", yesterday, 5, 0),
        ("hello", "y", D - timedelta(days=28), 3, 0),  # 8 over tracks and days
        ("tune", "x", yesterday, 8, 0),  # as many
        ("helo", "x", yesterday, 4, 0),
        ("past", "x", out, 100, 0),
        ("next", "x", D, 100, 0),  # neither counts
    )
    gb = days(spark, ("helo", "x", yesterday, 7, 0)).withColumn("locale", F.lit("en-GB"))
    pairs = [(D, place, need, "x") for place in ("en-US", "en") for need in ("hello", "helo")]
    with feature_frames(inputs(spark, us.union(gb), pairs), ["need_head_rank_log1p"]) as frames:
        found = {(r["locale"], r["need"]): r["need_head_rank_log1p_28d"] for r in frames["need"].collect()}
    ahead = {("en-US", "hello"): 1, ("en-US", "helo"): 3, ("en", "helo"): 0, ("en", "hello"): 2}
    assert found == {key: pytest.approx(math.log1p(n), abs=1e-9) for key, n in ahead.items()}


def test_a_need_that_nobody_was_answered_has_no_rank(spark: SparkSession) -> None:
    daily = days(spark, ("song", "y", D - timedelta(days=1), 9, 0))
    with feature_frames(inputs(spark, daily, [(D, "en", "helo", "x")]), ["need_head_rank_log1p"]) as frames:
        [row] = frames["need"].collect()
    assert row["need_head_rank_log1p_28d"] is None
