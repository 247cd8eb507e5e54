"""Records of runs: one JSON file a run, with what each step did. Plans take their expectations from them."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from lake.store import write_file
from night.night import Done, Night
from night.summary import Summary
from night.tables import all_tables

FOLDER = "runs"
READ_AT_MOST = 60  # newest records that a plan looks into


def record_of(night: Night, summary: Summary, started: datetime, failure: str | None) -> dict[str, object]:
    """The record of a run.

    Args:
        night: the night.
        summary: the steps that ended, and the one that was running.
        started: when the run began, UTC.
        failure: the error that ended the run; None if it went through.

    Returns:
        {run_id, run_date, started, ended, outcome ("passed" or "failed"), failure, failed_step, notes, steps: [{step, skipped,
        rows_in, rows_out, started, ended, seconds, note, read, written, rows_by_table}]}, where `read` and `written` are lists of
        [table, unit], and `rows_by_table` has the rows of what was written. Times are ISO 8601, UTC.
    """
    return {
        "run_id": night.lake.run_id,
        "run_date": night.settings.run_date,
        "started": _iso(started),
        "ended": _iso(datetime.now(UTC)),
        "outcome": "failed" if failure else "passed",
        "failure": failure,
        "failed_step": summary.running if failure else None,
        "notes": list(night.notes),
        "steps": [_step(night, name, done, summary.began[name], seconds) for name, done, seconds in summary.steps],
    }


def _step(night: Night, name: str, done: Done, began: datetime, seconds: float) -> dict[str, object]:
    used = night.lake.used.get(name, {})
    read, written = (sorted(used.get(verb, ())) for verb in ("read", "written"))
    by_name, rows = {t.name: t for t in all_tables()}, Counter[str]()
    for table, unit in written:
        rows[table] += night.lake.commits(by_name[table])[unit].rows
    return {
        "step": name,
        "skipped": done.skipped,
        "rows_in": done.rows_in,
        "rows_out": done.rows_out,
        "started": _iso(began),
        "ended": _iso(began + timedelta(seconds=seconds)),
        "seconds": round(seconds, 3),
        "note": done.note,
        "read": read,
        "written": written,
        "rows_by_table": dict(rows),
    }


def _iso(at: datetime) -> str:
    return at.isoformat(timespec="milliseconds")


def write_record(night: Night, record: Mapping[str, object]) -> Path:
    """Write the record into `reports/runs/` and return its file; the name begins with the run date and the time of the start."""
    at = str(record["started"]).split(".")[0].replace(":", "")
    file = Path(night.settings.reports) / FOLDER / f"{record['run_date']}_{at}Z_{record['run_id']}.json"
    write_file(file, (json.dumps(record, indent=1) + "\n").encode())
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
