"""The delivered dated folders: which there are, whether each is complete, and which the lake must read. Plain files, no Spark."""

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
GONE = "0"  # in a mark: the hash of a folder that is not there


@dataclass(frozen=True)
class Folder:
    """One delivered day: its files by source ("search", "event"), sorted by name."""

    day: date
    files: Mapping[str, tuple[Path, ...]]

    def size(self, source: str) -> int:
        """Bytes of the source's files."""
        return sum(f.stat().st_size for f in self.files[source])

    def formats(self, source: str) -> set[str]:
        """The suffixes of the source's files; sizes of folders are compared only if these are equal."""
        return {suffix for f in self.files[source] for suffix in SUFFIXES if f.name.endswith(suffix)}

    def fingerprint(self, hash_of: Callable[[Path], str] = file_hash) -> str:
        """Hash of the names, sizes and contents of the files; another hash means that the folder was changed after delivery.

        Args:
            hash_of: Gives the SHA-256 of a file.
        """
        return fingerprint(
            {s: [[f.name, f.stat().st_size, hash_of(f)] for f in files] for s, files in self.files.items()}
        )


@dataclass(frozen=True)
class Deliveries:
    """The delivered folders of a night, and which of them the lake must read.

    The rows of a day depend on its own folder and on those before it within the lateness, because ids of theirs may be
    repeated. The events that wait for a search also depend on the folders after it. The mark of a day names all of them
    separately: a new later folder makes the lake judge only the waiting events of a day again, and an earlier folder whose raw
    files are gone by now makes it read nothing again.

    Attributes:
        folders: The delivered days, see `delivered`.
        days_late: The lateness, in days.
        versions: Versions of what the stored rows depend on besides the files and the input contract.
        before: The run_date. A night that is run again after later nights sees fewer folders than the lake has read, and reads
            nothing again for that.
        hash_of: Gives the SHA-256 of a file.
    """

    folders: list[Folder]
    days_late: int
    versions: tuple[object, ...] = ()
    before: date = date.max
    hash_of: Callable[[Path], str] = file_hash

    @cached_property
    def marks(self) -> dict[str, str]:
        """Delivered date -> mark: `own.h1.h2-h3-h4`, for a lateness of 2 days.

        `own` is the fingerprint of the day's folder and the versions, h1 and h2 are short hashes of the folders one and two
        days before (GONE where there is none), h3 and h4 those of the later folders that there are, by date.
        """
        return {str(d): self._mark(d, self._content) for d in self._content}

    @cached_property
    def _content(self) -> dict[date, str]:
        return {f.day: f.fingerprint(self.hash_of) for f in self.folders}

    def _mark(self, day: date, among: Collection[date]) -> str:
        """The mark of a day whose waiting events were compared with the searches of the later folders in `among`."""
        before = [day - timedelta(days=i + 1) for i in range(self.days_late)]
        later = [d for i in range(self.days_late) if (d := day + timedelta(days=i + 1)) in among]
        own = self._own(day, self.versions)
        back = [self._short(d) if d in self._content else GONE for d in before]
        return ".".join([own, *back]) + "".join(f"-{self._short(d)}" for d in later)

    def _own(self, day: date, versions: Sequence[object], contract: int = CONTRACT_VERSION) -> str:
        return fingerprint([contract, *versions, self._content[day]])

    def is_of_older_version(self, day: str, stored: str, older: Iterable[tuple[int, Sequence[object]]]) -> bool:
        """Whether a day's stored mark names the same files, read under older versions.

        Args:
            day: The delivered date.
            stored: The mark in the lake.
            older: (contract version, versions) pairs to try.
        """
        own = stored.split("-")[0].split(".")[0]
        return any(own == self._own(date.fromisoformat(day), versions, contract) for contract, versions in older)

    def _older_base(self, day: str) -> str:
        """The first part of a mark as older versions of the project wrote it.

        It was one fingerprint of the day's folder and the folders before it. Days with such a mark are not read again for the new
        form alone.
        """
        first = date.fromisoformat(day)
        back = [self._content.get(first - timedelta(days=i)) for i in range(self.days_late + 1)]
        return fingerprint([CONTRACT_VERSION, *self.versions, back])

    def _short(self, day: date) -> str:
        return fingerprint([str(day), self._content[day]])[:8]

    def pending(self, stored: Mapping[str, str]) -> tuple[dict[str, str], dict[str, str]]:
        """The days to read, and the days whose waiting events may find their search now, each with its new mark.

        A day whose later folder was changed or withdrawn, and not only added, is read again. Events of days that are read are
        compared with the searches of these days and of the days before them. The new marks therefore name no later folder that
        is not read now; once they are in the lake, such a day is pending again for its waiting events.

        Args:
            stored: Delivered date -> mark in the lake.
        """
        fresh: list[date] = []
        late: dict[str, str] = {}
        for day, mark in self.marks.items():
            stored_mark = stored.get(day)
            if stored_mark == mark:
                continue
            base, *after = mark.split("-")
            stored_base, *stored_after = (stored_mark or "").split("-")
            is_same = _is_same_base(base, stored_base) or stored_base == self._older_base(day)
            if is_same and _has_read_later(after, stored_after, self._days_out_of_sight(date.fromisoformat(day))):
                continue
            if is_same and set(stored_after) <= set(after):
                late[day] = mark
            else:
                fresh.append(date.fromisoformat(day))
        return {str(d): self._mark(d, fresh) for d in fresh}, late

    def _days_out_of_sight(self, day: date) -> int:
        """How many of the later folders on which a day depends are of `before` or a later day, which this night does not see."""
        return sum(day + timedelta(days=i + 1) >= self.before for i in range(self.days_late))


def _has_read_later(after: Sequence[str], stored_after: Sequence[str], days_out_of_sight: int) -> bool:
    """Whether the lake has read all later folders of a day that this night sees, and also some that it does not see.

    Args:
        after: Hashes of the later folders that this night sees.
        stored_after: Hashes of the later folders in the stored mark.
        days_out_of_sight: The most folders that the lake can have read beyond those.
    """
    more = len(stored_after) - len(after)
    return 0 < more <= days_out_of_sight and list(stored_after[: len(after)]) == list(after)


def _is_same_base(base: str, stored_base: str) -> bool:
    """Whether a day's folder and those before it are as the stored mark names them; an earlier folder may be gone now."""
    (own, *back), (stored_own, *stored_back) = base.split("."), stored_base.split(".")
    if own != stored_own or len(back) != len(stored_back):
        return False
    return all(now in (then, GONE) for now, then in zip(back, stored_back, strict=True))


def delivered(logs: Path, before: date) -> list[Folder]:
    """The delivered days before a date that have files of either source, oldest first.

    Args:
        logs: Folder of the logs, with `searches/date=YYYY-MM-DD/` and `events/date=YYYY-MM-DD/`.
        before: The run_date.

    Raises:
        InputContractError: There is no such folder, or no day has searches.
    """
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
    folders = [
        Folder(d, {s: _files(logs / name / f"date={d}") for s, name in SOURCES.items()}) for d in days if d < before
    ]
    folders = [f for f in folders if any(f.files.values())]
    if not any(f.files["search"] for f in folders):
        ahead = f"; the first folder there is {days[0]}" if days else ""
        raise InputContractError(
            f"{logs} holds no searches before {before}{ahead}. Deliver searches/date=YYYY-MM-DD/*.jsonl[.gz] or "
            f"*.parquet, or run `make nightly`, which simulates logs."
        )
    return folders


def _day(text: str) -> date | None:
    """The date, or None for text that is none."""
    try:
        return date.fromisoformat(text)
    except ValueError:  # such as 2026-02-30
        return None


def simulated_as(logs: Path) -> dict[str, object] | None:
    """The content of the simulator's marker file ({} if it has none); None without a marker, where the logs are not simulated."""
    marker = logs / SIMULATED
    if not marker.exists():
        return None
    try:
        content = json.loads(marker.read_text(encoding="utf-8") or "{}")
    except ValueError:
        return {}
    return content if isinstance(content, dict) else {}


def _children(folder: Path) -> list[Path]:
    return sorted(p for p in folder.iterdir() if p.is_dir()) if folder.is_dir() else []


def _files(folder: Path) -> tuple[Path, ...]:
    if not folder.is_dir():
        return ()
    return tuple(p for p in sorted(folder.iterdir()) if p.name.endswith(SUFFIXES) and not p.name.startswith(("_", ".")))


def check_complete(folders: list[Folder], run_date: date, settle_s: float, accept: str) -> None:
    """Check that the newest day of a night is there and complete.

    Args:
        folders: The delivered days.
        run_date: The night; its newest day is the day before.
        settle_s: Seconds for which the files of a folder without `_SUCCESS` must not have changed.
        accept: The operator's reason to go on without this check (`ingest.accept_incomplete`); '' for none.

    Raises:
        InputContractError: The day is missing or has no searches (exit 2).
        IncompleteDelivery: The day is still being written, has no events, or is far too small (exit 3).
    """
    newest = run_date - timedelta(days=1)
    by_day = {f.day: f for f in folders}
    if accept:
        return
    if newest not in by_day or not by_day[newest].files["search"]:
        newest_there = max(f.day for f in folders if f.files["search"])
        raise InputContractError(
            f"the folder searches/date={newest} is missing (newest there: {newest_there}). Deliver it, or say "
            f'ingest.accept_incomplete="reason" to go on without it.'
        )
    check_at_rest([by_day[newest]], settle_s)
    _check_whole(newest, by_day)


def check_missed(folders: list[Folder], stored_days: Collection[date], accept: str) -> None:
    """Check that each day between the newest day of the lake and the newest delivered day is there and complete.

    So a day for which one night was stopped can't be skipped by the next night.

    Args:
        folders: The delivered days.
        stored_days: The days in the lake; on a first night, without any, nothing is checked.
        accept: The operator's reason to go on without this check (`ingest.accept_incomplete`); '' for none.

    Raises:
        IncompleteDelivery: A day is missing, has no events, or is far too small (exit 3).
    """
    if accept or not stored_days:
        return
    by_day = {f.day: f for f in folders}
    newest, last = max(stored_days), max((f.day for f in folders), default=max(stored_days))
    for day in (newest + timedelta(days=i) for i in range(1, (last - newest).days)):
        if day not in by_day:
            raise IncompleteDelivery(
                f"searches/date={day} and events/date={day} never came: the lake holds days to {newest}, and {last} is there. Deliver "
                f'them, or say ingest.accept_incomplete="reason" to go on without.'
            )
        _check_whole(day, by_day)


def _check_whole(day: date, by_day: Mapping[date, Folder]) -> None:
    """Raise IncompleteDelivery for a day without events though the week before has some, or with under half its usual size.

    The usual size is the median of the same weekday in the four weeks before, if at least two of them have files of the same
    formats.
    """
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
    """Raise IncompleteDelivery (exit 3) for a folder without `_SUCCESS` that changed less than `settle_s` seconds ago.

    It may still be written to.
    """
    for folder in folders:
        for source, files in folder.files.items():
            if files and not (files[0].parent / "_SUCCESS").exists():
                check_rested(f"{SOURCES[source]}/date={folder.day}", files, settle_s)


def check_rested(what: str, files: Sequence[Path], settle_s: float) -> None:
    """Raise IncompleteDelivery (exit 3) if one of the files changed less than `settle_s` seconds ago.

    Args:
        what: What the files are, for the message.
        files: The files.
        settle_s: Seconds.
    """
    age = time.time() - max(f.stat().st_mtime for f in files)
    if age < settle_s:
        raise IncompleteDelivery(
            f"{what} changed {age:.0f} s ago and has no _SUCCESS; it must rest for {settle_s:.0f} s. Run again later, or write "
            "_SUCCESS when it is complete."
        )


def check_sources(folders: list[Folder], settle_s: float, accept: str) -> None:
    """Check that the folders to be read are not still being written, and that none has events without searches.

    Such events would wait for their searches in vain, and expire.

    Args:
        folders: The days to be read.
        settle_s: Seconds for which the files of a folder without `_SUCCESS` must not have changed.
        accept: The operator's reason to go on without this check (`ingest.accept_incomplete`); '' for none.

    Raises:
        IncompleteDelivery: A folder is still being written, or a day has events alone (exit 3).
    """
    if not accept:
        check_at_rest(folders, settle_s)
    alone = [f.day for f in folders if not f.files["search"]]
    if alone and not accept:
        raise IncompleteDelivery(
            f"events/date={alone[0]} is there, but searches/date={alone[0]} is missing or has no file ({len(alone)} such days in all). "
            f'Deliver the searches, or say ingest.accept_incomplete="reason" to read the day without.'
        )
