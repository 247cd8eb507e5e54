"""What was delivered: the dated folders, whether each is complete, and its fingerprint. Plain files, no Spark."""

from __future__ import annotations

import json
import re
import statistics
import time
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
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
GONE = "0"  # in a mark: of a folder that is not there


@dataclass(frozen=True)
class Folder:
    """One delivered day: its files by source ("search", "event"), sorted by name."""

    day: date
    files: Mapping[str, tuple[Path, ...]]

    def size(self, source: str) -> int:
        """Bytes of the source's files."""
        return sum(f.stat().st_size for f in self.files[source])

    def formats(self, source: str) -> set[str]:
        """The kinds of file that the source came in: only sizes of like ones compare."""
        return {suffix for f in self.files[source] for suffix in SUFFIXES if f.name.endswith(suffix)}

    def fingerprint(self, hash_of: Callable[[Path], str] = file_hash) -> str:
        """Hash over names, sizes and contents of the files: another one means that the folder was restated."""
        return fingerprint(
            {s: [[f.name, f.stat().st_size, hash_of(f)] for f in files] for s, files in self.files.items()}
        )


@dataclass(frozen=True)
class Deliveries:
    """The delivered folders of a night, and which of them the lake must read again.

    A day's rows follow from its own folder and those before it within the lateness (an id may repeat one of theirs);
    and the reactions that wait for a search follow from the folders after it, too. The mark of a day says both apart, so
    that a new folder makes the days before it look at their waiting events, not at their files; and it says each folder
    before it apart, so that one whose raw files are old, and gone, makes nobody read the next ones again.

    `before`: the run_date. A night that is run again after later ones sees fewer folders than the lake has read; that changes nothing.
    `hash_of` gives a file's SHA-256.
    """

    folders: list[Folder]
    days_late: int
    versions: tuple[object, ...] = ()
    before: date = date.max
    hash_of: Callable[[Path], str] = file_hash

    @cached_property
    def marks(self) -> dict[str, str]:
        """Delivered date -> fingerprint: of what is read, `.`, one short hash for each folder before it (`0`: none), then `-` and
        one for each later folder, by date."""
        return {str(d): self._mark(d, self._content) for d in self._content}

    @cached_property
    def _content(self) -> dict[date, str]:
        return {f.day: f.fingerprint(self.hash_of) for f in self.folders}

    def _mark(self, day: date, among: Collection[date]) -> str:
        """The mark of a day that has met the searches of the later folders `among`."""
        before = [day - timedelta(days=i + 1) for i in range(self.days_late)]
        later = [d for i in range(self.days_late) if (d := day + timedelta(days=i + 1)) in among]
        own = self._own(day, self.versions)
        back = [self._short(d) if d in self._content else GONE for d in before]
        return ".".join([own, *back]) + "".join(f"-{self._short(d)}" for d in later)

    def _own(self, day: date, versions: Sequence[object], contract: int = CONTRACT_VERSION) -> str:
        return fingerprint([contract, *versions, self._content[day]])

    def is_of_older_version(self, day: str, known: str, older: Iterable[tuple[int, Sequence[object]]]) -> bool:
        """Whether a day's mark in the lake names the same files, read under one of the `older` (contract version, versions)."""
        own = known.split("-")[0].split(".")[0]
        return any(own == self._own(date.fromisoformat(day), versions, contract) for contract, versions in older)

    def _older_base(self, day: str) -> str:
        """What a mark began with before it told the folders before it apart: a lake's days are not read again for that."""
        first = date.fromisoformat(day)
        back = [self._content.get(first - timedelta(days=i)) for i in range(self.days_late + 1)]
        return fingerprint([CONTRACT_VERSION, *self.versions, back])

    def _short(self, day: date) -> str:
        return fingerprint([str(day), self._content[day]])[:8]

    def pending(self, held: Mapping[str, str]) -> tuple[dict[str, str], dict[str, str]]:
        """(days to read, days whose waiting events may join now), each with its mark, given the marks the lake holds.

        A later folder that was restated or withdrawn, not just added, makes the day's files be read again. Days that are read
        meet the searches of each other and of the days before: the marks name no later folder that is not among them, so that,
        once the marks are in the lake, such a day is pending again, for its waiting events.
        """
        fresh: list[date] = []
        late: dict[str, str] = {}
        for day, mark in self.marks.items():
            known = held.get(day)
            if known == mark:
                continue
            base, *after = mark.split("-")
            was, *was_after = (known or "").split("-")
            is_same = _still(base, was) or was == self._older_base(day)
            if is_same and _knew_more(after, was_after, self._days_ahead(date.fromisoformat(day))):
                continue
            if is_same and set(was_after) <= set(after):
                late[day] = mark
            else:
                fresh.append(date.fromisoformat(day))
        return {str(d): self._mark(d, fresh) for d in fresh}, late

    def _days_ahead(self, day: date) -> int:
        """How many of the folders that may hold a day's late rows lie on `before` or after it, out of this night's sight."""
        return sum(day + timedelta(days=i + 1) >= self.before for i in range(self.days_late))


def _knew_more(after: Sequence[str], was_after: Sequence[str], days_ahead: int) -> bool:
    """Whether the lake has read what this night sees of a day, and later folders that it cannot see (at most `days_ahead`)."""
    more = len(was_after) - len(after)
    return 0 < more <= days_ahead and list(was_after[: len(after)]) == list(after)


def _still(base: str, was: str) -> bool:
    """Whether what a day was read from is as it was, but for earlier folders that are gone now."""
    (own, *back), (own_then, *back_then) = base.split("."), was.split(".")
    if own != own_then or len(back) != len(back_then):
        return False
    return all(now in (then, GONE) for now, then in zip(back, back_then, strict=True))


def delivered(logs: Path, before: date) -> list[Folder]:
    """Days dated before `before` with files of either source, in order. InputContractError if none has searches."""
    if not logs.is_dir():
        raise InputContractError(f"{logs} is no folder. Give logs=DIR with searches/date=YYYY-MM-DD/ in it.")
    days = sorted(
        {
            day
            for s in SOURCES.values()
            for p in _children(logs / s)
            if (m := DAY.fullmatch(p.name)) and (day := _day(m.group(1)))
        }
    )
    found = [
        Folder(d, {s: _files(logs / name / f"date={d}") for s, name in SOURCES.items()}) for d in days if d < before
    ]
    found = [f for f in found if any(f.files.values())]
    if not any(f.files["search"] for f in found):
        ahead = f"; the first folder there is {days[0]}" if days else ""
        raise InputContractError(
            f"{logs} holds no searches before {before}{ahead}. Deliver searches/date=YYYY-MM-DD/*.jsonl[.gz] or "
            f"*.parquet, or run `make nightly`, which simulates logs."
        )
    return found


def _day(text: str) -> date | None:
    try:
        return date.fromisoformat(text)
    except ValueError:  # such as 2026-02-30
        return None


def simulated_as(logs: Path) -> dict[str, object] | None:
    """What the simulator's marker says of the logs ({} if it says nothing); None where there is no marker: they are somebody's own."""
    marker = logs / SIMULATED
    if not marker.exists():
        return None
    try:
        told = json.loads(marker.read_text(encoding="utf-8") or "{}")
    except ValueError:
        return {}
    return told if isinstance(told, dict) else {}


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
    if newest not in by_day or not by_day[newest].files["search"]:
        there = max(f.day for f in folders if f.files["search"])
        raise InputContractError(
            f"the folder searches/date={newest} is missing (newest there: {there}). Deliver it, or say "
            f'ingest.accept_incomplete="reason" to go on without it.'
        )
    check_at_rest([by_day[newest]], settle_s)
    _check_whole(newest, by_day)


def check_missed(folders: list[Folder], held: Collection[date], accept: str) -> None:
    """Refuse (exit 3) a half delivery among the days that came since the newest day of the lake (`held`), and a day among them
    that did not come: a night that was held for it does not let the next one pass it over. `accept` as above."""
    if accept or not held:
        return
    by_day = {f.day: f for f in folders}
    newest, last = max(held), max((f.day for f in folders), default=max(held))
    for day in (newest + timedelta(days=i) for i in range(1, (last - newest).days)):
        if day not in by_day:
            raise IncompleteDelivery(
                f"searches/date={day} and events/date={day} never came: the lake holds days to {newest}, and {last} is there. Deliver "
                f'them, or say ingest.accept_incomplete="reason" to go on without.'
            )
        _check_whole(day, by_day)


def _check_whole(day: date, by_day: Mapping[date, Folder]) -> None:
    """Refuse a day without events where the week before had some, or with under half the bytes of its weekday."""
    folder = by_day[day]
    week = [by_day[d] for i in range(1, 8) if (d := day - timedelta(days=i)) in by_day]
    if not folder.files["event"] and any(f.files["event"] for f in week):
        raise IncompleteDelivery(
            f"the folder events/date={day} is missing or has no file, but days of the week before have events. Deliver it, with "
            f'an empty file if nobody reacted, or say ingest.accept_incomplete="reason".'
        )
    weeks = [by_day[d] for w in range(1, 5) if (d := day - timedelta(days=7 * w)) in by_day]
    for source, name in SOURCES.items():
        alike = [f.size(source) for f in weeks if f.formats(source) == folder.formats(source)]
        if len(alike) >= 2 and folder.size(source) < statistics.median(alike) / 2:
            raise IncompleteDelivery(
                f"{name}/date={day} holds {folder.size(source):,} bytes, under half of the median of the same weekday "
                f'({statistics.median(alike):,.0f}). Deliver the rest, or say ingest.accept_incomplete="reason".'
            )


def check_at_rest(folders: Iterable[Folder], settle_s: float) -> None:
    """Refuse (exit 3) a folder without `_SUCCESS` that changed less than `settle_s` seconds ago: it may still be written to."""
    for folder in folders:
        for source, files in folder.files.items():
            if files and not (files[0].parent / "_SUCCESS").exists():
                check_rested(f"{SOURCES[source]}/date={folder.day}", files, settle_s)


def check_rested(what: str, files: Sequence[Path], settle_s: float) -> None:
    """Refuse (exit 3) files of which one changed less than `settle_s` seconds ago; `what` they are, for the line."""
    age = time.time() - max(f.stat().st_mtime for f in files)
    if age < settle_s:
        raise IncompleteDelivery(
            f"{what} changed {age:.0f} s ago and has no _SUCCESS; it must rest for {settle_s:.0f} s. Run again later, or write "
            "_SUCCESS when it is complete."
        )


def check_sources(folders: list[Folder], settle_s: float, accept: str) -> None:
    """Refuse (exit 3) to read days of events alone, which would wait for searches in vain, and expire; and folders, of whatever day,
    that are still being written. `accept` as above."""
    if not accept:
        check_at_rest(folders, settle_s)
    alone = [f.day for f in folders if not f.files["search"]]
    if alone and not accept:
        raise IncompleteDelivery(
            f"events/date={alone[0]} is there, but searches/date={alone[0]} is missing or has no file ({len(alone)} such days in all). "
            f'Deliver the searches, or say ingest.accept_incomplete="reason" to read the day without.'
        )
