"""Run a whole night in one Spark session: every step that is not yet done, in order; then print three answers."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

import hydra
from omegaconf import DictConfig
from rich.console import Console

from events.catalog import catalog_files
from events.delivery import delivered
from jobs.graph import GRAPH
from lake.store import place
from night.answers import chosen_requests, print_answers
from night.command import exit_on_error, run_command, settings_of
from night.night import Night, night, reading_night
from night.openlineage import events_of, send
from night.page import print_page
from night.plan import planned, print_plan, write_plan
from night.runs import record_of, write_record
from night.settings import Settings
from night.step import Step, chosen_steps
from night.summary import Summary


def steps_of(this: Night) -> list[Step]:
    """The steps that this run is asked for, in order."""
    return chosen_steps(GRAPH, this.settings.nightly.until, this.settings.nightly.only)


def run(this: Night, steps: Sequence[Step], console: Console) -> Summary:
    """Run the steps in order, and write the record of the run, also if one of them fails.

    Args:
        this: the night.
        steps: the steps.
        console: where the progress is printed.
    """
    summary, started, failure = Summary(console), datetime.now(UTC), None
    try:
        for i, step in enumerate(steps, 1):
            with summary.step(this, step.name, f"{i:>2}/{len(steps)}") as results:
                results.append(step.run(this))
    except BaseException as error:  # also an operator's Ctrl-C
        failure = f"{type(error).__name__}: {next(iter(str(error).splitlines()), '')}"
        raise
    finally:
        record = record_of(this, summary, started, failure)
        summary.record = write_record(this, record)
        this.keep()
        if target := this.settings.nightly.lineage:
            this.notes.append(send(events_of(record, str(this.lake.root)), target))
    return summary


def show_plan(settings: Settings, console: Console) -> None:
    """Print the plan of the night, and write it as JSON beside the records of runs."""
    this = reading_night(settings)
    plan = planned(this, steps_of(this), GRAPH)
    print_plan(plan, settings.run_date, console)
    file = Path(this.settings.reports) / f"plan-{settings.run_date}.json"
    write_plan(plan, file, {"run_date": settings.run_date})
    console.print(f"As JSON: {file}", highlight=False)


@hydra.main(version_base="1.3", config_path="pkg://conf", config_name="night")
def main(config: DictConfig) -> None:
    """Run the night, or continue one that was interrupted."""
    with exit_on_error("jobs.nightly"):
        settings = settings_of(config)
        console = Console(width=None if Console().is_terminal else 160)
        probe = Night(settings, None)  # type: ignore[arg-type]  # the inputs are checked before Spark starts
        steps = steps_of(probe)
        delivered(probe.logs, probe.run_date)
        catalog_files(place(settings.catalog))
        if settings.nightly.plan:
            show_plan(settings, console)
            return
        console.print(f"playfirst: the night of [bold]{settings.run_date}[/] over {settings.logs}", highlight=False)
        with night(settings, settings.nightly.lock_wait_s) as this:
            summary = run(this, steps, console)
            summary.table(settings.run_date)
            for note in this.notes:
                console.print(f"  note: {note}", highlight=False)
            console.print(f"  record: {summary.record}", highlight=False)
            has_published = any(s.name == "publish" for s in steps)
            asked = chosen_requests(this) if has_published else []
            print_page(this.settings, console)
        if has_published:
            print_answers(this.settings, asked, console)


if __name__ == "__main__":
    run_command(main, "jobs.nightly")
