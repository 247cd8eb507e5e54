"""The worth of each feature family: rankers with and without it order the same candidates, evaluated by the simulator's truth."""

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
    """One family: its number of columns, the NDCG@10 of the rankers without it, and the loss in NDCG@10 without it.

    `ahead` is NDCG@10 with all families minus NDCG@10 without this one: paired by entry, weighted by searches, clustered by
    need, and including the variance between fits, which are paired by seed (`evaluation.intervals.clustered_interval`).
    `share_of_gain` is the family's part of the split gain of the rankers with all families.
    """

    family: str
    columns: int
    ndcg10: float
    ahead: Interval
    share_of_gain: float


@dataclass(frozen=True)
class Ablation:
    """The families of a night, the largest loss first; `ndcg10` is that of the rankers with all families, from `seeds` fits.

    `judged` is the number of entries. `made_of` is the fingerprint of what was fitted and evaluated, so that a night that is
    computed anew does not show the values of the earlier computation.
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
    """The ablation of a night from the scores of its rankers; the NDCG of an entry is the mean over the fits.

    Args:
        judge: the entries and candidates to evaluate on.
        run_date: the night.
        made_of: fingerprint of what was fitted and evaluated.
        scores: the family that was left out ("" for none) → scores of `judge.rows`, one array per fit.
        columns: family → its number of columns.
        gain: family → its share of the split gain.
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


def write_ablation(result: Ablation, path: Path) -> None:
    """Write the ablation as JSON, atomically."""
    write_json(result.as_json(), path)


def read_ablation(path: Path, run_date: date, made_of: str) -> Ablation | None:
    """The stored ablation of this night and fingerprint; None if there is no file or it is of another night or fingerprint."""
    if not path.exists():
        return None
    stored = json.loads(path.read_text(encoding="utf-8"))
    if (stored["run_date"], stored.get("made_of")) != (run_date.isoformat(), made_of):
        return None
    families = tuple(FamilyWorth(**f | {"ahead": Interval(**f["ahead"])}) for f in stored["families"])
    return Ablation(run_date, made_of, stored["ndcg10"], stored["seeds"], stored["judged"], families)


def print_ablation(result: Ablation) -> None:
    """Print the loss in NDCG@10 without each family."""
    from rich.console import Console
    from rich.table import Table

    console = Console()
    table = Table(title=f"{result.run_date}: NDCG@10 without each family", title_justify="left")
    for heading in ("family", "cols", "without", "lost", "95 %", "gain"):
        table.add_column(heading, justify="left" if heading == "family" else "right", no_wrap=True)
    for w in result.families:
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
        f"All families: {result.ndcg10:.4f} over {result.judged} entries, means of {result.seeds} fits; rankers' own order, "
        "before the lists are re-ranked. Lost without it: bold where the interval (by need and over the fits) is above 0. Gain: its "
        "share of the splits'. Families carry each other's load: what is lost without one is what no other can tell.",
        style="dim",
        highlight=False,
    )
