"""Keep the lake small: expire old partitions and quarantine, compact small files, remove what no reader needs."""

from __future__ import annotations

from datetime import timedelta

import hydra
from omegaconf import DictConfig

from features.catalogue import feature_tables
from lake import tables as t
from lake.rerun import remove_reruns
from lake.upkeep import compact, expire
from night.command import run_command
from night.night import Done, Night, run_alone
from ranking.examples import training_examples_table

AS_OF = (
    t.QUERIES,
    t.ALIAS_PAIRS,
    t.EXPOSURE_CURVES,
    t.BACKOFF_STRENGTHS,
    t.VECTORS,
    t.CANDIDATES,
    *feature_tables(),
    t.JUDGEMENTS,
    training_examples_table(),
    t.HEAD_RANKINGS,
)
OTHERS = tuple(x for x in t.LOG_TABLES if x.name not in {y.name for y in AS_OF})


def run(night: Night) -> Done:
    """Expire as-of partitions older than `features.keep` nights and quarantine older than `maintain.quarantine_days`.

    What is newer than the oldest snapshot of tonight's training set stays in any case: each of these nights is a snapshot of one
    of the next training sets.
    """
    settings, lake = night.settings, night.lake
    oldest = str(min([night.run_date - timedelta(days=settings.features.keep), *night.as_of_wanted]))
    expired = sum(expire(lake, x, [u for u in lake.commits(x) if u < oldest]) for x in AS_OF)
    broken_until = str(night.run_date - timedelta(days=settings.maintain.quarantine_days))
    held = expire(lake, t.QUARANTINE, [u for u in lake.commits(t.QUARANTINE) if u < broken_until])
    kept = [x for x in (*AS_OF, *OTHERS) if lake.exists(x)]
    for table in kept:
        compact(lake, table, settings.maintain.vacuum_h)
    remove_reruns(lake.root, oldest)
    note = f"{expired} as-of partitions and {held} days of quarantine expired, {len(kept)} tables compacted"
    return Done(rows_out=expired + held, note=note)


@hydra.main(version_base="1.3", config_path="pkg://conf", config_name="maintain")
def main(config: DictConfig) -> None:
    """Run this step alone."""
    run_alone("maintain", run, config)


if __name__ == "__main__":
    run_command(main, "jobs.maintain")
