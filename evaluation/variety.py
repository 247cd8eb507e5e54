"""Measures of lists that need no grades: diversity, artist entropy, new releases, concentration (Gini), and rank-biased overlap.

Every measure gives one value per list from flat arrays, as those of `evaluation.metrics`; NaN where a list is too short for it. They
look at sets of rows, so that a mean over the orders of tied rows has no closed form: rows tied at a rank that counts are ordered by
`tie_keys` or refused, and a row of score −inf is in no list.
"""

from __future__ import annotations

from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from evaluation.errors import MetricInput
from evaluation.measure import measure
from evaluation.ragged import Sizes, checked, first_rows, group_sum

Floats = npt.NDArray[np.float64]
Tail = Literal["extrapolated", "none"]


@measure("intra_list_diversity", distance="1-cosine", ties="hash", empty="excluded")
def intra_list_diversity_by_group(
    vectors: npt.ArrayLike,
    scores: npt.ArrayLike,
    group_sizes: npt.ArrayLike,
    k: int,
    *,
    tie_keys: npt.ArrayLike | None = None,
) -> Floats:
    """Mean distance of two rows among the first k of each group, with 1 − cosine of their vectors as distance.

    A row whose vector is all 0 has distance 1 to every other. NaN for a list of fewer than two rows.
    Source: Ziegler et al. 2005 (intra-list similarity), as the mean distance of Zhang & Hurley 2008.

    Args:
        vectors: one vector per row (rows × dimensions), such as genres as 0 and 1.
        scores: the score of each row; greater ranks first.
        group_sizes: rows per group.
        k: number of ranks that count.
        tie_keys: one key per row, which orders rows of equal score (`evaluation.metrics.seeded_hash`).
    """
    places = np.asarray(vectors, np.float64)
    if places.ndim != 2 or len(places) != len(np.asarray(scores)) or not bool(np.isfinite(places).all()):
        raise MetricInput(f"metric: vectors have shape {places.shape}, expected rows × dimensions of finite numbers")
    rows, group, counts = first_rows(scores, group_sizes, k, tie_keys)
    lengths = np.linalg.norm(places[rows], axis=1)
    unit = np.divide(places[rows], lengths[:, None], out=np.zeros_like(places[rows]), where=lengths[:, None] > 0)
    sums = np.zeros((len(counts), places.shape[1]))
    np.add.at(sums, group, unit)
    # Σ over ordered pairs of different rows of their cosine
    alike = (sums**2).sum(axis=1) - group_sum((unit**2).sum(axis=1), counts)
    pairs = (counts * (counts - 1)).astype(np.float64)
    return np.maximum(1.0 - _share(alike, pairs), 0.0)  # equal vectors: 0, not −2e-16


@measure("artist_entropy", unit="bits", ties="hash", empty="excluded")
def artist_entropy_by_group(
    artists: npt.ArrayLike,
    scores: npt.ArrayLike,
    group_sizes: npt.ArrayLike,
    k: int,
    *,
    tie_keys: npt.ArrayLike | None = None,
) -> Floats:
    """Entropy, in bits, of the artists of the first k rows of each group: 0 if one artist has them all, log2 k if each has one.

    NaN for a list without rows. Source: Shannon 1948.

    Args:
        artists: the artist of each row, any values that can be compared.
        scores: the score of each row; greater ranks first.
        group_sizes: rows per group.
        k: number of ranks that count.
        tie_keys: as in `intra_list_diversity_by_group`.
    """
    rows, group, counts = first_rows(scores, group_sizes, k, tie_keys)
    artist = np.unique(np.asarray(artists)[rows].astype(str), return_inverse=True)[1].ravel()
    pairs, n = np.unique(np.stack([group, artist], axis=1), axis=0, return_counts=True)
    share = n / counts[pairs[:, 0]]
    entropy = np.bincount(pairs[:, 0], weights=-share * np.log2(share), minlength=len(counts))
    return np.where(counts > 0, np.abs(entropy), np.nan)  # −0.0 of one artist becomes 0.0


@measure("new_release_share", ties="hash", empty="excluded")
def new_release_share_by_group(
    ages_days: npt.ArrayLike,
    scores: npt.ArrayLike,
    group_sizes: npt.ArrayLike,
    k: int,
    *,
    days: int = 90,
    tie_keys: npt.ArrayLike | None = None,
) -> Floats:
    """Share of the first k rows of each group that were released in the last `days` days.

    A row of unknown age (NaN) or not yet released (below 0) is no new release. NaN for a list without rows.
    Source: none is standard; this is the plain share.

    Args:
        ages_days: days since the release of each row.
        scores: the score of each row; greater ranks first.
        group_sizes: rows per group.
        k: number of ranks that count.
        days: the greatest age of a new release.
        tie_keys: as in `intra_list_diversity_by_group`.
    """
    rows, group, counts = first_rows(scores, group_sizes, k, tie_keys)
    age = np.asarray(ages_days, np.float64)[rows]
    is_new = ((age >= 0) & (age <= days)).astype(np.float64)
    new = np.bincount(group, weights=is_new, minlength=len(counts)).astype(np.float64)
    return _share(new, counts.astype(np.float64))


@measure("gini", empty="excluded")
def gini_by_group(amounts: npt.ArrayLike, group_sizes: npt.ArrayLike) -> Floats:
    """Gini coefficient of the amounts of each group: 0 if all are equal, (n − 1)/n if one of the n rows has everything.

    Σ_i (2i − n − 1) x_i / (n Σ x) with x in ascending order; NaN for a group without any amount. An item that has nothing counts
    only if it has a row with 0. Source: Gini 1912, in the form of Dixon et al. 1987.

    Args:
        amounts: the amount of each row, 0 or more, such as how often a track was shown.
        group_sizes: rows per group.
    """
    amount, _, sizes = checked(amounts, np.zeros(np.shape(amounts)), group_sizes, 1)
    group = np.repeat(np.arange(len(sizes)), sizes)
    ascending = amount[np.lexsort((amount, group))]
    place, n = np.arange(len(amount)) - np.repeat(np.cumsum(sizes) - sizes, sizes) + 1, np.repeat(sizes, sizes)
    return _share(group_sum((2 * place - n - 1) * ascending, sizes), sizes * group_sum(amount, sizes))


@measure("rbo", ties="refused", empty="excluded", equals=("ir_measures",))
def rbo_by_group(
    ranks: npt.ArrayLike,
    other_ranks: npt.ArrayLike,
    group_sizes: npt.ArrayLike,
    k: int,
    *,
    p: float = 0.9,
    tail: Tail = "extrapolated",
) -> Floats:
    """Rank-biased overlap of two lists, 0 to 1: the share in common of their first d rows, over all depths d, weighted by p^(d−1).

    With X_d rows in common at depth d, `tail="none"` is (1 − p) Σ_{d≤k} p^(d−1) X_d/d, a lower bound that reaches 1 − p^k;
    `extrapolated` adds the depths below the lists, as if they agreed there as they do at their end (RBO_EXT, eq. 32 for lists of two
    lengths): 1 for equal lists. NaN if both lists are empty. Source: Webber, Moffat & Zobel 2010.

    Args:
        ranks: the rank from 1 of each row in the one list; NaN where the list does not have it.
        other_ranks: the same for the other list.
        group_sizes: rows per group: the items that are in either list.
        k: number of ranks of each list that count.
        p: the probability of going on to the next rank, above 0 and below 1.
        tail: what is added for the depths below the lists.
    """
    if not 0 < p < 1 or tail not in ("extrapolated", "none"):
        raise MetricInput(f"rbo: p is {p} and tail {tail!r}, expected p in (0, 1) and 'extrapolated' or 'none'")
    one, other = _ranks(ranks, k), _ranks(other_ranks, k)
    _, _, sizes = checked(np.zeros(one.shape), np.zeros(other.shape), group_sizes, k)
    group = np.repeat(np.arange(len(sizes)), sizes)
    lengths = [_list_lengths(of, group, len(sizes)) for of in (one, other)]
    depth, deepest = np.arange(1, k + 1), np.maximum(one, other)  # a row is in common from its deeper rank on
    both = ~np.isnan(deepest)
    common = np.zeros((len(sizes), k))
    np.add.at(common, (group[both], deepest[both].astype(np.int64) - 1), 1.0)
    common = common.cumsum(axis=1)
    longer, shorter = np.maximum(*lengths), np.minimum(*lengths)
    weight = p**depth
    if tail == "none":
        return np.where(longer > 0, (1 - p) / p * (common / depth * weight).sum(axis=1), np.nan)
    at = np.arange(len(sizes))
    at_longer = np.where(longer > 0, common[at, longer - 1], 0.0)
    at_shorter = np.where(shorter > 0, common[at, shorter - 1], 0.0)
    share = _share(at_shorter, shorter.astype(np.float64), otherwise=0.0)
    within = depth <= longer[:, None]
    below = (depth > shorter[:, None]) & within
    seen = (common / depth * weight * within).sum(axis=1)
    assumed = (share[:, None] * (depth - shorter[:, None]) / depth * weight * below).sum(axis=1)
    end = _share(at_longer - at_shorter, longer.astype(np.float64), otherwise=0.0) + share
    return np.where(longer > 0, (1 - p) / p * (seen + assumed) + end * p**longer, np.nan)


def _ranks(ranks: npt.ArrayLike, k: int) -> Floats:
    """Ranks as numbers, NaN below rank k."""
    values = np.asarray(ranks, np.float64)
    known = values[~np.isnan(values)]
    if bool((known < 1).any()) or bool((known % 1 != 0).any()):
        raise MetricInput("rbo: ranks must be whole numbers from 1, or NaN for a row that the list does not have")
    return np.where(values <= k, values, np.nan)


def _list_lengths(ranks: Floats, group: Sizes, groups: int) -> Sizes:
    """The length of each list; MetricInput unless its ranks are 1, 2, … without a gap."""
    is_in = ~np.isnan(ranks)
    lengths = np.bincount(group[is_in], minlength=groups).astype(np.int64)
    listed = np.stack([group[is_in], ranks[is_in].astype(np.int64)], axis=1)
    if len(np.unique(listed, axis=0)) < len(listed) or bool((listed[:, 1] > lengths[listed[:, 0]]).any()):
        raise MetricInput("rbo: the ranks of a list repeat or leave a gap, expected 1, 2, … each once")
    return lengths


def _share(part: Floats, whole: npt.NDArray[Any], otherwise: float = float("nan")) -> Floats:
    share: Floats = np.divide(part, whole, out=np.full(part.shape, otherwise), where=whole > 0)
    return share
