"""What the benchmark measures: a value with its 95 % interval and how many requests stand behind it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from math import sqrt

RESAMPLES = 1000
_SEED = 5
_Z = 1.959964


@dataclass(frozen=True)
class Figure:
    """One measured value. `arm`: who was measured; `count`: what it was measured on ("69 requests, 44 slots")."""

    family: str
    language: str
    measure: str
    arm: str
    value: float
    low: float | None = None
    high: float | None = None
    count: str = ""
    unit: str = "share"

    @property
    def key(self) -> str:
        """`<family>.<language>.<measure>.<arm>`."""
        return ".".join(part for part in (self.family, self.language, self.measure, self.arm) if part)


def as_json(figures: Iterable[Figure]) -> dict[str, float | str]:
    """Flat dotted keys: the value, and under `.low`, `.high`, `.count` its interval and what it was measured on."""
    written: dict[str, float | str] = {}
    for one in figures:
        written[one.key] = round(one.value, 6)
        if one.low is not None and one.high is not None:
            written |= {f"{one.key}.low": round(one.low, 6), f"{one.key}.high": round(one.high, 6)}
        if one.count:
            written[f"{one.key}.count"] = one.count
    return written


def f1(found: float, predicted: float, wanted: float) -> float:
    """Harmonic mean of precision and recall; 0 where nothing is found, 1 where nothing is wanted nor predicted."""
    return 2 * found / (predicted + wanted) if predicted + wanted else 1.0


def f1_interval(tallies: Sequence[tuple[int, int, int]]) -> tuple[float, float]:
    """95 % percentile interval of the micro F1 over requests: 1000 bootstrap resamples, fixed seed.

    `tallies`: (found, predicted, wanted) of each request. Equal requests are drawn together (a multinomial over the distinct
    ones is the same bootstrap). Source: Efron & Tibshirani 1993, section 13.3.
    """
    import numpy as np

    if not tallies:
        return 0.0, 0.0
    distinct = sorted(Counter(tallies).items())
    rows = np.array([tally for tally, _ in distinct], np.float64)
    counts = np.array([count for _, count in distinct], np.float64)
    drawn = np.random.default_rng(_SEED).multinomial(len(tallies), counts / counts.sum(), RESAMPLES)
    found, predicted, wanted = (drawn @ rows).T
    both = predicted + wanted
    scores = np.where(both > 0, 2 * found / np.where(both > 0, both, 1), 1.0)
    low, high = np.percentile(scores, [2.5, 97.5])
    return float(low), float(high)


def share_interval(hits: int, of: int) -> tuple[float, float]:
    """95 % interval of a share. Source: Wilson 1927."""
    if not of:
        return 0.0, 1.0
    share, spread = hits / of, _Z * _Z / of
    middle = (share + spread / 2) / (1 + spread)
    half = _Z * sqrt(share * (1 - share) / of + spread / (4 * of)) / (1 + spread)
    return max(0.0, middle - half), min(1.0, middle + half)


def share(family: str, language: str, measure: str, arm: str, hits: int, of: int, what: str) -> Figure:
    """A share with its Wilson interval."""
    low, high = share_interval(hits, of)
    return Figure(family, language, measure, arm, hits / of if of else 0.0, low, high, f"{hits:,} of {of:,} {what}")
