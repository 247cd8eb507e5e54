"""The measured values of the understanding benchmark, with 95 % intervals and what they were measured on."""

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
    """One measured value. `arm`: the method that was measured; `count`: what it was measured on ("69 requests, 44 slots")."""

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
    """The figures by dotted key: each value, and under `.low`, `.high` and `.count` its interval and what it was measured on."""
    written: dict[str, float | str] = {}
    for one in figures:
        written[one.key] = round(one.value, 6)
        if one.low is not None and one.high is not None:
            written |= {f"{one.key}.low": round(one.low, 6), f"{one.key}.high": round(one.high, 6)}
        if one.count:
            written[f"{one.key}.count"] = one.count
    return written


def f1(correct: float, predicted: float, wanted: float) -> float:
    """F1, the harmonic mean of precision and recall; 0 if nothing is correct, 1 if nothing is wanted or predicted."""
    return 2 * correct / (predicted + wanted) if predicted + wanted else 1.0


def f1_interval(tallies: Sequence[tuple[int, int, int]]) -> tuple[float, float]:
    """95 % percentile interval of the micro F1 over requests: 1000 bootstrap resamples, fixed seed.

    `tallies`: (correct, predicted, wanted) of each request. Equal tallies are drawn together, since a multinomial over the
    distinct ones is the same bootstrap. Source: Efron & Tibshirani 1993, section 13.3.
    """
    import numpy as np

    if not tallies:
        return 0.0, 0.0
    distinct = sorted(Counter(tallies).items())
    rows = np.array([tally for tally, _ in distinct], np.float64)
    counts = np.array([count for _, count in distinct], np.float64)
    drawn = np.random.default_rng(_SEED).multinomial(len(tallies), counts / counts.sum(), RESAMPLES)
    correct, predicted, wanted = (drawn @ rows).T
    both = predicted + wanted
    scores = np.where(both > 0, 2 * correct / np.where(both > 0, both, 1), 1.0)
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
    """The figure of a share, with its Wilson interval; `what`: what is counted, such as "requests"."""
    low, high = share_interval(hits, of)
    return Figure(family, language, measure, arm, hits / of if of else 0.0, low, high, f"{hits:,} of {of:,} {what}")
