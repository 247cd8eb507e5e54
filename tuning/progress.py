"""How far a sweep is, told by its files: the ledger of finished trials and a small file of the running ones."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from lake.store import write_file
from tuning.ledger import Tail

RUNNING = "running.json"


@dataclass(frozen=True)
class Running:
    """A running trial: its id, trees so far, best NDCG@10 so far, and seconds since its start."""

    trial_id: str
    trees: int
    best_ndcg10: float
    seconds: float


@dataclass
class Progress:
    """The state of a sweep at one moment.

    Args:
        asked: trials that the sweep is to run.
        threads: threads of one trial.
        workers: trials that run at the same time.
        seconds: seconds since the sweep began.
        budget_s: seconds that the trials may take.
        finished: rows of the finished trials, in the order in which they ended (`tuning.ledger.Trial`).
        ends: `seconds` when each of them was first seen here.
        failures: one line for each failed trial.
        running: the running trials.
        checked: fits with other seeds that have ended.
    """

    asked: int
    threads: int = 1
    workers: int = 1
    seconds: float = 0.0
    budget_s: float = 0.0
    finished: list[dict[str, Any]] = field(default_factory=list)
    ends: list[float] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)
    running: list[Running] = field(default_factory=list)
    checked: int = 0

    @property
    def best(self) -> dict[str, Any] | None:
        """The best finished trial."""
        return max(self.finished, key=lambda row: row["valid_ndcg10"], default=None)

    @property
    def default(self) -> dict[str, Any] | None:
        """The trial of the default parameters."""
        return next((row for row in self.finished if row["trial_id"] == "default"), None)

    @property
    def pruned(self) -> int:
        """How many trials were stopped before their own end."""
        return sum(row["state"] == "stopped" for row in self.finished)

    @property
    def core_hours(self) -> float:
        """What the trials have cost so far: their seconds times their threads, in core hours."""
        seconds = sum(float(row["seconds"]) for row in self.finished) + sum(trial.seconds for trial in self.running)
        return seconds * self.threads / 3600

    @property
    def seconds_left(self) -> float | None:
        """The expected time to the last trial; at most what the budget leaves. None before the first trial has ended.

        The longer of two estimates: from the mean time of the finished trials, and from the pace at which they ended, which
        also has what lies between trials.
        """
        if not self.finished:
            return None
        to_come = max(self.asked - len(self.finished) - len(self.failures), 0)
        each = sum(float(row["seconds"]) for row in self.finished) / len(self.finished)
        left = max(to_come * each - sum(trial.seconds for trial in self.running), 0.0) / self.workers
        after_first = [end for end in self.ends if end > self.ends[0]]
        if after_first:
            pace = (after_first[-1] - self.ends[0]) / len(after_first)
            left = max(left, to_come * pace - (self.seconds - after_first[-1]))
        return min(left, max(self.budget_s - self.seconds, 0.0)) if self.budget_s else left


class Watch:
    """Follows a sweep through its folder, for a process other than the one that runs it."""

    def __init__(self, folder: Path, state: Progress) -> None:
        self.state, self._tail, self._running = state, Tail(folder / "trials.jsonl"), folder / RUNNING

    def look(self) -> bool:
        """Read what is new; whether anything is."""
        lines, before = self._tail.lines(), self.state.running
        for line in lines:
            if line["kind"] == "trial":
                self.state.finished.append(line["row"])
                self.state.ends.append(self.state.seconds)
            elif line["kind"] == "failure":
                self.state.failures.append(line["row"]["message"])
            elif line["kind"] == "seed":
                self.state.checked += 1
        ended = {row["trial_id"] for row in self.state.finished}
        self.state.running = [trial for trial in read_running(self._running) if trial.trial_id not in ended]
        return bool(lines) or self.state.running != before


def write_running(file: Path, running: Sequence[Running]) -> None:
    """Replace the file of the running trials."""
    write_file(file, json.dumps([asdict(trial) for trial in running]).encode())


def read_running(file: Path) -> list[Running]:
    """The running trials of a sweep; none if the file is missing."""
    return [Running(**trial) for trial in json.loads(file.read_text())] if file.exists() else []
