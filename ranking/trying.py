"""Feature trial: fit the ranker with and without some features, and compare both on the needs of the validation span."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from evaluation.intervals import Interval, clustered_interval
from ranking.dataset import Examples, FeatureList, Floats, read_examples
from ranking.ranker import RankerParams, fit, ndcg_of_queries

SEEDS = (1, 2, 3)


@dataclass(frozen=True)
class FeatureTrial:
    """The result of a feature trial.

    Args:
        ndcg_with: NDCG@10 on the validation span of the fit with all features.
        ndcg_without: the same of the fit without those on trial.
        difference: the first minus the second, paired by need, with its confidence interval.
        share_of_gain: the share of those on trial in the split gain of the fit with all features.
    """

    ndcg_with: float
    ndcg_without: float
    difference: Interval
    share_of_gain: float


def feature_trial(
    path: Path, features: FeatureList, names: Collection[str], params: RankerParams, threads: int = 1
) -> FeatureTrial:
    """Fit rankers with and without some features on the train span, and compare them on the validation span.

    Both kinds are fitted once for each seed of SEEDS, with early stopping on the validation span; the levels of NDCG@10 are
    therefore a little too high, but the difference is fair. The interval of the mean over seeds is clustered by need, because a need
    in its locale and its language are shown and graded together, and has the variance between fits in it
    (`evaluation.intervals.clustered_interval`).

    Args:
        path: Parquet file or folder with the training examples.
        features: all features of the fit with them.
        names: the features on trial, some of `features`.
        params: parameters of the ranker.
        threads: LightGBM's threads.
    """
    examples = read_examples(path, features)
    both = [_ndcg(rows, params, threads) for rows in (examples, examples_without(examples, names))]
    judged = ~np.isnan(both[0][0][0])
    gain = both[0][1]
    share = sum(gain.get(n, 0.0) for n in names) / max(sum(gain.values()), 1e-300)
    ndcg_with, ndcg_without = (b[0][:, judged] for b in both)
    clusters, differences = examples.clusters[examples.is_valid][judged], ndcg_with - ndcg_without
    difference = clustered_interval(
        differences.mean(axis=0), np.ones(len(clusters)), clusters, fits=differences.mean(axis=1).tolist()
    )
    return FeatureTrial(float(ndcg_with.mean()), float(ndcg_without.mean()), difference, share)


def features_without(features: FeatureList, names: Collection[str]) -> FeatureList:
    """The other features, in the same order and with a fingerprint of their own; raises BadConfiguration if none is left."""
    kept = [i for i, name in enumerate(features.names) if name not in names]
    families = tuple(features.families[i] for i in kept) if features.families else ()
    ways = tuple(features.monotone[i] for i in kept)
    return FeatureList(tuple(features.names[i] for i in kept), ways, f"{features.fingerprint}-less", families)


def examples_without(examples: Examples, names: Collection[str]) -> Examples:
    """The same rows without the named features."""
    kept = [i for i, n in enumerate(examples.features.names) if n not in names]
    return replace(
        examples,
        features=features_without(examples.features, names),
        matrix=np.ascontiguousarray(examples.matrix[:, kept]),
    )


def _ndcg(examples: Examples, params: RankerParams, threads: int) -> tuple[Floats, dict[str, float]]:
    """NDCG@10 of each fit (a row for each seed) on each validation need, and the split gain of each column in the first fit."""
    _, valid = examples.halves()
    rankers = [fit(examples, params, seed=s, threads=threads) for s in SEEDS]
    ndcg = [ndcg_of_queries(valid.grades, r.scores(valid.matrix), valid.group_sizes) for r in rankers]
    gains = rankers[0].booster.feature_importance("gain")
    return np.array(ndcg), dict(zip(examples.features.names, map(float, gains), strict=True))
