"""NDCG, reciprocal rank and recall against hand-made numbers and a second implementation over all orders."""

import itertools
import math
import time

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evaluation.errors import MetricInput
from evaluation.measure import name_of
from evaluation.metrics import (
    average_precision_by_group,
    dcg_by_group,
    err_by_group,
    ideal_dcg_by_group,
    mean_over_groups,
    ndcg_by_group,
    ndcg_of_query,
    rbp_by_group,
    recall_by_group,
    reciprocal_rank_by_group,
    seeded_hash,
    success_by_group,
)

QUERY = st.lists(st.tuples(st.integers(0, 4), st.integers(0, 3)), min_size=1, max_size=6)


def orders(scores):
    """Every order of the rows that agrees with the scores (all orders of tied rows)."""
    blocks = [[i for i, s in enumerate(scores) if s == score] for score in sorted(set(scores), reverse=True)]
    for parts in itertools.product(*(itertools.permutations(block) for block in blocks)):
        yield [i for part in parts for i in part]


def expected(measure, scores):
    values = [measure(order) for order in orders(scores)]
    return sum(values) / len(values)


def dcg(order, grades, k, gain):
    return sum(gain(grades[i]) / math.log2(p + 2) for p, i in enumerate(order[:k]))


@pytest.mark.parametrize("name,gain", [("exp2", lambda g: 2**g - 1), ("linear", float)])
@settings(max_examples=60, deadline=None)
@given(queries=st.lists(QUERY, min_size=1, max_size=4), k=st.integers(1, 7))
def test_ndcg_is_the_mean_over_all_orders_of_ties(name, gain, queries, k):
    wanted = []
    for rows in queries:
        grades, scores = [g for g, _ in rows], [s for _, s in rows]
        ideal = dcg(sorted(range(len(rows)), key=lambda i: -grades[i]), grades, k, gain)
        reached = expected(lambda order: dcg(order, grades, k, gain), scores)  # noqa: B023 (used at once)
        wanted.append(reached / ideal if ideal > 0 else math.nan)
        assert ndcg_of_query(grades, scores, k, gain=name) == pytest.approx(wanted[-1], nan_ok=True)
    flat = [row for rows in queries for row in rows]
    got = ndcg_by_group([g for g, _ in flat], [s for _, s in flat], [len(q) for q in queries], k, gain=name)
    assert got.tolist() == pytest.approx(wanted, nan_ok=True)


@settings(max_examples=60, deadline=None)
@given(rows=QUERY, k=st.integers(1, 7), least=st.integers(1, 4))
def test_recall_and_reciprocal_rank_are_means_over_all_orders(rows, k, least):
    grades, scores = [g for g, _ in rows], [s for _, s in rows]
    total = sum(g >= least for g in grades)
    recall = recall_by_group(grades, scores, [len(rows)], k, min_grade=least)[0]
    reciprocal = reciprocal_rank_by_group(grades, scores, [len(rows)], min_grade=least)[0]
    if total == 0:
        assert math.isnan(recall) and math.isnan(reciprocal)
        return
    assert recall == pytest.approx(expected(lambda o: sum(grades[i] >= least for i in o[:k]) / total, scores))
    assert reciprocal == pytest.approx(
        expected(lambda o: 1 / (1 + next(p for p, i in enumerate(o) if grades[i] >= least)), scores)
    )


def stops(order, grades, k):
    """ERR as it is told: the listener goes down the list and stops at p with R(p)."""
    goes_on, total = 1.0, 0.0
    for p, i in enumerate(order[:k], 1):
        stop = (2 ** grades[i] - 1) / 16
        total, goes_on = total + goes_on * stop / p, goes_on * (1 - stop)
    return total


def precisions(order, hits, k):
    """The precision at each relevant rank up to k, added up."""
    return sum(sum(hits[i] for i in order[: p + 1]) / (p + 1) for p in range(min(k, len(order))) if hits[order[p]])


@settings(max_examples=80, deadline=None)
@given(queries=st.lists(QUERY, min_size=1, max_size=4), k=st.integers(1, 7), least=st.integers(1, 4))
def test_err_map_rbp_success_and_mrr_are_means_over_all_orders(queries, k, least):
    flat = [row for rows in queries for row in rows]
    given_rows = [g for g, _ in flat], [s for _, s in flat], [len(q) for q in queries], k
    wanted = {name: [] for name in ("err", "map", "reachable", "rbp", "success", "mrr")}
    for rows in queries:
        grades, scores = [g for g, _ in rows], [s for _, s in rows]
        hits = [g >= least for g in grades]
        added = expected(lambda o: precisions(o, hits, k), scores)  # noqa: B023 (used at once)
        wanted["err"].append(expected(lambda o: stops(o, grades, k), scores))  # noqa: B023
        wanted["rbp"].append(expected(lambda o: sum(0.3 * 0.7**p for p, i in enumerate(o[:k]) if hits[i]), scores))  # noqa: B023
        wanted["success"].append(expected(lambda o: float(any(hits[i] for i in o[:k])), scores))  # noqa: B023
        wanted["map"].append(added / sum(hits) if any(hits) else math.nan)
        wanted["reachable"].append(added / min(k, sum(hits)) if any(hits) else math.nan)
        first = expected(lambda o: max([1 / (p + 1) for p, i in enumerate(o[:k]) if hits[i]], default=0.0), scores)  # noqa: B023
        wanted["mrr"].append(first if any(hits) else math.nan)
    got = {
        "err": err_by_group(*given_rows),
        "map": average_precision_by_group(*given_rows, min_grade=least),
        "reachable": average_precision_by_group(*given_rows, min_grade=least, over="reachable"),
        "rbp": rbp_by_group(*given_rows, p=0.7, min_grade=least),
        "success": success_by_group(*given_rows, min_grade=least),
        "mrr": reciprocal_rank_by_group(*given_rows, min_grade=least),
    }
    for name, values in wanted.items():
        assert got[name].tolist() == pytest.approx(values, abs=1e-12, nan_ok=True), name


@pytest.mark.parametrize(
    "function",
    [average_precision_by_group, err_by_group, ndcg_by_group, rbp_by_group, recall_by_group, success_by_group],
)
def test_hash_ties_are_one_order_among_those_of_the_expectation(function):
    """Over many seeds the mean of the hashed orders is the expectation, and rows without ties do not see the keys."""
    ids, grades, size = ["a", "b", "c", "d"], [4, 0, 2, 0], [4]
    hashed = [
        function(grades, [1] * 4, size, 2, ties="hash", tie_keys=seeded_hash(ids, seed))[0] for seed in range(400)
    ]
    assert len(set(hashed)) > 1
    assert np.mean(hashed) == pytest.approx(function(grades, [1] * 4, size, 2)[0], abs=0.05)
    plain = function(grades, [4, 3, 2, 1], size, 2)[0]
    assert function(grades, [4, 3, 2, 1], size, 2, ties="hash", tie_keys=seeded_hash(ids, 0))[0] == plain


def test_the_measures_by_hand():
    served, order, size = [0, 3, 0, 1], [4, 3, 2, 1], [4]
    # relevant at ranks 2 and 4: precisions 1/2 and 2/4
    assert average_precision_by_group(served, order, size)[0] == pytest.approx(0.5)
    assert average_precision_by_group(served, order, size, 2)[0] == pytest.approx(0.25)
    assert average_precision_by_group(served, order, size, 1, over="reachable")[0] == 0
    assert rbp_by_group(served, order, size, p=0.5)[0] == pytest.approx(0.5 * (0.5 + 0.125))
    # 7/16 stop at rank 2, and 1/16 of the others at rank 4
    assert err_by_group(served, order, size, 10)[0] == pytest.approx(7 / 16 / 2 + 9 / 16 / 16 / 4)
    assert [success_by_group(served, order, size, k)[0] for k in (1, 2)] == [0, 1]
    assert success_by_group(served, order, size, 3, min_grade=4)[0] == 0
    assert reciprocal_rank_by_group(served, order, size, 1)[0] == 0


def test_lists_without_rows_or_without_a_relevant_one():
    rows = ([0, 0, 2], [3, 2, 1], [2, 0, 1])
    assert [f(*rows, 5).tolist() for f in (err_by_group, rbp_by_group, success_by_group)] == [
        [0, 0, pytest.approx(3 / 16)],
        [0, 0, pytest.approx(0.2)],
        [0, 0, 1],
    ]
    for f in (average_precision_by_group, reciprocal_rank_by_group):
        assert f(*rows, 5).tolist() == pytest.approx([math.nan, math.nan, 1.0], nan_ok=True)
        assert f(*rows, 5, empty="zero").tolist() == [0, 0, 1]
        assert f([0], [1], [1]).tolist() == pytest.approx([math.nan], nan_ok=True)
    nothing = [f([], [], [], 5) for f in (err_by_group, average_precision_by_group, success_by_group, ndcg_by_group)]
    assert [len(values) for values in nothing] == [0, 0, 0, 0]


def test_by_hand():
    # grades in served order 3, 0, 1: (7 + 0 + 1/2) / (7 + 1/log2(3))
    assert ndcg_by_group([3, 0, 1], [9, 8, 7], [3], 10)[0] == pytest.approx(7.5 / (7 + 1 / math.log2(3)))
    assert reciprocal_rank_by_group([0, 0, 2], [3, 2, 1], [3])[0] == pytest.approx(1 / 3)
    assert recall_by_group([1, 0, 1], [3, 2, 1], [3], 2, relevant=[4])[0] == 0.25


@pytest.mark.parametrize("empty,value", [("excluded", math.nan), ("zero", 0.0), ("one", 1.0)])
def test_queries_with_nothing_relevant(empty, value):
    got = ndcg_by_group([0, 0, 2], [1, 2, 1], [2, 1], 10, empty=empty)
    assert got.tolist() == pytest.approx([value, 1.0], nan_ok=True)
    mean = {"excluded": 1.0, "zero": 0.5, "one": 1.0}[empty]
    assert mean_over_groups(got) == mean


def test_mean_is_weighted_and_leaves_excluded_out():
    assert mean_over_groups(np.array([1.0, math.nan, 0.0]), [1, 50, 3]) == 0.25
    assert math.isnan(mean_over_groups(np.array([math.nan])))


def test_an_ideal_list_of_its_own():
    ideal = ideal_dcg_by_group([4, 3, 1], [3], 2)
    assert ideal[0] == pytest.approx(15 + 7 / math.log2(3))
    # only the track of grade 1 is a candidate; a catalog with better ones makes it a poor list
    assert ndcg_by_group([1], [5], [1], 2, ideal=ideal)[0] == pytest.approx(1 / ideal[0])
    with pytest.raises(MetricInput, match="above its ideal"):
        ndcg_by_group([4], [5], [1], 2, ideal=[1.0])


def test_hash_ties_follow_the_ids_and_not_the_row_order():
    ids, grades = ["a", "b", "c", "d"], [4, 0, 2, 1]
    there = [
        ndcg_by_group(grades, [1] * 4, [4], 3, ties="hash", tie_keys=seeded_hash(ids, seed))[0] for seed in range(30)
    ]
    back = [
        ndcg_by_group(grades[::-1], [1] * 4, [4], 3, ties="hash", tie_keys=seeded_hash(ids[::-1], seed))[0]
        for seed in range(30)
    ]
    assert there == pytest.approx(back)
    assert len(set(there)) > 5  # another seed, another order
    all_orders = ndcg_by_group(grades, [1] * 4, [4], 3)[0]
    many = [ndcg_by_group(grades, [1] * 4, [4], 3, ties="hash", tie_keys=seeded_hash(ids, s))[0] for s in range(600)]
    assert np.mean(many) == pytest.approx(all_orders, abs=0.03)


def test_expected_ties_are_deaf_to_row_order_and_empty_groups_are_kept():
    rng = np.random.default_rng(3)
    grades, scores = rng.integers(0, 5, 40), rng.integers(0, 4, 40)
    shuffled = rng.permutation(40)
    one = ndcg_by_group(grades, scores, [0, 40, 0], 10)
    two = ndcg_by_group(grades[shuffled], scores[shuffled], [0, 40, 0], 10)
    assert np.isnan(one[[0, 2]]).all()
    assert one[1] == pytest.approx(two[1])


def test_candidates_that_were_not_ranked_may_score_minus_infinity():
    got = dcg_by_group([3, 1, 1], [-math.inf, 2.0, -math.inf], [3], 10)
    assert got[0] == pytest.approx(1 + 4 / math.log2(3) + 4 / 2)  # the two unranked share the mean of 7 and 1


@pytest.mark.parametrize(
    "change,says",
    [
        ({"group_sizes": [3]}, "sum to 3"),
        ({"scores": [1, math.nan]}, "NaN"),
        ({"grades": [1, -1]}, "negative"),
        ({"k": 0}, "k is 0"),
        ({"gain": "exp"}, "gain is 'exp'"),
        ({"ties": "row"}, "ties is 'row'"),
        ({"ties": "hash"}, "needs tie_keys"),
        ({"empty": "half"}, "empty is 'half'"),
        ({"ideal": [1, 2]}, "one per group"),
    ],
)
def test_bad_input_is_named(change, says):
    given = {"grades": [1, 0], "scores": [1, 2], "group_sizes": [2], "k": 5, **change}
    with pytest.raises(MetricInput, match=says):
        ndcg_by_group(**given)


def test_the_name_carries_the_convention():
    assert name_of(ndcg_by_group, 10) == "ndcg@10[gain=exp2,discount=log2,ties=expected,empty=excluded,ideal=list]"
    assert name_of(ndcg_by_group, 5, empty="one") != name_of(ndcg_by_group, 5)


@pytest.mark.parametrize(
    "function,options,says",
    [
        (rbp_by_group, {"p": 1.0}, "p is 1.0"),
        (err_by_group, {"k": 3, "max_grade": 1}, "grade of 2 is above max_grade 1"),
        (average_precision_by_group, {"over": "all"}, "over is 'all'"),
        (success_by_group, {"k": 0}, "k is 0"),
        (reciprocal_rank_by_group, {"ties": "hash"}, "needs tie_keys"),
        (recall_by_group, {"k": 3, "ties": "hash", "tie_keys": [1]}, "one key for each of the 2 rows"),
    ],
)
def test_bad_options_of_the_other_measures_are_named(function, options, says):
    with pytest.raises(MetricInput, match=says):
        function([2, 0], [1, 2], [2], **options)


def test_quick_enough_for_tuning():
    rng = np.random.default_rng(0)
    sizes = rng.multinomial(100_000, np.ones(2_000) / 2_000)
    grades, scores = rng.integers(0, 5, 100_000), rng.normal(size=100_000).round(1)
    times = []
    for _ in range(5):
        start = time.process_time()
        ndcg_by_group(grades, scores, sizes, 10)
        times.append(time.process_time() - start)
    assert min(times) < 0.05  # measured .016 s
