"""Estimates for lists that weigh what lies at each position: item-position (IPM) and pseudo-inverse (PI).

A policy over lists is known by context: the lists that it may serve there, and their probabilities.
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
import numpy.typing as npt

from evaluation.errors import MetricInput
from evaluation.intervals import clustered_interval
from evaluation.off_policy.value import (
    LEAST_EFFECTIVE,
    Floats,
    PolicyValue,
    checked_size,
    effective_sample_size,
    value_of,
)

Ints = npt.NDArray[np.int64]
Context = TypeVar("Context", bound=Hashable)
NOTHING = -1  # an item of a list that is shorter than the others


@dataclass(frozen=True)
class ListPolicy:
    """What a policy may serve in one context.

    Args:
        lists: [lists, positions] items as numbers from 0, NOTHING beyond the end of a shorter list; all different.
        probabilities: of each list; they sum to 1.
    """

    lists: Ints
    probabilities: Floats

    def __post_init__(self) -> None:
        if self.lists.ndim != 2 or self.probabilities.shape != self.lists.shape[:1]:
            raise MetricInput(
                f"ListPolicy: lists {self.lists.shape} and probabilities {self.probabilities.shape}, expected [lists, positions] and [lists]"
            )
        if bool((self.probabilities < 0).any()) or abs(float(self.probabilities.sum()) - 1.0) > 1e-6:
            raise MetricInput(
                f"ListPolicy: probabilities sum to {float(self.probabilities.sum()):.6f}, the least is {self.probabilities.min()}; "
                "expected none below 0 and a sum of 1: the log must know every list that it may serve in the context"
            )


@dataclass(frozen=True)
class ListWeights:
    """Weights of the served lists under a target policy.

    Args:
        by_position: [searches, positions] target over logged probability of the served item at each position (IPM).
        whole: [searches] weight of the list as a whole by the pseudo-inverse; it may be below 0.
        is_covered: [searches] whether the log could serve, in the context, each item that the target places at a position.
        is_spanned: [searches] whether the target's placements are a combination of logged lists, which PI needs.
        is_reached: [searches, positions] whether some list of the target has an item at the position in the context.
    """

    by_position: Floats
    whole: Floats
    is_covered: npt.NDArray[np.bool_]
    is_spanned: npt.NDArray[np.bool_]
    is_reached: npt.NDArray[np.bool_]


def list_weights(
    contexts: Sequence[Context],
    served: npt.ArrayLike,
    logging: Mapping[Context, ListPolicy],
    target: Mapping[Context, ListPolicy],
) -> ListWeights:
    """Weights of every search for `item_position` and `pseudo_inverse`.

    In a context let 1_A be the vector of (item, position) pairs of list A, q = E_target[1_A] and Γ = E_logging[1_A 1_Aᵀ]. IPM
    weighs position k by q(A_k, k) / Γ((A_k, k), (A_k, k)); PI weighs the list by qᵀ Γ⁺ 1_A.
    Source: Li et al. 2018, "Offline evaluation of ranking policies with click models" (item-position model); Swaminathan et al.
    2017, "Off-policy evaluation for slate recommendation" (pseudo-inverse).

    Args:
        contexts: the context of each search.
        served: [searches, positions] the served lists, items as in the policies.
        logging: context → what the log could serve there.
        target: context → what the target would.

    Raises:
        MetricInput: a context has no policy, or a served list is not among those that the log could serve.
    """
    lists = np.asarray(served, np.int64)
    if lists.ndim != 2 or len(lists) != len(contexts):
        raise MetricInput(
            f"list_weights: served lists {lists.shape} for {len(contexts)} searches, expected [searches, positions]"
        )
    by_position, whole = np.zeros(lists.shape), np.zeros(len(lists))
    is_covered, is_spanned = np.zeros(len(lists), np.bool_), np.zeros(len(lists), np.bool_)
    is_reached = np.zeros(lists.shape, np.bool_)
    searches_of: dict[Context, list[int]] = {}
    for row, context in enumerate(contexts):
        searches_of.setdefault(context, []).append(row)
    for context, rows in searches_of.items():
        if context not in logging or context not in target:
            raise MetricInput(
                f"list_weights: context {context!r} of search {rows[0]} (from 0) has no logging or no target policy"
            )
        log, wanted = logging[context], target[context]
        distinct, which = np.unique(lists[rows], axis=0, return_inverse=True)
        positions, total, covered, spanned = _weights_of(context, log, wanted, distinct)
        by_position[rows], whole[rows] = positions[which], total[which]
        is_covered[rows], is_spanned[rows] = covered, spanned
        is_reached[rows] = (wanted.lists[wanted.probabilities > 0] != NOTHING).any(axis=0)
    return ListWeights(by_position, whole, is_covered, is_spanned, is_reached)


def _weights_of(
    context: object, log: ListPolicy, wanted: ListPolicy, served: Ints
) -> tuple[Floats, Floats, bool, bool]:
    """Weights by position and as a whole of the distinct served lists of a context, and whether IPM and PI hold there."""
    width = served.shape[1]
    if log.lists.shape[1] != width or wanted.lists.shape[1] != width:
        raise MetricInput(
            f"list_weights: context {context!r} has lists of {log.lists.shape[1]} and {wanted.lists.shape[1]} positions, expected {width}"
        )
    stacked = np.concatenate([log.lists, wanted.lists, served])
    pairs = (stacked - NOTHING) * width + np.arange(width)  # one number per (item, position)
    names, codes = np.unique(pairs, return_inverse=True)
    codes = codes.reshape(pairs.shape)
    indicator = np.zeros((len(stacked), len(names)))
    np.put_along_axis(indicator, codes, (stacked != NOTHING).astype(np.float64), axis=1)
    m, n = len(log.lists), len(wanted.lists)
    logged, target, here = indicator[:m], indicator[m : m + n], indicator[m + n :]
    possible = {tuple(row) for row, p in zip(log.lists.tolist(), log.probabilities, strict=True) if p > 0}
    strange = [row for row in served.tolist() if tuple(row) not in possible]
    if strange:
        raise MetricInput(
            f"list_weights: context {context!r} served {strange[0]}, which its logging policy could not serve"
        )
    gamma = (logged * log.probabilities[:, None]).T @ logged
    chances, goal = np.diag(gamma), wanted.probabilities @ target
    solution = np.linalg.pinv(gamma, hermitian=True) @ goal
    spanned = bool(np.allclose(gamma @ solution, goal, atol=1e-8))
    covered = bool((goal[chances <= 0] <= 0).all())
    ratio = np.divide(goal, chances, out=np.zeros_like(goal), where=chances > 0)
    at = codes[m + n :]
    return np.where(served != NOTHING, ratio[at], 0.0), here @ solution, covered, spanned


def item_position(
    rewards: npt.ArrayLike,
    weights: npt.ArrayLike,
    clusters: npt.ArrayLike,
    *,
    reached: npt.ArrayLike | None = None,
    level: float = 0.95,
    least_effective: float = LEAST_EFFECTIVE,
) -> PolicyValue:
    """Item-position estimate, mean of Σ_k w_k·r_k: unbiased if the reward of a position depends on its item and position alone.

    Source: Li et al. 2018, "Offline evaluation of ranking policies with click models".

    Args:
        rewards: [searches, positions] reward of each position.
        weights: [searches, positions] `ListWeights.by_position`.
        clusters: what is independent, such as the person of each search.
        reached: [positions] whether the target reaches the position in any of the contexts (`ListWeights.is_reached`); None if it reaches
            all.
        level: the level of the interval.
        least_effective: the floor of the effective sample size, in searches; it holds for the worst position that the target reaches,
            also one where the log never served its items.

    Raises:
        MetricInput: the arrays do not fit together.
        TooFewEffective: the effective sample size of a position is below the floor.
    """
    reward, weight = np.asarray(rewards, np.float64), np.asarray(weights, np.float64)
    if reward.ndim != 2 or reward.shape != weight.shape or not bool((np.isfinite(reward) & np.isfinite(weight)).all()):
        raise MetricInput(
            f"item_position: rewards {reward.shape} and weights {weight.shape}, expected finite numbers [searches, positions] on both sides"
        )
    # a position that no list of the target reaches weighs nothing
    used = weight if reached is None else weight[:, np.asarray(reached, np.bool_)]
    smallest = min((effective_sample_size(column) for column in used.T), default=0.0)
    per_search = used.mean(axis=1) if used.size else np.zeros(len(weight))
    effective = checked_size("item-position", per_search, least_effective, smallest)
    interval = clustered_interval((weight * reward).sum(axis=1), np.ones(len(reward)), clusters, level=level)
    return value_of("item-position", interval, per_search, effective)


def pseudo_inverse(
    rewards: npt.ArrayLike,
    weights: npt.ArrayLike,
    clusters: npt.ArrayLike,
    *,
    level: float = 0.95,
    least_effective: float = LEAST_EFFECTIVE,
) -> PolicyValue:
    """Pseudo-inverse estimate, mean of w·r: unbiased if a list's expected reward is a sum over its (item, position) pairs.

    It needs the reward of the list alone, and no reward by position.
    Source: Swaminathan et al. 2017, "Off-policy evaluation for slate recommendation".

    Args:
        rewards: [searches] reward of each list.
        weights: [searches] `ListWeights.whole`.
        clusters: what is independent, such as the person of each search.
        level: the level of the interval.
        least_effective: the floor of the effective sample size, in searches.

    Raises:
        MetricInput: the arrays do not fit together.
        TooFewEffective: the effective sample size is below the floor.
    """
    reward, weight = np.asarray(rewards, np.float64), np.asarray(weights, np.float64)
    if reward.ndim != 1 or reward.shape != weight.shape or not bool((np.isfinite(reward) & np.isfinite(weight)).all()):
        raise MetricInput(
            f"pseudo_inverse: rewards {reward.shape} and weights {weight.shape}, expected finite numbers, one per search"
        )
    effective = checked_size("pseudo-inverse", weight, least_effective)
    interval = clustered_interval(weight * reward, np.ones(len(reward)), clusters, level=level)
    return value_of("pseudo-inverse", interval, weight, effective)
