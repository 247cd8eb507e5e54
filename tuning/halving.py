"""Asynchronous successive halving: which trials stop early, decided from the reports of all trials so far."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

import numpy as np

from ranking.ranker import RankerParams


def progress(trees: int, learning_rate: float) -> int:
    """How far a fit has come, in trees of the default learning rate: the sum of its shrinkage, on which trials are compared.

    With equal trees, a small learning rate always looks bad early and is stopped, though it often ends best. On 40 random trials
    of `narrow` over a default night (`benchmarks.tuning --halving`), rungs by trees kept the best trial in 2 % of 200 orders and
    lost .0010 of NDCG@10, for 35 % of the trees; rungs by this progress kept it in 98 % and lost .00001, for 64 %.
    """
    return round(trees * learning_rate / RankerParams().learning_rate)


@dataclass
class Halving:
    """The rungs of one sweep, as in Li et al. 2020 (ASHA, arXiv 1810.05934), with the cutoff that Ray's `ASHAScheduler` uses.

    A trial that reaches a rung stops if its NDCG@10 there is below the upper `1 / reduction` quantile of the trials that
    reached the rung before it. The state is a function of the reports in their order, so a resumed sweep gets it back by
    replaying the reports of its ledger.

    Args:
        first: progress of the first rung; no trial stops earlier.
        last: progress of a trial that grows all its trees; there is no rung above.
        reduction: each rung lies at this many times the one before, and keeps about one in so many trials.
    """

    first: int
    last: int
    reduction: int = 3
    rungs: dict[int, dict[str, float]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        milestone = self.first
        while milestone <= self.last:
            self.rungs[milestone] = {}
            milestone *= self.reduction

    def stops(self, trial_id: str, reached: int, ndcg10: float) -> bool:
        """Record a report of a trial whose progress is `reached`; True if the trial is to stop here."""
        for milestone in sorted(self.rungs, reverse=True):
            known = self.rungs[milestone]
            if reached < milestone or trial_id in known:
                continue
            is_below = bool(known) and ndcg10 < float(
                np.percentile(list(known.values()), (1 - 1 / self.reduction) * 100)
            )
            known[trial_id] = ndcg10
            return is_below
        return False

    def replay(self, trial_id: str, curve: Iterable[tuple[int, float]], learning_rate: float) -> None:
        """Record the reports (trees, NDCG@10) of a trial of an earlier run, without a decision."""
        for trees, ndcg10 in curve:
            self.stops(trial_id, progress(trees, learning_rate), ndcg10)
