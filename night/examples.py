"""The night's training examples: how they are joined and audited, and their Parquet files for the sweep and the final fit."""

from __future__ import annotations

from pathlib import Path

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from features.catalogue import feature_table
from lake.errors import LeakageFound, MissingPartition
from lake.mirror import Mirror, copy_of
from lake.store import is_local, remove_tree
from lake.tables.nightly import JUDGEMENTS, NEEDS
from night.leaks import refuse_future, refuse_label_leaks
from night.night import Night
from ranking.examples import examples, matrix, training_examples_table

PAIR, NEED, TRACK = (feature_table(g) for g in ("need_track", "need", "track"))
EXAMPLES = training_examples_table()
SHARES = 1_000_000
EXPORTS = "examples"  # folder of the lake with the examples as plain Parquet files


def refuse_leaks(night: Night) -> None:
    """Raise LeakageFound if the night's examples failed their audit or their gate and have not been judged again since."""
    if night.lake.state(EXAMPLES, night.run_date) == "failed":
        raise LeakageFound(
            f"training_examples @ {night.settings.run_date}: failed when last judged. Mend the feature and run jobs.nightly again "
            f"(jobs.assemble judges them); nothing was published."
        )


def write_examples(night: Night, mark: str) -> None:
    """Join the features of each snapshot with the grades of the week after it, and write the examples with the given mark."""
    lake, dates = night.lake, night.as_of
    rows = matrix(lake.read(PAIR, dates), lake.read(NEED, dates), lake.read(TRACK, dates))
    judged = lake.read(JUDGEMENTS, [night.run_date], allow_unvalidated=True)
    frame = examples(rows, judged, lake.read(NEEDS, [night.run_date]), dates[-1] if len(dates) > 1 else None)
    frame = frame.withColumn("run_date", F.lit(night.run_date)).select(*[c.name for c in EXAMPLES.columns])
    lake.write(EXAMPLES, frame, {night.settings.run_date: mark})


def audit_examples(night: Night, rows: DataFrame) -> str:
    """Check the night's examples for features that know the label, or data from after their snapshot.

    The ledger gets `built` for the examples once no column knows the label, and `failed` if one of the two checks fails.

    Args:
        night: the night.
        rows: the stored examples.

    Returns:
        How far the columns are from the limits, in words.

    Raises:
        LeakageFound: names each leaking column.
    """
    try:
        summary = refuse_label_leaks(night, rows)
        night.lake.mark(EXAMPLES, night.settings.run_date, "built")
        refuse_future(night)
    except LeakageFound:
        night.lake.mark(EXAMPLES, night.settings.run_date, "failed")
        raise
    return summary


def sampled_to(night: Night) -> int | None:
    """How many of the night's examples are learned from, about, if there are more than `ranking.max_training_rows`; else None."""
    stored, most = night.lake.commits(EXAMPLES).get(night.settings.run_date), night.settings.ranking.max_training_rows
    return most if stored is not None and stored.rows > most else None


def examples_path(night: Night) -> Path:
    """A local folder with the night's training examples as Parquet files, which the sweep and the final fit read by path.

    Spark writes them at the first call, into the lake, where executors of a cluster can write; from another store than a disk they
    are copied to this machine. Raises MissingPartition if the examples were never assembled, and LeakageFound if
    they failed their audit.
    """
    mark = night.lake.fingerprint(EXAMPLES, night.run_date)
    if mark is None:
        raise MissingPartition(
            f"training_examples: {night.settings.run_date} was never written. Run jobs.assemble first."
        )
    refuse_leaks(night)
    most, rows = sampled_to(night), night.lake.commits(EXAMPLES)[night.settings.run_date].rows
    name = f"{night.settings.run_date}-{mark}" + (f"-{most}" if most else "")
    folder = night.lake.root / EXPORTS / name
    if not (folder / "_SUCCESS").exists():
        # the files of other nights go, too: any night can write its own again from the lake
        remove_tree(folder.parent)
        frame = night.lake.read(EXAMPLES, [night.run_date], allow_unvalidated=True)
        if most:
            # whole needs, the same every time; half a need would be another ranking problem
            frame = frame.where(F.pmod(F.xxhash64("fold_key"), F.lit(SHARES)) < int(SHARES * most / rows))
            night.notes.append(
                f"the ranker learns from about {most:,} of {rows:,} examples (ranking.max_training_rows)"
            )
        frame.write.mode("overwrite").parquet(str(folder))
    if is_local(folder):
        return folder
    copy = Mirror(folder, copy_of(folder, Path(night.settings.cluster.work_dir), EXPORTS))
    copy.pull()
    return copy.local
