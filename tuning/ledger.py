"""The ledger of a sweep: JSON lines, written as trials end, so that a killed sweep can be resumed and each trial looked at."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from lake.lock import flocked
from tuning.errors import SweepFailed, SweepMismatch

LEDGER = "trials.jsonl"
LOCK = ".lock"  # in the folder of a sweep
LOCK_WAIT_S = 15.0
Curve = list[tuple[int, float]]


@dataclass(frozen=True)
class Trial:
    """One finished trial: its NDCG@10 with the standard error over alias clusters, its `trees` and its wall time.

    `state` is `completed` if the trial ended by itself, and `stopped` if ASHA or the time budget stopped it; then the values are
    those of its best report. `comparisons` is what its model costs for one scored row (`ranking.comparisons`); 0 if it is not known, in
    ledgers of before.
    """

    trial_id: str
    params: dict[str, Any]
    trees: int
    valid_ndcg10: float
    valid_se: float
    seconds: float
    state: str
    comparisons: float = 0.0


class Ledger:
    """Reads and appends to `trials.jsonl`; its first line is the sweep's identity (`SearchSettings.identity`).

    Besides `trials`, by trial: `curves` has (trees, NDCG@10) of each report; `parts` the mean NDCG@10 at the best report in each
    part of the needs (`tuning.trial.PARTS`), None where a part has no need; `seeds` the NDCG@10 of the same parameters and trees
    with other seeds. `failed` are the ids of trials that ended with an error, which `failures` describes in one line each.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.trials: list[Trial] = []
        self.failures: list[str] = []
        self.failed: set[str] = set()
        self.curves: dict[str, Curve] = {}
        self.parts: dict[str, list[float | None]] = {}
        self.seeds: dict[str, dict[int, float]] = {}
        self.identity = ""
        for line in self._whole_lines():
            self._take(line["kind"], line["row"])

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
            self.trials, self.failures, self.failed, self.identity = [], [], set(), ""
            self.curves, self.parts, self.seeds = {}, {}, {}
        if not self.identity:
            self._write("sweep", identity)

    def add(self, trial: Trial, curve: Sequence[tuple[int, float]] = (), parts: Sequence[float | None] = ()) -> None:
        """Record a finished trial; it is on disk when this returns.

        Args:
            trial: the trial.
            curve: its reports.
            parts: its NDCG@10 in each part of the needs.
        """
        if curve:  # first, because the line of the trial makes it count
            self._write("details", {"trial_id": trial.trial_id, "curve": list(curve), "parts": list(parts)})
        self._write("trial", asdict(trial))

    def fail(self, message: str, trial_id: str = "") -> None:
        """Record a failed trial in one line; without an id, an error of the sweep itself, whose trials may be tried again."""
        self._write("failure", {"trial_id": trial_id, "message": message})

    def add_seed(self, trial_id: str, seed: int, ndcg10: float) -> None:
        """Record the NDCG@10 of a trial's parameters and trees with another seed."""
        self._write("seed", {"trial_id": trial_id, "seed": seed, "ndcg10": ndcg10})

    def _write(self, kind: str, row: Any) -> None:
        self._append(kind, row)
        self._take(kind, row)

    def _take(self, kind: str, row: Any) -> None:
        if kind == "trial":
            self.trials.append(Trial(**row))
        elif kind == "details":
            self.curves[row["trial_id"]] = [(int(trees), float(ndcg10)) for trees, ndcg10 in row["curve"]]
            self.parts[row["trial_id"]] = row["parts"]
        elif kind == "seed":
            self.seeds.setdefault(row["trial_id"], {})[int(row["seed"])] = float(row["ndcg10"])
        elif kind == "failure":
            about = row if isinstance(row, dict) else {"trial_id": "", "message": str(row)}  # of an earlier version
            self.failures.append(about["message"])
            self.failed |= {about["trial_id"]} - {""}
        else:
            self.identity = str(row)

    def _append(self, kind: str, row: Any) -> None:
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            with self.path.open("ab") as out:
                out.write(json.dumps({"kind": kind, "row": row}).encode() + b"\n")
                out.flush()
                os.fsync(out.fileno())
        except OSError as error:
            name = self.path.parent.name
            raise SweepFailed(
                f"sweep {name}: its ledger {self.path} could not be written ({error.strerror}); "
                f"its finished trials are kept. Make room, then tuning.resume={name}"
            ) from error

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


class Tail:
    """Reads the lines that another process has appended to a ledger since the last look."""

    def __init__(self, path: Path) -> None:
        self.path, self._read = path, 0

    def lines(self) -> list[dict[str, Any]]:
        """The new complete lines, each {kind, row}; none while there is no file."""
        if not self.path.exists():
            return []
        with self.path.open("rb") as ledger:
            ledger.seek(self._read)
            content = ledger.read()
        whole = content[: content.rfind(b"\n") + 1]
        self._read += len(whole)
        return [json.loads(line) for line in whole.splitlines()]


@contextmanager
def sweep_lock(folder: Path) -> Iterator[int]:
    """Keep a sweep's folder for one run while the block lasts, and for as long as a process lives that was given the descriptor.

    Raises:
        SweepFailed: the sweep is running, still so after LOCK_WAIT_S seconds, in which what a killed run has left behind ends.
    """
    folder.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(folder / LOCK, os.O_RDWR | os.O_CREAT, 0o644)
    try:
        if not flocked(descriptor, LOCK_WAIT_S):
            raise SweepFailed(
                f"sweep {folder.name}: it is running already (its folder is {folder}). Look at it with jobs.sweeps, or take another name"
            )
        yield descriptor
    finally:
        os.close(descriptor)


def is_running(folder: Path) -> bool:
    """Whether a process of this machine is at work on the sweep."""
    try:
        descriptor = os.open(folder / LOCK, os.O_RDWR)
    except OSError:
        return False
    try:
        return not flocked(descriptor)
    finally:
        os.close(descriptor)


def set_aside(path: Path) -> None:
    """Rename an older sweep's ledger to `trials.N.jsonl`, if there is one."""
    if path.exists():
        number = 1
        while (aside := path.with_name(f"trials.{number}.jsonl")).exists():
            number += 1
        os.replace(path, aside)
