"""Bins of time heard: where a time falls, that packed sums come apart again, and quantiles of known plays."""

from __future__ import annotations

import numpy as np
import pytest
from pyspark.sql import SparkSession
from pyspark.sql import functions as F

from events.dwell import BINS, BOUNDS_MS, CENTRES_S, HIGH, PACKED, bin_of, packed, packed_bins, quantile_s, unpacked


def test_bounds_rise_by_one_factor_from_a_second_to_an_hour() -> None:
    assert (BOUNDS_MS[0], BOUNDS_MS[15], BOUNDS_MS[30], len(BOUNDS_MS)) == (1_000, 60_000, 3_600_000, BINS - 1)
    np.testing.assert_allclose(np.diff(np.log(BOUNDS_MS)), np.log(3_600) / 30, atol=1e-3)
    assert len(CENTRES_S) == BINS and list(CENTRES_S) == sorted(CENTRES_S)


@pytest.mark.parametrize(
    ("dwell_ms", "expected"),
    [
        (0, 0),
        (999, 0),
        (1_000, 1),
        (59_999, 15),
        (60_000, 16),
        (3_599_999, 30),
        (3_600_000, 31),
        (10**9, 31),
    ],
)
def test_a_time_falls_into_its_bin(spark: SparkSession, dwell_ms: int, expected: int) -> None:
    row = spark.range(1).select(bin_of(F.lit(dwell_ms)).alias("bin")).first()
    assert row is not None and row["bin"] == expected


def test_sums_of_packed_bins_come_apart_again(spark: SparkSession) -> None:
    bins = [0, 0, 1, 5, 31, None] * 3 + [30]
    frame = spark.createDataFrame([(b,) for b in bins], "bin int")
    sums = frame.select(*[c.alias(n) for n, c in packed_bins(F.col("bin")).items()]).agg(
        *[F.sum(n).alias(n) for n in PACKED]
    )
    counts = sums.select(F.array(*unpacked([F.col(n) for n in PACKED])).alias("counts"))
    again = counts.select("counts", *[c.alias(n) for n, c in packed(F.col("counts")).items()]).first()
    assert again is not None and again["counts"] == [bins.count(i) for i in range(BINS)]
    assert again["dwell_00"] == 6 + 3 * HIGH


@pytest.mark.parametrize(
    ("bins", "percent", "expected"),
    [
        ([3], 50, CENTRES_S[3]),
        ([3], 90, CENTRES_S[3]),
        ([0, 0, 7, 31], 50, CENTRES_S[0]),
        ([0, 7, 7, 31], 50, CENTRES_S[7]),
        ([0] * 9 + [31], 90, CENTRES_S[0]),
        ([0] * 8 + [31] * 2, 90, 3_600.0),
        ([], 50, None),
    ],
)
def test_a_quantile_is_the_centre_of_the_first_bin_that_so_many_reach(
    spark: SparkSession, bins: list[int], percent: int, expected: float | None
) -> None:
    counts = F.array(*[F.lit(bins.count(i)).cast("bigint") for i in range(BINS)])
    row = spark.range(1).select(quantile_s(list(packed(counts).values()), percent).alias("s")).first()
    assert row is not None and row["s"] == expected
