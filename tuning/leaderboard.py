"""The leaderboard of a sweep: trials best first, the parameters that each changed, and how far to trust them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from tuning.settings import SearchSettings
from tuning.winner import Winner

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table


def leaderboard(winner: Winner, rows: int = 15) -> Table:
    """A rich table of the best `rows` trials, readable in 100 columns; the caption is `trust(winner)`."""
    from rich.table import Table

    title = f"Sweep {winner.sweep}: {len(winner.rows)} trials in {winner.seconds:.0f} s"
    table = Table(title=title, caption=trust(winner))
    for header in ("#", "NDCG@10", "± SE", "trees", "s"):
        table.add_column(header, justify="right", no_wrap=True)
    table.add_column("state", no_wrap=True)
    table.add_column("differs from the default", overflow="fold")
    base = winner.default.params if winner.default else {}
    ranked = sorted(winner.rows, key=lambda row: (-row.valid_ndcg10, row.trees, str(sorted(row.params.items()))))
    for place, row in enumerate(ranked[:rows], start=1):
        numbers = (f"{row.valid_ndcg10:.4f}", f"{row.valid_se:.4f}", str(row.trees), f"{row.seconds:.1f}")
        table.add_row(str(place), *numbers, row.state, differences(row.params, base) or "the default")
    return table


def differences(params: dict[str, Any], base: dict[str, Any]) -> str:
    """The parameters whose value is not that of `base`, as text."""
    return ", ".join(f"{name} {_short(value)}" for name, value in params.items() if base.get(name) != value)


def trust(winner: Winner) -> str:
    """One line that says how many trials lie within one standard error of the best, the gain over the default, and the failures.

    Source: the one-SE rule of Breiman et al. 1984. The SE is over the alias clusters of one trial, unpaired: a cautious bound.
    """
    near = [row for row in winner.rows if row.valid_ndcg10 >= winner.valid_ndcg10 - winner.valid_se]
    note = f"{len(near)} of {len(winner.rows)} trials lie within one SE ({winner.valid_se:.4f}) of the best"
    if winner.default is not None:
        note += f"; gain over the default {winner.valid_ndcg10 - winner.default.valid_ndcg10:+.4f}"
    for remark in (
        f"{len(winner.failures)} failed, the first: {winner.failures[0][:120]}" if winner.failures else "",
        *winner.notes,
    ):
        note += f"; {remark}" if remark else ""
    return note


def print_leaderboard(winner: Winner, console: Console | None = None) -> None:
    """Print the leaderboard; without a `console` it is 100 columns wide."""
    from rich.console import Console

    (console or Console(width=100)).print(leaderboard(winner))


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
