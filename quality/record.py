"""The verdicts of all gates of one night, kept as JSON beside its Data Docs.

The index page is generated from this record, so that it covers all runs that judged in the night.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

from lake.store import write_file
from quality.verdict import Failure, Verdict

FILE, FORMAT = "verdicts.json", 1


@dataclass(frozen=True)
class Entry:
    """One stored verdict; grain: one per table and set of partitions that were judged together.

    Attributes:
        table: The table's name.
        partition: Name of the partition, or of the span of partitions, that was judged.
        units: Partition -> fingerprint of its judged content, for the partitions whose newest verdict this still is.
        judged: Number of partitions that were judged together.
        passed: Whether no rule was broken.
        rows: Rows of all partitions that were judged together.
        failures: The broken rules.
        step: The step that judged.
        at: When it judged (UTC, ISO 8601).
        run_id: The run that judged.
        page: The verdict's page, relative to the index; None if none was written (no rows to judge, or the run ended before).
    """

    table: str
    partition: str
    units: dict[str, str]
    judged: int
    passed: bool
    rows: int
    failures: tuple[Failure, ...]
    step: str
    at: str
    run_id: str
    page: str | None = None


class NightRecord:
    """The newest verdict of every partition that was judged in a night, in the order in which tables were first judged.

    Each change is written atomically before the call returns. There is one writer, because the gate runs under the night's
    lock. A file that cannot be read is renamed (`unreadable` is its new path), and the record starts empty.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.unreadable: Path | None = None
        self.superseded: list[str] = []  # pages of verdicts that are no longer the newest of any partition
        self.entries: tuple[Entry, ...] = ()
        file = folder / FILE
        try:
            self.entries = _entries(file.read_text("utf-8")) if file.exists() else ()
        except (ValueError, TypeError, KeyError):
            self.unreadable = file.with_suffix(".unreadable.json")
            os.replace(file, self.unreadable)

    def add(self, verdict: Verdict, units: Mapping[str, str], step: str, run_id: str) -> None:
        """Add a verdict; it replaces earlier verdicts of the same partitions.

        Args:
            verdict: The verdict.
            units: Judged partition -> fingerprint of its content.
            step: The step that judged.
            run_id: The run that judged.
        """
        at = datetime.now(UTC).isoformat(timespec="seconds")
        entry = Entry(
            verdict.table,
            verdict.partition,
            dict(units),
            len(units),
            verdict.passed,
            verdict.rows,
            verdict.failures,
            step,
            at,
            run_id,
        )
        positions = [i + 1 for i, e in enumerate(self.entries) if e.table == entry.table]
        place = max(positions, default=len(self.entries))

        def is_newest(older: Entry, unit: str) -> bool:
            return older.table != entry.table or unit not in entry.units

        before, after = (self._only(es, is_newest) for es in (self.entries[:place], self.entries[place:]))
        self._write((*before, entry, *after))

    def keep_current(self, fingerprint: Callable[[str, str], str | None]) -> None:
        """Drop verdicts of content that the lake no longer holds.

        Args:
            fingerprint: (table, partition) -> fingerprint of the content that the lake holds; None if it holds none.
        """
        entries = self._only(self.entries, lambda e, unit: fingerprint(e.table, unit) == e.units[unit])
        if entries != self.entries:
            self._write(entries)

    def link(self, page_of: Callable[[Entry], str | None]) -> None:
        """Set the page of each verdict that has none yet to `page_of(entry)`."""
        self._write(tuple(e if e.page else replace(e, page=page_of(e)) for e in self.entries))

    def _only(self, entries: Sequence[Entry], is_kept: Callable[[Entry, str], bool]) -> tuple[Entry, ...]:
        """The entries, each with only those of its partitions that are kept; entries without any are dropped."""
        cut = [replace(e, units={u: f for u, f in e.units.items() if is_kept(e, u)}) for e in entries]
        self.superseded += [e.page for e in cut if e.page and not e.units]
        return tuple(e for e in cut if e.units)

    def _write(self, entries: tuple[Entry, ...]) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        content = {"format": FORMAT, "night": self.folder.name, "verdicts": [asdict(e) for e in entries]}
        write_file(self.folder / FILE, (json.dumps(content, indent=1) + "\n").encode())
        self.entries = entries


def _entries(text: str) -> tuple[Entry, ...]:
    content = json.loads(text)
    if content["format"] != FORMAT:
        raise ValueError(content["format"])
    return tuple(Entry(**{**e, "failures": tuple(Failure(**f) for f in e["failures"])}) for e in content["verdicts"])
