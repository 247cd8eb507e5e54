"""What the gates of one night found, kept as JSON beside its Data Docs: the index is made from it, whichever run judged what."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

from quality.verdict import Failure, Verdict

FILE, FORMAT = "verdicts.json", 1


@dataclass(frozen=True)
class Entry:
    """One verdict as it is kept. Grain: one per table and set of partitions that were judged together.

    `units`: the partitions that it is still the newest verdict of, each with the fingerprint of the content that was judged;
    partitions judged again since are no longer among them. `judged`: how many were judged together, of which `rows` counts all
    rows. `step`, `at` (UTC, ISO 8601) and `run_id`: who judged, and when. `page`: its page, relative to the index; None if none
    was written (no rows to judge, or the run ended before).
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
    """The newest verdict of every partition judged in a night, in the order in which tables were first judged.

    Each change is on disk before the call returns, whole or not at all. One writer: the gate runs under the night's lock.
    A file that cannot be read is renamed, to `unreadable`, and the record begins anew.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.unreadable: Path | None = None
        self.superseded: list[str] = []  # pages of verdicts that count no more
        self.entries: tuple[Entry, ...] = ()
        file = folder / FILE
        try:
            self.entries = _entries(file.read_text("utf-8")) if file.exists() else ()
        except (ValueError, TypeError, KeyError):
            self.unreadable = file.with_suffix(".unreadable.json")
            os.replace(file, self.unreadable)

    def add(self, verdict: Verdict, units: Mapping[str, str], step: str, run_id: str) -> None:
        """Keep a verdict of `units` (partition -> fingerprint of its content); it replaces the earlier ones of these partitions."""
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
        beside = [i + 1 for i, e in enumerate(self.entries) if e.table == entry.table]
        place = max(beside, default=len(self.entries))

        def counts(of: Entry, unit: str) -> bool:
            return of.table != entry.table or unit not in entry.units

        older, later = (self._only(es, counts) for es in (self.entries[:place], self.entries[place:]))
        self._write((*older, entry, *later))

    def keep_current(self, fingerprint: Callable[[str, str], str | None]) -> None:
        """Drop verdicts of content that the lake no longer holds; `fingerprint`: (table, partition) -> what it holds, None if nothing."""
        entries = self._only(self.entries, lambda e, unit: fingerprint(e.table, unit) == e.units[unit])
        if entries != self.entries:
            self._write(entries)

    def link(self, page_of: Callable[[Entry], str | None]) -> None:
        """Note the pages of the verdicts that have none yet."""
        self._write(tuple(e if e.page else replace(e, page=page_of(e)) for e in self.entries))

    def _only(self, entries: Sequence[Entry], counts: Callable[[Entry, str], bool]) -> tuple[Entry, ...]:
        cut = [replace(e, units={u: f for u, f in e.units.items() if counts(e, u)}) for e in entries]
        self.superseded += [e.page for e in cut if e.page and not e.units]
        return tuple(e for e in cut if e.units)

    def _write(self, entries: tuple[Entry, ...]) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        content = {"format": FORMAT, "night": self.folder.name, "verdicts": [asdict(e) for e in entries]}
        replace_text(self.folder / FILE, json.dumps(content, indent=1) + "\n")
        self.entries = entries


def _entries(text: str) -> tuple[Entry, ...]:
    content = json.loads(text)
    if content["format"] != FORMAT:
        raise ValueError(content["format"])
    return tuple(Entry(**{**e, "failures": tuple(Failure(**f) for f in e["failures"])}) for e in content["verdicts"])


def replace_text(path: Path, text: str) -> None:
    """Replace a file atomically: a reader sees the old text or the new one, never a part."""
    partial = path.with_name(f".{path.name}.partial")
    with partial.open("w", encoding="utf-8") as stream:
        stream.write(text)
        stream.flush()
        os.fsync(stream.fileno())
    os.replace(partial, path)
