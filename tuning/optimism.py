"""How much too high the best of many trials looks on the data that chose it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from evaluation.intervals import clustered_interval

REPETITIONS = 500
Parts = Sequence[float | None]


def optimism(
    parts: Mapping[str, Parts], needs: Sequence[int], seed: int, repetitions: int = REPETITIONS
) -> float | None:
    """The expected excess of the best trial's NDCG@10 over what the same choice reaches on needs that did not choose.

    Bootstrap bias correction (BBC-CV, Tsamardinos et al. 2018, Machine Learning 107): the parts are drawn with replacement; the
    best trial on the drawn ones is evaluated on those that were not drawn; the mean of that over many draws is what to expect of
    the choice, and the best trial's own mean less that is the optimism. No trial is fitted again.

    Args:
        parts: for each trial, its mean NDCG@10 in each part of the needs, None where a part has no need.
        needs: how many needs each part has.
        seed: seed of the draws.
        repetitions: number of draws.

    Returns:
        The optimism, 0 or more; None with fewer than two trials or fewer than five parts that have needs.
    """
    weights = np.asarray(needs, np.float64)
    usable = weights > 0
    rows = [row for row in parts.values() if len(row) == len(weights)]
    if len(rows) < 2 or int(usable.sum()) < 5:
        return None
    values = np.array([[np.nan if v is None else v for v in row] for row in rows])[:, usable]
    weights = weights[usable]
    rng = np.random.default_rng(seed)
    draws = rng.multinomial(len(weights), np.full(len(weights), 1 / len(weights)), size=repetitions)
    outside = (draws == 0) * weights
    drawn = draws * weights
    best = (values @ (drawn / drawn.sum(axis=1, keepdims=True)).T).argmax(axis=0)  # of each draw
    mass = outside.sum(axis=1)
    judged = mass > 0
    reached = (values[best] * outside).sum(axis=1)[judged] / mass[judged]
    seen = float((values @ (weights / weights.sum())).max())
    return round(max(seen - float(reached.mean()), 0.0), 6)


def paired_gain(best: Parts, default: Parts, needs: Sequence[int]) -> tuple[float, float, float] | None:
    """The difference of two trials over the same needs with its 95 % interval; None where fewer than two parts are shared.

    Args:
        best: mean NDCG@10 of the one trial in each part of the needs, None where a part has none.
        default: the same of the other.
        needs: how many needs each part has, which weigh its difference.
    """
    pairs = [(a - b, n) for a, b, n in zip(best, default, needs, strict=False) if a is not None and b is not None and n]
    if len(pairs) < 2:
        return None
    interval = clustered_interval([d for d, _ in pairs], [n for _, n in pairs], range(len(pairs)))
    return round(interval.mean, 6), round(interval.low, 6), round(interval.high, 6)
