"""The mean time heard is of the plays that told one."""

from __future__ import annotations

from datetime import timedelta

import pytest
from pyspark.sql import SparkSession
from pyspark.sql import functions as F

from features.build.engine import feature_frames
from tests.features.test_point_in_time import D, days, inputs


@pytest.mark.parametrize(("timed", "ms", "mean_s"), [(1, 60_000, 60.0), (2, 60_000, 30.0), (0, 0, None)])
def test_a_play_that_tells_no_time_has_no_part_in_the_mean(
    spark: SparkSession, timed: int, ms: int, mean_s: float | None
) -> None:
    bins = F.array(*[F.lit(timed if i == 16 else 0).cast("bigint") for i in range(32)])
    daily = days(spark, ("hello", "x", D - timedelta(days=2), 4, 0))
    daily = daily.withColumns({"dwell_ms": F.lit(ms).cast("bigint"), "plays_by_dwell": bins})
    with feature_frames(inputs(spark, daily, [(D, "en-US", "hello", "x")]), ["dwell_per_play_s"]) as frames:
        [row] = frames["need_track"].collect()
    assert row["dwell_per_play_s_28d"] == mean_s
