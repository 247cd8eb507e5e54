"""Fixed log-spaced bins: equal on every night, machine and partitioning, so that the counts of several nights can be added."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np

# a bin's upper edge is 26 % above its lower; its geometric middle is at most 12.2 % from any value in it
PER_DECADE = 10
SMALLEST, LARGEST = -6, 12  # decades; smaller and larger magnitudes fall into the outermost bins


def bin_numbers(finite: np.ndarray[Any, Any]) -> dict[int, int]:
    """Bin number -> count of values, without empty bins: bin 0 holds zero, bin ±b holds ±[10^(-6 + (b-1)/10), 10^(-6 + b/10)).

    A quantile sketch is not used, because Spark's KLL sketch differs between two runs over the same frame.
    """
    import numpy as np

    outermost = (LARGEST - SMALLEST) * PER_DECADE + 1
    with np.errstate(divide="ignore"):
        decades = np.clip(np.log10(np.abs(finite)), SMALLEST, LARGEST)
    place = np.floor((decades - SMALLEST) * PER_DECADE).astype(np.int64) + 1
    place[finite < 0] *= -1
    place[finite == 0] = 0
    counts = np.bincount(place + outermost)  # ten times faster than np.unique, which sorts
    return {int(k) - outermost: int(counts[k]) for k in np.flatnonzero(counts)}


def middle(place: int) -> float:
    """Geometric middle of the bin with number `place`; 0 for the bin of zero."""
    if place == 0:
        return 0.0
    size: float = 10.0 ** (SMALLEST + (abs(place) - 0.5) / PER_DECADE)
    return size if place > 0 else -size


def quantile(bins: Mapping[int, int], share: float) -> float:
    """Middle of the bin with the value of rank ⌈share·n⌉ (type 1 of Hyndman & Fan 1996); NaN without values.

    Args:
        bins: Bin number -> count of values.
        share: The quantile's share of all values, 0 … 1.
    """
    import math

    total = sum(bins.values())
    wanted, seen = max(1, math.ceil(share * total)), 0
    for place in sorted(bins):
        seen += bins[place]
        if seen >= wanted:
            return middle(place)
    return float("nan")
