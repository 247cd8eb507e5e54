"""Ranking metrics over ragged groups: NDCG@k, reciprocal rank and recall@k, with explicit conventions.

The rows of one query are adjacent, and `group_sizes` gives the rows of each query. The conventions change the value (ties by up
to .157 per query, empty queries by .22 in the mean), so each is a parameter and part of the metric's name (`ndcg_name`).
"""

import math
from collections.abc import Sequence
from itertools import pairwise
from typing import Literal

import numpy as np
import numpy.typing as npt

from evaluation.errors import MetricInput
from evaluation.ragged import checked, group_sum, top_k_sum

Floats = npt.NDArray[np.float64]
Gain = Literal["exp2", "linear"]
Ties = Literal["expected", "hash"]
Empty = Literal["excluded", "zero", "one"]

_EMPTY_VALUE: dict[str, float] = {"excluded": float("nan"), "zero": 0.0, "one": 1.0}


def ndcg_name(
    k: int, *, gain: Gain = "exp2", ties: Ties = "expected", empty: Empty = "excluded", ideal: str = "list"
) -> str:
    """The metric's full name, such as `ndcg@10[gain=exp2,discount=log2,ties=expected,empty=excluded,ideal=list]`."""
    return f"ndcg@{k}[gain={gain},discount=log2,ties={ties},empty={empty},ideal={ideal}]"


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


def recall_by_group(
    grades: npt.ArrayLike,
    scores: npt.ArrayLike,
    group_sizes: npt.ArrayLike,
    k: int,
    *,
    min_grade: float = 1,
    empty: Empty = "excluded",
    relevant: npt.ArrayLike | None = None,
) -> Floats:
    """Recall@k of each group: the share of the rows with grade ≥ `min_grade` that is among the first k, ties in expectation.

    Args:
        grades: the relevance grade of each row, 0 or more.
        scores: the score of each row; greater ranks first.
        group_sizes: rows per group.
        k: number of ranks that count.
        min_grade: the least grade of a relevant row.
        empty: the value of a group without relevant items, as in `ndcg_by_group`.
        relevant: relevant items per group, where the rows do not contain all of them (a candidate list); default: counted in
            the rows.
    """
    values, score, sizes = checked(grades, scores, group_sizes, k)
    hits = (values >= min_grade).astype(np.float64)
    retrieved = top_k_sum(hits, score, sizes, np.ones(k), "expected", None)
    total = group_sum(hits, sizes) if relevant is None else np.asarray(relevant, np.float64)
    return _ratio(retrieved, total, empty)


def reciprocal_rank_by_group(
    grades: npt.ArrayLike,
    scores: npt.ArrayLike,
    group_sizes: npt.ArrayLike,
    *,
    min_grade: float = 1,
    empty: Empty = "excluded",
) -> Floats:
    """Expected 1/rank (over ties) of the first row with grade ≥ `min_grade`; its mean over groups is MRR.

    Take r relevant rows in a block of b tied rows that starts after s rows, with all orders of the block equally likely: the
    first relevant row has rank s + j + 1 with probability C(b−1−j, r−1) / C(b, r). A group without a relevant row has the value
    `empty`.
    """
    values, score, sizes = checked(grades, scores, group_sizes, 1)
    out = np.full(len(sizes), _empty_value(empty))
    ends = np.concatenate([[0], np.cumsum(sizes)]).astype(np.int64)
    for group, (start, end) in enumerate(pairwise(ends.tolist())):
        relevant = values[start:end] >= min_grade
        if not relevant.any():
            continue
        own = score[start:end]
        first = own[relevant].max()
        block = own == first
        out[group] = _expected_reciprocal(int((own > first).sum()), int(block.sum()), int((block & relevant).sum()))
    return out


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


def _expected_reciprocal(before: int, block: int, relevant: int) -> float:
    chance, expected = relevant / block, 0.0
    for j in range(block - relevant + 1):
        expected += chance / (before + j + 1)
        if j < block - relevant:  # P(first at j+1) from P(first at j): ratio of the two binomials
            chance *= (block - relevant - j) / (block - 1 - j)
    return expected


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
