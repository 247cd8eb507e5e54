"""Evaluate the night by the simulator's truth: playfirst, the baselines and the skyline on the same candidates."""

from __future__ import annotations

import json
from dataclasses import replace

import hydra
from omegaconf import DictConfig

from evaluation.errors import MetricInput, TruthUnreadable
from lake.tables.nightly import HEAD_RANKINGS
from night.arms import with_learned_arms
from night.command import run_command
from night.night import Done, Night, run_alone
from night.truth import (
    ablation_file,
    asked_before,
    has_truth,
    judged_mark,
    lookups,
    report_file,
    report_mark,
    rows_of_arms,
    truth_of,
)


def run(night: Night) -> Done:
    """Evaluate the released lists on the searches of D, which the night did not use; writes reports/night.json.

    Raises:
        InputContractError: the logs are not simulated, or their truth is missing.
        EvaluationError: the truth and the release do not match.
    """
    truth = truth_of(night)
    from evaluation.ablation import print_ablation, read_ablation
    from evaluation.all_searches import over_all_searches, risk_curve
    from evaluation.night import evaluate_night, print_night, write_night_json

    lake, day = night.lake, [night.run_date]
    rankings = lake.read(HEAD_RANKINGS, day).select("locale", "need", "track_id", "score", "rank").toPandas()
    looked_up = lookups(night, truth)
    frame = rows_of_arms(night, looked_up.entries).toPandas()
    frame = with_learned_arms(night, frame, looked_up.entries)
    described = ("track_id", "title", "artists", "popularity", "genres", "released_at")
    catalog = night.tracks(allow_unvalidated=False).select(*described).toPandas()
    result = evaluate_night(truth, rankings, frame, catalog, looked_up.answers)
    every = over_all_searches(truth, looked_up.lists, looked_up.every_answer, asked_before(night), looked_up.matched_by)
    guesses = {**looked_up.unsure, **looked_up.every_answer}
    every = replace(every, curve=risk_curve(truth, looked_up.lists, guesses, looked_up.confidence))
    result = replace(result, all_searches=every)
    out = report_file(night.settings)
    out.parent.mkdir(parents=True, exist_ok=True)
    write_night_json(result, out, report_mark(night))
    print_night(result)
    families = read_ablation(ablation_file(night.settings), night.run_date, judged_mark(night))
    if families is not None:
        print_ablation(families)
    ours = json.loads(out.read_text())["ndcg10"]
    return Done(len(frame), len(rankings), f"NDCG@10 {ours['playfirst']:.4f}, skyline {ours['skyline']:.4f}; {out}")


def to_do(night: Night) -> str:
    """Why the figures would be computed, in words; "" if they are up to date, or if there is no truth."""
    if not has_truth(night) or _is_judged(night):
        return ""
    return "the figures are of other lists, or there are none"


def _is_judged(night: Night) -> bool:
    out = report_file(night.settings)
    return out.exists() and json.loads(out.read_text()).get("made_from") == report_mark(night)


def run_if_judged(night: Night) -> Done:
    """`run` as a step of the night, skipped if the figures are up to date or the truth is too small (the note says why).

    The truth is too small if it has no searches of D, or too few for the metrics.
    """
    if _is_judged(night):
        return Done(skipped=True, note=f"figures in {report_file(night.settings)}")
    try:
        return run(night)
    except (TruthUnreadable, MetricInput) as error:  # no searches of D, or too few to judge by
        return Done(skipped=True, note=str(error))


@hydra.main(version_base="1.3", config_path="pkg://conf", config_name="night")
def main(config: DictConfig) -> None:
    """Run this step alone."""
    run_alone("report", run, config)


if __name__ == "__main__":
    run_command(main, "jobs.report")
