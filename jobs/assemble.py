"""Join features of each snapshot with the grades of the week after it, and look for leaks."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import hydra
from omegaconf import DictConfig

from evaluation.report import write_json
from features.audit import future_dependent, heard_columns
from features.catalogue import columns, feature_table, matrix_fingerprint
from jobs.build_features import daily_before, inputs_of
from jobs.command import run_command
from jobs.night import Done, Night, run_alone
from lake.code import code_fingerprint
from lake.errors import LeakageFound
from lake.tables import JUDGEMENTS, QUERIES
from ranking.examples import examples, label_auc, matrix, training_examples_table

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

PAIR, QUERY, TRACK = (feature_table(g) for g in ("query_track", "query", "track"))
EXAMPLES = training_examples_table()
AUDITED, AUDITED_QUERIES = "features-audited.json", 100


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
    _audit(night, lake.read(EXAMPLES, [day], allow_unvalidated=True))
    judged = lake.commits(JUDGEMENTS)[day].rows if is_new else 0
    return Done(judged, lake.commits(EXAMPLES)[day].rows, f"{len(dates)} snapshots")


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


def _audit(night: Night, rows: DataFrame) -> None:
    """Hold the night where a feature knows the label, or what comes after its snapshot."""
    limit, day = night.settings.ranking.max_leak_auc, night.settings.run_date
    leaks = {n: a for n, a in label_auc(rows).items() if a > limit}
    if leaks:
        night.lake.mark(EXAMPLES, day, "failed")
        said = ", ".join(f"{n} (AUC {a:.4f})" for n, a in sorted(leaks.items(), key=lambda x: -x[1]))
        raise LeakageFound(
            f"training_examples @ {day}: {said} separates grade ≥ 1 better than {limit}: a feature "
            f"that knows the label. Look at its window and inputs; nothing was published."
        )
    night.lake.mark(EXAMPLES, day, "built")
    # what a feature reads follows from its code: it is looked at once, and again when the code has changed
    code, done = code_fingerprint("features", "events"), Path(night.settings.reports) / AUDITED
    if done.exists() and json.loads(done.read_text(encoding="utf-8")).get("code") == code:
        return
    seers = _seers(night)
    if seers:
        night.lake.mark(EXAMPLES, day, "failed")
        raise LeakageFound(
            f"training_examples @ {day}: {', '.join(seers)} changes when days after the snapshot change: a feature that "
            f"reads the future. Look at what it reads besides its window's sums; nothing was published."
        )
    write_json({"code": code, "run_date": day, "columns": len(columns())}, done)
    night.notes.append(
        f"features: the {len(heard_columns())} columns (of {len(columns())}) that sum days of daily_engagement sum none after their "
        "snapshot (looked at once a code; curves, strengths and vectors are read as they are)"
    )


def _seers(night: Night) -> list[str]:
    """Columns of the newest training snapshot that change with the future, judged on the pairs of a few queries."""
    from pyspark.sql import functions as F

    as_of = night.as_of[-1]
    stored = night.lake.read(PAIR, [as_of], allow_unvalidated=True).select("locale", "query", "track_id")
    few = stored.select("query").distinct().orderBy(F.xxhash64("query"), "query").limit(AUDITED_QUERIES)
    pairs = stored.join(F.broadcast(few), "query").select(F.lit(as_of).alias("as_of"), "locale", "query", "track_id")
    queries = night.lake.read(QUERIES, [night.run_date], allow_unvalidated=True)
    daily = daily_before(night, (as_of,)).join(F.broadcast(few), "query").persist()
    kept = pairs.persist()
    try:
        return future_dependent(inputs_of(night, kept, (as_of,), daily, queries), as_of)
    finally:
        daily.unpersist()
        kept.unpersist()


@hydra.main(version_base="1.3", config_path="pkg://conf", config_name="assemble")
def main(config: DictConfig) -> None:
    """Run this step alone."""
    run_alone("assemble", run, config)


if __name__ == "__main__":
    run_command(main, "jobs.assemble")
