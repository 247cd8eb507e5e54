"""What a night would do, and why: read from commits and files, without Spark and without the writer's lock."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from rich.console import Console
from rich.table import Table as Grid

from lake.store import write_file
from night.night import Night
from night.runs import last_runs
from night.step import Step, feeders


@dataclass(frozen=True)
class Planned:
    """One step of a plan.

    `why` is empty if nothing is to be done. `rows` and `seconds` are those of the newest run in which the step worked; None if it
    never did.
    """

    step: str
    why: str
    rows: int | None = None
    seconds: float | None = None


def planned(night: Night, steps: Sequence[Step], every: Sequence[Step]) -> list[Planned]:
    """The plan of a run.

    A step whose own inputs are unchanged is planned, too, if an earlier step of the run writes what it reads: its output then
    depends on what that step finds.

    Args:
        night: the night.
        steps: the steps of the run, in order.
        every: all steps of a night, in order.
    """
    before = last_runs(night)
    plan: list[Planned] = []
    for step in steps:
        working = {p.step for p in plan if p.why}
        fed_by = [name for name in feeders(step, every) if name in working]
        why = f"reads what {', '.join(fed_by)} will write" if fed_by else step.to_do(night)
        earlier = before.get(step.name, {})
        plan.append(Planned(step.name, why, earlier.get("rows_out"), earlier.get("seconds")))
    return plan


def print_plan(plan: Sequence[Planned], run_date: str, console: Console) -> None:
    """Print the plan as a table, with the expected seconds in all."""
    grid = Grid(title=f"Plan for {run_date}; nothing was run", title_justify="left", show_footer=True)
    due = [p for p in plan if p.why]
    unknown = sum(p.seconds is None for p in due)
    total = f"{sum(p.seconds or 0 for p in due):,.0f}" + (f" + {unknown} unknown" if unknown else "")
    grid.add_column("step", footer=f"{len(due)} of {len(plan)} would run")
    grid.add_column("rows", justify="right")
    grid.add_column("seconds", justify="right", footer=total)
    grid.add_column("why", overflow="fold")
    for p in plan:
        rows = f"{p.rows:,}" if p.why and p.rows is not None else "–"
        seconds = f"{p.seconds:,.1f}" if p.why and p.seconds is not None else "–"
        grid.add_row(p.step, rows, seconds, p.why or "up to date")
    console.print(grid)
    if any(p.seconds is not None for p in due):
        console.print("Rows and seconds are those of the newest run in which the step worked.", highlight=False)


def write_plan(plan: Sequence[Planned], file: Path, made_for: Mapping[str, object]) -> None:
    """Write the plan as JSON: {**made_for, "steps": [{step, why, rows, seconds}]}."""
    content = {**made_for, "steps": [asdict(p) for p in plan]}
    write_file(file, (json.dumps(content, indent=1) + "\n").encode())
