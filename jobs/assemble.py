"""Join features of each snapshot with the grades of the week after it, and look for leaks."""

from __future__ import annotations

from typing import TYPE_CHECKING

import hydra
from omegaconf import DictConfig

from features.catalogue import feature_table, matrix_fingerprint
from jobs.command import run_command
from jobs.night import Done, Night, run_alone
from lake.errors import LeakageFound
from lake.fingerprint import code_fingerprint
from lake.tables import JUDGEMENTS, QUERIES
from ranking.examples import examples, label_auc, matrix, training_examples_table

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

PAIR, QUERY, TRACK = (feature_table(g) for g in ("query_track", "query", "track"))
EXAMPLES = training_examples_table()


def run(night: Night) -> Done:
    """One row per graded (as_of, locale, query, track); exit 3 names a feature that knows the label."""
    from pyspark.sql import functions as F

    lake, dates = night.lake, night.as_of
    if not dates:
        return Done(skipped=True, note="no training snapshot")
    inputs = night.inputs(
        judgements=(JUDGEMENTS, [night.run_date]), pairs=(PAIR, dates), queries=(QUERY, dates), tracks=(TRACK, dates)
    )
    mark = night.mark(inputs, matrix_fingerprint(), code_fingerprint("ranking"))
    if not night.pending(EXAMPLES, {night.settings.run_date: mark}):
        return Done(skipped=True)
    rows = matrix(lake.read(PAIR, dates), lake.read(QUERY, dates), lake.read(TRACK, dates))
    judged = lake.read(JUDGEMENTS, [night.run_date], allow_unvalidated=True)
    frame = examples(rows, judged, lake.read(QUERIES, [night.run_date]), dates[-1] if len(dates) > 1 else None)
    frame = frame.withColumn("run_date", F.lit(night.run_date)).select(*[c.name for c in EXAMPLES.columns])
    written = lake.write(EXAMPLES, frame, {night.settings.run_date: mark})
    _audit(night, lake.read(EXAMPLES, [night.run_date], allow_unvalidated=True))
    return Done(
        lake.commits(JUDGEMENTS)[night.settings.run_date].rows, sum(written.values()), f"{len(dates)} snapshots"
    )


def _audit(night: Night, rows: DataFrame) -> None:
    limit = night.settings.ranking.max_leak_auc
    leaks = {n: a for n, a in label_auc(rows).items() if a > limit}
    if not leaks:
        return
    night.lake.mark(EXAMPLES, night.settings.run_date, "failed")
    said = ", ".join(f"{n} (AUC {a:.4f})" for n, a in sorted(leaks.items(), key=lambda x: -x[1]))
    raise LeakageFound(
        f"training_examples @ {night.settings.run_date}: {said} separates grade ≥ 1 better than {limit}: a feature "
        f"that knows the label. Look at its window and inputs; nothing was published."
    )


@hydra.main(version_base="1.3", config_path="pkg://conf", config_name="assemble")
def main(config: DictConfig) -> None:
    """Run this step alone."""
    run_alone("assemble", run, config)


if __name__ == "__main__":
    run_command(main, "jobs.assemble")
