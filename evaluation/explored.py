"""What exploration costs and finds: the lists as listeners get them, with their variants, against the lists themselves."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from evaluation.judge import NDCG_K, Judge
from evaluation.metrics import mean_over_groups
from evaluation.ragged import Floats
from evaluation.recall import is_listed, never_shown
from evaluation.truth import ENTRY


@dataclass(frozen=True)
class Explored:
    """The release with and without its variants, over the judged entries, by searches.

    Args:
        share: searches whose list has variants.
        ndcg10: mean over all entries, of the variants by their probabilities.
        never_shown_reached: as `NeverShown.reached`, by the same probabilities.
    """

    share: float
    ndcg10: float
    never_shown_reached: float


def explored(judge: Judge, rows: pd.DataFrame, shipped: Floats, variants: pd.DataFrame) -> Explored:
    """Judge every variant of the released lists.

    Args:
        judge: the asked entries and their candidates.
        rows: the candidates, with `impressions` of the need.
        shipped: the released score of each row of `rows`, -inf for a candidate that was not released.
        variants: (locale, need, variant, probability, tracks) of the lists that have some; variant 0 is the list itself.
    """
    by_entry = judge.entries[ENTRY]
    weight = np.where(judge.ideal > 0, judge.weight, 0.0)
    ndcg, left = np.zeros(len(weight)), np.ones(len(weight))
    listed, left_of_row = np.zeros(len(rows)), np.ones(len(rows))
    for number in sorted(set(variants["variant"]) - {0}):
        of_number = variants[variants["variant"] == number]
        chances = of_number[[*ENTRY, "probability"]]
        chance = by_entry.merge(chances, on=ENTRY, how="left")["probability"].fillna(0.0).to_numpy(dtype=np.float64)
        of_row = rows[ENTRY].merge(chances, on=ENTRY, how="left")["probability"].fillna(0.0).to_numpy(dtype=np.float64)
        scores = _with_first(rows, shipped, of_number)
        ndcg += chance * np.nan_to_num(judge.ndcg(scores))
        listed += of_row * is_listed(rows, scores, NDCG_K)
        left, left_of_row = left - chance, left_of_row - of_row
    ndcg += left * np.nan_to_num(judge.ndcg(shipped))
    listed += left_of_row * is_listed(rows, shipped, NDCG_K)
    total = float(weight.sum())
    return Explored(
        share=float(weight[left < 1].sum()) / total if total else float("nan"),
        ndcg10=mean_over_groups(np.where(judge.ideal > 0, ndcg, np.nan), weight),
        never_shown_reached=never_shown(rows, judge.gains, judge.entries, listed, NDCG_K).reached,
    )


def _with_first(rows: pd.DataFrame, shipped: Floats, variants: pd.DataFrame) -> Floats:
    """The released scores with the tracks of one variant of each list first."""
    first = variants[[*ENTRY, "tracks"]].explode("tracks").rename(columns={"tracks": "track_id"})
    first["_place"] = first.groupby(ENTRY).cumcount()
    place = (
        rows[[*ENTRY, "track_id"]]
        .merge(first, on=[*ENTRY, "track_id"], how="left")["_place"]
        .to_numpy(dtype=np.float64)
    )
    above = float(np.max(shipped[np.isfinite(shipped)], initial=0.0)) + 1.0
    return np.asarray(np.where(np.isnan(place), shipped, above + NDCG_K - place), dtype=np.float64)
