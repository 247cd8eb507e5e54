"""Figures of parts of the day's searches, each with its interval: by kind of need, and by the locale that asked."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from evaluation.errors import MetricInput
from evaluation.intervals import clustered_interval
from evaluation.judge import NDCG_K, Judge
from evaluation.recall import is_listed, never_shown
from evaluation.truth import ENTRY

Floats = npt.NDArray[np.float64]
OURS = "playfirst"
MOST = 40  # segments of one kind, those with the most searches


def segments(judge: Judge, ndcg: Mapping[str, Floats], rival: str, shipped: Floats) -> dict[str, dict[str, Any]]:
    """`kind` and `locale` → name of the segment → its figures, the segment with the most searches first.

    The figures: `searches`, `needs`, `ndcg10` of playfirst and `ahead` (playfirst minus the rival, paired by entry), both as
    {mean, low, high} weighted by searches with 95 % intervals clustered by need, and for kinds `never_shown` {share, reached}.
    An interval needs two needs: its ends are NaN with one.

    Args:
        judge: the entries of the night.
        ndcg: arm → NDCG@10 of each entry.
        rival: the arm that playfirst is compared with.
        shipped: the released score of each row of `judge.rows`, -inf for a candidate that was not released.
    """
    entries = judge.entries
    judged = entries[entries["ideal"] > 0]
    by_kind = judged[["entry", "kind", "searches"]].rename(columns={"kind": "segment"})
    hits = judge.hits.rename(columns={"locale": "segment"})
    asked = hits.groupby(["entry_locale", "entry_need", "segment"])["searches"].sum().reset_index()
    by_locale = asked.rename(columns={"entry_locale": "locale", "entry_need": "need"}).merge(
        judged[[*ENTRY, "entry"]], on=ENTRY
    )
    out = {
        "kind": _figures(by_kind, entries, ndcg, rival),
        "locale": _figures(by_locale[["entry", "segment", "searches"]], entries, ndcg, rival),
    }
    for kind, figures in out["kind"].items():
        own = entries[(entries["kind"] == kind) & (entries["ideal"] > 0)]
        figures["never_shown"] = asdict(
            never_shown(judge.rows, judge.gains, own, is_listed(judge.rows, shipped, NDCG_K), NDCG_K)
        )
    return out


def _figures(
    parts: pd.DataFrame, entries: pd.DataFrame, ndcg: Mapping[str, Floats], rival: str
) -> dict[str, dict[str, Any]]:
    """Segment → figures. `parts`: one row per (entry, segment) with its `searches`."""
    needs = np.array(entries["need_id"], dtype=str)
    busiest = parts.groupby("segment")["searches"].sum().sort_values(ascending=False, kind="stable").index[:MOST]
    out: dict[str, dict[str, Any]] = {}
    for name in busiest:
        own = parts[parts["segment"] == name]
        at, weight = own["entry"].to_numpy(), own["searches"].to_numpy(dtype=np.float64)
        out[str(name)] = {
            "searches": float(weight.sum()),
            "needs": len(set(needs[at])),
            "ndcg10": interval_of(ndcg[OURS][at], weight, needs[at]),
            "ahead": interval_of((ndcg[OURS] - ndcg[rival])[at], weight, needs[at]),
        }
    return out


def interval_of(values: Floats, weight: Floats, clusters: npt.NDArray[Any]) -> dict[str, float]:
    """The weighted mean as {mean, low, high} with its 95 % interval; the ends are NaN where fewer than two clusters have weight."""
    try:
        interval = clustered_interval(values, weight, clusters)
    except MetricInput:
        total = float(weight.sum())
        mean = float((weight * values).sum()) / total if total else float("nan")
        return {"mean": mean, "low": float("nan"), "high": float("nan")}
    return {"mean": interval.mean, "low": interval.low, "high": interval.high}
