"""Build the feature tables of D for all candidates, and those of the training snapshots for the training pairs."""

from __future__ import annotations

from datetime import date
from functools import reduce

import hydra
from omegaconf import DictConfig
from pyspark.sql import functions as F

from features.build.backoff import fitted
from features.build.engine import prepared
from features.build.stored import stored_strengths, stored_wordings, write_strengths, write_vectors
from features.catalogue import chosen, feature_table
from lake.checkpoint import checkpointed
from lake.tables.nightly import NEEDS
from night.command import run_command
from night.head import head_settings
from night.night import Done, Night, run_alone
from night.snapshots import (
    daily_before,
    inputs_of,
    pending_snapshots,
    snapshot_mark,
    wanted_pairs,
    write_wordings,
)
from night.wordings import mapping
from queries.nightly.by_need import distinct_needs
from ranking.head import ranked_needs


def _wanted(night: Night) -> dict[str, str]:
    only = tuple(night.settings.features.only)
    return {str(d): snapshot_mark(night, d, only) for d in (*night.as_of, night.run_date)}


def to_do(night: Night) -> str:
    """Why the step would work, in words; "" if every snapshot is built."""
    pending = pending_snapshots(night, _wanted(night))
    if not pending:
        return ""
    return night.why(pending, feature_table("need_track")) or f"{len(pending)} snapshots were built in part"


def run(night: Night) -> Done:
    """Build the features of D and of each missing training snapshot, in one pass over the days."""
    lake, only = night.lake, tuple(night.settings.features.only)
    pending = pending_snapshots(night, _wanted(night))
    if not pending:
        return Done(skipped=True)
    dates = tuple(date.fromisoformat(u) for u in sorted(pending))
    stored = lake.read(NEEDS, [night.run_date], allow_unvalidated=True)
    # checkpointed, not persisted: Spark compares every later plan with each cached one, and these are read dozens of times
    needs = checkpointed(distinct_needs(stored))
    everything = checkpointed(mapping(night, dates))
    write_wordings(night, everything, pending, dates)
    daily = daily_before(night, dates)
    head = checkpointed(ranked_needs(stored, head_settings(night)))
    pairs = reduce(lambda a, b: a.unionByName(b), [wanted_pairs(night, d, daily, everything, head) for d in dates])
    pairs = checkpointed(pairs)
    per_date = {str(r[0]): int(r[1]) for r in pairs.groupBy("as_of").count().collect()}
    out = 0
    if night.settings.features.vectors and any(c.feature.family == "collaborative" for c in chosen(only)):
        write_vectors(lake, daily, stored_wordings(lake, dates), needs, pending)
    with prepared(inputs_of(night, pairs, dates, daily, needs), only) as sums:
        if strengths := fitted(sums):
            write_strengths(lake, strengths, pending)
            sums = sums.with_strengths(stored_strengths(lake, dates))
        frames = sums.frames()
        # the widest last, since its commit marks the night's features as complete
        for grain in ("track", "need", "need_track"):
            table = feature_table(grain)
            frame = frames[grain].withColumnRenamed("as_of", "run_date")
            for column in table.columns:
                if column.name not in frame.columns:  # columns that features.only leaves out are null
                    frame = frame.withColumn(column.name, F.lit(None).cast(column.type))
            # one row per pair, counted above, so that the widest frame need not be kept to be counted
            rows = per_date if grain == "need_track" else None
            out += sum(lake.write(table, frame, pending, rows).values())
    note = f"{len(dates)} snapshots" + (f"; only {', '.join(only)}" if only else "")
    return Done(sum(per_date.values()), out, note)


@hydra.main(version_base="1.3", config_path="pkg://conf", config_name="night")
def main(config: DictConfig) -> None:
    """Run this step alone."""
    run_alone("build_features", run, config)


if __name__ == "__main__":
    run_command(main, "jobs.build_features")
