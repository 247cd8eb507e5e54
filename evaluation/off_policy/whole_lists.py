"""Estimates that weigh a search by the probability of its whole list: IPS, SNIPS, clipped IPS and doubly robust."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt

from evaluation.errors import MetricInput
from evaluation.intervals import Interval, clustered_interval
from evaluation.off_policy.value import LEAST_EFFECTIVE, Floats, PolicyValue, checked_size, value_of

# learned on the given rows, predicts for every search the reward of the served list, and of the target's lists by their probabilities;
# one function of (context, list) gives both, or the estimate is biased
Model = Callable[[npt.NDArray[np.bool_]], tuple[Floats, Floats]]


def ips(
    rewards: npt.ArrayLike,
    weights: npt.ArrayLike,
    clusters: npt.ArrayLike,
    *,
    level: float = 0.95,
    least_effective: float = LEAST_EFFECTIVE,
) -> PolicyValue:
    """Inverse propensity scoring, mean of w·r: unbiased, with a variance that grows with the weights.

    Source: Horvitz & Thompson 1952; Li et al. 2011, "Unbiased offline evaluation of contextual-bandit algorithms".

    Args:
        rewards: reward of each search.
        weights: its weight, `importance_weights`.
        clusters: what is independent, such as the person of each search.
        level: the level of the interval.
        least_effective: the floor of the effective sample size, in searches.

    Raises:
        MetricInput: an array is invalid.
        TooFewEffective: the effective sample size is below the floor.
    """
    reward, weight = _arrays("ips", rewards, weights)
    effective = checked_size("IPS", weight, least_effective)
    interval = clustered_interval(weight * reward, np.ones(len(reward)), clusters, level=level)
    return value_of("IPS", interval, weight, effective)


def snips(
    rewards: npt.ArrayLike,
    weights: npt.ArrayLike,
    clusters: npt.ArrayLike,
    *,
    level: float = 0.95,
    least_effective: float = LEAST_EFFECTIVE,
) -> PolicyValue:
    """Self-normalised inverse propensity scoring, Σ w·r / Σ w: a small bias of order 1/n, and usually less variance than IPS.

    Source: Swaminathan & Joachims 2015, "The self-normalized estimator for counterfactual learning". Arguments: see `ips`.
    """
    reward, weight = _arrays("snips", rewards, weights)
    effective = checked_size("SNIPS", weight, least_effective)
    interval = clustered_interval(reward, weight, clusters, level=level)
    return value_of("SNIPS", interval, weight, effective)


def clipped_ips(
    rewards: npt.ArrayLike,
    weights: npt.ArrayLike,
    clusters: npt.ArrayLike,
    clip: float,
    *,
    level: float = 0.95,
    least_effective: float = LEAST_EFFECTIVE,
) -> PolicyValue:
    """Inverse propensity scoring with weights of `clip` at most: less variance, and never more than the truth in expectation.

    Rewards must lie in [0, 1], so that the bias is known up to its sign: the truth is between E[min(w, clip)·r] and that plus
    1 − E[min(w, clip)]. The interval reaches from the lower limit of the first to the upper limit of the second (each one-sided
    at (1 + level) / 2), and so covers the truth at least as often as it says. `mean` is the clipped estimate itself.
    Source: Ionides 2008 (truncated weights); Bottou et al. 2013, "Counterfactual reasoning and learning systems", §4.4 (inner and
    outer intervals). Arguments: see `ips`.

    Args:
        rewards: reward of each search, 0 to 1.
        weights: its weight.
        clusters: what is independent.
        clip: the greatest weight, 1 or more.
        level: the level of the interval.
        least_effective: the floor of the effective sample size, in searches.

    Raises:
        MetricInput: an array is invalid, a reward is outside [0, 1], or `clip` is below 1.
        TooFewEffective: the effective sample size is below the floor.
    """
    reward, weight = _arrays("clipped_ips", rewards, weights)
    if clip < 1 or not bool(((reward >= 0) & (reward <= 1)).all()):
        raise MetricInput(
            f"clipped_ips: clip is {clip} and rewards reach from {reward.min()} to {reward.max()}, expected a clip of 1 or "
            "more and rewards in [0, 1], by which the bias is bounded"
        )
    kept, ones = np.minimum(weight, clip), np.ones(len(reward))
    effective = checked_size("clipped IPS", kept, least_effective)
    inner = clustered_interval(kept * reward, ones, clusters, level=level)
    above = clustered_interval(kept * reward + 1.0 - kept, ones, clusters, level=level)
    high = max(inner.high, above.high)
    interval = Interval(inner.mean, inner.low, high, inner.n, None, f"clipped at {clip:g}, with its bias")
    return value_of("clipped IPS", interval, kept, effective)


def doubly_robust(
    rewards: npt.ArrayLike,
    weights: npt.ArrayLike,
    clusters: npt.ArrayLike,
    model: Model,
    *,
    folds: int = 5,
    seed: int = 0,
    level: float = 0.95,
    least_effective: float = LEAST_EFFECTIVE,
) -> PolicyValue:
    """Cross-fitted doubly robust estimate, mean of q(target) + w·(r − q(served)): unbiased whatever the model predicts.

    The model of each fold is learned on the clusters of the other folds, so that no search is predicted by itself. A good model
    lowers the variance of IPS; a bad one costs variance, not correctness.
    Source: Dudík, Langford & Li 2011, "Doubly robust policy evaluation and learning"; Chernozhukov et al. 2018 (cross-fitting).

    Args:
        rewards: reward of each search.
        weights: its weight.
        clusters: what is independent; a cluster is never split between folds.
        model: see `Model`; `cell_means` is one.
        folds: number of folds, 2 or more.
        seed: of the assignment of clusters to folds.
        level: the level of the interval.
        least_effective: the floor of the effective sample size, in searches.

    Raises:
        MetricInput: an array is invalid, or there are fewer clusters than folds.
        TooFewEffective: the effective sample size is below the floor.
    """
    reward, weight = _arrays("doubly_robust", rewards, weights)
    names, of_row = np.unique(np.asarray(clusters), return_inverse=True)
    if not 2 <= folds <= len(names):
        raise MetricInput(
            f"doubly_robust: {folds} folds and {len(names)} clusters, expected 2 folds or more, and no more than clusters"
        )
    effective = checked_size("doubly robust", weight, least_effective)
    fold = np.random.default_rng(seed).permutation(np.arange(len(names)) % folds)[of_row]
    scores = np.empty(len(reward))
    for one in range(folds):
        here = fold == one
        served, target = model(~here)
        scores[here] = (target + weight * (reward - served))[here]
    interval = clustered_interval(scores, np.ones(len(reward)), clusters, level=level)
    return value_of("doubly robust", interval, weight, effective)


def cell_means(
    rewards: npt.ArrayLike,
    contexts: npt.ArrayLike,
    served: npt.ArrayLike,
    target: npt.ArrayLike,
    *,
    strength: float = 10.0,
) -> Model:
    """A model for `doubly_robust`: mean reward of (context, list), shrunk to its context's, and that to the mean of all.

    For a target that serves one list per context. A list never served in the learning rows has its context's mean.

    Args:
        rewards: reward of each search.
        contexts: the context of each search, such as its place and wording.
        served: the list of each search, as any name.
        target: the list that the target serves for it, named alike.
        strength: shrinkage strength, in searches.
    """
    reward, (names, context) = np.asarray(rewards, np.float64), np.unique(np.asarray(contexts), return_inverse=True)
    both = np.concatenate([np.asarray(served), np.asarray(target)])
    lists, codes = np.unique(both, return_inverse=True)
    cell = np.concatenate([context, context]).astype(np.int64) * len(lists) + codes
    _, cell = np.unique(cell, return_inverse=True)
    served_cell, target_cell = cell[: len(reward)], cell[len(reward) :]
    context_of = np.empty(int(cell.max()) + 1, np.int64)
    context_of[cell] = np.concatenate([context, context])

    def shrunk(codes: npt.NDArray[np.int64], size: int, rows: npt.NDArray[np.bool_], prior: Any) -> Floats:
        counts = np.bincount(codes[rows], minlength=size)
        sums = np.bincount(codes[rows], weights=reward[rows], minlength=size)
        return np.asarray((sums + strength * prior) / (counts + strength), np.float64)

    def model(rows: npt.NDArray[np.bool_]) -> tuple[Floats, Floats]:
        of_context = shrunk(np.asarray(context, np.int64), len(names), rows, float(reward[rows].mean()))
        of_cell = shrunk(np.asarray(served_cell, np.int64), len(context_of), rows, of_context[context_of])
        return of_cell[served_cell], of_cell[target_cell]

    return model


def _arrays(where: str, rewards: npt.ArrayLike, weights: npt.ArrayLike) -> tuple[Floats, Floats]:
    reward, weight = np.asarray(rewards, np.float64), np.asarray(weights, np.float64)
    if reward.ndim != 1 or reward.shape != weight.shape or len(reward) < 2:
        raise MetricInput(
            f"{where}: rewards {reward.shape} and weights {weight.shape}, expected two flat arrays of one length, 2 or more"
        )
    if not bool(np.isfinite(reward).all()) or not bool((np.isfinite(weight) & (weight >= 0)).all()):
        raise MetricInput(
            f"{where}: a reward is not finite, or a weight is not finite or below 0; leave such searches out first"
        )
    return reward, weight
