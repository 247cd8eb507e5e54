"""The report of the night: one HTML page, and where the logs are simulated the figures against the simulator's truth."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import hydra
from omegaconf import DictConfig

from evaluation.errors import MetricInput, TruthUnreadable
from night.command import run_command
from night.evaluated import judged_night
from night.night import Done, Night, run_alone
from night.page import page_file, write_page, written_from
from night.truth import (
    ablation_file,
    asked_before,
    has_truth,
    judged_mark,
    lookups,
    report_file,
    report_mark,
    truth_of,
)

NO_TRUTH = "There is no simulator's truth beside the logs: nothing says which tracks were right."


def run(night: Night) -> Done:
    """Judge the released lists on the searches of D if the logs are simulated, and write the page of the night.

    Writes reports/<run_date>.html and reports/nights/<run_date>.json, and with the truth reports/night.json.

    Raises:
        EvaluationError: the truth and the release do not match, or the truth has no searches of D, or too few.
    """
    return _reported(night, figures_of(night) if has_truth(night) else None, NO_TRUTH)


def figures_of(night: Night) -> dict[str, Any]:
    """Evaluate the released lists on the searches of D, which the night did not use; writes reports/night.json and returns it."""
    truth = truth_of(night)
    from evaluation.ablation import print_ablation, read_ablation
    from evaluation.all_searches import over_all_searches, risk_curve
    from evaluation.night import print_night, write_night_json

    looked_up = lookups(night, truth)
    result = judged_night(night, truth, looked_up)
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
    figures: dict[str, Any] = json.loads(out.read_text(encoding="utf-8"))
    return figures


def _reported(night: Night, figures: dict[str, Any] | None, why_not_judged: str) -> Done:
    file = write_page(night, figures, report_mark(night), why_not_judged)
    size = file.stat().st_size
    if figures is None:
        return Done(rows_out=size, note=f"{why_not_judged} {file}")
    ndcg, rows = figures["ndcg10"], figures["entries"]["candidate_rows"]
    return Done(rows, size, f"NDCG@10 {ndcg['playfirst']:.4f}, skyline {ndcg['skyline']:.4f}; {file}")


def to_do(night: Night) -> str:
    """Why the page would be written, in words; "" if it is up to date."""
    return "" if _is_done(night) else "the page is of other lists, or there is none"


def _is_done(night: Night) -> bool:
    """Whether the page, and `night.json` if the page shows it, are of this night as it is now."""
    mark, out = report_mark(night), report_file(night.settings)
    written = written_from(night.settings)
    if written is None or written.get("made_from") != mark:
        return False
    return written.get("figures") is None or (out.exists() and json.loads(out.read_text()).get("made_from") == mark)


def run_if_due(night: Night) -> Done:
    """`run` as a step of the night: skipped if the page is up to date.

    Where the truth has no searches of D, or too few to judge by, the page says so and is written without it.
    """
    if _is_done(night):
        return Done(skipped=True, note=f"the page is up to date: {page_file(night.settings)}")
    try:
        return run(night)
    except (TruthUnreadable, MetricInput) as error:
        return _reported(night, None, f"{error}.")


@hydra.main(version_base="1.3", config_path="pkg://conf", config_name="night")
def main(config: DictConfig) -> None:
    """Run this step alone."""
    run_alone("report", run, config)


if __name__ == "__main__":
    run_command(main, "jobs.report")
