"""One trial: grow a fit per fold from the binned datasets, step by step, and judge the pooled held-out queries."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from evaluation.intervals import clustered_error
from ranking.dataset import Examples, FeatureList, open_binary, write_binary
from ranking.ranker import Boosting, RankerParams, ndcg_of_queries


@dataclass(frozen=True)
class TrialPlan:
    """What every trial of a sweep shares; plain values and a path, since large arrays don't travel to workers."""

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
    """Where a trial stands after `trees`: NDCG@10 now, and the best so far with its tree count and its SE (over alias clusters,
    whose queries and snapshots move together)."""

    trees: int
    ndcg10: float
    best_ndcg10: float
    best_se: float
    best_trees: int
    ended: bool


def write_bins(examples: Examples, folder: Path, max_bins: set[int], folds: int, threads: int) -> tuple[int, ...]:
    """Write the train and validation binaries of each fold, once per `max_bin`; returns the folds that have queries.

    One fold: the train span against the whole validation span. More: validation clusters of the fold against a fit on
    the train span's other clusters, so that neither the future nor an alias is seen. Raises TrainingImpossible.
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
    """Where one binary dataset of a sweep lies."""
    return folder / f"max_bin-{max_bin}" / f"fold-{fold}.{part}.bin"


class TrialRun:
    """A trial under way. Fold f trains with seed + f, so that pooling folds also averages seeds."""

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

    def step(self) -> TrialReport:
        """Grow `report_every` trees on every fold and judge them. Ended at `max_trees`, or after `patience` in vain."""
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
        best = (mean, error, trees) if mean > last.best_ndcg10 else (last.best_ndcg10, last.best_se, last.best_trees)
        over = trees >= self.plan.max_trees or trees - best[2] >= self.plan.patience
        self.report = TrialReport(trees, mean, *best, ended=over or all(fit.exhausted for fit, _ in self.fits))
        return self.report
