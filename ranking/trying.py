"""What a feature is worth: the same fit with and without it, judged on the later span, query by query."""

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
class Tried:
    """NDCG@10 on the validation span with and without, and the paired difference over its queries.

    `share_of_gain`: the tried columns' part of all split gain of the fit with them.
    """

    with_it: float
    without: float
    difference: Interval
    share_of_gain: float


def tried(path: Path, features: FeatureList, names: Collection[str], params: RankerParams, threads: int = 1) -> Tried:
    """Fit on the train span with early stopping, with all `features` and without `names`; `SEEDS` fits of each.

    The validation span also stops the fits, both alike: the difference is fair, the two levels are a little high. The
    interval is of the mean over seeds, clustered: the wordings of one alias cluster, and a query in its locale and its language,
    are shown and judged together (evaluation.intervals.clustered_interval).
    """
    examples = read_examples(path, features)
    both = [_ndcg(kept, params, threads) for kept in (examples, leaving_out(examples, names))]
    judged = ~np.isnan(both[0][0])
    gain = both[0][1]
    share = sum(gain.get(n, 0.0) for n in names) / max(sum(gain.values()), 1e-300)
    with_it, without = (b[0][judged] for b in both)
    clusters = examples.clusters[examples.is_valid][judged]
    difference = clustered_interval(with_it - without, np.ones(len(clusters)), clusters)
    return Tried(float(with_it.mean()), float(without.mean()), difference, share)


def fewer(features: FeatureList, names: Collection[str]) -> FeatureList:
    """The features that are not named, in the same order, under a fingerprint of their own; BadConfiguration if none is left."""
    kept = [(n, way) for n, way in zip(features.names, features.monotone, strict=True) if n not in names]
    return FeatureList(tuple(n for n, _ in kept), tuple(way for _, way in kept), f"{features.fingerprint}-less")


def leaving_out(examples: Examples, names: Collection[str]) -> Examples:
    """The same rows without the named features."""
    kept = [i for i, n in enumerate(examples.features.names) if n not in names]
    return replace(
        examples, features=fewer(examples.features, names), matrix=np.ascontiguousarray(examples.matrix[:, kept])
    )


def _ndcg(examples: Examples, params: RankerParams, threads: int) -> tuple[Floats, dict[str, float]]:
    """NDCG@10 of each validation query, the mean over seeds; and each column's split gain in the first fit."""
    _, valid = examples.halves()
    rankers = [fit(examples, params, seed=s, threads=threads) for s in SEEDS]
    ndcg = [ndcg_of_queries(valid.grades, r.scores(valid.matrix), valid.group_sizes) for r in rankers]
    gains = rankers[0].booster.feature_importance("gain")
    return np.mean(ndcg, axis=0), dict(zip(examples.features.names, map(float, gains), strict=True))
