"""Distribution shift of tonight's columns against earlier nights: it is reported, but never holds the night."""

from __future__ import annotations

import json
import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pandas as pd

GROUPS = 10  # groups of bins that a comparison aims at
HEAVY = 0.25  # share of the base from which a bin always starts a new group
# limits of PSI: no shift below .1, a major one from .25 (Siddiqi 2006, Credit Risk Scorecards)
MOVED, SHIFTED = 0.1, 0.25
JUDGED_FROM_NIGHTS = 3  # earlier nights needed
NULLS = -(10**9)  # the bin of nulls, below all others
EMPTY_CELL = 0.5  # rows that an empty cell counts as, so that the logarithm in PSI is defined


@dataclass(frozen=True)
class Shift:
    """Distance of a column from its base.

    `psi`: population stability index (0 …); `jensen_shannon`: divergence (bits, 0 … 1); `chance`: PSI to expect by chance
    alone.
    """

    psi: float
    jensen_shannon: float
    chance: float


def shift(today: Counter[int], base: Counter[int]) -> Shift:
    """Compare two distributions over the fixed bins, in about ten groups of bins that each hold about a tenth of the base.

    With a and e the shares of today and of the base in a group (deciles, as in Siddiqi 2006, Credit Risk Scorecards), PSI is
    Σ (a − e)·ln(a / e), the symmetric divergence of Jeffreys 1946; Jensen–Shannon is ½ Σ a·log2(a / m) + ½ Σ e·log2(e / m) with
    m = (a + e) / 2 (Lin 1991, Divergence measures based on the Shannon entropy): bounded, and defined where a cell is empty.
    Under no change PSI is about χ²(B−1)·(1/N + 1/M) (Yurdakul 2018, Statistical Properties of Population Stability Index):
    `chance` is three standard deviations above its mean.

    Args:
        today: Bin number -> tonight's count of values; not empty.
        base: Bin number -> the earlier nights' count of values; not empty.
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
    """Column -> its shift against the sum of the earlier nights, nulls included; columns without rows on either side are left out.

    Args:
        profile_today: Tonight's profile, as from `quality.profile.profile`.
        profiles_before: The profiles of the earlier nights.
    """
    before: dict[str, Counter[int]] = {}
    for night in profiles_before:
        for column, bins in _bins(night).items():
            before.setdefault(column, Counter()).update(bins)
    pairs = {c: (today, before.get(c, Counter())) for c, today in _bins(profile_today).items()}
    return {c: shift(today, base) for c, (today, base) in pairs.items() if today and base}


def drift(column_shifts: dict[str, Shift], nights: int) -> list[str]:
    """One line per column whose distribution has moved, largest PSI first; a shift within chance is not reported.

    Args:
        column_shifts: Column -> its shift, as from `shifts`.
        nights: Number of earlier nights compared with; below JUDGED_FROM_NIGHTS each line says that it is not judged.
    """
    thin = f"; not judged: {nights} of {JUDGED_FROM_NIGHTS} nights" if nights < JUDGED_FROM_NIGHTS else ""
    moved = [(c, s) for c, s in column_shifts.items() if s.psi >= MOVED and s.psi > s.chance]
    return [
        f"{c} {'shifted' if s.psi >= SHIFTED else 'moved'}: PSI {s.psi:.2f}, Jensen–Shannon {s.jensen_shannon:.2f} against {nights} earlier "
        f"night{'s'[: nights != 1]}{thin}"
        for c, s in sorted(moved, key=lambda m: (-m[1].psi, m[0]))
    ]


def with_shifts(profile_today: pd.DataFrame, column_shifts: dict[str, Shift], nights: int) -> pd.DataFrame:
    """The profile as it is stored, with the columns `psi`, `jensen_shannon` (NaN without a comparison) and `nights_before`.

    Args:
        profile_today: Tonight's profile, as from `quality.profile.profile`.
        column_shifts: Column -> its shift, as from `shifts`.
        nights: Number of earlier nights compared with.
    """
    no_shift = Shift(math.nan, math.nan, math.nan)
    in_order = [column_shifts.get(c, no_shift) for c in profile_today["column"]]
    return profile_today.assign(
        psi=[s.psi for s in in_order], jensen_shannon=[s.jensen_shannon for s in in_order], nights_before=nights
    )


def _grouped(today: Counter[int], base: Counter[int]) -> list[tuple[int, int]]:
    """(count of today, count of the base) in groups of adjacent bins that each hold about a tenth of the base.

    Two rules keep a change visible inside a group. A bin with a quarter of the base or more starts a new group: grouped with
    the few values below it, a move of the whole column to those values would not show. And where a tenth or more of today's
    values lie below or above all values of the base, they get a group of their own.
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
    """Column -> bin number -> count of values; nulls are a bin of their own, so that a column that is lost has moved."""
    out = {}
    for name, bins, nulls in zip(profile["column"], profile["bins"], profile["null_count"], strict=True):
        counts = Counter({int(k): int(n) for k, n in json.loads(bins).items()})
        if nulls:
            counts[NULLS] = int(nulls)
        out[str(name)] = counts
    return out
