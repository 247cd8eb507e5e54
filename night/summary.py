"""What the operator sees during a night: one line per step with a progress bar, and a table at the end."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn
from rich.table import Table

from lake.session import StageProgress, stage_metrics, watched
from night.night import Done, Night


@dataclass
class Summary:
    """The steps that have ended: printed one line each as they end, and as a table at the end."""

    console: Console
    steps: list[tuple[str, Done, float]] = field(default_factory=list)
    shuffled: dict[str, int] = field(default_factory=dict)  # bytes, by step; empty over Spark Connect
    began: dict[str, datetime] = field(default_factory=dict)  # when each step began, UTC
    running: str = ""  # the step that is running, or that failed
    last_stage: int = -1
    record: Path | None = None  # the file with the record of the run, once it has ended

    @contextmanager
    def step(self, night: Night, name: str, number: str) -> Iterator[list[Done]]:
        """Show a progress bar while the block runs, and print the step's line after it.

        Args:
            night: the night.
            name: the name of the step.
            number: its place, such as " 3/13".

        Yields:
            An empty list, to which the block appends the result of the step.
        """
        started, results = time.monotonic(), list[Done]()
        columns = (
            SpinnerColumn(),
            TextColumn("{task.description}"),
            BarColumn(bar_width=30),
            TextColumn("{task.completed:.0f}/{task.total:.0f} tasks"),
            TimeElapsedColumn(),
        )
        with Progress(*columns, console=self.console, transient=True, disable=not self.console.is_terminal) as bar:
            task = bar.add_task(f"{number} {name}", total=1, completed=0)

            def report(stages: StageProgress) -> None:
                if stages.total:
                    bar.update(task, total=stages.total, completed=stages.done)

            night.lake.begin_step(name)
            self.running, self.began[name] = name, datetime.now(UTC)
            with watched(lambda: night.lake.started, report):
                yield results
                night.keep()
        done, seconds = results[0], time.monotonic() - started
        self.steps.append((name, done, seconds))
        session = night.lake.started
        ended = stage_metrics(session, self.last_stage) if session is not None else []
        if ended:
            self.last_stage = ended[-1].stage_id
            self.shuffled[name] = sum(m.shuffled_bytes for m in ended)
        what = "already done" if done.skipped else f"{done.rows_in:>11,} → {done.rows_out:>9,} rows"
        self.console.print(f"[green]✓[/] {number} {name:<17}{seconds:>7.1f} s  {what:<27} {done.note}", highlight=False)

    def table(self, run_date: str) -> None:
        """Print the final table: seconds, rows in and out, megabytes shuffled, and the note of each step."""
        table = Table(title=f"Night of {run_date}", title_justify="left", show_footer=True)
        total = sum(s for _, _, s in self.steps)
        table.add_column("step", footer="total")
        table.add_column("seconds", justify="right", footer=f"{total:.1f}")
        table.add_column("rows in", justify="right")
        table.add_column("rows out", justify="right")
        table.add_column("shuffled MB", justify="right", footer=f"{sum(self.shuffled.values()) / 1e6:,.1f}")
        table.add_column("", overflow="fold")
        for name, done, seconds in self.steps:
            rows = ("–", "–") if done.skipped else (f"{done.rows_in:,}", f"{done.rows_out:,}")
            moved = f"{self.shuffled[name] / 1e6:,.1f}" if name in self.shuffled else "–"
            table.add_row(
                name, f"{seconds:.1f}", *rows, moved, "already done" if done.skipped and not done.note else done.note
            )
        self.console.print(table)
