"""The verdict of an experiment as plain tables on the terminal."""

from __future__ import annotations

from typing import Any

from evaluation.experiments.ab import METRICS, PRIMARY, AbVerdict, TreatmentVerdict
from evaluation.experiments.interleaving import Preference
from evaluation.experiments.policies import OffPolicyVerdict
from evaluation.intervals import Interval
from evaluation.off_policy.value import PolicyValue


def print_ab(verdict: AbVerdict) -> None:
    """Print whether the experiment is sound, then each treatment: decision, metrics, looks and segments."""
    console, plan = _console(), verdict.plan
    last = "over" if plan.is_over else f"day {plan.days_logged} of {(plan.before - plan.first_day).days}"
    console.print(f"A/B from {plan.first_day}, {last}; control {plan.control}", highlight=False)
    people = _table("people", "variant", "people", "planned", "searches")
    total = sum(plan.shares.values())
    for variant in plan.variants:
        planned = f"{plan.shares[variant] / total:.1%}"
        people.add_row(variant, f"{verdict.people[variant]:,}", planned, f"{verdict.searches[variant]:,}")
    console.print(people)
    console.print(
        f"sample ratio p = {verdict.sample_ratio_p:.3g}; {verdict.crossed:.2%} of the people in several variants (left out); "
        f"{verdict.with_history:.1%} searched before the experiment",
        highlight=False,
    )
    for name, one in verdict.treatments.items():
        _print_treatment(console, name, one, plan.level)


def _print_treatment(console: Any, name: str, one: TreatmentVerdict, level: float) -> None:
    table = _table(f"{name} against the control", "per search", "control", name, "change", f"{level:.0%}", "p", "left")
    for metric in METRICS:
        d = one.metrics[metric]
        label = f"[bold]{metric}[/bold]" if metric == PRIMARY else metric
        change, p_value = _number(d.difference.mean, "+"), f"{d.adjusted_p:.2g}"
        ratios = _number(d.control), _number(d.treatment)
        table.add_row(label, *ratios, change, _limits(d.difference), p_value, f"{d.variance_left:.0%}")
    console.print(table)
    if one.looks:
        look = one.looks[-1]
        decided = next((x.day for x in one.looks if x.interval.low > 0 or x.interval.high < 0), None)
        when = f"first left out 0 on {decided}" if decided else "has not left out 0"
        console.print(f"at every look: {_limits(look.interval)} on {look.day}, {when}", highlight=False)
    console.print(f"detectable with a power of 80 %: {one.detectable:.4f}", highlight=False)
    if one.segments is not None:
        title = f"segments: {one.segments.verdict}, the worst is {one.segments.worst}"
        segments = _table(title, "segment", "people", "change", f"{level:.0%}", "state")
        for segment, s in one.segments.segments.items():
            interval = s.difference.interval(level)
            segments.add_row(segment, f"{s.difference.n:,}", _number(interval.mean, "+"), _limits(interval), s.state)
        console.print(segments)
    if one.unjudged:
        console.print(f"too few people to judge: {', '.join(one.unjudged)}", highlight=False)
    console.print(f"[bold]{name}: {one.decision}[/bold]. {one.reason}.", highlight=False)


def print_policies(verdict: OffPolicyVerdict, level: float) -> None:
    """Print the six estimates of each target, or why one was refused."""
    console = _console()
    console.print(
        f"the log itself: {verdict.logged.mean:.4f} {_limits(verdict.logged)} successes per search over {verdict.searches:,} searches",
        highlight=False,
    )
    for name, target in verdict.targets.items():
        title = f"{name}: {target.searches:,} searches, {target.by_position_searches:,} with all their lists known"
        table = _table(title, "estimator", "success", f"{level:.0%}", "effective", "mean w", "largest w")
        refused: dict[str, list[str]] = {}
        for estimator, value in target.values.items():
            if isinstance(value, PolicyValue):
                shares = f"{value.effective:,.0f}", f"{value.mean_weight:.3f}", f"{value.largest_share:.2%}"
                table.add_row(estimator, _number(value.interval.mean), _limits(value.interval), *shares)
            else:
                table.add_row(estimator, "refused")
                refused.setdefault(value.removeprefix(f"{estimator}: "), []).append(estimator)
        console.print(table)
        for reason, estimators in refused.items():
            console.print(f"{', '.join(estimators)}: {reason}", highlight=False)


def print_preference(verdict: Preference, a: str, b: str, level: float) -> None:
    """Print the preference of an interleaving experiment."""
    console, one = _console(), verdict.preference
    table = _table(
        f"{a} (A) and {b} (B), interleaved",
        "won by A",
        "won by B",
        "ties",
        "preference",
        f"{level:.0%}",
        "p",
        "sign flips",
    )
    p_value = "" if one.p_value is None else f"{one.p_value:.3g}"
    table.add_row(
        f"{verdict.wins_a:,}",
        f"{verdict.wins_b:,}",
        f"{verdict.ties:,}",
        f"{one.mean:+.4f}",
        _limits(one),
        p_value,
        f"{verdict.sign_flip_p:.3g}",
    )
    console.print(table)
    answer = f"people prefer {b}" if one.low > 0 else f"people prefer {a}" if one.high < 0 else "no preference is shown"
    console.print(f"[bold]{answer}[/bold] (of {one.n:,} people)", highlight=False)


def _console() -> Any:
    from rich.console import Console

    return Console()


def _table(title: str, *headings: str) -> Any:
    from rich import box
    from rich.table import Table

    table = Table(title=title, title_justify="left", box=box.SIMPLE_HEAD, pad_edge=False, padding=(0, 1, 0, 0))
    for place, heading in enumerate(headings):
        table.add_column(heading, justify="left" if place == 0 else "right", no_wrap=True)
    return table


def _number(value: float, sign: str = "") -> str:
    """Four decimals of what is below 1, two of the rest."""
    return f"{value:{sign}.4f}" if abs(value) < 1 else f"{value:{sign},.2f}"


def _limits(interval: Interval) -> str:
    return f"{_number(interval.low, '+')} {_number(interval.high, '+')}"
