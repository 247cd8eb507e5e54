"""What a lake holds, told from its logs' JSON alone: for commands that start no Spark."""

from __future__ import annotations

import json
from pathlib import Path


def units_written(lake_root: Path, table: str) -> dict[str, int]:
    """Rows of every unit that the table's log says it holds; {} where it was never written.

    Commits older than the log's newest checkpoint may have been cleaned away (`lake.layout.LOG_RETENTION`): then their units are missing.
    """
    log, units = lake_root / table / "_delta_log", dict[str, int]()
    for commit in sorted(log.glob("*.json")) if log.is_dir() else []:
        for line in commit.read_text(encoding="utf-8").splitlines():
            said = json.loads(line).get("commitInfo", {}).get("userMetadata")
            for unit, of in json.loads(said).get("units", {}).items() if said else ():
                if of is None:  # expired
                    units.pop(unit, None)
                else:
                    units[unit] = int(of["rows"])
    return units
