"""Calibration: whether a higher score, and a higher grade, mean a better track, and by how much."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from evaluation.judge import Judge
from evaluation.segments import interval_of
from evaluation.truth import ENTRY

Floats = npt.NDArray[np.float64]
BINS = 10


def score_calibration(judge: Judge, scores: Floats) -> list[dict[str, Any]]:
    """The mean expected gain of the candidates in ten bins of their score, each with a tenth of the weight, lowest scores first.

    A bin has `low` and `high` (its scores), `rows`, and `gain` {mean, low, high}: Σ P(need) · (2^grade − 1), weighted by the
    searches of the list, with a 95 % interval clustered by need. Equal scores stay in one bin, so there may be fewer than ten.
    Scores of a ranker are no probabilities, and one that is trained on the order within lists need not be comparable between
    lists: what the bins show is whether the gain rises with the score.

    Args:
        judge: the entries of the night.
        scores: a score of each row of `judge.rows`; NaN rows are left out.
    """
    weight = judge.rows["entry"].map(judge.entries.set_index("entry")["searches"]).to_numpy(dtype=np.float64)
    needs = judge.rows["entry"].map(judge.entries.set_index("entry")["need_id"]).to_numpy(dtype=str)
    known = np.isfinite(scores)
    return [
        {
            "low": low,
            "high": high,
            "rows": int(kept.sum()),
            "gain": interval_of(judge.gain[kept], weight[kept], needs[kept]),
        }
        for low, high, kept in score_bins(scores, np.where(known, weight, 0.0))
    ]


def score_bins(scores: Floats, weight: Floats, bins: int = BINS) -> list[tuple[float, float, npt.NDArray[np.bool_]]]:
    """(lowest score, highest score, rows) of bins that hold about equal weight; equal scores are in one bin.

    Args:
        scores: one score per row.
        weight: the weight of each row; rows of weight 0 are in no bin.
        bins: how many bins at most.
    """
    used = weight > 0
    if not used.any():
        return []
    values, at = np.unique(scores[used], return_inverse=True)
    mass = np.bincount(at, weights=weight[used])
    # the bin of a score is where the middle of its weight lies
    middle = (np.cumsum(mass) - mass / 2) / mass.sum()
    of_value = np.minimum((middle * bins).astype(int), bins - 1)
    of_row = np.full(len(scores), -1)
    of_row[used] = of_value[at]
    return [
        (float(values[of_value == b].min()), float(values[of_value == b].max()), of_row == b)
        for b in sorted(set(of_value.tolist()))
    ]


def grade_calibration(judge: Judge, labels: pd.DataFrame) -> list[dict[str, Any]]:
    """The mean expected gain of the graded pairs by their grade, lowest first: `grade`, `rows`, `gain` {mean, low, high}.

    Args:
        judge: the entries of the night.
        labels: (locale, need, track_id, grade) of one label week; pairs of lists that nobody asked for on D are left out.
    """
    pairs = labels[[*ENTRY, "track_id", "grade"]].merge(judge.entries[[*ENTRY, "searches", "need_id"]], on=ENTRY)
    pairs = pairs.merge(judge.gains, on=[*ENTRY, "track_id"], how="left").fillna({"gain": 0.0})
    out = []
    for grade, own in pairs.groupby("grade", sort=True):
        gain, weight = (own[name].to_numpy(dtype=np.float64) for name in ("gain", "searches"))
        needs = own["need_id"].to_numpy(dtype=str)
        out.append({"grade": int(str(grade)), "rows": len(own), "gain": interval_of(gain, weight, needs)})
    return out
