"""How steadily a track's long plays came, on rows one can read."""

from __future__ import annotations

from datetime import timedelta

import pytest
from pyspark.sql import SparkSession

from features.build.engine import feature_frames
from tests.features.test_point_in_time import D, days, inputs


@pytest.mark.parametrize(
    ("long_plays_by_age", "volatility"),
    [
        ({1: 1}, 83 / 90),  # all of it in the last of 90 days' weeks
        ({1: 7, 8: 21, 29: 62}, 0),  # one a day
        ({40: 5}, 28 / 90),
        ({1: 1, 40: 1}, 1 / 2 - 7 / 90),  # half of it in seven days
        ({91: 5}, None),
    ],
)
def test_what_would_have_to_move_to_other_days(
    spark: SparkSession, long_plays_by_age: dict[int, int], volatility: float | None
) -> None:
    rows = [("hello", "x", D - timedelta(days=age), n, n) for age, n in long_plays_by_age.items()]
    wanted = inputs(spark, days(spark, *rows), [(D, "en-US", "hello", "x")])
    with feature_frames(wanted, ["long_play_volatility"]) as frames:
        [row] = frames["need_track"].collect()
    assert row["long_play_volatility_90d"] == pytest.approx(volatility, abs=2e-9)
