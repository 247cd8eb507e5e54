"""Delivered folders and catalog into search_log, engagement_events, quarantine, delivered_files and tracks."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import hydra
from omegaconf import DictConfig

from events import catalog as catalog_reading
from events.contract import CONTRACT_VERSION, EVENT_FIELDS, SEARCH_FIELDS
from events.delivery import Folder, check_complete
from events.ingest import delivered_files, quarantine, sorted_events, sorted_searches
from events.privacy import ensure_key, key_frame
from events.reading import check_gzip, rows
from jobs.command import run_command
from jobs.night import Done, Night, run_alone
from lake.errors import IncompleteDelivery
from lake.fingerprint import fingerprint
from lake.schema import Table
from lake.tables import DELIVERED_FILES, ENGAGEMENT_EVENTS, QUARANTINE, SEARCH_LOG, TRACKS
from queries.names import with_normal_names
from queries.normalise import NORMAL_FORM_VERSION
from queries.understand import normalised

if TYPE_CHECKING:
    from pyspark.sql import DataFrame


def run(night: Night) -> Done:
    """Ingest the folders that the lake does not hold yet or that have changed, and the catalog if it has."""
    settings = night.settings.ingest
    settle_s = 0.0 if night.is_simulated else settings.settle_s
    check_complete(night.folders, night.run_date, settle_s, settings.accept_incomplete)
    if settings.accept_incomplete:
        night.notes.append(f"deliveries accepted as they are: {settings.accept_incomplete}")
    key_file = Path(night.settings.privacy.key_file)
    if ensure_key(key_file, night.lake.root):
        night.notes.append(f"made the pseudonym key {key_file} (mode 0600): keep it, and keep it secret")
    new_tracks = _catalog(night)
    wanted = _fingerprints(night.folders, settings.days_late)
    pending = night.pending(DELIVERED_FILES, wanted)
    if not pending:
        return Done(skipped=not new_tracks, rows_out=new_tracks, note="no new folder")
    return _folders(night, pending, new_tracks)


def _fingerprints(folders: list[Folder], days_late: int) -> dict[str, str]:
    """Unit -> fingerprint. A restated folder changes the folders after it too: duplicates look back that far."""
    content = {f.day: f.fingerprint() for f in folders}
    return {
        str(day): fingerprint(
            [CONTRACT_VERSION, NORMAL_FORM_VERSION, days_late]
            + [content.get(day - timedelta(days=i)) for i in range(days_late + 1)]
        )
        for day in content
    }


def _catalog(night: Night) -> int:
    files = catalog_reading.catalog_files(Path(night.settings.catalog))
    mark = catalog_reading.catalog_fingerprint(files)
    if night.lake.fingerprint(TRACKS, night.tracks_unit) == mark:
        return 0
    earlier = max((u for u in night.lake.commits(TRACKS) if u < night.settings.run_date), default=None)
    before = night.lake.read(TRACKS, [earlier], allow_unvalidated=True) if earlier else None
    frame = catalog_reading.tracks(night.spark, files, night.run_date, with_normal_names, before)
    return sum(night.lake.write(TRACKS, frame, {night.settings.run_date: mark}).values())


def _folders(night: Night, pending: dict[str, str], new_tracks: int) -> Done:
    from pyspark.sql import functions as F

    lake, days_late = night.lake, night.settings.ingest.days_late
    folders = [f for f in night.folders if str(f.day) in pending]
    search_files = [p for f in folders for p in f.files["search"]]
    event_files = [p for f in folders for p in f.files["event"]]
    check_gzip([*search_files, *event_files])
    earlier_units = _earlier(night, pending, days_late)
    key = key_frame(night.spark, Path(night.settings.privacy.key_file))
    delivered = rows(night.spark, search_files, SEARCH_FIELDS, "searches")
    before = _read(night, SEARCH_LOG, earlier_units)
    searches = sorted_searches(delivered, key, normalised, before, days_late)
    searches.rows.persist()
    known = searches.accepted().select("search_id", "results", "search_date")
    if before is not None:
        known = known.unionByName(before.select("search_id", "results", "search_date"))
    sides = [searches]
    if event_files:
        tracks = night.tracks(allow_unvalidated=True)
        reacted = rows(night.spark, event_files, EVENT_FIELDS, "events")
        events = sorted_events(reacted, known, tracks, _read(night, ENGAGEMENT_EVENTS, earlier_units), days_late)
        events.rows.persist()
        sides.append(events)
    accounts = delivered_files(sides).persist()
    _hold_bad_sources(accounts, night)
    written = lake.write(SEARCH_LOG, searches.accepted(), pending)
    n_events = 0
    if len(sides) > 1:
        n_events = sum(lake.write(ENGAGEMENT_EVENTS, sides[1].accepted(), pending).values())
    bad = sum(lake.write(QUARANTINE, quarantine(sides), pending).values())
    lake.write(DELIVERED_FILES, accounts, pending)  # last: it says that the folder is in
    (total,) = accounts.agg(F.sum("received"), F.sum("duplicate")).collect()
    for frame in (searches.rows, accounts, *[s.rows for s in sides[1:]]):
        frame.unpersist()
    note = f"{len(folders)} folders, {int(total[1] or 0):,} duplicates, {bad:,} quarantined"
    return Done(int(total[0] or 0), sum(written.values()) + n_events + new_tracks, note)


def _earlier(night: Night, pending: dict[str, str], days_late: int) -> list[str]:
    """Folders already in the lake, not read again now, from which a copy or a search of the new ones may stem."""
    first = min(f.day for f in night.folders if str(f.day) in pending) - timedelta(days=days_late)
    return [
        u for u in sorted(night.lake.commits(SEARCH_LOG)) if u >= str(first) and u not in pending and u < max(pending)
    ]


def _read(night: Night, table: Table, units: list[str]) -> DataFrame | None:
    return night.lake.read(table, units, allow_unvalidated=True) if units else None


def _hold_bad_sources(accounts: DataFrame, night: Night) -> None:
    from pyspark.sql import functions as F

    limit = night.settings.ingest.max_quarantined_share
    by_source = accounts.groupBy("delivered_date", "source").agg(
        F.sum("quarantined").alias("q"), F.sum("received").alias("r")
    )
    worst = by_source.where(F.col("q") > limit * F.col("r")).orderBy("delivered_date").collect()
    if worst and not night.settings.ingest.accept_incomplete:
        first = worst[0]
        raise IncompleteDelivery(
            f"{first['source']} folder of {first['delivered_date']}: {first['q']:,} of {first['r']:,} rows break the contract, "
            f"above ingest.max_quarantined_share={limit} ({len(worst)} folders in all). Look at the producer; nothing was "
            f'written. To go on all the same: ingest.accept_incomplete="reason".'
        )


@hydra.main(version_base="1.3", config_path="pkg://conf", config_name="ingest")
def main(config: DictConfig) -> None:
    """Run this step alone."""
    run_alone("ingest", run, config)


if __name__ == "__main__":
    run_command(main, "jobs.ingest")
