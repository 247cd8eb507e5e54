"""What a person sees while a sweep runs: a live table in a terminal, or one line for each change elsewhere."""

from __future__ import annotations

from types import TracebackType
from typing import TYPE_CHECKING, Any

from tuning.leaderboard import differences
from tuning.progress import Progress

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table


BAR = 30  # characters of the bar


class Screen:
    """Shows a sweep until the block ends; call `show` with each new state.

    Args:
        name: the sweep's name.
        base: the default parameters, from which the shown trials differ.
        console: where to print; default: standard output.
    """

    def __init__(self, name: str, base: dict[str, Any], console: Console | None = None) -> None:
        from rich.console import Console

        self.name, self.base = name, base
        plain = Console()
        self.console = console or (plain if plain.is_terminal else Console(width=160))
        self._live: Any = None
        self._trials, self._failures, self._checked = -1, 0, 0  # what was printed

    def __enter__(self) -> Screen:
        if self.console.is_terminal:
            from rich.live import Live

            self._live = Live(console=self.console, auto_refresh=False, transient=True)
            self._live.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._live is not None:
            self._live.stop()

    def show(self, state: Progress) -> None:
        """Draw the state; outside of a terminal, print a line for each trial that has ended since the last call."""
        if self._live is not None:
            self._live.update(table(self.name, state, self.base), refresh=True)
            return
        if self._trials < 0:
            self._print(f"{state.asked} trials, {state.workers} at a time")
            self._trials = 0
        for place in range(self._trials, len(state.finished)):
            self._print(line(state, place))
        for failure in state.failures[self._failures :]:
            self._print(f"failed: {failure[:140]}")
        if state.checked > self._checked:
            self._print(f"{state.checked} fits with other seeds")
        self._trials, self._failures, self._checked = len(state.finished), len(state.failures), state.checked

    def _print(self, text: str) -> None:
        self.console.print(f"sweep {self.name}: {text}", highlight=False, soft_wrap=True)


def line(state: Progress, place: int) -> str:
    """One line about the trial that ended as number `place` (from 0), with the best so far, the time left and the cost."""
    trial = state.finished[place]
    best = max(state.finished[: place + 1], key=lambda row: row["valid_ndcg10"])
    mark = " (new best)" if best is trial and place else ""
    left = state.seconds_left if place == len(state.finished) - 1 else None
    return (
        f"{place + 1}/{state.asked} trial {trial['trial_id']} {trial['state']} at {trial['trees']} trees, "
        f"NDCG@10 {trial['valid_ndcg10']:.4f}{mark}; best {best['valid_ndcg10']:.4f} ({best['trial_id']})"
        + (f"; {duration(left)} left" if left is not None else "")
        + f"; {cost(state.core_hours)}"
    )


def table(name: str, state: Progress, base: dict[str, Any]) -> Table:
    """The live table: one row for each running trial and the five best that have ended, under a summary of the sweep."""
    from rich import box
    from rich.table import Table

    done = len(state.finished)
    filled = min(round(BAR * done / max(state.asked, 1)), BAR)
    left = "" if state.seconds_left is None else f" · about {duration(state.seconds_left)} left"
    title = f"[bold]sweep {name}[/]  [cyan]{'━' * filled}[/][dim]{'━' * (BAR - filled)}[/] {done}/{state.asked}{left}"
    facts = [f"{duration(state.seconds)} so far", f"{state.pruned} pruned", f"{len(state.failures)} failed"]
    facts.append(cost(state.core_hours))
    if state.best and state.default:
        gain = state.best["valid_ndcg10"] - state.default["valid_ndcg10"]
        facts.append(f"best {state.best['valid_ndcg10']:.4f}, {gain:+.4f} over the default")
    if state.checked:
        facts.append(f"{state.checked} fits with other seeds")
    shown = Table(
        title=title,
        caption=" · ".join(facts),
        box=box.SIMPLE_HEAD,
        title_justify="left",
        caption_justify="left",
        expand=True,
    )
    for header, width in (("trial", 7), ("NDCG@10", 7), ("trees", 5), ("s", 5)):
        shown.add_column(header, justify="right", no_wrap=True, min_width=width)
    shown.add_column("state", no_wrap=True, min_width=9)
    shown.add_column("differs from the default", overflow="ellipsis", no_wrap=True, ratio=1)  # what is left
    for trial in state.running:
        shown.add_row(
            trial.trial_id,
            f"{trial.best_ndcg10:.4f}",
            str(trial.trees),
            f"{trial.seconds:.0f}",
            "[yellow]running[/]",
            "",
        )
    ranked = sorted(state.finished, key=lambda row: -row["valid_ndcg10"])
    for place, row in enumerate(ranked[:5]):
        numbers = (f"{row['valid_ndcg10']:.4f}", str(row["trees"]), f"{row['seconds']:.0f}")
        what = differences(row["params"], base) or "the default"
        shown.add_row(row["trial_id"], *numbers, row["state"], what, style="bold green" if place == 0 else "")
    return shown


def duration(seconds: float) -> str:
    """Seconds as a person reads them: 42 s, 3 min 05 s, 2 h 10 min."""
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    return f"{whole // 60} min {whole % 60:02} s" if whole < 3600 else f"{whole // 3600} h {whole % 3600 // 60:02} min"


def cost(core_hours: float) -> str:
    """What trials have cost, as a person reads it: in core minutes below a fifth of an hour, above it in core hours."""
    return f"{core_hours:.2f} core hours" if core_hours >= 0.2 else f"{core_hours * 60:.1f} core minutes"
