"""One trial: grow one model per fold from the binned datasets, step by step, and evaluate the pooled held-out queries."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from evaluation.intervals import clustered_error
from ranking.dataset import Examples, FeatureList, Floats, Ints, open_binary, write_binary
from ranking.ranker import Boosting, RankerParams, ndcg_of_queries

PARTS = 100  # enough to resample, and small beside a trial's other lines in the ledger


@dataclass(frozen=True)
class TrialPlan:
    """What all trials of a sweep share: plain values and the path of the binned datasets, so that no large array is sent."""

    bins: str
    folds: tuple[int, ...]
    features: FeatureList
    seed: int
    threads: int
    report_every: int
    max_trees: int
    patience: int


@dataclass(frozen=True)
class TrialReport:
    """The state of a trial after `trees` trees: its NDCG@10 now, and the best so far with its tree count and standard error.

    The standard error is clustered by alias cluster, because the queries and snapshots of one cluster are correlated. `parts` is
    the NDCG@10 in each of `PARTS` parts of the alias clusters (None where a part has none); it is empty unless this report is the
    best one so far. `comparisons` is what the best state costs for one scored row (`ranking.comparisons`), mean over the folds.
    """

    trees: int
    ndcg10: float
    best_ndcg10: float
    best_se: float
    best_trees: int
    ended: bool
    parts: tuple[float | None, ...] = ()
    comparisons: float = 0.0


def write_bins(examples: Examples, folder: Path, max_bins: set[int], folds: int, threads: int) -> tuple[int, ...]:
    """Write the binned train and validation datasets of each fold, once per `max_bin`.

    One fold: train on the train span, validate on the whole validation span. More folds: validate on the fold's alias clusters
    of the validation span and train on the other clusters of the train span, so that the fit sees neither the future nor an
    alias.

    Args:
        examples: the training examples, with their split and folds.
        folder: where the datasets are written.
        max_bins: every value of LightGBM's `max_bin` that a trial may use.
        folds: number of folds.
        threads: threads that LightGBM may use for binning.

    Returns:
        The folds that have validation queries.

    Raises:
        TrainingImpossible: a train part has no positive example.
    """
    train, valid = examples.halves()
    used = (0,) if folds == 1 else tuple(sorted(set(valid.folds.tolist())))
    for fold in used:
        known = train if folds == 1 else train.only_groups(train.folds != fold)
        held_out = valid if folds == 1 else valid.only_groups(valid.folds == fold)
        known.require_positive(f"split train outside fold {fold}")
        for max_bin in sorted(max_bins):
            reference = write_binary(known, bin_path(folder, max_bin, fold, "train"), max_bin, threads)
            write_binary(held_out, bin_path(folder, max_bin, fold, "valid"), max_bin, threads, reference)
    return used


def bin_path(folder: Path, max_bin: int, fold: int, part: str) -> Path:
    """The path of one binned dataset of a sweep; `part` is `train` or `valid`."""
    return folder / f"max_bin-{max_bin}" / f"fold-{fold}.{part}.bin"


class TrialRun:
    """A running trial. Fold f trains with seed + f, so that pooling the folds also averages over seeds."""

    def __init__(self, plan: TrialPlan, params: RankerParams) -> None:
        self.plan = plan
        self.fits = []
        for fold in plan.folds:
            paths = [bin_path(Path(plan.bins), params.max_bin, fold, part) for part in ("train", "valid")]
            train, _ = open_binary(paths[0], params.objective, params.max_bin, plan.threads)
            valid, labels = open_binary(paths[1], params.objective, params.max_bin, plan.threads, train)
            settings = params.for_lightgbm(plan.features, plan.seed + fold, plan.threads)
            self.fits.append((Boosting(train, settings, valid), labels))
        self.report = TrialReport(0, -1.0, -1.0, 0.0, 0, False)
        self._comparisons, self._counted = 0.0, [0] * len(self.fits)  # of so many trees of each fold

    def step(self) -> TrialReport:
        """Grow `report_every` trees on every fold and evaluate them.

        The trial has ended at `max_trees`, after `patience` trees without a better NDCG@10, or when no fold can grow further.
        """
        more = min(self.plan.report_every, self.plan.max_trees - self.report.trees)
        trees = self.report.trees + more
        values = []
        for fit, labels in self.fits:
            fit.grow(more)
            values.append(ndcg_of_queries(labels.grades, fit.valid_scores(), labels.group_sizes))
        pooled, clusters = np.concatenate(values), np.concatenate([labels.clusters for _, labels in self.fits])
        judged = ~np.isnan(pooled)
        mean, error = float(pooled[judged].mean()), clustered_error(pooled[judged], clusters[judged])
        last = self.report
        is_best = mean > last.best_ndcg10
        best = (mean, error, trees) if is_best else (last.best_ndcg10, last.best_se, last.best_trees)
        over = trees >= self.plan.max_trees or trees - best[2] >= self.plan.patience
        parts = _by_part(pooled[judged], clusters[judged]) if is_best else ()
        ended = over or all(fit.exhausted for fit, _ in self.fits)
        cost = self._cost() if is_best else last.comparisons
        self.report = TrialReport(trees, mean, *best, ended, parts, cost)
        return self.report

    def _cost(self) -> float:
        """Comparisons for a row by all trees so far; only trees that were not counted before are read."""
        self._comparisons += sum(
            fit.comparisons(n) for (fit, _), n in zip(self.fits, self._counted, strict=True)
        ) / len(self.fits)
        self._counted = [fit.booster.num_trees() for fit, _ in self.fits]
        return round(self._comparisons, 3)


def run_to(plan: TrialPlan, params: RankerParams, trees: int) -> TrialRun:
    """The run of the parameters after `trees` trees, with the seed of the plan; its report has the pooled NDCG@10."""
    run = TrialRun(replace(plan, report_every=trees, max_trees=trees, patience=trees), params)
    run.step()
    return run


def _by_part(values: Floats, clusters: Ints) -> tuple[float | None, ...]:
    """The mean of the values in each part of the clusters, rounded to 1e-6; None for a part without a value."""
    part = clusters % PARTS
    sums, counts = np.bincount(part, values, PARTS), np.bincount(part, minlength=PARTS)
    return tuple(round(float(s / n), 6) if n else None for s, n in zip(sums, counts, strict=True))
