"""Join features of each snapshot with the grades of the week after it, and look for leaks."""

from __future__ import annotations

from typing import TYPE_CHECKING

import hydra
from omegaconf import DictConfig

from features.catalogue import feature_table, matrix_fingerprint
from jobs.command import run_command
from jobs.leaks import refuse_future, refuse_label_leaks
from jobs.night import Done, Night, run_alone
from lake.code import code_fingerprint
from lake.errors import LeakageFound
from lake.tables import JUDGEMENTS, QUERIES
from ranking.examples import examples, matrix, training_examples_table

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

PAIR, QUERY, TRACK = (feature_table(g) for g in ("query_track", "query", "track"))
EXAMPLES = training_examples_table()


def run(night: Night) -> Done:
    """One row per judgement (as_of, locale, query, track); exit 3 names a feature that knows the label, each time until it is mended."""
    lake, dates = night.lake, night.as_of
    if not dates:
        return Done(skipped=True, note="no training snapshot")
    inputs = night.inputs(
        judgements=(JUDGEMENTS, [night.run_date]), pairs=(PAIR, dates), queries=(QUERY, dates), tracks=(TRACK, dates)
    )
    limit, day = night.settings.ranking.max_leak_auc, night.settings.run_date
    mark = night.mark(inputs, matrix_fingerprint(), limit, code_fingerprint("jobs.assemble"))
    is_new = bool(night.pending(EXAMPLES, {day: mark}))
    if is_new:
        _write(night, mark)
    elif lake.state(EXAMPLES, day) == "passed":
        return Done(skipped=True)
    # also where they were written before: they failed, or the night was killed before they were looked at
    said = _audit(night, lake.read(EXAMPLES, [day], allow_unvalidated=True))
    judged = lake.commits(JUDGEMENTS)[day].rows if is_new else 0
    return Done(judged, lake.commits(EXAMPLES)[day].rows, f"{len(dates)} snapshots; {said}")


def refuse_leaks(night: Night) -> None:
    """Raise LeakageFound where the night's examples failed their audit (or their gate) and were not judged anew."""
    if night.lake.state(EXAMPLES, night.run_date) == "failed":
        raise LeakageFound(
            f"training_examples @ {night.settings.run_date}: failed when last judged. Mend the feature and run jobs.nightly again "
            f"(jobs.assemble judges them); nothing was published."
        )


def _write(night: Night, mark: str) -> None:
    from pyspark.sql import functions as F

    lake, dates = night.lake, night.as_of
    rows = matrix(lake.read(PAIR, dates), lake.read(QUERY, dates), lake.read(TRACK, dates))
    judged = lake.read(JUDGEMENTS, [night.run_date], allow_unvalidated=True)
    frame = examples(rows, judged, lake.read(QUERIES, [night.run_date]), dates[-1] if len(dates) > 1 else None)
    frame = frame.withColumn("run_date", F.lit(night.run_date)).select(*[c.name for c in EXAMPLES.columns])
    lake.write(EXAMPLES, frame, {night.settings.run_date: mark})


def _audit(night: Night, rows: DataFrame) -> str:
    """Hold the night where a feature knows the label, or what comes after its snapshot; what was found, in words."""
    try:
        said = refuse_label_leaks(night, rows)
        night.lake.mark(EXAMPLES, night.settings.run_date, "built")
        refuse_future(night)
    except LeakageFound:
        night.lake.mark(EXAMPLES, night.settings.run_date, "failed")
        raise
    return said


@hydra.main(version_base="1.3", config_path="pkg://conf", config_name="assemble")
def main(config: DictConfig) -> None:
    """Run this step alone."""
    run_alone("assemble", run, config)


if __name__ == "__main__":
    run_command(main, "jobs.assemble")
