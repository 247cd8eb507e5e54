"""The lists that lose the most: where a better order, or a track that is missing, would help the most searches."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from evaluation.judge import NDCG_K, Judge
from evaluation.segments import OURS
from evaluation.truth import ENTRY

Floats = npt.NDArray[np.float64]
WORST = 50
LANGUAGES = ("en", "es")  # each gets an equal part of the places


def worst_entries(judge: Judge, ndcg: Mapping[str, Floats], rival: str, shipped: Floats) -> list[dict[str, Any]]:
    """The entries that lose the most NDCG@10 over their searches, the greatest loss first: `lost` = searches · (1 − NDCG@10).

    Half of the places are for each of LANGUAGES, by the language that asks most for the entry; what one leaves free goes to the
    greatest other losses. An entry has locale (its place), need, language, kind, searches, ndcg10, rival_ndcg10, lost, and

    - `listed`: its published first ten, as {track_id, gain}
    - `ideal`: its best first ten over the catalog, as {track_id, gain, rank, state}; of equal tracks the published ones stand first.
      `rank` is the published rank, null if it is not published; `state` is "listed", "shown before", "never shown" or "no candidate".

    Args:
        judge: the entries of the night.
        ndcg: arm → NDCG@10 of each entry.
        rival: the arm that playfirst is compared with.
        shipped: the released score of each row of `judge.rows`, -inf for a candidate that was not released.
    """
    entries = judge.entries.assign(ndcg10=ndcg[OURS], rival_ndcg10=ndcg[rival], language=_languages(judge))
    entries = entries[entries["ideal"] > 0]
    entries = entries.assign(lost=entries["searches"] * (1.0 - entries["ndcg10"]))
    entries = entries[entries["lost"] > 0].sort_values(["lost", *ENTRY], ascending=[False, True, True], kind="stable")
    firsts = [entries[entries["language"] == name].head(WORST // len(LANGUAGES)).index for name in LANGUAGES]
    chosen = [i for of_language in firsts for i in of_language]
    chosen += [i for i in entries.index if i not in set(chosen)][: WORST - len(chosen)]
    kept = entries.loc[chosen].sort_values(["lost", *ENTRY], ascending=[False, True, True], kind="stable")

    rows = (
        judge.rows[[*ENTRY, "track_id", "impressions"]]
        .assign(shipped=shipped, gain=judge.gain)
        .merge(kept[ENTRY], on=ENTRY)
    )
    place = rows.groupby(ENTRY)["shipped"].rank(ascending=False, method="first")
    rows["rank"] = place.where(np.isfinite(rows["shipped"]))
    best = judge.gains.merge(kept[ENTRY], on=ENTRY).merge(
        rows.drop(columns="gain"), on=[*ENTRY, "track_id"], how="left"
    )
    # equal tracks are interchangeable: those that are published count as part of the best list, then other candidates
    best["is_candidate"] = best["impressions"].notna()
    order = [*ENTRY, "gain", "rank", "is_candidate", "track_id"]
    best = best.sort_values(order, ascending=[True, True, False, True, False, True], na_position="last", kind="stable")
    best = best[best.groupby(ENTRY).cumcount() < NDCG_K]
    return [_described(entry, rows, best) for entry in kept.to_dict("records")]


def _languages(judge: Judge) -> list[str]:
    """The language that asks most for each entry: the first two letters of the locales of its searches."""
    hits = judge.hits.assign(language=judge.hits["locale"].str[:2])
    counted = hits.groupby(["entry_locale", "entry_need", "language"])["searches"].sum().reset_index()
    counted = counted.sort_values(["searches", "language"], ascending=[False, True], kind="stable")
    most = counted.drop_duplicates(["entry_locale", "entry_need"])
    known = dict(zip(zip(most["entry_locale"], most["entry_need"], strict=True), most["language"], strict=True))
    return [str(known.get(key, "")) for key in judge.entries[ENTRY].itertuples(index=False, name=None)]


def _described(entry: Mapping[Any, Any], rows: pd.DataFrame, best: pd.DataFrame) -> dict[str, Any]:
    of_list = rows[(rows["locale"] == entry["locale"]) & (rows["need"] == entry["need"])]
    of_list = of_list[of_list["rank"] <= NDCG_K].sort_values("rank")
    best = best[(best["locale"] == entry["locale"]) & (best["need"] == entry["need"])]
    names = ("locale", "need", "language", "kind")
    figures = ("searches", "ndcg10", "rival_ndcg10", "lost")
    return {
        **{name: str(entry[name]) for name in names},
        **{name: float(entry[name]) for name in figures},
        "listed": [
            {"track_id": str(t), "gain": float(g)} for t, g in zip(of_list["track_id"], of_list["gain"], strict=True)
        ],
        "ideal": [
            {
                "track_id": str(row["track_id"]),
                "gain": float(row["gain"]),
                "rank": None if np.isnan(row["rank"]) else int(row["rank"]),
                "state": _state(row),
            }
            for row in best.to_dict("records")
        ],
    }


def _state(row: Mapping[Any, Any]) -> str:
    """Where a track of the best list is: `rank` and `impressions` are NaN where it is not published or no candidate."""
    if np.isnan(row["impressions"]):
        return "no candidate"
    if row["rank"] <= NDCG_K:
        return "listed"
    return "shown before" if row["impressions"] > 0 else "never shown"
