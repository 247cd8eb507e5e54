"""Vectorised arithmetic over ragged groups: the rows of one query are adjacent, and `sizes` gives the rows of each group."""

from dataclasses import dataclass
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt

from evaluation.errors import MetricInput

Floats = npt.NDArray[np.float64]
Sizes = npt.NDArray[np.int64]
Number = TypeVar("Number", bound=np.generic)


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


@dataclass(frozen=True)
class Ranked:
    """The rows of all groups in ranked order: group by group, and within a group by descending score.

    A *block* is a run of tied rows: rows of one group with equal scores. With `ties="hash"` every row is a block of its own.

    Args:
        values: the value of each row, in ranked order.
        group: the group of each row.
        place: the 0-based place of each row in its group.
        sizes: rows per group.
        starts: the first row of each block.
        lengths: rows per block.
    """

    values: Floats
    group: Sizes
    place: Sizes
    sizes: Sizes
    starts: Sizes
    lengths: Sizes

    @property
    def block_sums(self) -> Floats:
        """The sum of the values of each block."""
        sums: Floats = np.add.reduceat(self.values, self.starts) if len(self.values) else np.zeros(0)
        return sums

    def of_rows(self, of_blocks: npt.NDArray[Number]) -> npt.NDArray[Number]:
        """One value per block, repeated for each of its rows."""
        return np.repeat(of_blocks, self.lengths)

    def group_sum(self, of_rows: Floats, k: int) -> Floats:
        """Sum of one value per row over the first k places of each group; 0 for a group without rows."""
        within = self.place < k
        sums = np.bincount(self.group[within], weights=of_rows[within], minlength=len(self.sizes))
        return sums.astype(np.float64)


def ranked(
    values: Floats, scores: Floats, sizes: Sizes, ties: str = "expected", tie_keys: npt.ArrayLike | None = None
) -> Ranked:
    """Order the rows of each group by descending score.

    Args:
        values: the value of each row.
        scores: the score of each row.
        sizes: rows per group.
        ties: `expected`: rows of equal score form a block; `hash`: `tie_keys` orders them, smallest first.
        tie_keys: one key per row for `hash`.

    Raises:
        MetricInput: `ties` is neither, or the keys are missing.
    """
    if ties not in ("expected", "hash"):
        raise MetricInput(f"metric: ties is {ties!r}, expected 'expected' or 'hash'")
    group = np.repeat(np.arange(len(sizes)), sizes)
    order = (
        np.lexsort((_tie_keys(tie_keys, len(values)), -scores, group))
        if ties == "hash"
        else _order_within_groups(scores, group, len(sizes))
    )
    score, is_new = scores[order], np.ones(len(values), dtype=bool)
    if ties == "expected":  # each group keeps its rows' positions, so `group` is the group of the ordered rows, too
        is_new[1:] = (score[1:] != score[:-1]) | (group[1:] != group[:-1])
    starts = np.flatnonzero(is_new)
    lengths = np.diff(np.append(starts, len(values)))
    place = np.arange(len(values)) - np.repeat(np.cumsum(sizes) - sizes, sizes)
    return Ranked(values[order], group, place, sizes, starts, lengths)


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
        ties: `expected`: rows of equal score count with their mean value, which is their expectation at every rank of the block;
            `hash`: `tie_keys` orders them.
        tie_keys: one key per row for `hash`.
    """
    rows = ranked(values, scores, sizes, ties, tie_keys)
    counted = rows.of_rows(rows.block_sums / rows.lengths) if ties == "expected" else rows.values
    within = rows.place < len(discount)
    weighted = counted[within] * discount[rows.place[within]]
    return np.bincount(rows.group[within], weights=weighted, minlength=len(sizes)).astype(np.float64)


def first_rows(
    scores: npt.ArrayLike, group_sizes: npt.ArrayLike, k: int, tie_keys: npt.ArrayLike | None = None
) -> tuple[npt.NDArray[np.intp], Sizes, Sizes]:
    """The rows of the first k places of each group; a row of score −inf is in no list.

    Args:
        scores: the score of each row; greater ranks first.
        group_sizes: rows per group.
        k: number of ranks that count.
        tie_keys: one key per row; they order rows of equal score, smallest first.

    Returns:
        The numbers of these rows in ranked order, the group of each, and their number per group.

    Raises:
        MetricInput: rows are tied at a rank that counts, and there are no keys.
    """
    _, score, sizes = checked(np.zeros(np.shape(scores)), scores, group_sizes, k)
    group = np.repeat(np.arange(len(sizes)), sizes)
    keys = np.zeros(len(score)) if tie_keys is None else _tie_keys(tie_keys, len(score))
    order = np.lexsort((keys, -score, group))
    place = np.arange(len(score)) - np.repeat(np.cumsum(sizes) - sizes, sizes)
    kept = (place < k) & (score[order] > -np.inf)
    tied = np.zeros(len(score), dtype=bool)
    tied[:-1] = (score[order][1:] == score[order][:-1]) & (group[1:] == group[:-1])
    if tie_keys is None and bool((tied & kept).any()):
        raise MetricInput(
            f"metric: {int((tied & kept).sum())} of the first {k} rows are tied with the next one; this measure needs an order: "
            "pass tie_keys (seeded_hash of the item ids)"
        )
    return order[kept], group[kept], np.bincount(group[kept], minlength=len(sizes)).astype(np.int64)


def _tie_keys(tie_keys: npt.ArrayLike | None, rows: int) -> npt.NDArray[Any]:
    if tie_keys is None:
        raise MetricInput("metric: ties='hash' needs tie_keys, one per row (seeded_hash of the item ids)")
    keys = np.asarray(tie_keys)
    if keys.shape != (rows,):
        raise MetricInput(f"metric: tie_keys has shape {keys.shape}, expected one key for each of the {rows} rows")
    return keys


def _order_within_groups(scores: Floats, groups: npt.NDArray[np.int64], n_groups: int) -> npt.NDArray[np.intp]:
    """Row order by (group, descending score); numpy sorts small integers stably by radix sort, which is faster than lexsort."""
    by_score = np.argsort(-scores)
    key = groups[by_score].astype(np.uint16 if n_groups <= 0xFFFF else np.int64)
    return by_score[np.argsort(key, kind="stable")]
