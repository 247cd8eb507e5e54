"""The paired comparison of a sweep's winner with the parameters in use, on a later snapshot that the sweep never read."""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import numpy as np

from evaluation.intervals import clustered_interval
from lake.errors import BadConfiguration
from ranking.dataset import FeatureList, read_examples
from ranking.ranker import RankerParams, fit, ndcg_of_queries
from tuning.data import spans
from tuning.winner import Result

SEEDS = (1, 1001, 2001)
# half of a 95 % interval -> the difference whose interval lies above 0 in 8 of 10 cases: (z(.975) + z(.8)) / z(.975)
DETECTABLE = (1.959964 + 0.841621) / 1.959964


@dataclass(frozen=True)
class Comparison:
    """How much better the challenger is than the incumbent on one snapshot, in NDCG@10.

    Args:
        snapshot: the snapshot, as YYYY-MM-DD.
        needs: its training groups with a positive.
        challenger: mean NDCG@10 of the challenger, over the seeds.
        incumbent: the same of the incumbent.
        mean: the difference.
        low: lower end of its 95 % interval, over needs and over seeds.
        high: its upper end.
        by_seed: the difference with each seed.
        detectable: the smallest difference that so many needs and seeds would show in 8 of 10 cases: of the interval's own width.
    """

    snapshot: str
    needs: int
    challenger: float
    incumbent: float
    mean: float
    low: float
    high: float
    by_seed: tuple[float, ...]
    detectable: float

    @property
    def is_better(self) -> bool:
        """Whether the whole interval lies above 0."""
        return self.low > 0

    def words(self) -> str:
        """The comparison in one line."""
        seeds = ", ".join(f"{difference:+.4f}" for difference in self.by_seed)
        return (
            f"on the snapshot {self.snapshot}, which the sweep did not read: NDCG@10 {self.challenger:.4f} against "
            f"{self.incumbent:.4f}, {self.mean:+.4f} (95 % {self.low:+.4f} to {self.high:+.4f}; by seed {seeds}; "
            f"{self.needs:,} needs show differences from {self.detectable:.4f})"
        )

    def to_dict(self) -> dict[str, Any]:
        """Plain data, for JSON."""
        return {**asdict(self), "is_better": self.is_better}


def later_snapshot(newest: str, judged_on: str, label_days: int) -> str:
    """The newest snapshot, if its labels begin only after those that the sweep was judged by have ended.

    Args:
        newest: the newest snapshot of the examples at hand, as YYYY-MM-DD.
        judged_on: the newest snapshot that the sweep read.
        label_days: days of labels after a snapshot.

    Raises:
        BadConfiguration: names the first snapshot that would do.
    """
    first = date.fromisoformat(judged_on) + timedelta(days=label_days)
    if date.fromisoformat(newest) < first:
        raise BadConfiguration(
            f"the snapshot {judged_on} has judged it already, and the newest of these examples is {newest}: a comparison needs one "
            f"of {first} or later. Wait for such a night, or run the sweep with tuning.hold_back=true; nothing was changed."
        )
    return newest


def compare(
    examples_path: Path,
    features: FeatureList,
    judged_on: str,
    label_days: int,
    challenger: Result,
    incumbent: Result,
    threads: int = 1,
) -> Comparison:
    """Fit both with their own number of trees on all snapshots before the newest, and evaluate both on it.

    Each is fitted with every seed of `SEEDS`. The interval is of the mean difference over needs and over seeds
    (`evaluation.intervals.clustered_interval`), because one seed alone can decide a small difference.

    Args:
        examples_path: the training examples of the night.
        features: the features that rankers are trained on.
        judged_on: the newest snapshot that the sweep read.
        label_days: days of labels after a snapshot.
        challenger: parameters and trees of the sweep's winner.
        incumbent: parameters and trees in use.
        threads: LightGBM's threads.

    Raises:
        BadConfiguration: the examples have no snapshot that is late enough.
        TrainingImpossible: there is nothing to learn from before the newest snapshot, or nothing to judge by on it.
    """
    examples = read_examples(examples_path, features)
    days = spans(examples_path, examples)
    if days is None:
        raise BadConfiguration(f"{examples_path}: no column as_of; run jobs.assemble again")
    newest = int(days.max())
    snapshot = later_snapshot(str(np.datetime64(newest, "D")), judged_on, label_days)
    known = replace(examples.only_groups(days < newest), is_valid=np.zeros(int((days < newest).sum()), dtype=np.bool_))
    later = examples.only_groups(days == newest)
    known.require_positive(f"snapshots before {snapshot}")
    later.require_positive(f"snapshot {snapshot}")
    reached = {"challenger": [], "incumbent": []}  # type: dict[str, list[np.ndarray[Any, np.dtype[np.float64]]]]
    for seed in SEEDS:
        for name, result in (("challenger", challenger), ("incumbent", incumbent)):
            params = RankerParams.from_dict(result.params)
            ranker = fit(known, params, trees=result.trees, seed=seed, threads=threads)
            reached[name].append(ndcg_of_queries(later.grades, ranker.scores(later.matrix), later.group_sizes))
    judged = ~np.isnan(reached["challenger"][0])
    pairs = zip(reached["challenger"], reached["incumbent"], strict=True)
    differences = np.array([(a - b)[judged] for a, b in pairs])
    of_needs = differences.mean(axis=0)
    by_seed = [float(row.mean()) for row in differences]
    interval = clustered_interval(of_needs, np.ones(len(of_needs)), later.clusters[judged], fits=by_seed)
    return Comparison(
        snapshot,
        int(judged.sum()),
        round(float(np.mean([row[judged].mean() for row in reached["challenger"]])), 6),
        round(float(np.mean([row[judged].mean() for row in reached["incumbent"]])), 6),
        round(interval.mean, 6),
        round(interval.low, 6),
        round(interval.high, 6),
        tuple(round(value, 6) for value in by_seed),
        round((interval.high - interval.low) / 2 * DETECTABLE, 6),
    )
