"""Store the delivered catalog as the night's snapshot in the table `tracks`."""

from __future__ import annotations

from datetime import date, timedelta

from events import catalog as catalog_reading
from events.delivery import delivered
from lake.checkpoint import checkpointed
from lake.columns import BACKDATED
from lake.store import place
from lake.tables.logs import TRACKS
from night.night import Night
from queries.nightly.names import with_normal_names
from queries.text.normalise import NORMAL_FORM_VERSION


def is_new_catalog(night: Night) -> bool:
    """Whether `store_catalog` would write: D has no catalog yet, or the delivered one is another than the newest stored one."""
    if night.is_rerun and night.lake.commits(TRACKS):
        return _stand_in(night) is not None
    stored, mark = night.lake.fingerprint(TRACKS, night.tracks_unit), _delivered_mark(night)
    # that of D may have been stored without the tracks that were released later
    own = [mark, _released_mark(night, mark)] if night.tracks_unit == night.settings.run_date else [mark]
    return stored not in own


def _delivered_mark(night: Night) -> str:
    files = catalog_reading.catalog_files(place(night.settings.catalog))
    return catalog_reading.catalog_fingerprint(files, night.hashes.of, NORMAL_FORM_VERSION)


def _released_mark(night: Night, delivered: str) -> str:
    """The mark of the delivered catalog without the tracks that were released after D."""
    return night.mark(delivered, "released by", night.run_date)


def store_catalog(night: Night) -> int:
    """Store the delivered catalog as the snapshot of D unless it equals the newest stored one; returns the tracks written."""
    if night.is_rerun and night.lake.commits(TRACKS):
        return _catalog_of_the_past(night)
    if not is_new_catalog(night):
        return 0
    catalog, settings, mark = place(night.settings.catalog), night.settings.ingest, _delivered_mark(night)
    files = catalog_reading.catalog_files(catalog)
    catalog_reading.check_readable(files)
    if not settings.accept_incomplete:
        catalog_reading.check_catalog_at_rest(catalog, files, 0.0 if night.is_simulated else settings.settle_s)
    earlier = night.lake.newest(TRACKS, night.run_date - timedelta(days=1))
    before = night.lake.read(TRACKS, [earlier], allow_unvalidated=True) if earlier else None
    frame, left_out = catalog_reading.tracks(night.spark, files, night.run_date, with_normal_names, before)
    if left_out:
        night.notes.append(f"catalog rows left out (no JSON, or without track_id, title or artist): {left_out:,}")
    frame = checkpointed(frame)
    counted = {night.settings.run_date: frame.count()}
    # with logs of days after D, the catalog is newer than D, too
    if delivered(night.logs, date.max)[-1].day > night.run_date:
        released = catalog_reading.released_by(frame, night.run_date)
        if (later := counted[night.settings.run_date] - released.count()) > 0:
            frame, mark = released, _released_mark(night, mark)
            counted[night.settings.run_date] -= later
            night.notes.append(
                f"{later:,} tracks of the catalog were released after {night.run_date} and were left out: there are deliveries of later days, "
                "so this catalog is newer than this night. Give the catalog of that day if there is one (catalog=FILE)"
            )
    if earlier and not settings.accept_incomplete:
        catalog_reading.check_catalog_whole(
            catalog, counted[night.settings.run_date], night.lake.commits(TRACKS)[earlier].rows, earlier
        )
    return sum(night.lake.write(TRACKS, frame, {night.settings.run_date: mark}, counted).values())


def _catalog_of_the_past(night: Night) -> int:
    """The catalog of a night that is run after later ones: the delivered catalog is newer than D, so it is not read.

    D uses the newest snapshot stored by then. If there is none, the oldest stored one is written for D, reduced to what may be
    known before its date (`events.catalog.backdated`).
    """
    lake, unit, stand_in = night.lake, night.settings.run_date, _stand_in(night)
    if stand_in is None:
        return 0
    oldest, mark = stand_in
    frame = catalog_reading.backdated(lake.read(TRACKS, [oldest], allow_unvalidated=True), night.run_date)
    night.notes.append(
        f"no catalog was stored by {unit}: the one of {oldest} stands in, without tracks released later and with title, artists, album, "
        "release date and duration alone"
    )
    return sum(lake.write(TRACKS, frame, {unit: mark}).values())


def _stand_in(night: Night) -> tuple[str, str] | None:
    """(unit, mark) of the later catalog that is to be written for D; None if D has a catalog, or if no later one is stored."""
    lake, unit = night.lake, night.settings.run_date
    stored = {u: c.fingerprint for u, c in lake.commits(TRACKS).items() if not c.fingerprint.startswith(BACKDATED)}
    if any(u <= unit for u in stored) or not stored:
        return None
    oldest = min(stored)
    mark = BACKDATED + night.mark("stands in", oldest, stored[oldest])
    return None if lake.fingerprint(TRACKS, unit) == mark else (oldest, mark)
