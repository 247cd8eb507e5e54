"""How far tonight's columns have moved from earlier nights: reported, never a reason to hold the night."""

from __future__ import annotations

import json
import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pandas as pd

GROUPS = 10
HEAVY = 0.25  # of the base: a bin that holds so much is not added to what lies below it
MOVED, SHIFTED = 0.1, 0.25  # of PSI; Siddiqi 2006, Credit Risk Scorecards: below .1 none, from .25 a major shift
JUDGED_FROM_NIGHTS = 3
EMPTY_CELL = 0.5  # rows an empty cell counts as, so that the logarithm of PSI exists


@dataclass(frozen=True)
class Shift:
    """How far a column lies from its base: PSI (0 …), Jensen–Shannon divergence (bits, 0 … 1), and PSI that chance alone makes."""

    psi: float
    jensen_shannon: float
    chance: float


def shift(today: Counter[int], base: Counter[int]) -> Shift:
    """Two distributions over fixed bins, compared over some ten groups of bins, each about a tenth of the base.

    With a and e the shares of today and of the base in a group (deciles, as in Siddiqi 2006, Credit Risk Scorecards), PSI is
    Σ (a − e)·ln(a / e), the symmetric divergence of Jeffreys 1946; Jensen–Shannon is ½ Σ a·log2(a / m) + ½ Σ e·log2(e / m) with
    m = (a + e) / 2 (Lin 1991, Divergence measures based on the Shannon entropy): bounded, and defined where a cell is empty.
    Under no change PSI is about χ²(B−1)·(1/N + 1/M) (Yurdakul 2018, Statistical Properties of Population Stability Index):
    `chance` lies three standard deviations above its mean.
    """
    cells = _grouped(today, base)
    psi = divergence = 0.0
    for a, e in cells:
        share, expected = max(a, EMPTY_CELL) / today.total(), max(e, EMPTY_CELL) / base.total()
        psi += (share - expected) * math.log(share / expected)
        share, expected = a / today.total(), e / base.total()
        middle = (share + expected) / 2
        divergence += sum(x * math.log2(x / middle) / 2 for x in (share, expected) if x > 0)
    free = max(len(cells) - 1, 1)
    chance = (free + 3 * math.sqrt(2 * free)) * (1 / today.total() + 1 / base.total())
    return Shift(psi, max(divergence, 0.0), chance)


def shifts(profile_today: pd.DataFrame, profiles_before: Sequence[pd.DataFrame]) -> dict[str, Shift]:
    """Column -> how far it lies from the earlier nights added up; columns that held nothing on either side are left out."""
    before: dict[str, Counter[int]] = {}
    for night in profiles_before:
        for column, bins in _bins(night).items():
            before.setdefault(column, Counter()).update(bins)
    pairs = {c: (today, before.get(c, Counter())) for c, today in _bins(profile_today).items()}
    return {c: shift(today, base) for c, (today, base) in pairs.items() if today and base}


def drift(found: dict[str, Shift], nights: int) -> list[str]:
    """One line per column whose distribution moved against so many earlier nights, largest PSI first.

    Below three nights each line says that it is not judged. A shift that chance alone makes is not reported.
    """
    thin = f"; not judged: {nights} of {JUDGED_FROM_NIGHTS} nights" if nights < JUDGED_FROM_NIGHTS else ""
    moved = [(c, s) for c, s in found.items() if s.psi >= MOVED and s.psi > s.chance]
    return [
        f"{c} {'shifted' if s.psi >= SHIFTED else 'moved'}: PSI {s.psi:.2f}, Jensen–Shannon {s.jensen_shannon:.2f} against {nights} earlier "
        f"night{'s'[: nights != 1]}{thin}"
        for c, s in sorted(moved, key=lambda m: (-m[1].psi, m[0]))
    ]


def with_shifts(profile_today: pd.DataFrame, found: dict[str, Shift], nights: int) -> pd.DataFrame:
    """The profile with `psi`, `jensen_shannon` (NaN where there is nothing to compare) and `nights_before`, as it is stored."""
    nothing = Shift(math.nan, math.nan, math.nan)
    of = [found.get(c, nothing) for c in profile_today["column"]]
    return profile_today.assign(
        psi=[s.psi for s in of], jensen_shannon=[s.jensen_shannon for s in of], nights_before=nights
    )


def _grouped(today: Counter[int], base: Counter[int]) -> list[tuple[int, int]]:
    """Counts of both in runs of adjacent bins that each hold about a tenth of the base.

    A bin that holds a quarter of the base begins a group, and so does a tenth of today's or more that lies below or above all of it:
    in one group with the few that lie below it, a column that turned to those would not have moved.
    """
    group, size, cut = 0, 0, base.total() / GROUPS
    cells: dict[int, tuple[int, int]] = {}
    low, high = min(base), max(base)
    is_below = sum(n for place, n in today.items() if place < low) * GROUPS >= today.total()
    is_above = sum(n for place, n in today.items() if place > high) * GROUPS >= today.total()
    for place in sorted(base.keys() | today.keys()):
        is_heavy = base[place] >= HEAVY * base.total()
        starts = size >= cut or is_heavy or (is_below and place == low) or (is_above and size and place > high)
        if starts and group in cells:
            group, size = group + 1, 0
        a, e = cells.get(group, (0, 0))
        cells[group] = (a + today[place], e + base[place])
        size += base[place]
    return list(cells.values())


def _bins(profile: pd.DataFrame) -> dict[str, Counter[int]]:
    pairs = zip(profile["column"], profile["bins"], strict=True)
    return {str(c): Counter({int(k): int(n) for k, n in json.loads(b).items()}) for c, b in pairs}
