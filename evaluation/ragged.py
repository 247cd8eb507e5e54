"""Vectorised arithmetic over ragged groups: the rows of one query are adjacent, and `sizes` gives the rows of each group."""

import numpy as np
import numpy.typing as npt

from evaluation.errors import MetricInput

Floats = npt.NDArray[np.float64]
Sizes = npt.NDArray[np.int64]


def checked(
    grades: npt.ArrayLike, scores: npt.ArrayLike, group_sizes: npt.ArrayLike, k: int
) -> tuple[Floats, Floats, Sizes]:
    """Grades, scores and group sizes as flat arrays; raises MetricInput that names the invalid one."""
    values, score = np.asarray(grades, np.float64), np.asarray(scores, np.float64)
    sizes = np.asarray(group_sizes, np.int64)
    if k < 1:
        raise MetricInput(f"metric: k is {k}, expected 1 or more")
    if values.ndim != 1 or values.shape != score.shape or sizes.ndim != 1:
        raise MetricInput(
            f"metric: grades {values.shape}, scores {score.shape}, group_sizes {sizes.shape}: "
            "expected flat arrays, grades and scores of one length"
        )
    if (len(sizes) and int(sizes.min()) < 0) or int(sizes.sum()) != len(values):
        raise MetricInput(
            f"metric: group_sizes sum to {int(sizes.sum())}, expected the {len(values)} rows and no size below 0"
        )
    if bool(np.isnan(score).any()):
        raise MetricInput(f"metric: {int(np.isnan(score).sum())} scores are NaN; fill them (-inf ranks last) first")
    if not bool(np.isfinite(values).all()) or (len(values) and float(values.min()) < 0):
        raise MetricInput("metric: grades must be finite and not negative")
    return values, score, sizes


def group_sum(values: Floats, sizes: Sizes) -> Floats:
    """Sum of the values of each group; 0 for a group without rows."""
    groups = np.repeat(np.arange(len(sizes)), sizes)
    return np.bincount(groups, weights=values, minlength=len(sizes)).astype(np.float64)


def top_k_sum(
    values: Floats,
    scores: Floats,
    sizes: Sizes,
    discount: Floats,
    ties: str,
    tie_keys: npt.ArrayLike | None,
) -> Floats:
    """Σ of value × discount over the first len(discount) ranks of each group, ordered by descending score.

    Args:
        values: the gain of each row.
        scores: the score of each row.
        sizes: rows per group.
        discount: the discount of each rank, from rank 1.
        ties: `expected`: rows of equal score count with their mean value; `hash`: `tie_keys` orders them.
        tie_keys: one key per row for `hash`.
    """
    if ties not in ("expected", "hash"):
        raise MetricInput(f"metric: ties is {ties!r}, expected 'expected' or 'hash'")
    if len(values) == 0:
        return np.zeros(len(sizes))
    groups = np.repeat(np.arange(len(sizes)), sizes)
    if ties == "hash":
        if tie_keys is None:
            raise MetricInput("metric: ties='hash' needs tie_keys, one per row (seeded_hash of the item ids)")
        order = np.lexsort((np.asarray(tie_keys), -scores, groups))
    else:
        order = _order_within_groups(scores, groups, len(sizes))
    ordered, score, group = values[order], scores[order], groups  # each group keeps its positions
    if ties == "expected":
        ordered = _block_means(ordered, score, group)
    starts = np.cumsum(sizes) - sizes
    place = np.arange(len(values)) - np.repeat(starts, sizes)
    within = place < len(discount)
    weighted = ordered[within] * discount[place[within]]
    return np.bincount(group[within], weights=weighted, minlength=len(sizes)).astype(np.float64)


def _order_within_groups(scores: Floats, groups: npt.NDArray[np.int64], n_groups: int) -> npt.NDArray[np.intp]:
    """Row order by (group, descending score); numpy sorts small integers stably by radix sort, which is faster than lexsort."""
    by_score = np.argsort(-scores)
    key = groups[by_score].astype(np.uint16 if n_groups <= 0xFFFF else np.int64)
    return by_score[np.argsort(key, kind="stable")]


def _block_means(values: Floats, scores: Floats, groups: npt.NDArray[np.int64]) -> Floats:
    """Replace each value by the mean of its block of equal (group, score), its expectation at every rank of the block."""
    new = np.ones(len(values), dtype=bool)
    new[1:] = (scores[1:] != scores[:-1]) | (groups[1:] != groups[:-1])
    starts = np.flatnonzero(new)
    lengths = np.diff(np.append(starts, len(values)))
    means: Floats = np.add.reduceat(values, starts) / lengths
    return np.repeat(means, lengths)
