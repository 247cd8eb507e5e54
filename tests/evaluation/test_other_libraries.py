"""Our measures equal those of ir_measures (trec_eval, CWL, gdeval), scikit-learn and LightGBM to 1e-9, on the same lists.

Scores are distinct where a library breaks ties in a way of its own; ties have tests against all orders in `test_metrics`.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

from evaluation.measure import KINDS
from evaluation.metrics import (
    average_precision_by_group,
    err_by_group,
    ndcg_by_group,
    rbp_by_group,
    recall_by_group,
    reciprocal_rank_by_group,
    success_by_group,
)
from evaluation.variety import rbo_by_group

EXACT = 1e-9
COMPARED = {  # measure -> the libraries that a test of this file compares it with
    "ndcg": ("ir_measures", "scikit-learn", "LightGBM"),
    "recall": ("ir_measures",),
    "mrr": ("ir_measures",),
    "success": ("ir_measures",),
    "map": ("ir_measures", "LightGBM"),
    "rbp": ("ir_measures",),
    "rbo": ("ir_measures",),
}


def lists(seed: int, groups: int = 60) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Grades 0–4, distinct scores and group sizes 1–30; every group has a relevant row."""
    rng = np.random.default_rng(seed)
    sizes = rng.integers(1, 31, groups)
    grades = np.minimum(rng.poisson(0.6, sizes.sum()), 4)
    grades[np.cumsum(sizes) - 1] = np.maximum(grades[np.cumsum(sizes) - 1], 1)
    return grades, rng.permutation(sizes.sum()) / sizes.sum(), sizes


def test_the_declarations_name_the_libraries_of_these_tests() -> None:
    assert {name: kind.equals for name, kind in KINDS.items() if kind.equals} == COMPARED


def by_ir_measures(measures: list[Any], grades: np.ndarray, scores: np.ndarray, sizes: np.ndarray) -> list[list[float]]:
    """The values by measure and group.

    One call a measure: in a call of several, ir_measures 0.4.3 gives an nDCG the gains of another one, as the hash seed happens to be.
    """
    import ir_measures

    query = [f"{q:04}" for q in np.repeat(np.arange(len(sizes)), sizes)]
    rows = list(zip(query, [f"d{i}" for i in range(len(grades))], strict=True))
    qrels = [ir_measures.Qrel(q, d, int(g)) for (q, d), g in zip(rows, grades, strict=True)]
    run = [ir_measures.ScoredDoc(q, d, float(s)) for (q, d), s in zip(rows, scores, strict=True)]
    values = []
    for measure in measures:
        of_query = {m.query_id: m.value for m in ir_measures.iter_calc([measure], qrels, run)}
        values.append([of_query[f"{q:04}"] for q in range(len(sizes))])
    return values


@pytest.mark.parametrize("seed", [1, 2])
def test_ir_measures(seed: int) -> None:
    from ir_measures import AP, RBP, RR, R, Success, nDCG

    rows = lists(seed)
    pairs = [
        (nDCG @ 10, ndcg_by_group(*rows, 10, gain="linear")),
        (nDCG(gains={0: 0, 1: 1, 2: 3, 3: 7, 4: 15}) @ 5, ndcg_by_group(*rows, 5)),
        (AP, average_precision_by_group(*rows)),
        (AP(rel=2) @ 10, average_precision_by_group(*rows, 10, min_grade=2, empty="zero")),
        (RR, reciprocal_rank_by_group(*rows)),
        (RR(rel=2) @ 10, reciprocal_rank_by_group(*rows, 10, min_grade=2, empty="zero")),
        (Success @ 1, success_by_group(*rows, 1)),
        (Success(rel=3) @ 5, success_by_group(*rows, 5, min_grade=3)),
        (R @ 5, recall_by_group(*rows, 5)),
        (RBP(rel=1, p=0.8), rbp_by_group(*rows)),
        (RBP(rel=2, p=0.5), rbp_by_group(*rows, p=0.5, min_grade=2)),
    ]
    for (measure, ours), theirs in zip(pairs, by_ir_measures([m for m, _ in pairs], *rows), strict=True):
        assert ours.tolist() == pytest.approx(theirs, abs=EXACT), str(measure)


def test_err_of_gdeval() -> None:
    """gdeval prints five digits; to 1e-12 ERR is compared with all orders in `test_metrics`."""
    from ir_measures import ERR

    rows = lists(3)
    [theirs] = by_ir_measures([ERR @ 10], *rows)
    assert err_by_group(*rows, 10).tolist() == pytest.approx(theirs, abs=5.1e-6)


def test_rank_biased_overlap_of_ir_measures() -> None:
    """Its Compat is the overlap with the ideal list, over what a list of that depth can reach at most (1 − p^depth)."""
    from ir_measures import Compat

    rng, p, n = np.random.default_rng(4), 0.9, 40
    grades, scores = rng.permutation(n), rng.permutation(n)
    [[theirs]] = by_ir_measures([Compat(p=p, normalize=False)], grades, scores, np.array([n]))
    ranks, ideal = (n - np.argsort(np.argsort(of)) for of in (scores, grades))
    ideal = np.where(grades > 0, ideal, math.nan)
    assert rbo_by_group(ranks, ideal, [n], n, p=p, tail="none")[0] == pytest.approx(theirs * (1 - p**n), abs=EXACT)


def test_scikit_learn_averages_ties_as_we_do() -> None:
    from sklearn.metrics import ndcg_score

    grades, scores, sizes = lists(5)
    scores = np.round(scores, 1)  # eleven values: many ties
    ours = ndcg_by_group(grades, scores, sizes, 10, gain="linear")
    for group, (end, size) in enumerate(zip(np.cumsum(sizes), sizes, strict=True)):
        if size > 1:  # it refuses lists of one row
            own = slice(end - size, end)
            assert ours[group] == pytest.approx(ndcg_score([grades[own]], [scores[own]], k=10), abs=EXACT)


@pytest.mark.parametrize("k", [1, 5, 10])
def test_lightgbm_breaks_ties_by_row_order(k: int) -> None:
    """Its ndcg and map of given scores: a model without a tree over a dataset with initial scores."""
    import lightgbm as lgb

    grades, scores, sizes = lists(6)
    scores, grades = np.round(scores, 1), grades.copy()
    grades[: sizes[0]] = 0  # a query without a positive counts as 1
    data = lgb.Dataset(np.zeros((len(grades), 1)), grades, group=sizes, init_score=scores).construct()
    of_model = {"objective": "lambdarank", "metric": ["ndcg", "map"], "eval_at": [k], "verbosity": -1, "num_threads": 1}
    theirs = {name: value for _, name, value, _ in lgb.Booster(of_model, data).eval_train()}
    by_row = {"ties": "hash", "tie_keys": np.arange(len(grades)), "empty": "one"}
    assert theirs[f"ndcg@{k}"] == pytest.approx(ndcg_by_group(grades, scores, sizes, k, **by_row).mean(), abs=EXACT)
    ours = average_precision_by_group(grades, scores, sizes, k, over="reachable", **by_row)
    assert theirs[f"map@{k}"] == pytest.approx(ours.mean(), abs=EXACT)
