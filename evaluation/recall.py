"""Candidate recall: how much of what people needed is among the first candidates, before the ranker orders them."""

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from evaluation.metrics import mean_over_groups
from evaluation.truth import ENTRY, ideal_lists

Floats = npt.NDArray[np.float64]
_FIRST = 100
_GOOD_GRADE = 3
_K = 10


def candidate_recall(
    rows: pd.DataFrame,
    gain: Floats,
    shares: pd.DataFrame,
    gains: pd.DataFrame,
    relevance: pd.DataFrame,
    entries: pd.DataFrame,
) -> tuple[dict[str, float], str]:
    """Recall within the first 100 candidates of each entry, as means weighted by searches.

    The candidates are ordered by ascending `candidate_rank` if they have it, else by descending popularity; then by track_id.

    Args:
        rows: the candidates of the asked entries.
        gain: the expected gain of each row of `rows`.
        shares: P(need | entry), as of `evaluation.truth.need_shares`.
        gains: the expected gain of every track of the catalog, as of `evaluation.truth.expected_gains`.
        relevance: one row per (need_id, track_id) with its grade.
        entries: the asked entries with their `searches`.

    Returns:
        The means by name, and the order of the candidates in words. `gain`: the ten greatest expected gains among the first 100
        over the ten greatest of the whole catalog (equal tracks are interchangeable, so ties do not matter). `grade3`: Σ over
        needs of P(need | entry) × the share of the need's tracks of grade ≥ 3 that are among the first 100. `grade3_capped`:
        the same over min(100, number of such tracks), because a broad need has more than 100.
    """
    first, order = _first_candidates(rows.assign(gain=gain))
    weight = entries.set_index(ENTRY)["searches"].astype("float64")
    reached = ideal_lists(first[[*ENTRY, "track_id", "gain"]], _K, ENTRY).groupby(ENTRY)["gain"].sum()
    best = ideal_lists(gains, _K, ENTRY).groupby(ENTRY)["gain"].sum()
    share = (reached.reindex(best.index).fillna(0.0) / best).clip(upper=1.0)
    good, capped = _good_track_recall(first, shares, relevance)
    measures = {"gain": share, "grade3": good, "grade3_capped": capped}
    return {
        name: mean_over_groups(values.to_numpy(dtype=np.float64), weight.reindex(values.index).to_numpy())
        for name, values in measures.items()
    }, order


@dataclass(frozen=True)
class NeverShown:
    """Tracks that no search of the need was shown in the window.

    `share`: their share of the ideal first ten; `reached`: the share of these that stand in the published first ten. Both by
    searches; NaN without any.
    """

    share: float
    reached: float


def is_listed(rows: pd.DataFrame, shipped: Floats, k: int) -> Floats:
    """1 for each candidate among the first k of its list by released score, else 0; a score of -inf is not released."""
    released = rows[ENTRY].assign(shipped=shipped)[np.isfinite(shipped)]
    place = released.groupby(ENTRY)["shipped"].rank(ascending=False, method="first")
    return np.asarray((place <= k).reindex(rows.index, fill_value=False), dtype=np.float64)


def never_shown(rows: pd.DataFrame, gains: pd.DataFrame, entries: pd.DataFrame, listed: Floats, k: int) -> NeverShown:
    """How much of what the entries should list was never shown, and how much of it is listed.

    Args:
        rows: the candidates, with `impressions` of the need; a track that is no candidate counts as never shown.
        gains: (place, need, track_id, gain) over the whole catalog.
        entries: (place, need, searches) of the entries.
        listed: the probability of each row of `rows` of being among the first k of its list (`is_listed`).
        k: how many tracks of a list count.
    """
    ideal = ideal_lists(gains[gains["gain"] > 0], k, ENTRY).merge(entries[[*ENTRY, "searches"]], on=ENTRY)
    known = rows[[*ENTRY, "track_id", "impressions"]].assign(listed=listed)
    ideal = ideal.merge(known, on=[*ENTRY, "track_id"], how="left").fillna({"impressions": 0, "listed": 0.0})
    unknown = ~(ideal["impressions"] > 0).to_numpy()
    weight, reached = (ideal[name].to_numpy(dtype=np.float64) for name in ("searches", "listed"))
    of_unknown = float(weight[unknown].sum())
    share = of_unknown / float(weight.sum()) if len(ideal) else math.nan
    return NeverShown(share, float((weight * reached)[unknown].sum()) / of_unknown if of_unknown else math.nan)


def _first_candidates(rows: pd.DataFrame) -> tuple[pd.DataFrame, str]:
    """The first 100 candidates of each entry, and their order in words."""
    by, upwards, name = "popularity", False, "popularity downwards"
    if "candidate_rank" in rows.columns:
        by, upwards, name = "candidate_rank", True, "candidate_rank upwards"
    ordered = rows.sort_values([*ENTRY, by, "track_id"], ascending=[True, True, upwards, True], kind="stable")
    return ordered[ordered.groupby(ENTRY).cumcount() < _FIRST], f"{name}, then track_id"


def _good_track_recall(
    first: pd.DataFrame, shares: pd.DataFrame, relevance: pd.DataFrame
) -> tuple["pd.Series[float]", "pd.Series[float]"]:
    """Per entry: the expected share (over needs) of tracks of grade ≥ 3 that `first` contains, plain and over at most 100."""
    good = relevance.loc[relevance["grade"] >= _GOOD_GRADE, ["need_id", "track_id"]]
    retrieved = first[[*ENTRY, "track_id"]].assign(retrieved=1.0)
    wanted = shares[[*ENTRY, "need_id", "share"]].merge(good, on="need_id")
    wanted = wanted.merge(retrieved, on=[*ENTRY, "track_id"], how="left")
    by_need = wanted.groupby([*ENTRY, "need_id", "share"]).agg(retrieved=("retrieved", "sum"), all=("track_id", "size"))
    by_need = by_need.reset_index()
    by_need["plain"] = by_need["share"] * by_need["retrieved"] / by_need["all"]
    by_need["capped"] = by_need["share"] * by_need["retrieved"] / by_need["all"].clip(upper=_FIRST)
    sums = by_need.groupby(ENTRY)[["share", "plain", "capped"]].sum()  # needs without a good track are left out
    return sums["plain"] / sums["share"], sums["capped"] / sums["share"]
