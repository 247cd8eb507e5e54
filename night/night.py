"""`Night`, the argument of every step: the settings, the lake with its one Spark session, and the dates of the night."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import asdict, dataclass, field
from datetime import date, timedelta
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from omegaconf import DictConfig

from events.delivery import SIMULATED, Folder, delivered
from features.measures import LONGEST_DAYS
from lake.errors import NightLocked
from lake.fingerprint import FileHashes, fingerprint
from lake.io import Lake
from lake.lock import night_lock
from lake.provenance import provenance
from lake.rerun import RerunLake
from lake.retired import RETIRED, set_aside
from lake.schema import Table
from lake.session import LazySession, SessionSettings
from lake.store import absolute, place, remove_tree, scheme_of
from lake.tables.daily import BOT_DAYS, DAILY_ENGAGEMENT, DAILY_SEARCHES, LISTENER_TILES
from lake.tables.logs import SEARCH_LOG, TRACKS
from night.command import exit_on_error, settings_of
from night.places import Places
from night.settings import Settings
from ranking.examples import teachable, training_dates

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession


# the tables of daily counts: a day is counted without its late rows first, and again with them
COUNTED = (DAILY_ENGAGEMENT, DAILY_SEARCHES, BOT_DAYS, LISTENER_TILES)


@dataclass(frozen=True)
class Done:
    """The result of a step: rows in and out, and a note for the summary. `skipped`: there was nothing to do."""

    rows_in: int = 0
    rows_out: int = 0
    note: str = ""
    skipped: bool = False


@dataclass
class Night:
    """One run of one night. Steps read and write through `lake`; nothing here looks at the clock."""

    settings: Settings
    lake: Lake
    notes: list[str] = field(default_factory=list)
    backfilled: tuple[date, date] | None = None  # first and last day that jobs.backfill brings up to date
    keep: Callable[[], object] = lambda: (
        None
    )  # writes what a step has changed in local copies of folders to their store

    def __post_init__(self) -> None:
        if self.lake is None:  # the inputs are checked before the lake is opened
            return
        if isinstance(self.lake, RerunLake) and self.lake.run_date != self.settings.run_date:
            self.lake = self.lake.base
        if self.is_rerun and not isinstance(self.lake, RerunLake):
            self.lake = RerunLake(self.lake, self.settings.run_date, COUNTED)

    @property
    def spark(self) -> SparkSession:
        """The Spark session of the lake; it starts at the first use."""
        return self.lake.spark

    @property
    def run_date(self) -> date:
        """D: features and releases of D use only what was delivered before D."""
        return date.fromisoformat(self.settings.run_date)

    @property
    def logs(self) -> Path:
        """The folder with searches/ and events/."""
        return place(self.settings.logs)

    @cached_property
    def folders(self) -> list[Folder]:
        """Delivered folders before D, in order."""
        return delivered(self.logs, self.run_date)

    @property
    def is_simulated(self) -> bool:
        """Whether the logs are simulated, by the lake's provenance file, or before the first night by the logs' marker file.

        The lake comes first because a command over a lake of real logs may be given no `logs`, and must not treat real people as
        simulated ones.
        """
        stored = provenance(place(self.settings.lake.root))
        return bool(stored["simulated"]) if stored is not None else (self.logs / SIMULATED).exists()

    @property
    def key_file(self) -> Path:
        """The file of the pseudonym key. Simulated logs have a separate file, whose key is the same on every machine."""
        privacy = self.settings.privacy
        return Path(privacy.simulated_key_file if self.is_simulated else privacy.key_file)

    @property
    def k(self) -> int:
        """How many people must have asked a query before it may leave the restricted tables."""
        privacy = self.settings.privacy
        if privacy.k is not None:
            return privacy.k
        return privacy.k_simulated if self.is_simulated else privacy.k_real

    @property
    def history_days(self) -> int:
        """Number of days from the first delivery in the lake to D."""
        return (self.run_date - self.first_day).days

    @cached_property
    def first_day(self) -> date:
        """The first delivered day in the lake, whose raw folder may be deleted by now; on an empty lake, the first folder."""
        stored_days = [u for u in self.lake.commits(SEARCH_LOG) if u < self.settings.run_date]
        return date.fromisoformat(min(stored_days)) if stored_days else self.folders[0].day

    @cached_property
    def hashes(self) -> FileHashes:
        """SHA-256 of delivered files, cached in the lake: a file is hashed again only if its size or time has changed."""
        return FileHashes(self.lake.root / "file_hashes.json")

    @property
    def is_rerun(self) -> bool:
        """Whether the lake already has later nights; an input without a date (the catalog) is then not of this night."""
        after = any(unit > self.settings.run_date for unit in self.lake.commits(TRACKS))
        return after or any(unit >= self.settings.run_date for unit in self.lake.commits(SEARCH_LOG))

    @property
    def reads_from(self) -> date:
        """The oldest day whose daily counts this night reads; older days are read from the tiles of the long history."""
        return min([*self.as_of_wanted, self.run_date]) - timedelta(days=LONGEST_DAYS)

    def can_wait(self, day: date, reads_from: date) -> bool:
        """Whether a day that an older version computed may stay: this night does not read it and it is not being backfilled.

        Args:
            day: the day in question.
            reads_from: the oldest day that this night reads from the table in question.
        """
        is_backfilled = self.backfilled is not None and self.backfilled[0] <= day <= self.backfilled[1]
        return day < reads_from and not is_backfilled

    def note_waiting(self, what: str, days: Collection[str]) -> None:
        """Note how many days were left as an older version computed them, and the command that computes them again.

        Args:
            what: what the older version did with the days, as a participle: "read" or "counted".
            days: the days that were left, as YYYY-MM-DD; nothing is noted if there are none.
        """
        if days:
            first, last = min(days), max(days)
            self.notes.append(
                f"{len(days)} days, {first} to {last}, are {what} by an older version; tonight reads none of them one by one. Next: "
                f"python -m jobs.backfill run_date={self.settings.run_date} from={first} to={last}"
            )

    @property
    def days_open(self) -> int:
        """How many folders after a day may have rows of it: a search may be one folder late, its reactions `days_late` more."""
        return self.settings.ingest.days_late + 1

    @property
    def as_of(self) -> tuple[date, ...]:
        """Dates of the training snapshots of D, oldest first.

        Empty while the history is too short, or if every snapshot lacks delivered days before or after it.
        """
        if self.history_days < self.settings.ranking.min_history_days:
            return ()
        return teachable(self.as_of_wanted, self.delivered_days, self.settings.labels.label_days)

    @property
    def can_train(self) -> bool:
        """Whether the history is long enough for a training set; if it is, a missing ranker is an error."""
        return self.history_days >= self.settings.ranking.min_history_days and bool(self.as_of_wanted)

    @property
    def as_of_wanted(self) -> tuple[date, ...]:
        """Dates of the training snapshots of D by the calendar alone: as `as_of`, but without regard to missing days."""
        mature = self.settings.labels.label_days + self.days_open
        return training_dates(self.run_date, self.first_day, mature)

    @cached_property
    def delivered_days(self) -> set[date]:
        """Days before D with searches in the lake, even if their raw folders are gone; on an empty lake, days with a folder."""
        commits = self.lake.commits(SEARCH_LOG)
        if not commits:
            return {f.day for f in self.folders if f.files["search"]}
        return {d for u, c in commits.items() if c.rows and (d := date.fromisoformat(u)) < self.run_date}

    def days_before(self, unit: str, days: int, but: Collection[str], *, also_after: bool = False) -> list[str]:
        """Delivered dates in the lake close to one date, in order.

        Args:
            unit: the date, as YYYY-MM-DD.
            days: how many days before it are included.
            but: dates to leave out.
            also_after: include `unit` itself and as many days after it, too.
        """
        near = {str(date.fromisoformat(unit) + timedelta(days=i)) for i in range(-days, days + 1 if also_after else 0)}
        return sorted(u for u in self.lake.commits(SEARCH_LOG) if u in near and u not in but)

    def days(self, first: date, before: date) -> list[str]:
        """Written days of daily_engagement in [first, before)."""
        return [d for d in sorted(self.lake.commits(DAILY_ENGAGEMENT)) if str(first) <= d < str(before)]

    def window(self, days: int, before: date | None = None) -> list[str]:
        """Written days of daily_engagement in the `days` days before D (or `before`)."""
        end = before or self.run_date
        return self.days(end - timedelta(days=days), end)

    @property
    def tracks_unit(self) -> str:
        """The unit of `tracks` that D uses: the newest one that is not after D; D itself while none is stored."""
        return self.lake.newest(TRACKS, self.run_date) or self.settings.run_date

    def tracks(self, *, allow_unvalidated: bool) -> DataFrame:
        """The catalog that D uses, one row per track, without the column run_date."""
        return self.lake.read(TRACKS, [self.tracks_unit], allow_unvalidated=allow_unvalidated).drop("run_date")

    def inputs(self, **units: tuple[Table, Iterable[object]]) -> dict[str, object]:
        """Fingerprints of units of tables, as a part of the mark of what is computed from them.

        Args:
            **units: name -> (table, its units).

        Returns:
            The same names -> a list of [unit, fingerprint or None], sorted by unit.
        """
        return {
            n: [[str(u), self.lake.fingerprint(t, u)] for u in sorted(map(str, of))] for n, (t, of) in units.items()
        }

    def pending(self, table: Table, wanted: Mapping[str, str]) -> dict[str, str]:
        """The part of `wanted` (unit -> mark) that is to be written: the newest commit of the unit has another mark, or none."""
        return {u: f for u, f in wanted.items() if self.lake.fingerprint(table, u) != f}

    def why(self, wanted: Mapping[str, str], *tables: Table) -> str:
        """Why units of any of the tables are to be written, in words; "" if none is. `wanted` is that of `pending`."""
        reasons = []
        for table in tables:
            pending = self.pending(table, wanted)
            never = sum(self.lake.fingerprint(table, unit) is None for unit in pending)
            changed = len(pending) - never
            reasons += [f"{never:,} of {table.name} never written"] if never else []
            reasons += [f"{changed:,} of {table.name} from other inputs, settings or code"] if changed else []
        return "; ".join(reasons)

    def mark(self, *parts: object) -> str:
        """The mark of what a step writes: a fingerprint of its inputs, settings (dataclasses) and code."""
        return fingerprint([asdict(p) if hasattr(p, "__dataclass_fields__") else p for p in parts])  # type: ignore[call-overload]


def reading_night(settings: Settings) -> Night:
    """The night for a command that only reads: it takes no lock of the lake, and must start no Spark."""
    places = Places(settings, reader=True)
    places.pull()
    places.close()
    root = place(settings.lake.root)
    return Night(places.settings, Lake(LazySession(_session_settings(settings)), root))


CHECKPOINTS = "checkpoints"  # folder of the lake in which a night on a cluster keeps its checkpoints while it runs


def _session_settings(settings: Settings) -> SessionSettings:
    uris = (settings.lake.root, settings.logs, settings.catalog)
    return SessionSettings(
        app_name=f"playfirst {settings.run_date}",
        checkpoints=str(absolute(place(settings.lake.root)) / CHECKPOINTS),
        schemes=tuple(sorted({scheme for uri in uris if (scheme := scheme_of(uri))})),
        **asdict(settings.cluster),
    )


@contextmanager
def night(settings: Settings, lock_wait_s: float = 0.0) -> Iterator[Night]:
    """Lock the lake and yield the night; flush the ledger, stop the Spark session and release the lock at the end.

    Args:
        settings: the checked settings.
        lock_wait_s: how long to wait while another run holds the lock; a line on stdout announces the wait.
    """
    root, places = place(settings.lake.root), Places(settings)
    run_id = uuid.uuid4().hex[:12]

    def waiting(holder: str) -> None:
        print(f"waiting up to {lock_wait_s:,.0f} s for {holder} to end: it holds {root}", flush=True)

    with night_lock(root, run_id, lock_wait_s, waiting) as may_write, closing(places):
        places.pull()
        session = LazySession(_session_settings(settings))
        retired = set_aside(root)
        this = Night(places.settings, Lake(session, root, run_id, may_write), keep=lambda: places.push(may_write))
        if retired:
            this.notes.append(
                f"{len(retired)} tables of an earlier version, keyed by wordings, were set aside in {root / RETIRED} "
                f"({', '.join(retired)}); tonight's are made anew by need, and jobs.maintain removes the old ones after a passed night"
            )

        def end() -> None:
            try:
                this.lake.flush_ledger()
            finally:
                session.stop()
                may_write()  # without the lock, the checkpoints are another run's by now
                remove_tree(root / CHECKPOINTS)  # also those of a run that was killed

        try:
            yield this
        except Exception as error:
            lost = _lost(may_write)
            try:
                end()
            except Exception as later:
                error.add_note(f"while the night ended: {later!r}")
            if lost is not None:  # whatever a run meets after it has lost its lock, this is why it ends
                raise lost from error
            raise
        except BaseException:
            end()
            raise
        end()


def _lost(may_write: Callable[[], None]) -> NightLocked | None:
    try:
        may_write()
    except NightLocked as lost:
        return lost
    return None


def run_alone(name: str, step: Callable[[Night], Done], config: DictConfig) -> None:
    """Run one step as a command: check the settings, lock the lake, run the step, print its result in one line and its notes."""
    with exit_on_error(f"jobs.{name}"):
        settings = settings_of(config)
        with night(settings) as this:
            this.lake.begin_step(name)
            done = step(this)
            this.keep()
            what = "already done" if done.skipped else f"{done.rows_in:,} rows in, {done.rows_out:,} out"
            print(f"{name} @ {settings.run_date}: {what}{'; ' + done.note if done.note else ''}")
            for note in this.notes:
                print(f"  {note}")
