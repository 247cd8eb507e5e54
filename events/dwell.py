"""Histograms of dwell, the time that a play was heard, in 32 fixed bins.

The counts of a bin can be summed over any days and keys, and quantiles are computed from the sums. Bin 0 is under a second, bin
31 an hour and more. Between them the bounds grow by a constant factor, so a quantile is wrong by a factor of at most 1.15.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise

from pyspark.sql import Column
from pyspark.sql import functions as F

BINS = 32
# from a second to an hour; bin k holds the times that reach exactly k bounds
# rounded before `ceil`, so that the floating-point error of a power does not raise a bound that is a whole number, such as 60,000
BOUNDS_MS = tuple(math.ceil(round(1_000 * 3_600 ** (i / (BINS - 2)), 6)) for i in range(BINS - 1))
# the time that represents a bin, in seconds: half the first bound, the geometric mean of two bounds, the last bound
CENTRES_S = (
    0.5,
    *[round((low * high) ** 0.5 / 1_000, 3) for low, high in pairwise(BOUNDS_MS)],
    3_600.0,
)
HIGH = 1 << 32  # two bins share a bigint while they are summed: the second bin's count is multiplied by this
PACKED = tuple(f"dwell_{i:02d}" for i in range(BINS // 2))


def bin_of(dwell_ms: Column) -> Column:
    """The bin (0–31) of a dwell in milliseconds."""
    return _sum([(dwell_ms >= bound).cast("int") for bound in BOUNDS_MS])


def packed_bins(bins: Column) -> dict[str, Column]:
    """The columns PACKED of one play in the bin `bins`: 1 or HIGH in the column that holds the bin, 0 in the others.

    A null bin, of a play without a dwell, gives 0 in all columns.
    """
    return {
        name: F.when(bins == 2 * i, F.lit(1)).when(bins == 2 * i + 1, F.lit(HIGH)).otherwise(F.lit(0)).cast("bigint")
        for i, name in enumerate(PACKED)
    }


def packed(counts: Column) -> dict[str, Column]:
    """The columns PACKED of an array of BINS counts: two counts in each."""
    return {name: counts[2 * i] + counts[2 * i + 1] * HIGH for i, name in enumerate(PACKED)}


def unpacked(sums: Sequence[Column]) -> list[Column]:
    """The BINS counts of sums in the order of PACKED; each count must be below 2^31."""
    return [part for s in sums for part in (F.pmod(s, F.lit(HIGH)), F.shiftright(s, 32))]


def counted(sums: Sequence[Column]) -> Column:
    """The number of plays in sums in the order of PACKED, which are the plays with a reported dwell."""
    return _sum(unpacked(sums))


def quantile_s(sums: Sequence[Column], percent: int) -> Column:
    """The `percent` quantile of the dwell, in seconds; null where no dwell was reported.

    It is the centre of the first bin for which the cumulative count reaches `percent` % of the plays.

    Args:
        sums: Sums in the order of PACKED.
        percent: 0 to 100.
    """
    counts = F.array(*unpacked(sums))
    total = counted(sums)
    # the goal is part of the state, so that it is computed once a row and not once a bin
    start = F.struct(F.lit(0).cast("bigint").alias("cumulative"), F.lit(1).alias("at"), (total * percent).alias("goal"))

    def step(so_far: Column, n: Column) -> Column:
        cumulative, goal = so_far["cumulative"] + n, so_far["goal"]
        at = so_far["at"] + (cumulative * 100 < goal).cast("int")
        return F.struct(cumulative.alias("cumulative"), at.alias("at"), goal.alias("goal"))

    bin_number = F.aggregate(counts, start, step)["at"]  # from 1
    return F.when(total > 0, F.element_at(F.array(*[F.lit(c) for c in CENTRES_S]), bin_number))


def _sum(columns: Sequence[Column]) -> Column:
    whole = columns[0]
    for column in columns[1:]:
        whole = whole + column
    return whole
