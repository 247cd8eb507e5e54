"""What the messages of a table's commits say of its units: read by the lake through Spark, and by commands that start none."""

from __future__ import annotations

import json
from collections.abc import Mapping
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


def units_written(lake_root: Path, table: str) -> dict[str, int]:
    """Rows of every unit that the table holds, told from its log's JSON alone; {} where it was never written."""
    log, found = lake_root / table / "_delta_log", dict[str, Commit]()
    for commit in sorted(log.glob("*.json")) if log.is_dir() else []:
        for line in commit.read_text(encoding="utf-8").splitlines():
            take_in(found, json.loads(json.loads(line).get("commitInfo", {}).get("userMetadata") or "{}"))
    return {unit: commit.rows for unit, commit in found.items()}
