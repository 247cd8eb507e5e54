"""Keep the lake small: expire old partitions and quarantined rows, compact small files, and remove files that no reader needs."""

from __future__ import annotations

from datetime import timedelta

import hydra
from omegaconf import DictConfig

from lake.rerun import remove_reruns
from lake.retired import remove_retired
from lake.tables.nightly import HEAD_RANKINGS
from lake.upkeep import compact, expire
from night.command import run_command
from night.night import Done, Night, run_alone
from night.tables import all_tables, expiring


def run(night: Night) -> Done:
    """Expire as-of partitions older than `features.keep` nights and quarantined days older than `maintain.quarantine_days`.

    As-of partitions from the oldest training snapshot of D on are always kept: the nights since then are snapshots of the next
    training sets.
    """
    settings, lake = night.settings, night.lake
    oldest = str(min([night.run_date - timedelta(days=settings.features.keep), *night.as_of_wanted]))
    expired = sum(expire(lake, x, [u for u in lake.commits(x) if u < oldest]) for x in expiring("as_of"))
    broken_until = str(night.run_date - timedelta(days=settings.maintain.quarantine_days))
    broken = sum(expire(lake, x, [u for u in lake.commits(x) if u < broken_until]) for x in expiring("quarantine"))
    kept = [x for x in all_tables() if lake.exists(x)]
    for table in kept:
        compact(lake, table, settings.maintain.vacuum_h)
    remove_reruns(lake.root, oldest)
    if lake.passed(HEAD_RANKINGS) and (removed := remove_retired(lake.root)):
        night.notes.append(f"{len(removed)} tables of an earlier version removed: {', '.join(removed)}")
    note = f"{expired} as-of partitions and {broken} days of quarantine expired, {len(kept)} tables compacted"
    return Done(rows_out=expired + broken, note=note)


@hydra.main(version_base="1.3", config_path="pkg://conf", config_name="night")
def main(config: DictConfig) -> None:
    """Run this step alone."""
    run_alone("maintain", run, config)


if __name__ == "__main__":
    run_command(main, "jobs.maintain")
