"""What a table's commits record about its units, read from the JSON of the Delta log: reading it with Spark would take a job."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class Commit:
    """What the newest commit of a unit records about it: the fingerprint of its inputs, its rows, and the run that wrote it."""

    fingerprint: str
    rows: int
    run_id: str


def apply_commit(commits: dict[str, Commit], metadata: Mapping[str, Any]) -> None:
    """Update `commits` in place with the next commit of the table's log.

    Args:
        commits: Unit -> its newest commit so far.
        metadata: The parsed `userMetadata` of the next commit; {} if the commit carries none.
    """
    for unit, entry in metadata.get("units", {}).items():
        if entry is None:  # expired
            commits.pop(unit, None)
        else:
            commits[unit] = Commit(entry["fingerprint"], entry["rows"], metadata["run_id"])


COMMIT_FILE = re.compile(r"\d{20}\.json")  # the log also contains checkpoints, checksums and unfinished files


def commit_infos(table: Path, newest: int | None = None) -> Iterator[dict[str, Any]]:
    """The `commitInfo` of every commit in a table's Delta log, oldest first; {} for a commit without one.

    Callers read two of its keys: `userMetadata`, and `operationMetrics`, whose numbers Delta writes as text.

    Args:
        table: The table's folder.
        newest: Yield only this many of the newest commits; None for all.
    """
    log = table / "_delta_log"
    files = sorted(p for p in log.glob("*.json") if COMMIT_FILE.fullmatch(p.name))
    for file in files if newest is None else files[-newest:]:
        with file.open(encoding="utf-8") as lines:
            actions = (json.loads(line) for line in lines if '"commitInfo"' in line)
            yield next((a["commitInfo"] for a in actions if "commitInfo" in a), {})


def units_written(lake_root: Path, table: str) -> dict[str, int]:
    """Unit -> number of rows, for every unit that the table holds; {} if it was never written."""
    commits = dict[str, Commit]()
    for info in commit_infos(lake_root / table):
        apply_commit(commits, json.loads(info.get("userMetadata") or "{}"))
    return {unit: commit.rows for unit, commit in commits.items()}
