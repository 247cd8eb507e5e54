"""How much of what people needed is among the first candidates, whatever order a ranker then gives them."""

import numpy as np
import numpy.typing as npt
import pandas as pd

from evaluation.metrics import mean_over_groups
from evaluation.truth import KEY, ideal_lists

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
    """Recall within the first 100 candidates of each entry, means weighted by searches; and the order that was meant.

    `gain`: the ten greatest expected gains among them over the ten greatest of the whole catalog (tie-proof: which of
    equal tracks they hold is no matter). `grade3`: Σ over needs of P(need | entry) × the share of the need's tracks of
    grade ≥ 3 that they hold; `grade3_capped` the same over min(100, such tracks), since a broad need has more than
    100. Order: `candidate_rank` upwards if the candidates have it, else popularity downwards; then track_id.
    """
    first, order = _first_candidates(rows.assign(gain=gain))
    weight = entries.set_index(KEY)["searches"].astype("float64")
    reached = ideal_lists(first[[*KEY, "track_id", "gain"]], _K).groupby(KEY)["gain"].sum()
    best = ideal_lists(gains, _K).groupby(KEY)["gain"].sum()
    share = (reached.reindex(best.index).fillna(0.0) / best).clip(upper=1.0)
    good, capped = _good_track_recall(first, shares, relevance)
    measures = {"gain": share, "grade3": good, "grade3_capped": capped}
    return {
        name: mean_over_groups(values.to_numpy(dtype=np.float64), weight.reindex(values.index).to_numpy())
        for name, values in measures.items()
    }, order


def _first_candidates(rows: pd.DataFrame) -> tuple[pd.DataFrame, str]:
    """The first 100 candidates of each entry, and their order in words."""
    by, upwards, name = "popularity", False, "popularity downwards"
    if "candidate_rank" in rows.columns:
        by, upwards, name = "candidate_rank", True, "candidate_rank upwards"
    ordered = rows.sort_values([*KEY, by, "track_id"], ascending=[True, True, upwards, True], kind="stable")
    return ordered[ordered.groupby(KEY).cumcount() < _FIRST], f"{name}, then track_id"


def _good_track_recall(
    first: pd.DataFrame, shares: pd.DataFrame, relevance: pd.DataFrame
) -> tuple["pd.Series[float]", "pd.Series[float]"]:
    """Per key: the expected share (over needs) of tracks of grade ≥ 3 held, plain and over at most 100 of them."""
    good = relevance.loc[relevance["grade"] >= _GOOD_GRADE, ["need_id", "track_id"]]
    held = first[[*KEY, "track_id"]].assign(held=1.0)
    wanted = shares[[*KEY, "need_id", "share"]].merge(good, on="need_id")
    wanted = wanted.merge(held, on=[*KEY, "track_id"], how="left")
    by_need = wanted.groupby([*KEY, "need_id", "share"]).agg(held=("held", "sum"), all=("track_id", "size"))
    by_need = by_need.reset_index()
    by_need["plain"] = by_need["share"] * by_need["held"] / by_need["all"]
    by_need["capped"] = by_need["share"] * by_need["held"] / by_need["all"].clip(upper=_FIRST)
    sums = by_need.groupby(KEY)[["share", "plain", "capped"]].sum()  # needs without a good track are left out
    return sums["plain"] / sums["share"], sums["capped"] / sums["share"]
