"""Read delivered folders into the log tables: which days are pending, the read itself, and events that wait for their search."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta

from pyspark.sql import DataFrame, Row
from pyspark.sql import functions as F

from events.accounting import check_balanced, check_something_accepted, most_frequent_reason
from events.bots import TRAILING_DAYS
from events.contract import CONTRACT_VERSION, EVENT_FIELDS, SEARCH_FIELDS
from events.delivery import Deliveries, Folder
from events.ingest import ClassifiedRows, delivered_files, judged_events, judged_searches, quarantine, with_outcome
from events.privacy import key_frame
from events.reading import check_gzip, documents_left_out, requests, rows
from events.waiting import joined_late, recounted
from lake.checkpoint import checkpointed
from lake.errors import IncompleteDelivery
from lake.schema import Table, struct
from lake.tables.logs import DELIVERED_FILES, ENGAGEMENT_EVENTS, FORGOTTEN_USERS, QUARANTINE, SEARCH_LOG
from night.night import Done, Night
from queries.nightly.understand import normalised
from queries.text.normalise import NORMAL_FORM_VERSION


def deliveries_of(night: Night, folders: list[Folder]) -> Deliveries:
    """The folders with all that their marks depend on: file hashes, the versions of the reading code, and the lateness."""
    late = night.settings.ingest.days_late
    return Deliveries(folders, late, (NORMAL_FORM_VERSION, late), night.run_date, night.hashes.of)


def has_lost_a_source(night: Night, folder: Folder) -> bool:
    """Whether raw searches or events of a day were deleted after the lake had read them; the lake then keeps its rows."""
    commits = {s: night.lake.commits(table).get(str(folder.day)) for s, table in ACCEPTED_IN.items()}
    return any(not folder.files[s] and commit is not None and commit.rows > 0 for s, commit in commits.items())


def wanted_days(night: Night, deliveries: Deliveries, *, note: bool = True) -> tuple[dict[str, str], dict[str, str]]:
    """The days to read, and the days whose waiting events may find their search now; both with their marks.

    Days that an older version read and that this night does not need again are left out, and noted if `note` is given.
    """
    known = _marks(night)
    fresh, late = deliveries.pending(known)
    days_late = night.settings.ingest.days_late
    versions = [(c, (n, days_late)) for c in range(1, CONTRACT_VERSION + 1) for n in range(1, NORMAL_FORM_VERSION + 1)]
    # the counts of a day also need the days around it
    reads_from = night.reads_from - timedelta(days=TRAILING_DAYS + night.days_open)
    waiting = {
        d
        for d in fresh
        if d in known
        and night.can_wait(date.fromisoformat(d), reads_from)
        and deliveries.is_of_older_version(d, known[d], versions[:-1])
    }
    if note:
        night.note_waiting("read", waiting)
    return {d: m for d, m in fresh.items() if d not in waiting}, late


def _marks(night: Night) -> dict[str, str]:
    """Delivered date -> the stored mark of that day in the lake."""
    return {unit: commit.fingerprint for unit, commit in night.lake.commits(DELIVERED_FILES).items()}


def ingest_folders(night: Night, pending: dict[str, str], new_tracks: int) -> Done:
    """Read, check and write the pending folders, all in one pass over their files.

    Args:
        night: the night.
        pending: delivered date -> mark, of the folders to read.
        new_tracks: how many tracks the night added to the catalog; counted among the rows out.
    """
    lake, spark, days_late = night.lake, night.spark, night.settings.ingest.days_late
    folders = [f for f in night.folders if str(f.day) in pending]
    search_files = [p for f in folders for p in f.files["search"]]
    event_files = [p for f in folders for p in f.files["event"]]
    check_gzip([*search_files, *event_files])
    before = sorted({u for day in pending for u in night.days_before(day, days_late, pending)})
    earlier = _read(night, SEARCH_LOG, before)
    known = spark.createDataFrame([], struct(SEARCH_LOG)) if earlier is None else earlier
    known = known.withColumn("is_forgotten", F.lit(False)).select(*KNOWN)
    ubi = night.settings.ubi
    sides: list[ClassifiedRows] = []
    if search_files:
        forgotten = lake.read(FORGOTTEN_USERS, allow_unvalidated=True) if lake.exists(FORGOTTEN_USERS) else None
        parsed = rows(spark, search_files, SEARCH_FIELDS, "searches", ubi)
        judged = checkpointed(
            judged_searches(
                parsed,
                key_frame(spark, night.key_file),
                normalised,
                forgotten,
                requests(spark, search_files, SEARCH_FIELDS, "searches", ubi),
            )
        )
        sides.append(ClassifiedRows(with_outcome(judged, "search", earlier, days_late), "search", search_files))
        known = sides[0].rows.where("outcome = 'accepted'").select(*KNOWN).unionByName(known)
    if event_files:
        reacted = rows(spark, event_files, EVENT_FIELDS, "events", ubi)
        reacted = checkpointed(judged_events(reacted, known, night.tracks(allow_unvalidated=True), days_late))
        outcomes = with_outcome(reacted, "event", _read(night, ENGAGEMENT_EVENTS, before), days_late)
        sides.append(ClassifiedRows(outcomes, "event", event_files))
    accounts = delivered_files(sides).persist()
    of_day = accounts.groupBy(F.col("delivered_date").cast("string").alias("day"), "source")
    sums = ("received", "accepted", "duplicate", "quarantined", "forgotten")
    counted = of_day.agg(*[F.sum(c).alias(c) for c in sums], F.count("*").alias("files")).collect()
    per_file = accounts.collect()
    check_balanced(per_file)
    _refuse_bad_sources(night, folders, counted, per_file, sides)
    # quarantined rows are collected, and compared with the account of each file, before anything is written
    broken = quarantine(spark, sides, {r["source_file"]: r["quarantined"] for r in per_file})

    def per_day(value: Callable[[Row], int], source: str = "") -> dict[str, int]:
        days = dict.fromkeys(pending, 0)
        for row in counted:
            days[row["day"]] += value(row) if source in ("", row["source"]) else 0
        return days

    of_source = {s.source: s for s in sides}
    kept_of: dict[str, dict[str, int]] = {}
    for source, table in ACCEPTED_IN.items():
        kept_of[source] = per_day(lambda r: r["accepted"] - r["forgotten"], source)
        there = of_source[source].accepted() if source in of_source else spark.createDataFrame([], struct(table))
        lake.write(table, there, pending, kept_of[source])
    lake.write(QUARANTINE, broken, pending, per_day(lambda r: r["quarantined"]))
    # last, since its commit marks the folder as read
    lake.write(DELIVERED_FILES, accounts, pending, per_day(lambda r: r["files"]))
    accounts.unpersist()
    for files, source in ((search_files, "searches"), (event_files, "events")):
        left = documents_left_out(spark, files, source, ubi)
        if left is not None:
            counts = ", ".join(f"{r['left_out_as']} {r['document_count']:,}" for r in left.collect())
            night.notes.append(f"UBI documents that are no {source}, left out: {counts or 'none'}")
    total = {c: sum(r[c] for r in counted) for c in sums}
    note = f"{len(folders)} folders, {total['duplicate']:,} duplicates, {total['quarantined']:,} quarantined"
    note += f", {total['forgotten']:,} of forgotten people" if total["forgotten"] else ""
    return Done(total["received"], sum(sum(n.values()) for n in kept_of.values()) + new_tracks, note)


ACCEPTED_IN = {"search": SEARCH_LOG, "event": ENGAGEMENT_EVENTS}


KNOWN = ("search_id", "results", "search_date", "delivered_date", "is_forgotten")


def join_late(night: Night, late: dict[str, str]) -> int:
    """Accept events that were quarantined for want of their search and whose search has been delivered since.

    Args:
        night: the night.
        late: delivered date -> new mark, of the days in the lake whose events may find their search now.

    Returns:
        The number of events accepted.
    """
    lake, days_late = night.lake, night.settings.ingest.days_late
    joined = 0
    for unit in sorted(late):
        around = night.days_before(unit, days_late, set(), also_after=True)
        rejoined = joined_late(
            _read(night, QUARANTINE, [unit]),
            _read(night, SEARCH_LOG, around),
            _read(night, ENGAGEMENT_EVENTS, around),
            night.tracks(allow_unvalidated=True),
            unit,
            days_late,
            night.settings.ubi,
        )
        if rejoined is not None and rejoined.count:
            joined += rejoined.count
            lake.write(ENGAGEMENT_EVENTS, rejoined.events, {unit: late[unit]})
            lake.write(QUARANTINE, rejoined.quarantine, {unit: late[unit]})
        accounts = lake.read(DELIVERED_FILES, [unit], allow_unvalidated=True)
        accounts = recounted(accounts, _read(night, ENGAGEMENT_EVENTS, [unit]), _read(night, QUARANTINE, [unit]))
        lake.write(DELIVERED_FILES, accounts, {unit: late[unit]})
    return joined


def _read(night: Night, table: Table, units: list[str]) -> DataFrame | None:
    """The rows of those units that the lake has, before their gate; None if it has none of them."""
    stored = [u for u in units if u in night.lake.commits(table)]
    return night.lake.read(table, stored, allow_unvalidated=True) if stored else None


def _refuse_bad_sources(
    night: Night, folders: list[Folder], counted: list[Row], per_file: list[Row], sides: list[ClassifiedRows]
) -> None:
    """Raise IncompleteDelivery if no row of a day's searches or events was accepted, or if too many of them break the contract.

    It runs before anything is written; `ingest.accept_incomplete` turns it off.
    """
    limit = night.settings.ingest.max_quarantined_share
    if night.settings.ingest.accept_incomplete:
        return
    delivered = {(str(f.day), source): files for f in folders for source, files in f.files.items() if files}
    check_something_accepted(night.spark, delivered, per_file, sides, night.settings.ubi)
    worst = sorted(
        (r["day"], r["source"], r["quarantined"], r["received"])
        for r in counted
        if r["quarantined"] > limit * r["received"]
    )
    if worst:
        day, source, bad, received = worst[0]
        [side] = [s for s in sides if s.source == source]
        raise IncompleteDelivery(
            f"{source} folder of {day}: {bad:,} of {received:,} rows break the contract, above "
            f"ingest.max_quarantined_share={limit} ({len(worst)} folders in all); most frequent reason: "
            f"{most_frequent_reason(side, day)}. Look at the producer; no log was written. To go on all the same: "
            f'ingest.accept_incomplete="reason".'
        )
