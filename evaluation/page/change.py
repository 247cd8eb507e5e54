"""What is kept of a night for the page of the next one, and how two nights differ."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from evaluation.page.content import ColumnUse
from evaluation.page.figures import ARMS, numbers
from evaluation.page.texts import words
from evaluation.report import OWN_ORDER
from evaluation.segments import OURS

MOST_COLUMNS, MOST_CHANGES = 400, 80
# figures of the whole night, in words; those of a part of `night.json` go by the part's and their own name
WHOLE = {
    "ndcg10_all": "NDCG@10 over all searches",
    "coverage": "share of the day's searches that a list answers",
    "never_shown": "",
    "never_shown share": "share of the ideal first ten that was never shown",
    "never_shown reached": "share of these that is published",
    "shown_skyline": "ceiling: best order of what was ever shown",
    "ceilings": "",
}
COVERAGE = {
    "answered_share": "searches of 28 days that are answered, in public wordings",
    "public_searches_28d": "searches of 28 days in public wordings",
    "k": "people who must have asked a need before it is public",
    "entries": "entries of the release",
    "wordings": "wordings of the release",
    "names": "names of the release",
    "tracks": "tracks of the release",
}
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

    @property
    def is_count(self) -> bool:
        """Whether it is a number of things: whole on both nights, and above 1 on one."""
        return float(self.before).is_integer() and float(self.now).is_integer() and max(self.before, self.now) > 1


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


def changes(before: Mapping[str, Any], now: Mapping[str, Any]) -> list[tuple[str, list[Change]]]:
    """(group, changes) of the figures that both nights have: the whole night, then the other arms, the segments and the release."""
    was, is_now = before.get("figures") or {}, now.get("figures") or {}
    arms = {arm: value for arm, value in is_now.get("ndcg10", {}).items() if arm in was.get("ndcg10", {})}
    of_arms = {
        arm: Change(f"NDCG@10, {ARMS.get(arm, words(arm))}", was["ndcg10"][arm], now) for arm, now in arms.items()
    }
    whole = [of_arms.pop(arm) for arm in (OURS, OWN_ORDER) if arm in of_arms]
    for name in WHOLE:
        pair = (dict(numbers({name: part.get(name)})) for part in (was, is_now))
        whole += _both(*pair)
    segments = []
    for part, name, one in _segments(is_now):
        earlier = was.get("segments", {}).get(part, {}).get(name, {}).get("ndcg10", {}).get("mean")
        if earlier is not None and one["mean"] is not None:
            ends = (one.get("low"), one.get("high"))
            is_sure = None if None in ends else not ends[0] <= earlier <= ends[1]
            segments.append(Change(f"{words(part)} {words(name)}", earlier, one["mean"], is_sure))
    released = _both(dict(numbers(before.get("coverage", {}))), dict(numbers(now.get("coverage", {}))))
    groups = [
        ("The night", whole),
        ("Other arms", list(of_arms.values())),
        ("NDCG@10 by segment", segments),
        ("Release", released),
    ]
    return [(title, rows[:MOST_CHANGES]) for title, rows in groups if rows]


def moved_columns(before: Mapping[str, Any], now: Mapping[str, Any], most: int = 10) -> list[Change]:
    """The columns whose share of the split gain changed the most, the greatest change first."""
    was, is_now = before.get("importance", {}), now.get("importance", {})
    moved = [Change(name, was.get(name, 0.0), is_now.get(name, 0.0)) for name in sorted({*was, *is_now})]
    return sorted((c for c in moved if c.by), key=lambda c: -abs(c.by))[:most]


def _both(was: Mapping[tuple[str, ...], float], is_now: Mapping[tuple[str, ...], float]) -> list[Change]:
    pairs = [(" ".join(path), was[path], value) for path, value in is_now.items() if path in was]
    return [Change(WHOLE.get(name, COVERAGE.get(name, words(name))), then, value) for name, then, value in pairs]


def _segments(figures: Mapping[str, Any]) -> list[tuple[str, str, Mapping[str, Any]]]:
    parts = figures.get("segments", {}).items()
    return [(p, n, one["ndcg10"]) for p, of in parts if isinstance(of, Mapping) for n, one in of.items()]
