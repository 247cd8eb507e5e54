"""What the first ten of an arm's lists are like beside their NDCG: the first track, diversity, artists, new releases, concentration."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import numpy as np
import numpy.typing as npt
import pandas as pd

from evaluation.judge import NDCG_K, Judge
from evaluation.measure import name_of
from evaluation.metrics import mean_over_groups, seeded_hash, success_by_group
from evaluation.ragged import Sizes, first_rows
from evaluation.truth import ENTRY, NightTruth
from evaluation.variety import (
    artist_entropy_by_group,
    gini_by_group,
    intra_list_diversity_by_group,
    new_release_share_by_group,
)

Floats = npt.NDArray[np.float64]
GOOD_GRADE = 3
NEW_DAYS = 90

# figure -> the full name of its measure, and over what it is a mean
FIGURES = {
    "success1": f"{name_of(success_by_group, 1, min_grade=GOOD_GRADE)}, each search by the need of its asker",
    "diversity": f"{name_of(intra_list_diversity_by_group, NDCG_K)} of the genres",
    "artist_entropy": f"{name_of(artist_entropy_by_group, NDCG_K)} of the main artists",
    "new_release_share": name_of(new_release_share_by_group, NDCG_K, days=NEW_DAYS),
    "gini": f"{name_of(gini_by_group)} of the searches × 1/log2(rank + 1) of every candidate track, 0 if in no first ten",
}


def list_figures(
    judge: Judge, truth: NightTruth, arms: Mapping[str, Floats], catalog: pd.DataFrame, seed: int
) -> dict[str, dict[str, float]]:
    """Arm -> the FIGURES of its lists, over the judged entries, weighted by their searches; NaN if the catalog lacks the column.

    Args:
        judge: the asked entries and their candidates.
        truth: the truth of the day.
        arms: arm -> its score of each row of `judge.rows`; tracks of equal score are ordered by a hash of their ids.
        catalog: track_id and artists, and optionally genres and released_at, of the whole catalog.
        seed: seed of the hash.
    """
    tracks = catalog.drop_duplicates("track_id").set_index("track_id").reindex(judge.rows["track_id"])
    artist = np.array([_main(of) for of in tracks["artists"]], dtype=object)
    age = _ages_days(tracks, truth)
    keys = seeded_hash(judge.rows["track_id"].to_numpy(dtype=object), seed)
    track = pd.factorize(judge.rows["track_id"])[0]
    weight = np.where(judge.ideal > 0, judge.weight, 0.0)

    def of_arm(scores: Floats) -> dict[str, float]:
        rows, entry, sizes = first_rows(scores, judge.sizes, NDCG_K, keys)
        order = -np.arange(len(rows), dtype=np.float64)
        rank = np.arange(len(rows)) - np.repeat(np.cumsum(sizes) - sizes, sizes) + 1
        seen = np.bincount(track[rows], weight[entry] / np.log2(rank + 1), minlength=int(track.max(initial=-1)) + 1)
        genres = _genre_vectors(tracks["genres"].iloc[rows]) if "genres" in tracks else None
        by_entry = {
            "diversity": None if genres is None else intra_list_diversity_by_group(genres, order, sizes, NDCG_K),
            "artist_entropy": artist_entropy_by_group(artist[rows], order, sizes, NDCG_K),
            "new_release_share": None
            if age is None
            else new_release_share_by_group(age[rows], order, sizes, NDCG_K, days=NEW_DAYS),
        }
        means = {n: float("nan") if v is None else mean_over_groups(v, weight) for n, v in by_entry.items()}
        return {
            "success1": _success(judge, truth, scores),
            **means,
            "gini": float(gini_by_group(seen, [len(seen)])[0]),
        }

    return {arm: of_arm(scores) for arm, scores in arms.items()}


def _success(judge: Judge, truth: NightTruth, scores: Floats) -> float:
    """Success@1 over the searches that the judged entries answer, each by the need of its asker.

    Needs for which no track of the catalog is relevant are left out.
    """
    rows = judge.rows[[*ENTRY, "track_id", "entry"]].assign(score=scores)
    first = rows[rows["score"] == rows.groupby("entry")["score"].transform("max")]
    judged = judge.entries.loc[judge.ideal > 0, ENTRY]
    needs = judge.shares.merge(judged, on=ENTRY)
    needs = needs[needs["need_id"].isin(set(truth.relevance["need_id"]))]
    grades = truth.relevance[["need_id", "track_id", "grade"]]
    lists = first.merge(needs, on=ENTRY).merge(grades, on=["need_id", "track_id"], how="left")
    lists = lists.sort_values(["entry", "need_id", "track_id"], kind="stable")
    sizes = lists.groupby(["entry", "need_id"], sort=False).size().to_numpy()
    weight = lists.drop_duplicates(["entry", "need_id"])["searches"].to_numpy(dtype=np.float64)
    success = success_by_group(lists["grade"].fillna(0.0), np.zeros(len(lists)), _whole(sizes), 1, min_grade=GOOD_GRADE)
    return mean_over_groups(success, weight)


def _whole(sizes: npt.ArrayLike) -> Sizes:
    return np.asarray(sizes, dtype=np.int64)


def _ages_days(tracks: pd.DataFrame, truth: NightTruth) -> Floats | None:
    """Days from the release of each track to the run date, NaN where it is unknown; None without such a column."""
    if "released_at" not in tracks:
        return None
    released = pd.to_datetime(tracks["released_at"])
    return np.asarray((pd.Timestamp(truth.run_date) - released) / pd.Timedelta(days=1), dtype=np.float64)


def _genre_vectors(genres: pd.Series) -> Floats:
    """One row per track, one column per genre: 1 where the track has it."""
    names = [sorted({str(g) for g in of}) if _is_list(of) else [] for of in genres]
    place = {name: i for i, name in enumerate(sorted({n for of in names for n in of}))}
    vectors = np.zeros((len(names), len(place)))
    for row, of in enumerate(names):
        vectors[row, [place[n] for n in of]] = 1.0
    return vectors


def _main(artists: object) -> str:
    """The main artist; "" where none is known, so that all such tracks count as of one."""
    if isinstance(artists, str):
        return artists
    listed = list(artists) if _is_list(artists) else []  # type: ignore[call-overload]
    return str(listed[0]) if listed else ""


def _is_list(value: object) -> bool:
    return isinstance(value, Iterable) and not isinstance(value, str)
