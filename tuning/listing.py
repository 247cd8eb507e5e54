"""The sweeps of a folder, as a table; and several of them side by side, with their paired differences."""

from __future__ import annotations

import json
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tuning.leaderboard import differences
from tuning.ledger import LEDGER, Tail, is_running
from tuning.optimism import paired_gain
from tuning.progress import RUNNING
from tuning.recommend import NIGHTS_RESULTS, RESULT
from tuning.settings import SPEC, SearchSettings
from tuning.winner import Winner

if TYPE_CHECKING:
    from rich.console import Console

PROMOTION = "promotion.json"
RUNS = "running"
_FRESH_S = 60.0  # a sweep that has written within so many seconds is running


@dataclass(frozen=True)
class Sweep:
    """One sweep as its folder tells it.

    Args:
        name: its name.
        began: when it was last started.
        settings: its settings.
        finished: finished trials.
        best: the best validation NDCG@10; None without a finished trial.
        winner: its result; None until it has ended.
        state: finished, running, or stopped.
        promotion: what `jobs.promote` found, in words; "" if it was not asked.
        parts: NDCG@10 of the best trial in each part of the needs.
    """

    name: str
    began: datetime
    settings: SearchSettings
    finished: int
    best: float | None
    winner: Winner | None
    state: str
    promotion: str
    parts: Sequence[float | None]


def sweeps_of(folder: Path) -> list[Sweep]:
    """Every sweep below the folder, the newest first."""
    # a promoted winner is a copy, and older than the result of a sweep that has gone on since
    results = [*sorted(folder.glob(NIGHTS_RESULTS)), *sorted(folder.glob(f"*/{RESULT}"))]
    winners = [Winner.from_dict(json.loads(file.read_text())["winner"]) for file in results]
    by_name = {winner.sweep: winner for winner in winners}
    sweeps = [_sweep(spec.parent, by_name.get(spec.parent.name)) for spec in folder.glob(f"*/{SPEC}")]
    return sorted(sweeps, key=lambda sweep: (sweep.began, sweep.name), reverse=True)


def print_sweeps(sweeps: Sequence[Sweep], console: Console) -> None:
    """One row for each sweep: when, what was searched, how far it came, what it reached, and what became of it."""
    from rich import box
    from rich.table import Table

    table = Table(box=box.SIMPLE_HEAD)
    table.add_column("sweep", overflow="fold")
    for header in ("began (UTC)", "search", "trials", "NDCG@10", "over default", "expected", "judged on"):
        table.add_column(header, justify="left" if header in ("began (UTC)", "search") else "right", no_wrap=True)
    table.add_column("state", overflow="fold")
    for sweep in sweeps:
        winner = sweep.winner
        gain = winner.valid_ndcg10 - winner.default.valid_ndcg10 if winner and winner.default else None
        expected = winner.valid_ndcg10 - winner.optimism if winner and winner.optimism is not None else None
        table.add_row(
            sweep.name,
            f"{sweep.began:%Y-%m-%d %H:%M}",
            f"{len(sweep.settings.space)} parameters, {sweep.settings.search}",
            f"{sweep.finished}/{sweep.settings.trials}",
            _number(sweep.best),
            _number(gain, "+.4f"),
            _number(expected),
            str(winner.data.get("judged_on", "")) if winner else "",
            sweep.state if sweep.state == RUNS else sweep.promotion or sweep.state,
        )
    console.print(table)


def print_comparison(sweeps: Sequence[Sweep], console: Console) -> None:
    """Sweeps side by side, best first: what each one's best trial reached and differs in, and its paired difference to the first.

    The difference has an interval only where both were judged on the same needs.
    """
    from rich import box
    from rich.table import Table

    ended = sorted((s for s in sweeps if s.winner), key=lambda s: -(s.best or 0.0))
    table = Table(box=box.SIMPLE_HEAD)
    for header in (
        "sweep",
        "NDCG@10",
        "± SE",
        "trees",
        "less than the first (paired 95 %)",
        "best trial differs from its default in",
    ):
        table.add_column(header, overflow="fold", justify="right" if header in ("NDCG@10", "± SE", "trees") else "left")
    for sweep in ended:
        winner, first = sweep.winner, ended[0].winner
        assert winner is not None and first is not None
        what = differences(winner.params, sweep.settings.base_params().to_dict()) or "the default"
        number = (f"{winner.valid_ndcg10:.4f}", f"{winner.valid_se:.4f}", str(winner.trees))
        table.add_row(sweep.name, *number, "" if sweep is ended[0] else _less(ended[0], sweep), what)
    console.print(table)
    for sweep in sweeps:
        if not sweep.winner:
            console.print(f"  {sweep.name}: {sweep.state}", highlight=False)


def _less(first: Sweep, other: Sweep) -> str:
    assert first.winner is not None and other.winner is not None
    if first.winner.identity != other.winner.identity:
        return "judged on other needs"
    gain = paired_gain(first.parts, other.parts, first.winner.data.get("part_needs", ()))
    return f"{gain[0]:.4f} ({gain[1]:+.4f} to {gain[2]:+.4f})" if gain else "no parts recorded"


def _sweep(folder: Path, winner: Winner | None) -> Sweep:
    spec = folder / SPEC
    stored = json.loads(spec.read_text())["settings"]
    known = {key: value for key, value in stored.items() if key in SearchSettings.__dataclass_fields__}
    trials: list[dict[str, Any]] = []
    parts: dict[str, Sequence[float | None]] = {}
    for line in Tail(folder / LEDGER).lines():
        if line["kind"] == "trial":
            trials.append(line["row"])
        elif line["kind"] == "details":
            parts[line["row"]["trial_id"]] = line["row"]["parts"]
    best = max(trials, key=lambda row: row["valid_ndcg10"], default=None)
    wins = winner.best.trial_id if winner else ""
    return Sweep(
        folder.name,
        datetime.fromtimestamp(spec.stat().st_mtime, UTC),
        SearchSettings(**known),
        len(trials),
        float(best["valid_ndcg10"]) if best else None,
        winner,
        _state(folder, winner),
        _promotion(folder / PROMOTION, winner),
        parts.get(wins, ()),
    )


def _state(folder: Path, winner: Winner | None) -> str:
    running = folder / RUNNING
    # a copy from another machine has no lock
    if is_running(folder) or (running.exists() and time.time() - running.stat().st_mtime < _FRESH_S):
        return RUNS
    return "finished" if winner and winner.is_whole else f"stopped; tuning.resume={folder.name} goes on"


def _promotion(file: Path, winner: Winner | None) -> str:
    """The verdict on this winner; "" if there is none, or one on an earlier winner of a sweep that has gone on since."""
    if not file.exists():
        return ""
    stored = json.loads(file.read_text())
    if winner is None or stored.get("asked", {}).get("challenger") != [winner.params, winner.trees]:
        return ""
    verdict = "promoted" if stored["is_better"] else "no better than the one in use"
    return f"{verdict} on {stored['snapshot']} ({stored['mean']:+.4f})"


def _number(value: float | None, form: str = ".4f") -> str:
    return "" if value is None else format(value, form)
