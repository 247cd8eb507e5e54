"""Turn the reactions of the week after each training snapshot into grades."""

from __future__ import annotations

import hydra
from omegaconf import DictConfig
from pyspark.sql import functions as F

from labels.grades import judgements
from labels.unshown import sampled_negatives, with_negatives
from lake.code import code_fingerprint
from lake.tables.daily import DAILY_ENGAGEMENT
from lake.tables.logs import TRACKS
from lake.tables.nightly import CANDIDATES, EXPOSURE_CURVES, JUDGEMENTS, NEEDS, WORDINGS
from night.command import run_command
from night.head import head_settings
from night.judged import SNAPSHOT_PAIRS, grade_settings, in_label_weeks, known_pairs, label_weeks, shown
from night.night import Done, Night, run_alone
from night.wordings import mapping_inputs
from queries.nightly.by_need import distinct_needs
from ranking.head import ranked_needs


def _mark(night: Night) -> str:
    mapped = sorted({str(d) for t in night.as_of for d in mapping_inputs(night, t)[1]})
    inputs = night.inputs(
        daily=(DAILY_ENGAGEMENT, sorted({d for of in label_weeks(night).values() for d in of})),
        curves=(EXPOSURE_CURVES, [night.run_date]),
        needs=(NEEDS, [night.run_date]),
        wordings=(WORDINGS, mapped),
        pairs=(SNAPSHOT_PAIRS, night.as_of),
        candidates=(CANDIDATES, night.as_of),
        tracks=(TRACKS, [night.tracks_unit]),
    )
    return night.mark(
        inputs,
        grade_settings(night),
        night.settings.labels.unshown_per_need,
        night.as_of,
        head_settings(night),
        code_fingerprint("jobs.grade"),
    )


def to_do(night: Night) -> str:
    """Why the step would work, in words; "" if the grades are up to date, or if no snapshot can be graded."""
    return night.why({night.settings.run_date: _mark(night)}, JUDGEMENTS) if night.as_of else ""


def run(night: Night) -> Done:
    """Write one row per graded (as_of, place, need, track).

    These are the pairs shown in the label week [as_of, as_of + label_days), and sampled negatives of the snapshot, not shown in
    it.
    """
    lake, labels = night.lake, night.settings.labels
    if not night.as_of:
        return Done(
            skipped=True, note=f"{night.history_days} days of history: no snapshot with enough days before and after it"
        )
    settings, days, mark = grade_settings(night), label_weeks(night), _mark(night)
    if not night.pending(JUDGEMENTS, {night.settings.run_date: mark}):
        return Done(skipped=True)
    daily = in_label_weeks(night, days)
    needs = lake.read(NEEDS, [night.run_date])
    head = ranked_needs(needs, head_settings(night)).select("locale", "need", "intent_group")
    graded = judgements(daily, lake.read(EXPOSURE_CURVES, [night.run_date]), distinct_needs(needs), settings)
    graded = graded.join(F.broadcast(head), ["locale", "need"], "left_semi")
    graded = with_negatives(graded, sampled_negatives(known_pairs(night), shown(daily), head, labels.unshown_per_need))
    frame = graded.withColumn("run_date", F.lit(night.run_date)).select(*[c.name for c in JUDGEMENTS.columns])
    rows = lake.write(JUDGEMENTS, frame, {night.settings.run_date: mark})
    return Done(sum(lake.commits(DAILY_ENGAGEMENT)[d].rows for of in days.values() for d in of), sum(rows.values()))


@hydra.main(version_base="1.3", config_path="pkg://conf", config_name="night")
def main(config: DictConfig) -> None:
    """Run this step alone."""
    run_alone("grade", run, config)


if __name__ == "__main__":
    run_command(main, "jobs.grade")
