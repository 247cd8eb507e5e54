"""Read delivered folders and the catalog into search_log, engagement_events, quarantine, delivered_files and tracks."""

from __future__ import annotations

from datetime import date, timedelta

import hydra
from omegaconf import DictConfig

from events.delivery import Folder, check_complete, check_missed, check_sources, simulated_as
from events.privacy import ensure_key
from lake.provenance import ensure_provenance
from lake.tables.logs import DELIVERED_FILES
from lake.tables.nightly import WORDINGS
from night.catalogs import is_new_catalog, store_catalog
from night.command import run_command
from night.deliveries import deliveries_of, has_lost_a_source, ingest_folders, join_late, wanted_days
from night.night import Done, Night, run_alone


def to_do(night: Night) -> str:
    """Why the step would work, in words; "" if all folders and the catalog are read. Unlike `run` it accepts any delivery."""
    fresh, late = wanted_days(night, deliveries_of(night, _folders(night)), note=False)
    reasons = [f"{len(fresh):,} delivered days new or changed"] if fresh else []
    reasons += [f"{len(late):,} days whose waiting events may find their search"] if late else []
    reasons += ["a new catalog"] if is_new_catalog(night) else []
    return "; ".join(reasons)


def _folders(night: Night) -> list[Folder]:
    return [f for f in night.folders if not has_lost_a_source(night, f)]


def run(night: Night) -> Done:
    """Ingest the folders that are new or have changed since they were read, and the catalog if it has changed."""
    settings = night.settings.ingest
    settle_s = 0.0 if night.is_simulated else settings.settle_s
    ensure_provenance(night.lake.root, night.logs, simulated_as(night.logs))
    check_complete(night.folders, night.run_date, settle_s, settings.accept_incomplete)
    if settings.accept_incomplete:
        night.notes.append(f"deliveries accepted as they are: {settings.accept_incomplete}")
    key_file = night.key_file
    if ensure_key(key_file, night.lake.root, is_simulated=night.is_simulated) and not night.is_simulated:
        night.notes.append(f"made the pseudonym key {key_file} (mode 0600): keep it, and keep it secret")
    new_tracks = store_catalog(night)
    folders = _folders(night)
    # a night that was run without its newest day has written `wordings`, so it is known by that table
    seen = [date.fromisoformat(u) - timedelta(days=1) for u in night.lake.commits(WORDINGS)]
    seen += [date.fromisoformat(u) for u in night.lake.commits(DELIVERED_FILES)]
    check_missed(night.folders, [d for d in seen if d < night.run_date], settings.accept_incomplete)
    deliveries = deliveries_of(night, folders)
    fresh, late = wanted_days(night, deliveries)
    night.hashes.save()
    check_sources([f for f in folders if str(f.day) in fresh], settle_s, settings.accept_incomplete)
    if not fresh and not late:
        return Done(skipped=not new_tracks, rows_out=new_tracks, note="no new folder")
    done = ingest_folders(night, fresh, new_tracks) if fresh else Done(0, new_tracks, "no new folder")
    if fresh:  # reactions in these folders may wait for a search of a later folder that is already in the lake
        _, late = wanted_days(night, deliveries)
    joined = join_late(night, late) if late else 0
    return Done(done.rows_in, done.rows_out, done.note + (f"; {joined:,} events met their search" if joined else ""))


@hydra.main(version_base="1.3", config_path="pkg://conf", config_name="night")
def main(config: DictConfig) -> None:
    """Run this step alone."""
    run_alone("ingest", run, config)


if __name__ == "__main__":
    run_command(main, "jobs.ingest")
