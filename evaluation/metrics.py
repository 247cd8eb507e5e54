"""Ranking metrics over ragged groups: NDCG@k, reciprocal rank, recall@k, each with its convention said aloud.

Rows of one query lie together; `group_sizes` cuts them. Conventions move the number (ties up to .157 a
query, empty queries .22 in the mean), so each is a parameter and stands in `ndcg_name`.
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
    """A 64-bit key per id for `ties="hash"`: the same id and seed give the same key on every run and row order."""
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
    """DCG@k of each group: Σ_{p≤k} gain(p) / log2(p + 1), rows by score downwards.

    `gain`: `exp2` is 2^grade − 1, `linear` the grade itself. `ties`: `expected` is the mean over every order of equal
    scores (McSherry & Najork 2008), `hash` the order of `tie_keys` (see `seeded_hash`).
    Source: Järvelin & Kekäläinen 2002, discount and exp2 gain of Burges et al. 2005.
    """
    values, score, sizes = checked(grades, scores, group_sizes, k)
    return top_k_sum(_gains(values, gain), score, sizes, _log2_discount(k), ties, tie_keys)


def ideal_dcg_by_group(grades: npt.ArrayLike, group_sizes: npt.ArrayLike, k: int, *, gain: Gain = "exp2") -> Floats:
    """The greatest DCG@k that each group's own rows allow; pass it as `ideal` to judge other lists of the group."""
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

    `ideal` is one ideal DCG per group, from a list of its own (`ideal_dcg_by_group`); without it the ideal order of
    the group's own rows is meant. A group whose ideal is 0 is `empty`: NaN for `excluded`, else 0 or 1 (LightGBM's
    own metric says 1, LETOR's script 0). Raises MetricInput, also where an ideal is less than what was reached.
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
    """Recall@k of each group: expected share (over ties) of rows with grade ≥ `min_grade` among the first k.

    `relevant` is the number of relevant items per group where the rows do not hold them all (a candidate list).
    """
    values, score, sizes = checked(grades, scores, group_sizes, k)
    hits = (values >= min_grade).astype(np.float64)
    found = top_k_sum(hits, score, sizes, np.ones(k), "expected", None)
    total = group_sum(hits, sizes) if relevant is None else np.asarray(relevant, np.float64)
    return _ratio(found, total, empty)


def reciprocal_rank_by_group(
    grades: npt.ArrayLike,
    scores: npt.ArrayLike,
    group_sizes: npt.ArrayLike,
    *,
    min_grade: float = 1,
    empty: Empty = "excluded",
) -> Floats:
    """Expected 1/rank (over ties) of the first row with grade ≥ `min_grade`; its mean over groups is MRR.

    r relevant rows in a tie block of b that starts after s rows: the first stands at s + j + 1 with probability
    C(b−1−j, r−1) / C(b, r) (all orders of the block alike). No relevant row at all is `empty`.
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
    """Mean over groups, NaN (excluded) ones left out; NaN if nothing is left. `weights` as traffic, else 1 each."""
    weight = np.ones(len(values)) if weights is None else np.asarray(weights, np.float64)
    kept = ~np.isnan(values)
    total = float(weight[kept].sum())
    return float((values[kept] * weight[kept]).sum() / total) if total > 0 else float("nan")


def ndcg_of_query(grades: Sequence[float], scores: Sequence[float], k: int, *, gain: Gain = "exp2") -> float:
    """NDCG@k of one query by plain loops, ties in expectation, NaN if nothing is relevant: the formula, to read.

    For one list by hand or in a notebook; `ndcg_by_group` gives the same for many, and a test holds them together.
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
