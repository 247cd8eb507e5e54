"""The night's training examples: joined, audited, and as files for trials and the fit."""

from __future__ import annotations

import shutil
from pathlib import Path

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from features.catalogue import feature_table
from lake.errors import LeakageFound, MissingPartition
from lake.tables.nightly import JUDGEMENTS, QUERIES
from night.leaks import refuse_future, refuse_label_leaks
from night.night import Night
from ranking.examples import examples, matrix, training_examples_table

PAIR, QUERY, TRACK = (feature_table(g) for g in ("query_track", "query", "track"))


EXAMPLES = training_examples_table()


def refuse_leaks(night: Night) -> None:
    """Raise LeakageFound where the night's examples failed their audit (or their gate) and were not judged anew."""
    if night.lake.state(EXAMPLES, night.run_date) == "failed":
        raise LeakageFound(
            f"training_examples @ {night.settings.run_date}: failed when last judged. Mend the feature and run jobs.nightly again "
            f"(jobs.assemble judges them); nothing was published."
        )


def write_examples(night: Night, mark: str) -> None:
    """Join the features of each snapshot with the grades of the week after it, and store them under the mark."""
    lake, dates = night.lake, night.as_of
    rows = matrix(lake.read(PAIR, dates), lake.read(QUERY, dates), lake.read(TRACK, dates))
    judged = lake.read(JUDGEMENTS, [night.run_date], allow_unvalidated=True)
    frame = examples(rows, judged, lake.read(QUERIES, [night.run_date]), dates[-1] if len(dates) > 1 else None)
    frame = frame.withColumn("run_date", F.lit(night.run_date)).select(*[c.name for c in EXAMPLES.columns])
    lake.write(EXAMPLES, frame, {night.settings.run_date: mark})


def audited(night: Night, rows: DataFrame) -> str:
    """Hold the night where a feature knows the label, or what comes after its snapshot; what was found, in words."""
    try:
        said = refuse_label_leaks(night, rows)
        night.lake.mark(EXAMPLES, night.settings.run_date, "built")
        refuse_future(night)
    except LeakageFound:
        night.lake.mark(EXAMPLES, night.settings.run_date, "failed")
        raise
    return said


def examples_path(night: Night) -> Path:
    """The night's training examples as Parquet files, written once: trials and the final fit open them by path."""
    mark = night.lake.fingerprint(EXAMPLES, night.run_date)
    if mark is None:
        raise MissingPartition(
            f"training_examples: {night.settings.run_date} was never written. Run jobs.assemble first."
        )
    refuse_leaks(night)
    folder = Path(night.settings.tuning.sweeps) / "examples" / f"{night.settings.run_date}-{mark}"
    if not (folder / "_SUCCESS").exists():
        shutil.rmtree(folder.parent, ignore_errors=True)  # of other nights too: each makes its own from the lake
        frame = night.lake.read(EXAMPLES, [night.run_date], allow_unvalidated=True)
        frame.coalesce(1).write.mode("overwrite").parquet(str(folder.resolve()))
    return folder
