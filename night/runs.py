"""Records of runs: one JSON file a run, with what each step did. Plans take their expectations from them."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from night.night import Done, Night

FOLDER = "runs"
READ_AT_MOST = 60  # newest records that a plan looks into


def record_of(
    night: Night, steps: Sequence[tuple[str, Done, float]], started: datetime, failure: str | None
) -> dict[str, object]:
    """The record of a run.

    Args:
        night: the night.
        steps: (name, result, seconds) of the steps that ended.
        started: when the run began, UTC.
        failure: the error that ended the run; None if it went through.

    Returns:
        {run_id, run_date, started, ended, outcome ("passed" or "failed"), failure, notes, steps: [{step, skipped, rows_in,
        rows_out, seconds, note, read, written}]}, where `read` and `written` are lists of [table, unit].
    """
    used = night.lake.used
    return {
        "run_id": night.lake.run_id,
        "run_date": night.settings.run_date,
        "started": started.isoformat(timespec="seconds"),
        "ended": datetime.now(UTC).isoformat(timespec="seconds"),
        "outcome": "failed" if failure else "passed",
        "failure": failure,
        "notes": list(night.notes),
        "steps": [
            {
                "step": name,
                "skipped": done.skipped,
                "rows_in": done.rows_in,
                "rows_out": done.rows_out,
                "seconds": round(seconds, 3),
                "note": done.note,
                "read": sorted(used.get(name, {}).get("read", ())),
                "written": sorted(used.get(name, {}).get("written", ())),
            }
            for name, done, seconds in steps
        ],
    }


def write_record(night: Night, record: Mapping[str, object]) -> Path:
    """Write the record into `reports/runs/` and return its file; the name begins with the run date and the time of the start."""
    folder = Path(night.settings.reports) / FOLDER
    folder.mkdir(parents=True, exist_ok=True)
    at = str(record["started"]).replace(":", "").replace("+0000", "Z")
    file = folder / f"{record['run_date']}_{at}_{record['run_id']}.json"
    partial = file.with_suffix(".partial")
    partial.write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")
    partial.replace(file)
    return file


def last_runs(night: Night) -> dict[str, dict[str, Any]]:
    """Step -> its entry in the newest record of a run in which it worked; a record that cannot be read is passed over."""
    newest: dict[str, dict[str, Any]] = {}
    files = sorted((Path(night.settings.reports) / FOLDER).glob("*.json"), key=lambda f: f.name.split("_")[1:])
    for file in reversed(files[-READ_AT_MOST:]):
        try:
            steps = json.loads(file.read_text(encoding="utf-8"))["steps"]
            for entry in steps:
                if not entry["skipped"]:
                    newest.setdefault(entry["step"], entry)
        except (OSError, ValueError, KeyError, TypeError):
            continue
    return newest
