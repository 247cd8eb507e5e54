"""How long plays were heard, in 32 fixed bins: counts of bins add up over any days and keys, and quantiles follow from them.

Bin 0 is under a second, bin 31 an hour and more, and between them the bounds grow by the same factor, so that a quantile errs by
a factor of at most 1.15 either way.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise

from pyspark.sql import Column
from pyspark.sql import functions as F

BINS = 32
# a second to an hour; bin k holds what reaches k of them (whole milliseconds: 60,000, and not what a power errs by)
BOUNDS_MS = tuple(math.ceil(round(1_000 * 3_600 ** (i / (BINS - 2)), 6)) for i in range(BINS - 1))
# what a bin stands for, in seconds: half the first bound, the geometric middle of two, the last bound
CENTRES_S = (
    0.5,
    *[round((low * high) ** 0.5 / 1_000, 3) for low, high in pairwise(BOUNDS_MS)],
    3_600.0,
)
HIGH = 1 << 32  # two bins share a bigint while they are summed: the second is counted in these
PACKED = tuple(f"dwell_{i:02d}" for i in range(BINS // 2))


def bin_of(dwell_ms: Column) -> Column:
    """The bin (0–31) of a time heard."""
    return _added([(dwell_ms >= bound).cast("int") for bound in BOUNDS_MS])


def packed_bins(bins: Column) -> dict[str, Column]:
    """Of a bin: 1 or HIGH in the one of PACKED that holds it, 0 in the others; 0 everywhere for null."""
    return {
        name: F.when(bins == 2 * i, F.lit(1)).when(bins == 2 * i + 1, F.lit(HIGH)).otherwise(F.lit(0)).cast("bigint")
        for i, name in enumerate(PACKED)
    }


def packed(counts: Column) -> dict[str, Column]:
    """Of an array of BINS counts: the same, two by two."""
    return {name: counts[2 * i] + counts[2 * i + 1] * HIGH for i, name in enumerate(PACKED)}


def unpacked(sums: Sequence[Column]) -> list[Column]:
    """The BINS counts of sums in the order of PACKED; a count is below 2^31."""
    return [part for s in sums for part in (F.pmod(s, F.lit(HIGH)), F.shiftright(s, 32))]


def counted(sums: Sequence[Column]) -> Column:
    """How many plays sums in the order of PACKED hold: those of which a time heard was told."""
    return _added(unpacked(sums))


def quantile_s(sums: Sequence[Column], percent: int) -> Column:
    """The `percent` quantile, in seconds, of sums in the order of PACKED: the centre of the first bin up to which so many lie.

    Null where no time heard was told.
    """
    counts = F.array(*unpacked(sums))
    total = counted(sums)
    # the goal goes along, so that it is added up once a row and not once a bin
    start = F.struct(F.lit(0).cast("bigint").alias("met"), F.lit(1).alias("at"), (total * percent).alias("goal"))

    def step(so_far: Column, n: Column) -> Column:
        met, goal = so_far["met"] + n, so_far["goal"]
        return F.struct(
            met.alias("met"), (so_far["at"] + (met * 100 < goal).cast("int")).alias("at"), goal.alias("goal")
        )

    found = F.aggregate(counts, start, step)["at"]
    return F.when(total > 0, F.element_at(F.array(*[F.lit(c) for c in CENTRES_S]), found))


def _added(columns: Sequence[Column]) -> Column:
    whole = columns[0]
    for column in columns[1:]:
        whole = whole + column
    return whole
