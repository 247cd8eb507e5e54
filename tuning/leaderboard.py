"""The leaderboard of a sweep: trials best first, the parameters that each changed, and how far to trust them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from tuning.settings import SearchSettings
from tuning.winner import DEFAULT_TRIAL, EARLIER_TRIAL, Winner, ranked

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table


def leaderboard(winner: Winner, rows: int = 10) -> Table:
    """A rich table of the best `rows` trials, readable in 100 columns; "cost" are comparisons for one scored row.

    All parameters of the best trial are shown, and of each other one what fits into a line; the report has them all.
    """
    from rich.table import Table
    from rich.text import Text

    title = f"Sweep {winner.sweep}: {len(winner.rows)} trials in {winner.seconds:.0f} s"
    title += f", the best {rows}" if len(winner.rows) > rows else ""
    table = Table(title=title, title_justify="left")
    for header in ("#", "trial", "NDCG@10", "± SE", "trees", "cost", "s"):
        table.add_column(header, justify="right", no_wrap=True)
    table.add_column("state", no_wrap=True)
    table.add_column("differs from the default", overflow="fold")
    base = winner.default.params if winner.default else {}
    for place, row in enumerate(ranked(winner)[:rows], start=1):
        cost = f"{row.comparisons:,.0f}" if row.comparisons else "–"
        numbers = (f"{row.valid_ndcg10:.4f}", f"{row.valid_se:.4f}", str(row.trees), cost, f"{row.seconds:.1f}")
        what = Text(differences(row.params, base) or "the default", no_wrap=place > 1, overflow="ellipsis")
        table.add_row(str(place), row.trial_id, *numbers, row.state, what)
    return table


def differences(params: dict[str, Any], base: dict[str, Any]) -> str:
    """The parameters whose value is not that of `base`, as text."""
    return ", ".join(f"{name} {_short(value)}" for name, value in params.items() if base.get(name) != value)


def remarks(winner: Winner) -> list[str]:
    """What to know before the best trial is believed, one remark each.

    How many trials lie within one standard error of the best (the one-SE rule of Breiman et al. 1984; the SE is over the alias
    clusters of one trial, unpaired: a cautious bound), the gain over the default, the optimism of choosing the best, the spread
    over seeds, what the recommended parameters reached, chance, and the failures.
    """
    near = [row for row in winner.rows if row.valid_ndcg10 >= winner.valid_ndcg10 - winner.valid_se]
    out = [f"{len(near)} of {len(winner.rows)} trials lie within one SE ({winner.valid_se:.4f}) of the best"]
    if winner.default is not None:
        gain = f"gain over the default {winner.valid_ndcg10 - winner.default.valid_ndcg10:+.4f}"
        if winner.gain:
            gain += f" (paired 95 % {winner.gain[1]:+.4f} to {winner.gain[2]:+.4f}, optimism not taken off)"
        out.append(gain)
    if winner.optimism is not None:
        expected = winner.valid_ndcg10 - winner.optimism
        out.append(
            f"optimism of the best of {len(winner.rows)}: {winner.optimism:.4f}, so expect {expected:.4f} (BBC-CV)"
        )
    if len(winner.front) > 1:
        cheapest = [f"{row.valid_ndcg10:.4f} for {row.comparisons:,.0f} ({row.trial_id})" for row in winner.front[-3:]]
        out.append(f"NDCG@10 against comparisons for one scored row, and the trial: {'; '.join(cheapest)}")
    for trial_id, reached in winner.seeds.items():
        mean, spread = sum(reached) / len(reached), max(reached) - min(reached)
        name = "the default" if trial_id == DEFAULT_TRIAL else f"trial {trial_id}"
        out.append(f"{len(reached)} seeds of {name}: mean {mean:.4f}, {spread:.4f} between the best and the worst")
    advised = next((row for row in winner.rows if row.trial_id == EARLIER_TRIAL), None)
    if winner.advice and advised and winner.default:
        worth = advised.valid_ndcg10 - winner.default.valid_ndcg10
        out.append(f"recommended by {winner.advice}: {advised.valid_ndcg10:.4f}, {worth:+.4f} over the default")
    if winner.data.get("permuted"):
        out.append(f"labels in a random order: what is above {winner.data['chance']:.4f} is chance or a leak")
    if winner.failures:
        out.append(f"{len(winner.failures)} failed, the first: {winner.failures[0][:120]}")
    return [*out, *winner.notes]


def print_leaderboard(winner: Winner, console: Console | None = None) -> None:
    """Print the leaderboard and what to know before it is believed; without a `console` it is 100 columns wide."""
    from rich.console import Console

    out = console or Console(width=100)
    out.print(leaderboard(winner))
    for remark in remarks(winner):
        out.print(f"  {remark}", highlight=False, markup=False)


def print_side_by_side(sweeps: Sequence[tuple[SearchSettings, Winner]], console: Console | None = None) -> None:
    """Print several sweeps in one table, best first: the default parameters in which they differ, and each one's NDCG@10."""
    from rich.console import Console
    from rich.table import Table

    first = sweeps[0][0].base_params().to_dict()
    differing = [n for n in first if len({str(s.base_params().to_dict()[n]) for s, _ in sweeps}) > 1]
    table = Table(title=f"{len(sweeps)} sweeps", title_justify="left")
    table.add_column("sweep", overflow="fold")
    for name in (*differing, "trials", "NDCG@10", "± SE", "default"):
        table.add_column(name, justify="right")
    for settings, winner in sorted(sweeps, key=lambda s: -s[1].valid_ndcg10):
        base, default = settings.base_params().to_dict(), winner.default
        row = [
            settings.name,
            *[_short(base[n]) for n in differing],
            str(len(winner.rows)),
            f"{winner.valid_ndcg10:.4f}",
            f"{winner.valid_se:.4f}",
            f"{default.valid_ndcg10:.4f}" if default else "–",
        ]
        table.add_row(*row)
    (console or Console(width=100)).print(table)


def _short(value: Any) -> str:
    return f"{value:.3g}" if isinstance(value, float) else str(value)
