"""What was delivered: the dated folders, whether each is complete, and its fingerprint. Plain files, no Spark."""

from __future__ import annotations

import re
import statistics
import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cached_property
from pathlib import Path

from events.contract import CONTRACT_VERSION
from lake.errors import IncompleteDelivery, InputContractError
from lake.fingerprint import file_hash, fingerprint

SOURCES = {"search": "searches", "event": "events"}
SUFFIXES = (".jsonl", ".jsonl.gz", ".parquet", ".ndjson", ".ndjson.gz")
DAY = re.compile(r"date=(\d{4}-\d{2}-\d{2})")
SIMULATED = "_SIMULATED"


@dataclass(frozen=True)
class Folder:
    """One delivered day: its files by source ("search", "event"), sorted by name."""

    day: date
    files: Mapping[str, tuple[Path, ...]]

    @property
    def bytes(self) -> int:
        """Size of all its files."""
        return sum(f.stat().st_size for files in self.files.values() for f in files)

    def fingerprint(self) -> str:
        """Hash over names, sizes and contents of the files: another one means that the folder was restated."""
        return fingerprint(
            {s: [[f.name, f.stat().st_size, file_hash(f)] for f in files] for s, files in self.files.items()}
        )


@dataclass(frozen=True)
class Deliveries:
    """The delivered folders of a night, and which of them the lake must read again.

    A day's rows follow from its own folder and those before it within the lateness (an id may repeat one of theirs);
    and the reactions that wait for a search follow from the folders after it, too. The mark of a day says both apart, so
    that a new folder makes the days before it look at their waiting events, not at their files.
    """

    folders: list[Folder]
    days_late: int
    versions: tuple[object, ...] = ()

    @cached_property
    def marks(self) -> dict[str, str]:
        """Delivered date -> fingerprint: of what is read, `-`, one short hash for each later folder, by date."""
        content = {f.day: f.fingerprint() for f in self.folders}
        out = {}
        for day in content:
            back = [content.get(day - timedelta(days=i)) for i in range(self.days_late + 1)]
            later = [day + timedelta(days=i) for i in range(1, self.days_late + 1)]
            base = fingerprint([CONTRACT_VERSION, *self.versions, back])
            out[str(day)] = base + "".join(f"-{fingerprint([str(d), content[d]])[:8]}" for d in later if d in content)
        return out

    def pending(self, held: Mapping[str, str]) -> tuple[dict[str, str], dict[str, str]]:
        """(days to read, days whose waiting events may join now), each with its mark, given the marks the lake holds.

        A later folder that was restated or withdrawn, not just added, makes the day's files be read again.
        """
        fresh: dict[str, str] = {}
        late: dict[str, str] = {}
        for day, mark in self.marks.items():
            known = held.get(day)
            if known == mark:
                continue
            base, *after = mark.split("-")
            was, *was_after = (known or "").split("-")
            (late if base == was and set(was_after) <= set(after) else fresh)[day] = mark
        return fresh, late


def delivered(logs: Path, before: date) -> list[Folder]:
    """Folders dated before `before`, in order. InputContractError if there is no such folder at all."""
    if not logs.is_dir():
        raise InputContractError(f"{logs} is no folder. Give logs=DIR with searches/date=YYYY-MM-DD/ in it.")
    days = sorted(
        {
            date.fromisoformat(m.group(1))
            for s in SOURCES.values()
            for p in _children(logs / s)
            if (m := DAY.fullmatch(p.name))
        }
    )
    found = [
        Folder(d, {s: _files(logs / name / f"date={d}") for s, name in SOURCES.items()}) for d in days if d < before
    ]
    found = [f for f in found if f.files["search"]]
    if not found:
        ahead = f"; the first folder there is {days[0]}" if days else ""
        raise InputContractError(
            f"{logs} holds no searches before {before}{ahead}. Deliver searches/date=YYYY-MM-DD/*.jsonl[.gz] or "
            f"*.parquet, or run `make nightly`, which simulates logs."
        )
    return found


def _children(folder: Path) -> list[Path]:
    return sorted(p for p in folder.iterdir() if p.is_dir()) if folder.is_dir() else []


def _files(folder: Path) -> tuple[Path, ...]:
    if not folder.is_dir():
        return ()
    return tuple(p for p in sorted(folder.iterdir()) if p.name.endswith(SUFFIXES) and not p.name.startswith(("_", ".")))


def check_complete(folders: list[Folder], run_date: date, settle_s: float, accept: str) -> None:
    """Refuse a night whose newest day is missing (exit 2), still being written, or far too small (exit 3).

    `accept` is the operator's reason to go on all the same (`ingest.accept_incomplete`); '' means none.
    """
    newest = run_date - timedelta(days=1)
    by_day = {f.day: f for f in folders}
    if accept:
        return
    if newest not in by_day:
        raise InputContractError(
            f"the folder searches/date={newest} is missing (newest there: {folders[-1].day}). Deliver it, or say "
            f'ingest.accept_incomplete="reason" to go on without it.'
        )
    folder = by_day[newest]
    for source, files in folder.files.items():
        place = files[0].parent if files else None
        if place is None or (place / "_SUCCESS").exists():
            continue
        age = time.time() - max(f.stat().st_mtime for f in files)
        if age < settle_s:
            raise IncompleteDelivery(
                f"{source} folder of {newest} changed {age:.0f} s ago and has no _SUCCESS; it must rest for "
                f"{settle_s:.0f} s. Run again later, or write _SUCCESS when it is complete."
            )
    same_weekday = [
        by_day[newest - timedelta(days=7 * w)].bytes for w in range(1, 5) if newest - timedelta(days=7 * w) in by_day
    ]
    if len(same_weekday) >= 2 and folder.bytes < statistics.median(same_weekday) / 2:
        raise IncompleteDelivery(
            f"the folders of {newest} hold {folder.bytes:,} bytes, under half of the median of the same weekday "
            f'({statistics.median(same_weekday):,.0f}). Deliver the rest, or say ingest.accept_incomplete="reason".'
        )
