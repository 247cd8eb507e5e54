"""The ledger of a sweep: one JSON line per finished trial, written as it ends, so that a killed sweep can be resumed."""

from __future__ import annotations

import json
import os
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from tuning.errors import SweepMismatch


@dataclass(frozen=True)
class Trial:
    """One finished trial: its NDCG@10 with the standard error over alias clusters, its `trees` and its wall time.

    `state` is `completed` if the trial ended by itself, and `stopped` if ASHA or the time budget stopped it; then the values are
    those of its best report.
    """

    trial_id: str
    params: dict[str, Any]
    trees: int
    valid_ndcg10: float
    valid_se: float
    seconds: float
    state: str


class Ledger:
    """Reads and appends to `trials.jsonl`; its first line is the sweep's identity (`SearchSettings.identity`)."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.trials: list[Trial] = []
        self.failures: list[str] = []
        self.identity = ""
        for line in self._whole_lines():
            kind, row = line["kind"], line["row"]
            if kind == "trial":
                self.trials.append(Trial(**row))
            elif kind == "failure":
                self.failures.append(str(row))
            else:
                self.identity = str(row)

    def begin(self, identity: str, resume: bool) -> None:
        """Start a new ledger (an older one is renamed), or resume the old one.

        Raises:
            SweepMismatch: the ledger to resume has another identity.
        """
        if resume and self.identity and self.identity != identity:
            raise SweepMismatch(
                f"sweep {self.path.parent.name}: begun on {self.identity[:9]}, now {identity[:9]}: "
                "other examples, features, folds, seed or tree limits; take another name"
            )
        if not (resume and self.identity):
            set_aside(self.path)
            self.trials, self.failures, self.identity = [], [], ""
        if not self.identity:
            self.identity = identity
            self._append("sweep", identity)

    def add(self, trial: Trial) -> None:
        """Record a finished trial; it is on disk when this returns."""
        self.trials.append(trial)
        self._append("trial", asdict(trial))

    def fail(self, message: str) -> None:
        """Record a failed trial in one line."""
        self.failures.append(message)
        self._append("failure", message)

    def _append(self, kind: str, row: Any) -> None:
        self.path.parent.mkdir(parents=True, exist_ok=True)
        with self.path.open("ab") as out:
            out.write(json.dumps({"kind": kind, "row": row}).encode() + b"\n")
            out.flush()
            os.fsync(out.fileno())

    def _whole_lines(self) -> list[dict[str, Any]]:
        """Every complete line; an incomplete last line is cut off the file, so that the next append starts a new line."""
        if not self.path.exists():
            return []
        content = self.path.read_bytes()
        whole = content[: content.rfind(b"\n") + 1]
        if whole != content:
            os.truncate(self.path, len(whole))
        try:
            return [json.loads(line) for line in whole.splitlines()]
        except ValueError as error:
            raise SweepMismatch(f"{self.path}: not a sweep's ledger ({error}); choose another name") from error


def set_aside(path: Path) -> None:
    """Rename an older sweep's ledger to `trials.N.jsonl`, if there is one."""
    if path.exists():
        number = 1
        while (aside := path.with_name(f"trials.{number}.jsonl")).exists():
            number += 1
        os.replace(path, aside)
