"""Fixed log-spaced bins: the same on every night, machine and partitioning, so that counts of nights can be added."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np

PER_DECADE = 10  # a bin's edges are 26 % apart, its geometric middle at most 12.2 % from any value in it
SMALLEST, LARGEST = -6, 12  # decades; what is nearer to 0 or farther from it falls in the outermost bin


def bin_numbers(finite: np.ndarray[Any, Any]) -> dict[int, int]:
    """Count of values per bin: 0 holds zero, ±b holds ±[10^(-6 + (b-1)/10), 10^(-6 + b/10)); empty bins left out.

    Why not a quantile sketch: Spark's KLL gives another sketch on every run of the same frame.
    """
    import numpy as np

    outermost = (LARGEST - SMALLEST) * PER_DECADE + 1
    with np.errstate(divide="ignore"):
        decades = np.clip(np.log10(np.abs(finite)), SMALLEST, LARGEST)
    place = np.floor((decades - SMALLEST) * PER_DECADE).astype(np.int64) + 1
    place[finite < 0] *= -1
    place[finite == 0] = 0
    counts = np.bincount(place + outermost)  # ten times faster than sorting for np.unique
    return {int(k) - outermost: int(counts[k]) for k in np.flatnonzero(counts)}


def middle(place: int) -> float:
    """Geometric middle of a bin (0 for the bin of zero)."""
    if place == 0:
        return 0.0
    size: float = 10.0 ** (SMALLEST + (abs(place) - 0.5) / PER_DECADE)
    return size if place > 0 else -size


def quantile(bins: Mapping[int, int], share: float) -> float:
    """Middle of the bin that holds the value of rank ⌈share·n⌉ (type 1 of Hyndman & Fan 1996); NaN without values."""
    import math

    total = sum(bins.values())
    wanted, seen = max(1, math.ceil(share * total)), 0
    for place in sorted(bins):
        seen += bins[place]
        if seen >= wanted:
            return middle(place)
    return float("nan")
