"""How far tonight's columns have moved from earlier nights: reported, never a reason to hold the night."""

from __future__ import annotations

import json
import math
from collections import Counter
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pandas as pd

GROUPS = 10
MOVED, SHIFTED = 0.1, 0.25  # Siddiqi 2006, Credit Risk Scorecards: below .1 none, from .25 a major shift
JUDGED_FROM_NIGHTS = 3
EMPTY_CELL = 0.5  # rows an empty cell counts as, so that the logarithm exists


def drift(profile_today: pd.DataFrame, profiles_before: list[pd.DataFrame]) -> list[str]:
    """One line per column whose distribution moved, largest shift first; empty on a first night.

    Earlier nights are added up. Below three of them each line says that it is not judged. A shift that chance alone
    makes is not reported: under no change PSI is about χ²(B−1)·(1/N + 1/M) (Yurdakul 2018, Statistical Properties of
    Population Stability Index), and the line must lie three standard deviations above its mean.
    """
    before: dict[str, Counter[int]] = {}
    for night in profiles_before:
        for column, bins in _bins(night).items():
            before.setdefault(column, Counter()).update(bins)
    nights = len(profiles_before)
    thin = f"; not judged: {nights} of {JUDGED_FROM_NIGHTS} nights" if nights < JUDGED_FROM_NIGHTS else ""
    moved: list[tuple[float, str]] = []
    for column, today in _bins(profile_today).items():
        base = before.get(column, Counter())
        if not today or not base:
            continue
        shift, groups = stability_index(today, base)
        free = max(groups - 1, 1)
        chance = (free + 3 * math.sqrt(2 * free)) * (1 / today.total() + 1 / base.total())
        if shift >= MOVED and shift > chance:
            word = "shifted" if shift >= SHIFTED else "moved"
            line = f"{column} {word}: PSI {shift:.2f} against {nights} earlier night{'s'[: nights != 1]}{thin}"
            moved.append((shift, line))
    return [line for _, line in sorted(moved, key=lambda m: (-m[0], m[1]))]


def stability_index(today: Counter[int], base: Counter[int]) -> tuple[float, int]:
    """Population stability index Σ (a − e)·ln(a / e) over at most ten groups of bins, and the number of groups.

    a and e are the shares of today and of the base; groups are runs of adjacent fixed bins, each about a tenth of the
    base (deciles, as in Siddiqi 2006, Credit Risk Scorecards). It is the symmetric divergence of Jeffreys 1946.
    """
    group, size, cut = 0, 0, base.total() / GROUPS
    cells: dict[int, tuple[int, int]] = {}
    for place in sorted(base.keys() | today.keys()):
        if size >= cut:
            group, size = group + 1, 0
        a, e = cells.get(group, (0, 0))
        cells[group] = (a + today[place], e + base[place])
        size += base[place]
    index = 0.0
    for a, e in cells.values():
        share, expected = max(a, EMPTY_CELL) / today.total(), max(e, EMPTY_CELL) / base.total()
        index += (share - expected) * math.log(share / expected)
    return index, len(cells)


def _bins(profile: pd.DataFrame) -> dict[str, Counter[int]]:
    pairs = zip(profile["column"], profile["bins"], strict=True)
    return {str(c): Counter({int(k): int(n) for k, n in json.loads(b).items()}) for c, b in pairs}
