"""What is kept of a night for the page of the next one, and how two nights differ."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from evaluation.page.content import ColumnUse
from evaluation.page.figures import ARMS, numbers
from evaluation.page.texts import words

MOST_COLUMNS, MOST_CHANGES = 400, 80
_KEPT = (
    "metric",
    "ndcg10",
    "ndcg10_all",
    "coverage",
    "never_shown",
    "shown_skyline",
    "strongest",
    "segments",
    "ceilings",
)


@dataclass(frozen=True)
class Change:
    """One figure of two nights. `is_sure` says whether last night's value lies outside tonight's interval; None without one."""

    name: str
    before: float
    now: float
    is_sure: bool | None = None

    @property
    def by(self) -> float:
        """Tonight's value minus last night's."""
        return self.now - self.before


def summary_of(
    run_date: str,
    release_id: str,
    made_from: str,
    figures: Mapping[str, Any] | None,
    coverage: Mapping[str, float],
    uses: Sequence[ColumnUse],
) -> dict[str, Any]:
    """What is kept of a night: plain values, a few tens of kilobytes at most.

    Args:
        run_date: the night.
        release_id: its release.
        made_from: the mark of what its page was made from, by which a second run sees that it is up to date.
        figures: the content of `night.json`; None without the simulator's truth.
        coverage: what is known without the truth.
        uses: the columns of the ranker.
    """
    kept = None if figures is None else {name: figures[name] for name in _KEPT if name in figures}
    return {
        "run_date": run_date,
        "release_id": release_id,
        "made_from": made_from,
        "figures": kept,
        "coverage": dict(coverage),
        "importance": {use.name: use.gain for use in uses[:MOST_COLUMNS]},
    }


def changes(before: Mapping[str, Any], now: Mapping[str, Any]) -> list[Change]:
    """The figures that both nights have: over everything first, then by arm, by kind of need, and coverage."""
    was, is_now = before.get("figures") or {}, now.get("figures") or {}
    out = []
    for name in ("ndcg10_all", "coverage", "never_shown", "shown_skyline", "ceilings"):
        pair = (dict(numbers({name: part.get(name)})) for part in (was, is_now))
        out += _both(*pair)
    arms = {arm: value for arm, value in is_now.get("ndcg10", {}).items() if arm in was.get("ndcg10", {})}
    for arm, value in arms.items():
        out.append(Change(f"NDCG@10, {ARMS.get(arm, words(arm))}", was["ndcg10"][arm], value))
    for part, name, one in _segments(is_now):
        earlier = was.get("segments", {}).get(part, {}).get(name, {}).get("ndcg10", {}).get("mean")
        if earlier is not None and one["mean"] is not None:
            ends = (one.get("low"), one.get("high"))
            is_sure = None if None in ends else not ends[0] <= earlier <= ends[1]
            out.append(Change(f"NDCG@10, {part} {words(name)}", earlier, one["mean"], is_sure))
    out += _both(dict(numbers(before.get("coverage", {}))), dict(numbers(now.get("coverage", {}))))
    return out[:MOST_CHANGES]


def moved_columns(before: Mapping[str, Any], now: Mapping[str, Any], most: int = 10) -> list[Change]:
    """The columns whose share of the split gain changed the most, the greatest change first."""
    was, is_now = before.get("importance", {}), now.get("importance", {})
    found = [Change(name, was.get(name, 0.0), is_now.get(name, 0.0)) for name in sorted({*was, *is_now})]
    return sorted((c for c in found if c.by), key=lambda c: -abs(c.by))[:most]


def _both(was: Mapping[tuple[str, ...], float], is_now: Mapping[tuple[str, ...], float]) -> list[Change]:
    return [Change(words(" ".join(p)), was[p], value) for p, value in is_now.items() if p in was]


def _segments(figures: Mapping[str, Any]) -> list[tuple[str, str, Mapping[str, Any]]]:
    parts = figures.get("segments", {}).items()
    return [(p, n, one["ndcg10"]) for p, of in parts if isinstance(of, Mapping) for n, one in of.items()]
