"""What each feature family is worth: rankers with and without it order the same candidates, the simulator's truth judges."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from evaluation.intervals import Interval, clustered_interval
from evaluation.judge import Judge
from evaluation.metrics import mean_over_groups
from evaluation.report import write_json

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class FamilyWorth:
    """One family: its columns, NDCG@10 of the rankers without it, and how much those with all are ahead.

    `share_of_gain`: its part of all split gain of the rankers with all. `ahead` is paired by entry, weighted by searches,
    clustered by need, and over the fits, which are paired by their seed (`evaluation.intervals.clustered_interval`).
    """

    family: str
    columns: int
    ndcg10: float
    ahead: Interval
    share_of_gain: float


@dataclass(frozen=True)
class Ablation:
    """The families of a night, the dearest first; `ndcg10` is of the rankers with every family, `seeds` fits of each.

    `made_of`: fingerprint of what was fitted and judged, so that a night made anew is not told by the figures of the one before.
    """

    run_date: date
    made_of: str
    ndcg10: float
    seeds: int
    judged: int
    families: tuple[FamilyWorth, ...]

    def as_json(self) -> dict[str, Any]:
        """Plain nested values."""
        return asdict(self) | {"run_date": self.run_date.isoformat()}


def ablation(
    judge: Judge,
    run_date: date,
    made_of: str,
    scores: Mapping[str, list[Floats]],
    columns: Mapping[str, int],
    gain: Mapping[str, float],
) -> Ablation:
    """`scores`: family that was left out ("" for none) -> scores of `judge.rows`, one array a fit; an entry's NDCG is their mean.

    `columns` and `gain` (shares of the split gain) by family.
    """
    judged = judge.ideal > 0
    weight, needs = judge.weight[judged], np.array(judge.entries.loc[judged, "need_id"], dtype=str)
    of_fits = {name: np.array([judge.ndcg(s)[judged] for s in fits]) for name, fits in scores.items()}
    ndcg = {name: values.mean(axis=0) for name, values in of_fits.items()}

    def ahead(name: str) -> Interval:
        each = [
            mean_over_groups(whole - without, weight) for whole, without in zip(of_fits[""], of_fits[name], strict=True)
        ]
        return clustered_interval(ndcg[""] - ndcg[name], weight, needs, fits=each)

    worth = [
        FamilyWorth(name, columns[name], mean_over_groups(values, weight), ahead(name), gain[name])
        for name, values in ndcg.items()
        if name
    ]
    ordered = tuple(sorted(worth, key=lambda w: (-w.ahead.mean, w.family)))
    return Ablation(run_date, made_of, mean_over_groups(ndcg[""], weight), len(scores[""]), int(judged.sum()), ordered)


def write_ablation(found: Ablation, path: Path) -> None:
    """Write it as JSON, whole or not at all."""
    write_json(found.as_json(), path)


def read_ablation(path: Path, run_date: date, made_of: str) -> Ablation | None:
    """The one written for the night as it is now; None if there is none, or of another night."""
    if not path.exists():
        return None
    told = json.loads(path.read_text(encoding="utf-8"))
    if (told["run_date"], told.get("made_of")) != (run_date.isoformat(), made_of):
        return None
    families = tuple(FamilyWorth(**f | {"ahead": Interval(**f["ahead"])}) for f in told["families"])
    return Ablation(run_date, made_of, told["ndcg10"], told["seeds"], told["judged"], families)


def print_ablation(found: Ablation) -> None:
    """Print what is lost without each family."""
    from rich.console import Console
    from rich.table import Table

    console = Console()
    table = Table(title=f"{found.run_date}: NDCG@10 without each family", title_justify="left")
    for heading in ("family", "cols", "without", "lost", "95 %", "gain"):
        table.add_column(heading, justify="left" if heading == "family" else "right", no_wrap=True)
    for w in found.families:
        low, high = w.ahead.low, w.ahead.high
        name = f"[bold]{w.family}[/bold]" if low > 0 else w.family
        table.add_row(
            name,
            str(w.columns),
            f"{w.ndcg10:.4f}",
            f"{w.ahead.mean:+.4f}",
            f"{low:+.4f} {high:+.4f}",
            f"{w.share_of_gain:.1%}",
        )
    console.print(table)
    console.print(
        f"All families: {found.ndcg10:.4f} over {found.judged} entries, means of {found.seeds} fits; rankers' own order, "
        "before the lists are re-ranked. Lost without it: bold where the interval (by need and over the fits) is above 0. Gain: its "
        "share of the splits'. Families carry each other's load: what is lost without one is what no other can tell.",
        style="dim",
        highlight=False,
    )
