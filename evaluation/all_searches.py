"""How well a night answers every music search of the day, a miss counting as nothing.

A release can look good on what it answers and leave a fifth of the searches without an answer; these figures do not let it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from evaluation.answers import Answers, answered
from evaluation.judge import NDCG_K
from evaluation.metrics import dcg_by_group
from evaluation.truth import ENTRY, KEY, NightTruth, expected_gains, ideal_lists, need_shares

Floats = npt.NDArray[np.float64]
THRESHOLDS = (0.0, 0.5, 0.6, 0.7, 0.8, 0.85, 0.88, 0.9, 0.95, 1.0)
BUCKETS = ((0, 0, "never"), (1, 2, "1–2"), (3, 10, "3–10"), (11, None, "more"))  # searches of the wording in 28 days


@dataclass(frozen=True)
class Slice:
    """Figures of some of the day's music searches; shares are of these searches.

    Args:
        searches: their number.
        ndcg10: mean NDCG@10 per search, with the gains of what the askers of the wording wanted; a miss counts 0.
        coverage: share that some list answers.
        wrong: share that is answered by a list without any relevant track (grade 1 or more) among its first ten.
    """

    searches: float
    ndcg10: float
    coverage: float
    wrong: float


@dataclass(frozen=True)
class AllSearches:
    """The figures over all music searches, by kind of need, by how often the wording was asked in the 28 days
    before, and by how the reader came to the list (`miss`: not at all). `other_answered`: the share of the
    day's searches for other things than music that are answered with tracks; None on a day without any. `curve`: risk against coverage
    (`risk_curve`)."""

    whole: Slice
    by_kind: dict[str, Slice] = field(default_factory=dict)
    by_frequency: dict[str, Slice] = field(default_factory=dict)
    by_match: dict[str, Slice] = field(default_factory=dict)
    other_answered: float | None = None
    curve: tuple[dict[str, float | None], ...] = ()

    def as_json(self) -> dict[str, Any]:
        """Plain nested values."""

        def plain(one: Slice) -> dict[str, float]:
            return {k: round(v, 6) for k, v in vars(one).items()}

        return {
            **plain(self.whole),
            "by_kind": {k: plain(v) for k, v in self.by_kind.items()},
            "by_frequency": {k: plain(v) for k, v in self.by_frequency.items()},
            "other_answered": _rounded(self.other_answered),
            "by_match": {k: plain(v) for k, v in self.by_match.items()},
            "risk_curve": [{k: _rounded(v) for k, v in point.items()} for point in self.curve],
        }


def _rounded(share: float | None) -> float | None:
    return None if share is None else round(share, 6)


def over_all_searches(
    truth: NightTruth,
    lists: pd.DataFrame,
    answers: Answers,
    asked_before: Mapping[str, int],
    matched_by: Mapping[tuple[str, str], str] | None = None,
) -> AllSearches:
    """Evaluate lists on every music search of the day, bots left out.

    Args:
        truth: the truth of the day; searches without a need (for other things than music) are left out.
        lists: one row per (place, need, track_id) of the first ten of each list, with `rank` from 1.
        answers: (locale, wording) → (place, need) of the list that is given for it.
        asked_before: wording → its searches in the 28 days before, in all places.
        matched_by: (locale, wording) → how the reader came to the list.
    """
    whole = answered(truth.asked, answers)
    for_music = whole["need_id"] != ""
    asked = whole[for_music]
    weight = asked["searches"].to_numpy(dtype=np.float64)
    request_ndcg = _ndcg_of_requests(asked, lists, truth.relevance)
    reached = request_ndcg.reindex(pd.MultiIndex.from_frame(asked[KEY])).fillna(0.0)
    ndcg: Floats = np.asarray(reached, dtype=np.float64)
    is_answered = asked["entry_need"].notna().to_numpy()
    is_right = _has_relevant(asked, lists, truth.relevance)

    def figures(kept: npt.NDArray[np.bool_]) -> Slice:
        return _slice(weight[kept], ndcg[kept], is_answered[kept], (is_answered & ~is_right)[kept])

    kinds = asked["need_id"].map(truth.kinds).fillna("unknown").to_numpy(dtype=object)
    times = np.array([asked_before.get(query, 0) for query in asked["query"]])
    by_frequency = {
        name: figures((times >= low) & (times <= (np.inf if high is None else high))) for low, high, name in BUCKETS
    }
    ways = np.array(
        [(matched_by or {}).get((x, q), "miss") for x, q in zip(asked["locale"], asked["query"], strict=True)]
    )
    return AllSearches(
        figures(np.ones(len(asked), dtype=bool)),
        {str(kind): figures(np.asarray(kinds == kind)) for kind in sorted(set(kinds))},
        by_frequency,
        {str(way): figures(ways == way) for way in sorted(set(ways))} if matched_by is not None else {},
        _other_answered(whole, whole["entry_need"].notna().to_numpy()),
    )


def risk_curve(
    truth: NightTruth, lists: pd.DataFrame, answers: Answers, confidence: Mapping[tuple[str, str], float]
) -> tuple[dict[str, float | None], ...]:
    """What the least confidence of a reading decides: for each of THRESHOLDS its coverage and its risk.

    `coverage`: share of the day's music searches that are answered; `risk`: share of these without any relevant track among the first
    ten; `other_answered`: share of the searches for other things than music that are answered with tracks, None if there
    was none.

    Args:
        truth: the truth of the day.
        lists: one row per (place, need, track_id) of the first ten of each list, with `rank` from 1.
        answers: (locale, wording) → (place, need) of the list, also of readings that nobody would trust.
        confidence: (locale, wording) → of the reading, 0 to 1.
    """
    whole = answered(truth.asked, answers)
    weight = whole["searches"].to_numpy(dtype=np.float64)
    for_music = (whole["need_id"] != "").to_numpy()
    sure = np.array([confidence.get((x, q), -1.0) for x, q in zip(whole["locale"], whole["query"], strict=True)])
    is_answered = whole["entry_need"].notna().to_numpy()
    is_wrong = ~_has_relevant(whole, lists, truth.relevance)
    points: list[dict[str, float | None]] = []
    for least in THRESHOLDS:
        kept = is_answered & (sure >= least)
        of_music = kept & for_music
        points.append(
            {
                "least_confidence": least,
                "coverage": _share(weight[for_music], kept[for_music]),
                "risk": _share(weight[of_music], is_wrong[of_music]),
                "other_answered": _other_answered(whole, kept),
            }
        )
    return tuple(points)


def _slice(weight: Floats, ndcg: Floats, is_answered: npt.NDArray[np.bool_], is_wrong: npt.NDArray[np.bool_]) -> Slice:
    return Slice(float(weight.sum()), *(_share(weight, values) for values in (ndcg, is_answered, is_wrong)))


def _other_answered(whole: pd.DataFrame, is_answered: npt.NDArray[np.bool_]) -> float | None:
    """The share of the searches for other things than music that are answered; None if there is none."""
    is_other = (whole["need_id"] == "").to_numpy()
    weight = whole["searches"].to_numpy(dtype=np.float64)
    return _share(weight[is_other], is_answered[is_other]) if is_other.any() else None


def _share(weight: Floats, values: npt.NDArray[Any]) -> float:
    total = float(weight.sum())
    return float((weight * values).sum()) / total if total else 0.0


def _ndcg_of_requests(asked: pd.DataFrame, lists: pd.DataFrame, relevance: pd.DataFrame) -> pd.Series[float]:
    """NDCG@10 of each answered request (locale, query), by the mixture of needs of its own askers."""
    shares = need_shares(asked)
    gains = expected_gains(shares, relevance)
    best = ideal_lists(gains, NDCG_K)
    sizes = best.groupby(KEY, sort=False).size()
    ideal = pd.Series(dcg_by_group(best["gain"], -best["rank"], sizes, NDCG_K, gain="linear"), index=sizes.index)
    hits = asked[asked["entry_need"].notna()][[*KEY, "entry_locale", "entry_need"]].drop_duplicates(KEY)
    shown = lists.rename(columns={"locale": "entry_locale", "need": "entry_need"})
    rows = hits.merge(shown, on=["entry_locale", "entry_need"]).merge(gains, on=[*KEY, "track_id"], how="left")
    rows = rows.sort_values([*KEY, "rank"], kind="stable")
    counts = rows.groupby(KEY, sort=False).size()
    if rows.empty:
        return pd.Series(dtype="float64")
    reached = pd.Series(
        dcg_by_group(rows["gain"].fillna(0.0), -rows["rank"], counts, NDCG_K, gain="linear"), index=counts.index
    )
    return (reached / ideal.reindex(reached.index)).where(ideal.reindex(reached.index) > 0)


def _has_relevant(asked: pd.DataFrame, lists: pd.DataFrame, relevance: pd.DataFrame) -> npt.NDArray[np.bool_]:
    """Whether the list that answers each row of `asked` has a relevant track of the row's own need among its first ten."""
    first = lists[lists["rank"] <= NDCG_K][[*ENTRY, "track_id"]]
    pairs = asked[["entry_locale", "entry_need", "need_id"]].dropna().drop_duplicates()
    shown = pairs.merge(
        first.rename(columns={"locale": "entry_locale", "need": "entry_need"}), on=["entry_locale", "entry_need"]
    )
    good = shown.merge(relevance[["need_id", "track_id"]], on=["need_id", "track_id"])
    known = set(zip(good["entry_locale"], good["entry_need"], good["need_id"], strict=True))
    keys = zip(asked["entry_locale"], asked["entry_need"], asked["need_id"], strict=True)
    return np.array([key in known for key in keys], dtype=bool)
