"""What the commits of a table say of its units, read from the JSON of its Delta log: Spark takes a job to tell the same."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class Commit:
    """What the newest commit of a unit says of it."""

    fingerprint: str
    rows: int
    run_id: str


def take_in(found: dict[str, Commit], said: Mapping[str, Any]) -> None:
    """Bring `found` (unit -> its newest commit) up to date with the message of the commit that came next."""
    for unit, of in said.get("units", {}).items():
        if of is None:  # expired
            found.pop(unit, None)
        else:
            found[unit] = Commit(of["fingerprint"], of["rows"], said["run_id"])


LOGGED = re.compile(r"\d{20}\.json")  # beside them lie checkpoints, checksums, and what a writer has not finished


def commit_infos(table: Path, newest: int | None = None) -> Iterator[dict[str, Any]]:
    """`commitInfo` of every commit in a table's log, oldest first; of the `newest` alone; {} for one that says nothing.

    Keys that are read here: `userMetadata`, and `operationMetrics`, of which Delta writes numbers as text.
    """
    log = table / "_delta_log"
    files = sorted(p for p in log.glob("*.json") if LOGGED.fullmatch(p.name))
    for file in files if newest is None else files[-newest:]:
        with file.open(encoding="utf-8") as lines:
            told = (json.loads(line) for line in lines if '"commitInfo"' in line)
            yield next((t["commitInfo"] for t in told if "commitInfo" in t), {})


def units_written(lake_root: Path, table: str) -> dict[str, int]:
    """Rows of every unit that the table holds; {} where it was never written."""
    found = dict[str, Commit]()
    for info in commit_infos(lake_root / table):
        take_in(found, json.loads(info.get("userMetadata") or "{}"))
    return {unit: commit.rows for unit, commit in found.items()}
