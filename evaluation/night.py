"""Evaluate one night: playfirst and the baselines rank the same candidates, and the simulator's truth gives their relevance.

The relevance of a track for an entry is Σ over needs of P(need | entry) · (2^grade − 1), where P is the mixture over the
searches of day D that the entry answers. The ideal list is over the whole catalog. Means are weighted by those searches.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np
import numpy.typing as npt
import pandas as pd

from evaluation.answers import Answers
from evaluation.baselines import (
    bm25_scores,
    coec_scores,
    ctr_scores,
    plays_text_scores,
    pooled_text_scores,
    popularity_scores,
    random_scores,
    served_scores,
    smoothed_ctr_scores,
)
from evaluation.details import details
from evaluation.errors import RankingsUnfit
from evaluation.explored import explored
from evaluation.intervals import bootstrap_interval, clustered_interval, sign_flip_p_value
from evaluation.judge import NDCG_K, Judge
from evaluation.list_figures import list_figures
from evaluation.measure import name_of
from evaluation.metrics import mean_over_groups, ndcg_by_group
from evaluation.recall import candidate_recall, is_listed, never_shown
from evaluation.report import (
    OWN_ORDER,
    TEN_FEATURES,
    Difference,
    NightResult,
    print_night,
    refit_of,
    write_night_json,
)
from evaluation.truth import ENTRY, NightTruth

__all__ = ["BASELINES", "NightResult", "evaluate_night", "print_night", "write_night_json"]

Floats = npt.NDArray[np.float64]
BASELINES = ("served", "popularity", "ctr", "ctr_smoothed", "plays_text", "pooled_text", "coec", "coec_raw", "bm25")


def evaluate_night(
    truth: NightTruth,
    rankings: pd.DataFrame,
    candidates: pd.DataFrame,
    catalog: pd.DataFrame,
    answers: Answers,
    *,
    variants: pd.DataFrame | None = None,
    knowable: pd.DataFrame | None = None,
    labels: pd.DataFrame | None = None,
    seed: int = 20261101,
) -> NightResult:
    """NDCG@10 of every arm over the released entries that people asked for on day D.

    Entries that nobody asked for have no weight; entries without any relevant track, and released lists that have no candidates (they
    were not ranked), are left out and counted.

    Args:
        truth: the truth of day D.
        rankings: one row per (place, need, track_id) of the release, with `score` (greater first) or `rank` (1 first), which
            wins if both are present.
        candidates: the rows that the night ranked, with `impressions` and `clicks` of the need, `served_discount` (Σ of
            1 / log2(rank + 1) over the served lists that contain the track, null if none does), `coec`,
            `coec_raw`, `text` (names and values of the need), and optionally
            `candidate_rank` (the order for recall@100; else by popularity), `own_order` (the ranker's score before the re-rank rules)
            and `ten_features` (the score of a ranker of ten columns), and of refits of both the columns that `refit_of` names. Further
            columns are ignored.
        catalog: track_id, title, artists and popularity of the whole catalog, and optionally genres and released_at (for the figures
            of `evaluation.list_figures`). Further columns are ignored.
        answers: (place, wording) → (place, need) of the list that the release gives for it.
        variants: (locale, need, variant, probability, tracks) of the lists that have some.
        knowable: (locale, need, track_id, gain), as `evaluation.truth.knowable_gains` returns it.
        labels: (locale, need, track_id, grade) of the newest label week, whose grades are then calibrated.
        seed: seed of the random arm, the bootstrap and the sign flips.

    Raises:
        RankingsUnfit: a frame lacks a column or repeats a key, or a ranked track is not a candidate.
    """
    _check(rankings, candidates, catalog)
    released = rankings[ENTRY].drop_duplicates()
    judge = Judge.of(truth, answers, candidates, catalog)
    entries, weight, ideal = judge.entries, judge.weight, judge.ideal
    rows = _with_shipped(judge.rows, entries, rankings)
    gain, bm25 = judge.gain, bm25_scores(rows, catalog)
    arms = {
        "playfirst": rows["shipped"].to_numpy(dtype=np.float64),
        "popularity": popularity_scores(rows),
        "served": served_scores(rows),
        "ctr": ctr_scores(rows),
        "ctr_smoothed": smoothed_ctr_scores(rows),
        "plays_text": plays_text_scores(rows, bm25),
        "pooled_text": pooled_text_scores(rows, bm25),
        "coec": coec_scores(rows),
        "coec_raw": coec_scores(rows, "coec_raw"),
        "bm25": bm25,
        "skyline": gain,
        "random": random_scores(rows, seed),
    }
    arms |= {arm: rows[arm].to_numpy(dtype=np.float64) for arm in (OWN_ORDER, TEN_FEATURES) if arm in rows.columns}
    ndcg = {arm: judge.ndcg(scores) for arm, scores in arms.items()}
    # the ceiling of whoever ranks only what the served lists have ever shown for the need
    was_shown = rows["impressions"].to_numpy(dtype=np.float64) > 0
    of_shown = judge.ndcg_of(np.where(was_shown, gain, 0.0), np.where(was_shown, gain, -1.0))
    judged = ideal > 0
    compared = (*BASELINES, *sorted({TEN_FEATURES} & arms.keys()))
    refits = _leads_of_refits(judge, ndcg, compared)
    per_need = entries[judged].groupby("need_id")["searches"].sum().to_numpy(dtype=np.float64)
    recall, order = candidate_recall(rows, gain, judge.shares, judge.gains, truth.relevance, entries)
    result = NightResult(
        run_date=truth.run_date,
        source=truth.source,
        metric=name_of(ndcg_by_group, NDCG_K, gain="linear", ideal="catalog").replace(
            "gain=linear", "gain=Σ P(need)·(2^grade−1)"
        ),
        ndcg10={arm: mean_over_groups(values, weight) for arm, values in ndcg.items()},
        ndcg10_unweighted={arm: mean_over_groups(values) for arm, values in ndcg.items()},
        ndcg10_by_request=judge.ndcg_by_request(truth, arms),
        diff={
            name: _difference(
                (ndcg["playfirst"] - ndcg[name])[judged],
                weight[judged],
                entries.loc[judged, "need_id"],
                truth.wants,
                seed,
                refits[name],
            )
            for name in compared
        },
        shown_skyline=mean_over_groups(of_shown, weight),
        never_shown=never_shown(rows, judge.gains, entries, is_listed(rows, arms["playfirst"], NDCG_K), NDCG_K),
        recall100=recall,
        recall_order=order,
        coverage=float(weight.sum() / judge.searches),
        entries={
            "released": len(released),
            "asked": len(entries),
            "judged": int(judged.sum()),
            "without_relevant": int((~judged & (np.asarray(judge.sizes) > 0)).sum()),
            "without_candidates": int((np.asarray(judge.sizes) == 0).sum()),
            "needs": len(per_need),
            "candidate_rows": len(rows),
        },
        weights={
            "searches": judge.searches,
            "answered": float(weight.sum()),
            "judged": float(weight[judged].sum()),
            "effective_needs": float(per_need.sum() ** 2 / max(float((per_need**2).sum()), 1.0)),
        },
        by_kind=_by_kind(entries["kind"].to_numpy(), ndcg, weight, judged),
        lists=list_figures(judge, truth, arms, catalog, seed),
        knowable_skyline=None if knowable is None else mean_over_groups(judge.ndcg(_gain_of(rows, knowable)), weight),
        explored=None if variants is None else explored(judge, rows, arms["playfirst"], variants),
        by_entry=_by_entry(entries[judged], truth.wants, {arm: values[judged] for arm, values in ndcg.items()}),
    )
    return replace(result, details=details(judge, arms, ndcg, result.strongest, OWN_ORDER, labels))


def _by_entry(entries: pd.DataFrame, wants: Mapping[str, str], ndcg: Mapping[str, Floats]) -> pd.DataFrame:
    """`NightResult.by_entry`. `ndcg`: arm → NDCG@10 of each of the entries."""
    kept = entries[[*ENTRY, "need_id", "searches"]].reset_index(drop=True)
    return kept.assign(want=[wants.get(need, need) for need in kept["need_id"]], **ndcg)


def _gain_of(rows: pd.DataFrame, knowable: pd.DataFrame) -> Floats:
    """The knowable gain of each candidate, 0 where it has none."""
    row = [*ENTRY, "track_id"]
    return rows[row].merge(knowable, on=row, how="left")["gain"].fillna(0.0).to_numpy(dtype=np.float64)


def _check(rankings: pd.DataFrame, candidates: pd.DataFrame, catalog: pd.DataFrame) -> None:
    row = [*ENTRY, "track_id"]
    order = "rank" if "rank" in rankings.columns else "score"
    wanted: list[tuple[str, pd.DataFrame, Sequence[str], Sequence[str]]] = [
        ("rankings", rankings, [*row, order], row),
        (
            "candidates",
            candidates,
            [
                *row,
                "impressions",
                "clicks",
                "satisfied",
                "served_discount",
                "coec",
                "coec_raw",
                "text",
            ],
            row,
        ),
        ("catalog", catalog, ["track_id", "title", "artists", "popularity"], ["track_id"]),
    ]
    for name, frame, columns, key in wanted:
        missing = [column for column in columns if column not in frame.columns]
        if missing:
            raise RankingsUnfit(f"{name}: missing columns {missing}, found {sorted(map(str, frame.columns))}")
        repeated = int(frame.duplicated(list(key)).sum())
        if repeated:
            raise RankingsUnfit(f"{name}: {repeated} rows repeat a key ({', '.join(key)}); pass each once")
    if bool(rankings[order].isna().any()):
        raise RankingsUnfit(f"rankings: {int(rankings[order].isna().sum())} rows have no {order}; each needs one")


def _with_shipped(rows: pd.DataFrame, entries: pd.DataFrame, rankings: pd.DataFrame) -> pd.DataFrame:
    """The candidate rows with `shipped`, the released score; a candidate that was not released is below every released one."""
    row = [*ENTRY, "track_id"]
    shipped = rankings[row].assign(shipped=-rankings["rank"] if "rank" in rankings.columns else rankings["score"])
    shipped = shipped.merge(entries[ENTRY], on=ENTRY)
    rows = rows.drop(columns=["shipped"], errors="ignore").merge(shipped, on=row, how="left")
    placed = int(rows["shipped"].notna().sum())
    if placed != len(shipped):
        lost = shipped.merge(rows[row], on=row, how="left", indicator=True).query("_merge == 'left_only'").iloc[0]
        raise RankingsUnfit(
            f"rankings: {len(shipped) - placed} of {len(shipped)} ranked tracks are no candidates, as "
            f"{lost['track_id']} for ({lost['locale']}, {lost['need']!r}); pass the candidates of "
            "the same run_date"
        )
    rows["shipped"] = rows["shipped"].astype("float64").fillna(-np.inf)
    return rows


def _leads_of_refits(judge: Judge, ndcg: Mapping[str, Floats], arms: Sequence[str]) -> dict[str, list[float]]:
    """Arm -> by how much each refit of our ranker, in its own order, is ahead of it; of an arm that was refitted, of the same refit."""
    rows, judged, weight = judge.rows, judge.ideal > 0, judge.weight
    leads: dict[str, list[float]] = {arm: [] for arm in arms}
    number = 1
    while refit_of(OWN_ORDER, number) in rows.columns:
        own = judge.ndcg(rows[refit_of(OWN_ORDER, number)].to_numpy(dtype=np.float64))
        for arm in arms:
            again = refit_of(arm, number)
            rival = judge.ndcg(rows[again].to_numpy(dtype=np.float64)) if again in rows.columns else ndcg[arm]
            leads[arm].append(mean_over_groups((own - rival)[judged], weight[judged]))
        number += 1
    return leads


def _difference(
    values: Floats,
    weight: Floats,
    needs: "pd.Series[str]",
    wants: Mapping[str, str],
    seed: int,
    refits: Sequence[float],
) -> Difference:
    names, wanted = np.array(needs, dtype=str), np.array([wants.get(need, need) for need in needs])
    return Difference(
        interval=clustered_interval(values, weight, names, refits=refits),
        across_locales=clustered_interval(values, weight, wanted, refits=refits),
        bootstrap=bootstrap_interval(values, weight, names, seed=seed),
        sign_flip_p=sign_flip_p_value(values, weights=weight, clusters=names, seed=seed),
        unweighted=float(values.mean()),
    )


def _by_kind(
    kinds: npt.NDArray[np.object_], ndcg: dict[str, Floats], weight: Floats, judged: npt.NDArray[np.bool_]
) -> dict[str, dict[str, float]]:
    slices: dict[str, dict[str, float]] = {}
    for kind in sorted(set(kinds[judged])):
        own = judged & (kinds == kind)
        slices[kind] = {
            "searches": float(weight[own].sum()),
            "entries": float(own.sum()),
            **{arm: mean_over_groups(values[own], weight[own]) for arm, values in ndcg.items()},
        }
    return slices
