"""Measures of how relevant the first rows of a list are: NDCG, ERR, MRR, MAP, RBP, success and recall, over ragged lists.

Every measure gives one value per list; `evaluation.measure` says what a measure is and how its name is made, `evaluation.variety`
has the measures that need no grades, and `evaluation.by_list` computes all of them in Spark.
"""

import math
from collections.abc import Callable, Sequence
from typing import Literal

import numpy as np
import numpy.typing as npt

from evaluation.errors import MetricInput
from evaluation.measure import measure
from evaluation.ragged import Ranked, Sizes, checked, group_sum, ranked, top_k_sum

Floats = npt.NDArray[np.float64]
Gain = Literal["exp2", "linear"]
Ties = Literal["expected", "hash"]
Empty = Literal["excluded", "zero", "one"]
Over = Literal["relevant", "reachable"]

_EMPTY_VALUE: dict[str, float] = {"excluded": float("nan"), "zero": 0.0, "one": 1.0}


def seeded_hash(ids: Sequence[str] | npt.NDArray[np.object_], seed: int) -> npt.NDArray[np.uint64]:
    """A 64-bit key per id for `ties="hash"`: the same id and seed give the same key in every run and every row order."""
    from pandas.util import hash_array

    return np.asarray(hash_array(np.asarray(ids, dtype=object), hash_key=f"{seed:016x}"[-16:]), dtype=np.uint64)


def dcg_by_group(
    grades: npt.ArrayLike,
    scores: npt.ArrayLike,
    group_sizes: npt.ArrayLike,
    k: int,
    *,
    gain: Gain = "exp2",
    ties: Ties = "expected",
    tie_keys: npt.ArrayLike | None = None,
) -> Floats:
    """DCG@k of each group: Σ_{p≤k} gain(p) / log2(p + 1), rows by descending score.

    Source: Järvelin & Kekäläinen 2002, discount and exp2 gain of Burges et al. 2005.

    Args:
        grades: the relevance grade of each row, 0 or more.
        scores: the score of each row; greater ranks first.
        group_sizes: rows per group.
        k: number of ranks that count.
        gain: `exp2` is 2^grade − 1, `linear` the grade itself.
        ties: `expected` is the mean over every order of equal scores (McSherry & Najork 2008), `hash` the order of `tie_keys`.
        tie_keys: one key per row for `hash` (see `seeded_hash`).

    Raises:
        MetricInput: an array or an option is invalid.
    """
    values, score, sizes = checked(grades, scores, group_sizes, k)
    return top_k_sum(_gains(values, gain), score, sizes, _log2_discount(k), ties, tie_keys)


def ideal_dcg_by_group(grades: npt.ArrayLike, group_sizes: npt.ArrayLike, k: int, *, gain: Gain = "exp2") -> Floats:
    """The greatest DCG@k that the rows of each group allow; pass it as `ideal` to evaluate other lists of the group."""
    values, score, sizes = checked(grades, grades, group_sizes, k)
    return top_k_sum(_gains(values, gain), score, sizes, _log2_discount(k), "expected", None)


@measure("ndcg", discount="log2", equals=("ir_measures", "scikit-learn", "LightGBM"))
def ndcg_by_group(
    grades: npt.ArrayLike,
    scores: npt.ArrayLike,
    group_sizes: npt.ArrayLike,
    k: int,
    *,
    gain: Gain = "exp2",
    ties: Ties = "expected",
    empty: Empty = "excluded",
    ideal: npt.ArrayLike | None = None,
    tie_keys: npt.ArrayLike | None = None,
) -> Floats:
    """NDCG@k of each group, in [0, 1]: DCG@k over the ideal DCG@k.

    Source: Järvelin & Kekäläinen 2002; see `dcg_by_group`.

    Args:
        grades: the relevance grade of each row, 0 or more.
        scores: the score of each row; greater ranks first.
        group_sizes: rows per group.
        k: number of ranks that count.
        gain: as in `dcg_by_group`.
        ties: as in `dcg_by_group`.
        empty: the value of a group whose ideal DCG is 0: `excluded` is NaN, `zero` 0 (as LETOR's script), `one` 1 (as LightGBM).
        ideal: the ideal DCG of each group (`ideal_dcg_by_group` of another list); default: that of the group's own rows.
        tie_keys: as in `dcg_by_group`.

    Raises:
        MetricInput: an array or an option is invalid, or an ideal is less than the DCG of its group.
    """
    reached = dcg_by_group(grades, scores, group_sizes, k, gain=gain, ties=ties, tie_keys=tie_keys)
    best = ideal_dcg_by_group(grades, group_sizes, k, gain=gain) if ideal is None else np.asarray(ideal, np.float64)
    if best.shape != reached.shape:
        raise MetricInput(f"ndcg: ideal has shape {best.shape}, expected one per group {reached.shape}; pass one each")
    if bool(np.any(reached > best * (1 + 1e-9) + 1e-12)):
        worst = int(np.argmax(reached - best))
        raise MetricInput(
            f"ndcg: group {worst} reached {reached[worst]:.6g} above its ideal {best[worst]:.6g}; "
            "the ideal list must hold every relevant row of the group"
        )
    return _ratio(reached, best, empty)


@measure("recall", equals=("ir_measures",))
def recall_by_group(
    grades: npt.ArrayLike,
    scores: npt.ArrayLike,
    group_sizes: npt.ArrayLike,
    k: int,
    *,
    min_grade: float = 1,
    ties: Ties = "expected",
    empty: Empty = "excluded",
    relevant: npt.ArrayLike | None = None,
    tie_keys: npt.ArrayLike | None = None,
) -> Floats:
    """Recall@k of each group: the share of the rows with grade ≥ `min_grade` that is among the first k.

    Source: Kent et al. 1955, cut at rank k.

    Args:
        grades: the relevance grade of each row, 0 or more.
        scores: the score of each row; greater ranks first.
        group_sizes: rows per group.
        k: number of ranks that count.
        min_grade: the least grade of a relevant row.
        ties: as in `dcg_by_group`.
        empty: the value of a group without relevant items, as in `ndcg_by_group`.
        relevant: relevant items per group, where the rows do not contain all of them (a candidate list); default: counted in
            the rows.
        tie_keys: as in `dcg_by_group`.
    """
    values, score, sizes = checked(grades, scores, group_sizes, k)
    hits = (values >= min_grade).astype(np.float64)
    retrieved = top_k_sum(hits, score, sizes, np.ones(k), ties, tie_keys)
    total = group_sum(hits, sizes) if relevant is None else np.asarray(relevant, np.float64)
    return _ratio(retrieved, total, empty)


@measure("mrr", discount="1/rank", equals=("ir_measures",))
def reciprocal_rank_by_group(
    grades: npt.ArrayLike,
    scores: npt.ArrayLike,
    group_sizes: npt.ArrayLike,
    k: int | None = None,
    *,
    min_grade: float = 1,
    ties: Ties = "expected",
    empty: Empty = "excluded",
    tie_keys: npt.ArrayLike | None = None,
) -> Floats:
    """1/rank of the first row of each group with grade ≥ `min_grade`, 0 if it is below rank k; the mean over groups is MRR.

    Over ties: take r relevant rows in a block of b tied rows that starts after s rows, with all orders of the block equally likely:
    the first relevant row has rank s + j + 1 with probability C(b−1−j, r−1) / C(b, r).
    Source: Voorhees 1999 (TREC-8 question answering); ties as in McSherry & Najork 2008.

    Args:
        grades: the relevance grade of each row, 0 or more.
        scores: the score of each row; greater ranks first.
        group_sizes: rows per group.
        k: number of ranks that count; None for all.
        min_grade: the least grade of a relevant row.
        ties: as in `dcg_by_group`.
        empty: the value of a group without a relevant row, as in `ndcg_by_group`.
        tie_keys: as in `dcg_by_group`.
    """
    values, score, sizes, cut = _cut(grades, scores, group_sizes, k)
    rows = ranked((values >= min_grade).astype(np.float64), score, sizes, ties, tie_keys)
    return _of_first_relevant(rows, lambda s, b, r: _expected_reciprocal(s, b, r, cut), _empty_value(empty))


@measure("success", empty="zero", equals=("ir_measures",))
def success_by_group(
    grades: npt.ArrayLike,
    scores: npt.ArrayLike,
    group_sizes: npt.ArrayLike,
    k: int,
    *,
    min_grade: float = 1,
    ties: Ties = "expected",
    tie_keys: npt.ArrayLike | None = None,
) -> Floats:
    """Probability that a row with grade ≥ `min_grade` is among the first k of the group: success@1 asks for the first row alone.

    It is 0 for a group without a relevant row. Over ties: if the first relevant rows, r of them, are in a block of b tied rows
    after s others, it is 1 − C(b−r, m) / C(b, m) with m = k − s ranks left. Source: success@n of trec_eval.

    Args:
        grades: the relevance grade of each row, 0 or more.
        scores: the score of each row; greater ranks first.
        group_sizes: rows per group.
        k: number of ranks that count.
        min_grade: the least grade of a relevant row.
        ties: as in `dcg_by_group`.
        tie_keys: as in `dcg_by_group`.
    """
    values, score, sizes = checked(grades, scores, group_sizes, k)
    rows = ranked((values >= min_grade).astype(np.float64), score, sizes, ties, tie_keys)
    return _of_first_relevant(rows, lambda s, b, r: _chance_of_a_hit(b, r, min(k - s, b)), 0.0)


@measure("map", discount="precision", equals=("ir_measures", "LightGBM"))
def average_precision_by_group(
    grades: npt.ArrayLike,
    scores: npt.ArrayLike,
    group_sizes: npt.ArrayLike,
    k: int | None = None,
    *,
    min_grade: float = 1,
    ties: Ties = "expected",
    empty: Empty = "excluded",
    over: Over = "relevant",
    tie_keys: npt.ArrayLike | None = None,
) -> Floats:
    """Average precision of each group: Σ of the precision at each relevant row of the first k, over the relevant rows; its mean is MAP.

    Over ties: the row at place i of a block with r relevant of b rows is relevant with probability r/b, and then (i−1)(r−1)/(b−1) of
    the rows of the block before it are relevant, in the mean.
    Source: Buckley & Voorhees 2005 (trec_eval); ties as in McSherry & Najork 2008.

    Args:
        grades: the relevance grade of each row, 0 or more.
        scores: the score of each row; greater ranks first.
        group_sizes: rows per group.
        k: number of ranks that count; None for all.
        min_grade: the least grade of a relevant row.
        ties: as in `dcg_by_group`.
        empty: the value of a group without a relevant row, as in `ndcg_by_group`.
        over: what the sum is divided by: `relevant`, the relevant rows of the group (as trec_eval), or `reachable`, at most k of
            them (as LightGBM).
        tie_keys: as in `dcg_by_group`.
    """
    if over not in ("relevant", "reachable"):
        raise MetricInput(f"metric: over is {over!r}, expected 'relevant' or 'reachable'")
    values, score, sizes, cut = _cut(grades, scores, group_sizes, k)
    rows = ranked((values >= min_grade).astype(np.float64), score, sizes, ties, tie_keys)
    of_block = rows.block_sums
    relevant, length = rows.of_rows(of_block), rows.of_rows(rows.lengths)
    in_block = np.arange(len(values)) - rows.of_rows(rows.starts)
    before = np.concatenate([[0.0], np.cumsum(of_block)])[:-1]  # relevant rows before each block, in all groups
    before -= np.concatenate([[0.0], np.cumsum(group_sum(rows.values, sizes))])[rows.group[rows.starts]]
    beside = in_block * (relevant - 1) / np.maximum(length - 1, 1)
    precision = (rows.of_rows(before) + 1 + beside) / (rows.place + 1)
    total = group_sum(rows.values, sizes)
    best = np.minimum(total, cut) if over == "reachable" else total
    return _ratio(rows.group_sum(relevant / length * precision, cut), best, empty)


@measure("err", discount="1/rank", gain="exp2", empty="zero", equals=())
def err_by_group(
    grades: npt.ArrayLike,
    scores: npt.ArrayLike,
    group_sizes: npt.ArrayLike,
    k: int,
    *,
    max_grade: int = 4,
    ties: Ties = "expected",
    tie_keys: npt.ArrayLike | None = None,
) -> Floats:
    """Expected reciprocal rank at which a listener is content who goes down the list: Σ_{p≤k} R(p)/p · Π_{q<p} (1 − R(q)).

    R = (2^grade − 1) / 2^max_grade is the probability that a row makes the listener stop; a group without a relevant row has 0.
    Source: Chapelle, Metzler, Zhang & Grinspan 2009.

    Args:
        grades: the relevance grade of each row, from 0 to `max_grade`.
        scores: the score of each row; greater ranks first.
        group_sizes: rows per group.
        k: number of ranks that count.
        max_grade: the greatest grade of the scale.
        ties: as in `dcg_by_group`.
        tie_keys: as in `dcg_by_group`.
    """
    values, score, sizes = checked(grades, scores, group_sizes, k)
    if len(values) and float(values.max()) > max_grade:
        raise MetricInput(
            f"err: a grade of {float(values.max()):g} is above max_grade {max_grade}; pass the scale's own"
        )
    rows = ranked((np.exp2(values) - 1.0) / 2.0**max_grade, score, sizes, ties, tie_keys)
    stops, first = _stops_over_ties(rows, k), np.cumsum(sizes) - sizes
    reached, total = np.ones(len(sizes)), np.zeros(len(sizes))
    for place in range(min(k, int(sizes.max(initial=0)))):
        lists = np.flatnonzero(sizes > place)
        stop = stops[first[lists] + place]
        total[lists] += reached[lists] * stop / (place + 1)
        reached[lists] *= 1.0 - stop
    return total


@measure("rbp", gain="binary", discount="p^(rank-1)", empty="zero", equals=("ir_measures",))
def rbp_by_group(
    grades: npt.ArrayLike,
    scores: npt.ArrayLike,
    group_sizes: npt.ArrayLike,
    k: int | None = None,
    *,
    p: float = 0.8,
    min_grade: float = 1,
    ties: Ties = "expected",
    tie_keys: npt.ArrayLike | None = None,
) -> Floats:
    """Rank-biased precision: (1 − p) Σ p^(rank−1) over the rows with grade ≥ `min_grade`, for a listener who goes on with probability p.

    Source: Moffat & Zobel 2008, without the residual of what is not judged.

    Args:
        grades: the relevance grade of each row, 0 or more.
        scores: the score of each row; greater ranks first.
        group_sizes: rows per group.
        k: number of ranks that count; None for all.
        p: the probability of going on to the next rank, above 0 and below 1.
        min_grade: the least grade of a relevant row.
        ties: as in `dcg_by_group`.
        tie_keys: as in `dcg_by_group`.
    """
    if not 0 < p < 1:
        raise MetricInput(f"rbp: p is {p}, expected above 0 and below 1")
    values, score, sizes, cut = _cut(grades, scores, group_sizes, k)
    hits, discount = (values >= min_grade).astype(np.float64), (1 - p) * p ** np.arange(cut, dtype=np.float64)
    return top_k_sum(hits, score, sizes, discount, ties, tie_keys)


def mean_over_groups(values: Floats, weights: npt.ArrayLike | None = None) -> float:
    """Mean over the groups that are not NaN (excluded), weighted by `weights` (default: 1 each); NaN if no weight is left."""
    weight = np.ones(len(values)) if weights is None else np.asarray(weights, np.float64)
    kept = ~np.isnan(values)
    total = float(weight[kept].sum())
    return float((values[kept] * weight[kept]).sum() / total) if total > 0 else float("nan")


def ndcg_of_query(grades: Sequence[float], scores: Sequence[float], k: int, *, gain: Gain = "exp2") -> float:
    """NDCG@k of one query by plain loops, ties in expectation, NaN if nothing is relevant; it shows the formula.

    It is meant for one list by hand or in a notebook; `ndcg_by_group` computes the same for many, and a test compares the two.
    """
    worth = [2.0**grade - 1.0 if gain == "exp2" else float(grade) for grade in grades]
    reached = place = 0.0
    for score in sorted(set(scores), reverse=True):
        tied = [w for w, own in zip(worth, scores, strict=True) if own == score]
        for _ in tied:
            place += 1
            reached += sum(tied) / len(tied) / math.log2(place + 1) if place <= k else 0.0
    best = sum(w / math.log2(place + 2) for place, w in enumerate(sorted(worth, reverse=True)[:k]))
    return reached / best if best > 0 else float("nan")


def _cut(
    grades: npt.ArrayLike, scores: npt.ArrayLike, group_sizes: npt.ArrayLike, k: int | None
) -> tuple[Floats, Floats, Sizes, int]:
    """As `checked`, and the cut: k, or the longest group where it is None."""
    values, score, sizes = checked(grades, scores, group_sizes, 1 if k is None else k)
    return values, score, sizes, max(1, int(sizes.max(initial=1))) if k is None else k


def _of_first_relevant(rows: Ranked, value: Callable[[int, int, int], float], without: float) -> Floats:
    """`value(rows before the block, rows of the block, relevant rows of the block)` of each group's first block with a relevant row.

    Groups without one have the value `without`.
    """
    relevant = rows.block_sums
    blocks = np.flatnonzero(relevant > 0)
    groups, first = np.unique(rows.group[rows.starts[blocks]], return_index=True)
    blocks = blocks[first]
    kinds = np.stack([rows.place[rows.starts[blocks]], rows.lengths[blocks], relevant[blocks].astype(np.int64)], axis=1)
    distinct, of = np.unique(kinds, axis=0, return_inverse=True)
    out = np.full(len(rows.sizes), without)
    out[groups] = np.array([value(*map(int, kind)) for kind in distinct], dtype=np.float64)[of.ravel()]
    return out


def _expected_reciprocal(before: int, block: int, relevant: int, k: int) -> float:
    chance, expected = relevant / block, 0.0
    for j in range(min(block - relevant + 1, k - before)):
        expected += chance / (before + j + 1)
        if j < block - relevant:  # P(first at j+1) from P(first at j): ratio of the two binomials
            chance *= (block - relevant - j) / (block - 1 - j)
    return expected


def _chance_of_a_hit(block: int, relevant: int, drawn: int) -> float:
    """The probability that at least one of `drawn` rows of the block is relevant."""
    missed = 1.0
    for j in range(max(drawn, 0)):
        missed *= max(block - relevant - j, 0) / (block - j)
    return 1.0 - missed


def _stops_over_ties(rows: Ranked, k: int) -> Floats:
    """The probability of stopping at each rank, given that it is reached; within a block of ties the mean over all its orders.

    With E_i the mean, over all choices of i rows of the block, of the probability that none of them makes the listener stop, the
    listener who reached the block goes past its first i rows with E_i, and stops at row i with 1 − E_i / E_(i−1). E is built row by
    row: each new row is one of i chosen of m with probability i/m.
    """
    stops = rows.values.copy()
    for block in np.flatnonzero((rows.lengths > 1) & (rows.place[rows.starts] < k)):
        start, length = int(rows.starts[block]), int(rows.lengths[block])
        own, most = rows.values[start : start + length], min(length, k - int(rows.place[start]))
        if float(own.min()) == float(own.max()):
            continue
        passed = np.zeros(most + 1)
        passed[0] = 1.0
        for count, stop in enumerate(own, 1):
            i = np.arange(1, min(count, most) + 1)
            passed[i] = (1 - i / count) * passed[i] + i / count * (1.0 - stop) * passed[i - 1]
        stops[start : start + most] = 1.0 - passed[1:] / passed[:-1]
    return stops


def _gains(grades: Floats, gain: str) -> Floats:
    if gain == "exp2":
        return np.exp2(grades) - 1.0
    if gain == "linear":
        return grades
    raise MetricInput(f"metric: gain is {gain!r}, expected 'exp2' or 'linear'")


def _log2_discount(k: int) -> Floats:
    return 1.0 / np.log2(np.arange(2, k + 2, dtype=np.float64))


def _empty_value(empty: str) -> float:
    if empty not in _EMPTY_VALUE:
        raise MetricInput(f"metric: empty is {empty!r}, expected one of {sorted(_EMPTY_VALUE)}")
    return _EMPTY_VALUE[empty]


def _ratio(reached: Floats, best: Floats, empty: str) -> Floats:
    out = np.full(reached.shape, _empty_value(empty))
    np.divide(reached, best, out=out, where=best > 0)
    return np.where(best > 0, np.minimum(out, 1.0), out)
