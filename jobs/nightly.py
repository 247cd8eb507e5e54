"""Run a whole night in one Spark session: every step that is not yet done, in order; then print three answers."""

from __future__ import annotations

from pathlib import Path

import hydra
from omegaconf import DictConfig
from rich.console import Console

from events.catalog import catalog_files
from events.delivery import delivered
from jobs import (
    assemble,
    build_features,
    candidates,
    count_engagement,
    fit_exposure,
    grade,
    ingest,
    publish,
    rank_head,
    report,
    train,
    tune,
    understand,
    validate,
)
from night.answers import chosen_requests, print_answers
from night.command import exit_on_error, run_command, settings_of
from night.night import Night, Step, night
from night.summary import Summary
from night.truth import has_truth, print_last

STEPS: tuple[tuple[str, Step], ...] = (
    ("ingest", ingest.run),
    ("understand", understand.run),
    ("count_engagement", count_engagement.run),
    ("fit_exposure", fit_exposure.run),
    ("candidates", candidates.run),
    ("build_features", build_features.run),
    ("validate", validate.run),
    ("grade", grade.run),
    ("assemble", assemble.run),
    ("tune", tune.run_if_due),
    ("train", train.run),
    ("rank_head", rank_head.run),
    ("publish", publish.run),
)


def run(this: Night, console: Console) -> Summary:
    """Run every step of the night, and the report, too, if the simulator's truth is beside the logs.

    Args:
        this: the night.
        console: where the progress is printed.
    """
    steps = STEPS + ((("report", report.run_if_judged),) if has_truth(this) else ())
    summary = Summary(console)
    for i, (name, step) in enumerate(steps, 1):
        with summary.step(this, name, f"{i:>2}/{len(steps)}") as results:
            results.append(step(this))
    return summary


@hydra.main(version_base="1.3", config_path="pkg://conf", config_name="night")
def main(config: DictConfig) -> None:
    """Run the night, or continue one that was interrupted."""
    with exit_on_error("jobs.nightly"):
        settings = settings_of(config)
        console = Console(width=None if Console().is_terminal else 160)
        probe = Night(settings, None)  # type: ignore[arg-type]  # the inputs are checked before Spark starts
        delivered(probe.logs, probe.run_date)
        catalog_files(Path(settings.catalog))
        console.print(f"playfirst: the night of [bold]{settings.run_date}[/] over {settings.logs}", highlight=False)
        with night(settings, settings.nightly.lock_wait_s) as this:
            summary = run(this, console)
            summary.table(settings.run_date)
            for note in this.notes:
                console.print(f"  note: {note}", highlight=False)
            asked = chosen_requests(this)
            print_last(settings, console)
        print_answers(settings, asked, console)


if __name__ == "__main__":
    run_command(main, "jobs.nightly")
