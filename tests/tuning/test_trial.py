from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from lake.errors import BadConfiguration
from ranking.dataset import Examples, TrainingImpossible, read_examples
from ranking.ranker import RankerParams, fit, ndcg_of_queries
from tests.ranking.synthetic import FEATURES, frame, write
from tuning.settings import SearchSettings
from tuning.trial import TrialPlan, TrialRun, write_bins

PARAMS = RankerParams(min_data_in_leaf=5, num_leaves=8)
SPACE = {"num_leaves": {"type": "int", "low": 4, "high": 16}}


@pytest.fixture
def examples(tmp_path: Path) -> Examples:
    return read_examples(write(frame(), tmp_path), FEATURES, folds=3)


def plan(folder: Path, folds: tuple[int, ...], **over: int) -> TrialPlan:
    return TrialPlan(
        str(folder),
        folds,
        FEATURES,
        **({"seed": 1, "threads": 1, "report_every": 10, "max_trees": 60, "patience": 30} | over),
    )


def test_one_fold_is_the_fit_that_would_ship(examples: Examples, tmp_path: Path) -> None:
    used = write_bins(examples, tmp_path, {255}, folds=1, threads=1)
    run = TrialRun(plan(tmp_path, used), PARAMS)
    while not (report := run.step()).ended:
        pass
    made = fit(examples, PARAMS, max_trees=60, patience=30, every=10, seed=1)
    assert report.best_trees == made.trees
    # the mean over needs, summed in another order
    assert report.best_ndcg10 == pytest.approx(made.metadata["valid_ndcg10"], abs=1e-12)


def test_folds_judge_only_clusters_they_did_not_learn_from(examples: Examples, tmp_path: Path) -> None:
    """Pooled NDCG equals that of fits made by hand, per fold, on the other folds' clusters."""
    used = write_bins(examples, tmp_path, {255}, folds=3, threads=1)
    report = TrialRun(plan(tmp_path, used), PARAMS).step()
    train, valid = examples.halves()
    values, clusters = [], []
    for fold in used:
        known, held_out = train.only_groups(train.folds != fold), valid.only_groups(valid.folds == fold)
        scores = fit(known, PARAMS, trees=10, seed=1 + fold).scores(held_out.matrix)
        values.append(ndcg_of_queries(held_out.grades, scores, held_out.group_sizes))
        clusters.append(held_out.clusters)
    judged = pd.DataFrame({"ndcg": np.concatenate(values), "cluster": np.concatenate(clusters)}).dropna()
    assert len(used) == 3
    assert report.ndcg10 == pytest.approx(judged["ndcg"].mean(), abs=1e-12)
    # its error is of clusters, here of two queries each: the mean without each of them in turn
    without = [judged.loc[judged["cluster"] != c, "ndcg"].mean() for c in judged["cluster"].unique()]
    assert len(without) < len(judged)
    assert report.best_se == pytest.approx(
        np.sqrt((len(without) - 1) * np.mean((np.array(without) - report.ndcg10) ** 2))
    )


def test_a_trial_ends_at_its_patience_and_keeps_the_best_tree_count(examples: Examples, tmp_path: Path) -> None:
    used = write_bins(examples, tmp_path, {63}, folds=1, threads=1)
    run = TrialRun(plan(tmp_path, used, max_trees=2000, patience=20), RankerParams(max_bin=63, learning_rate=0.8))
    reports = [run.step()]
    while not reports[-1].ended:
        reports.append(run.step())
    best = max(reports, key=lambda r: r.ndcg10)
    assert (reports[-1].best_ndcg10, reports[-1].best_trees) == (best.ndcg10, best.trees)
    assert reports[-1].trees == best.trees + 20 < 2000


def test_a_max_bin_that_was_not_written_is_said(examples: Examples, tmp_path: Path) -> None:
    used = write_bins(examples, tmp_path, {255}, folds=1, threads=1)
    with pytest.raises(BadConfiguration, match="no binary dataset for max_bin=63"):
        TrialRun(plan(tmp_path, used), RankerParams(max_bin=63))


def test_a_fold_without_training_positives_is_said(tmp_path: Path) -> None:
    rows = frame(queries=2).assign(fold_key="one")
    examples = read_examples(write(rows, tmp_path), FEATURES, folds=2)
    with pytest.raises(TrainingImpossible, match="split train outside fold"):
        write_bins(examples, tmp_path, {255}, folds=2, threads=1)


PLAIN = SearchSettings(
    "s", SPACE, {}, trials=8, time_budget_s=90, prune=True, folds=3, max_trees=300, start_limit_s=120
)


@pytest.mark.parametrize(
    ("over", "said"),
    [
        ({"trials": 0}, "trials is 0, expected 1 or more"),
        ({"name": "../x"}, "tuning.name is '../x'"),
        ({"base": {"num_leavs": 3}}, "nearest: num_leaves"),
        ({"space": {}}, "search_space: empty"),
        ({"object_store_mb": 10}, "object_store_mb is 10, expected 80 or more"),
    ],
)
def test_bad_settings_fail_before_anything_starts(over: dict[str, object], said: str) -> None:
    with pytest.raises(BadConfiguration, match=said):
        replace(PLAIN, **over)


def test_the_identity_changes_with_what_results_depend_on() -> None:
    one = PLAIN
    same = replace(one, name="t", space=SPACE | {"lambda_l2": {"type": "uniform", "low": 0, "high": 1}}, trials=99)
    other = replace(one, folds=2)
    assert one.identity(FEATURES, "x") == same.identity(FEATURES, "x")
    assert len({one.identity(FEATURES, "x"), one.identity(FEATURES, "y"), other.identity(FEATURES, "x")}) == 3
