"""Several nights in a row, each judged on days that it did not see: one table of all arms, and leads with intervals over nights."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from evaluation.intervals import Interval, clustered_interval, two_way_interval
from evaluation.metrics import mean_over_groups
from evaluation.night import BASELINES
from evaluation.report import OWN_ORDER, TEN_FEATURES, NightResult, strongest_of, without_nan
from evaluation.segments import OURS


@dataclass(frozen=True)
class Replay:
    """The figures of several nights.

    Args:
        by_night: run_date → arm → NDCG@10, and `searches`, `coverage` and `never_shown` (the share of it that is listed).
        ndcg10: arm → NDCG@10 over the entries of all nights, weighted by searches; arms that some night lacks are left out.
        leads: rival → lead of playfirst over the entries of all nights.
        ahead: rival → in how many nights playfirst is ahead of it.
        strongest: the rival without learning that has the highest NDCG@10 over all nights.
    """

    by_night: dict[str, dict[str, float]]
    ndcg10: dict[str, float]
    leads: dict[str, Interval]
    ahead: dict[str, int]
    strongest: str

    def as_json(self) -> dict[str, Any]:
        """Plain nested values; NaN (undefined) becomes null."""
        leads = {
            arm: {"mean": i.mean, "low": i.low, "high": i.high, "p_value": i.p_value, "n": i.n, "method": i.method}
            for arm, i in self.leads.items()
        }
        whole = {
            "nights": self.by_night,
            "ndcg10": self.ndcg10,
            "leads": leads,
            "nights_ahead": self.ahead,
            "strongest": self.strongest,
        }
        plain: dict[str, Any] = without_nan(whole)
        return plain


def replayed(nights: Sequence[NightResult]) -> Replay:
    """Summarise nights, at least one.

    A lead is the mean difference over (night, entry), weighted by searches. Entries of one want are correlated over nights, and
    the entries of one night share a ranker and the day's traffic, so the interval has two ways of clusters, by want and by night
    (`evaluation.intervals.two_way_interval`). So it holds the variance of the fit, since each night has a ranker of its own; of
    neighbouring nights these are fitted to overlapping weeks, which makes the interval of a short replay too narrow. Of a single
    night the interval is by want alone.
    """
    frames = [_entries_of(night) for night in nights]
    rows = pd.concat(frames, ignore_index=True)
    shared = [arm for arm in nights[0].ndcg10 if all(arm in night.ndcg10 for night in nights)]
    weight = rows["searches"].to_numpy(dtype=np.float64)
    ndcg = {arm: mean_over_groups(rows[arm].to_numpy(dtype=np.float64), weight) for arm in shared}
    rivals = [arm for arm in (*BASELINES, TEN_FEATURES) if arm in shared]
    leads = {}
    for arm in rivals:
        lead = (rows[OURS] - rows[arm]).to_numpy(dtype=np.float64)
        if len(nights) > 1:
            leads[arm] = two_way_interval(lead, weight, rows["want"], rows["run_date"])
        else:
            leads[arm] = clustered_interval(lead, weight, rows["want"])
    return Replay(
        {str(night.run_date): _figures(night) for night in nights},
        ndcg,
        leads,
        {arm: sum(night.ndcg10[OURS] > night.ndcg10[arm] for night in nights) for arm in rivals},
        strongest_of(rivals, ndcg),
    )


def _entries_of(night: NightResult) -> pd.DataFrame:
    if night.by_entry is None:
        raise ValueError(f"{night.run_date}: the night was judged without its entries")
    return night.by_entry.assign(run_date=str(night.run_date))


def _figures(night: NightResult) -> dict[str, float]:
    return {
        "searches": night.weights["judged"],
        "coverage": night.coverage,
        "never_shown": night.never_shown.reached,
        **night.ndcg10,
    }


def print_replay(replay: Replay, judged_by: str) -> None:
    """Print one row per night, then all arms over all nights with the lead of playfirst.

    Args:
        replay: the figures.
        judged_by: what the lists were judged by, for the title.
    """
    from rich.console import Console
    from rich.table import Table

    console = Console()
    shown = [a for a in (OURS, OWN_ORDER, replay.strongest, TEN_FEATURES, "skyline") if a in replay.ndcg10]
    title = f"{len(replay.by_night)} nights, each judged on what came after it, by {judged_by}"
    table = Table(title=title, title_justify="left")
    for heading in ("night", "searches", "answered", *shown, "never shown"):
        table.add_column(heading, justify="left" if heading == "night" else "right", no_wrap=True)
    for day, row in replay.by_night.items():
        figures = [f"{row[arm]:.4f}" for arm in shown]
        table.add_row(day, f"{row['searches']:.0f}", f"{row['coverage']:.1%}", *figures, f"{row['never_shown']:.1%}")
    console.print(table)
    arms = Table(title="all nights", title_justify="left")
    for heading in ("arm", "NDCG@10", "ahead", "95 %", "nights ahead"):
        arms.add_column(heading, justify="left" if heading == "arm" else "right", no_wrap=True)
    for arm, value in sorted(replay.ndcg10.items(), key=lambda item: -item[1]):
        lead = replay.leads.get(arm)
        of_rival = ("", "", "")
        if lead is not None:
            won = f"{replay.ahead[arm]} of {len(replay.by_night)}"
            of_rival = (f"{lead.mean:+.4f}", f"{lead.low:+.3f} {lead.high:+.3f}", won)
        arms.add_row(arm, f"{value:.4f}", *of_rival)
    console.print(arms)
    console.print(f"The strongest arm without learning is {replay.strongest}.", highlight=False)
