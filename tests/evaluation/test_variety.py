"""Diversity, entropy, new releases, Gini and rank-biased overlap against hand-made numbers and plain loops."""

from __future__ import annotations

import math
from collections import Counter
from itertools import combinations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evaluation.errors import MetricInput
from evaluation.metrics import seeded_hash
from evaluation.variety import (
    artist_entropy_by_group,
    gini_by_group,
    intra_list_diversity_by_group,
    new_release_share_by_group,
    rbo_by_group,
)

NAN = math.nan


def test_diversity_by_hand():
    """Of three rows, two are equal and the third shares nothing with them: two of three pairs have distance 1."""
    rows = [[1, 0], [2, 0], [0, 3], [0, 0]]
    assert intra_list_diversity_by_group(rows, [4, 3, 2, 1], [4], 3)[0] == pytest.approx(2 / 3)
    assert intra_list_diversity_by_group(rows, [4, 3, 2, 1], [4], 2)[0] == 0.0
    # the fourth, of no genre, is at distance 1 from all
    assert intra_list_diversity_by_group(rows, [4, 3, 2, 1], [4], 9)[0] == pytest.approx(5 / 6)
    # a row of score −inf is not listed, and one row is no list
    short = intra_list_diversity_by_group(rows, [4, 3, -math.inf, -math.inf], [3, 1], 9)
    assert short.tolist() == pytest.approx([0.0, NAN], nan_ok=True)


LISTS = st.lists(st.lists(st.tuples(st.integers(0, 3), st.integers(0, 3)), max_size=6), min_size=1, max_size=4)


@settings(max_examples=60, deadline=None)
@given(lists=LISTS, k=st.integers(1, 7))
def test_diversity_and_entropy_are_those_of_plain_loops(lists, k):
    def distance(a, b):
        lengths = math.hypot(*a) * math.hypot(*b)
        return 1 - (a[0] * b[0] + a[1] * b[1]) / lengths if lengths else 1.0

    flat = [row for rows in lists for row in rows]
    vectors = np.array(flat, dtype=float).reshape(-1, 2)
    scores, sizes = [-p for rows in lists for p in range(len(rows))], [len(rows) for rows in lists]
    for rows, ild, bits in zip(
        lists,
        intra_list_diversity_by_group(vectors, scores, sizes, k),
        artist_entropy_by_group([f"artist {a}" for a, _ in flat], scores, sizes, k),
        strict=True,
    ):
        pairs = list(combinations(rows[:k], 2))
        wanted = sum(distance(a, b) for a, b in pairs) / len(pairs) if pairs else NAN
        assert ild == pytest.approx(wanted, abs=1e-12, nan_ok=True)
        shares = [n / len(rows[:k]) for n in Counter(a for a, _ in rows[:k]).values()]
        assert bits == pytest.approx(sum(-s * math.log2(s) for s in shares) if shares else NAN, abs=1e-12, nan_ok=True)


def test_entropy_by_hand():
    artists = ["a", "a", "b", "c", "a", "a"]
    found = artist_entropy_by_group(artists, [4, 3, 2, 1, 2, 1], [4, 2], 4)
    assert found.tolist() == [1.5, 0.0]
    assert math.copysign(1, found[1]) == 1  # not −0.0


def test_new_releases_by_hand():
    ages = [0, 90, 91, NAN, -1, 10]
    assert new_release_share_by_group(ages, [6, 5, 4, 3, 2, 1], [6], 3)[0] == pytest.approx(2 / 3)
    assert new_release_share_by_group(ages, [6, 5, 4, 3, 2, 1], [6], 5)[0] == pytest.approx(2 / 5)
    assert new_release_share_by_group(ages, [6, 5, 4, 3, 2, 1], [6], 6, days=9)[0] == pytest.approx(1 / 6)
    assert math.isnan(new_release_share_by_group([1], [-math.inf], [1], 6)[0])


def test_gini_by_hand():
    assert gini_by_group(
        [1, 1, 1, 0, 0, 0, 8, 0, 0],
        [3, 4, 2],
    )[:2].tolist() == pytest.approx([0.0, 3 / 4])
    assert math.isnan(gini_by_group([0, 0], [2])[0])
    # 1, 2, 3: the mean of |x − y| over all pairs is 8/9, twice the mean is 4
    assert gini_by_group([3, 1, 2], [3])[0] == pytest.approx(8 / 9 / 4)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.lists(st.integers(0, 9), min_size=1, max_size=8), min_size=1, max_size=3))
def test_gini_is_half_the_relative_mean_difference(groups):
    for values, found in zip(
        groups, gini_by_group([x for g in groups for x in g], [len(g) for g in groups]), strict=True
    ):
        mean = sum(values) / len(values)
        apart = sum(abs(x - y) for x in values for y in values) / len(values) ** 2
        assert found == pytest.approx(apart / (2 * mean) if mean else NAN, abs=1e-12, nan_ok=True)


def ranks(one, other):
    """The rows of two lists as `rbo_by_group` takes them."""
    items = sorted({*one, *other})
    return [[of.index(i) + 1 if i in of else NAN for i in items] for of in (one, other)]


def extrapolated(one, other, p):
    """RBO_EXT by the sums of equation 32, depth by depth."""
    longer, shorter = sorted((one, other), key=len, reverse=True)
    last, first = len(longer), len(shorter)

    def common(d):
        return len(set(longer[:d]) & set(shorter[:d]))

    if not first:
        return 0.0
    seen = sum(common(d) / d * p**d for d in range(1, last + 1))
    assumed = sum(common(first) * (d - first) / (first * d) * p**d for d in range(first + 1, last + 1))
    end = (common(last) - common(first)) / last + common(first) / first
    return (1 - p) / p * (seen + assumed) + end * p**last


LETTERS = st.lists(st.sampled_from("abcdefg"), max_size=6, unique=True)


@settings(max_examples=150, deadline=None)
@given(pairs=st.lists(st.tuples(LETTERS, LETTERS), min_size=1, max_size=4), p=st.sampled_from([0.5, 0.9]))
def test_overlap_is_that_of_the_paper(pairs, p):
    rows = [ranks(*pair) for pair in pairs]
    flat = [[rank for of in rows for rank in of[side]] for side in (0, 1)]
    found = rbo_by_group(*flat, [len(of[0]) for of in rows], 6, p=p)
    bound = rbo_by_group(*flat, [len(of[0]) for of in rows], 6, p=p, tail="none")
    for (one, other), value, least in zip(pairs, found, bound, strict=True):
        if not one and not other:
            assert math.isnan(value) and math.isnan(least)
            continue
        assert value == pytest.approx(extrapolated(one, other, p), abs=1e-12)
        wanted = sum((1 - p) * p ** (d - 1) * len(set(one[:d]) & set(other[:d])) / d for d in range(1, 7))
        assert least == pytest.approx(wanted, abs=1e-12)


def test_overlap_by_hand():
    assert rbo_by_group(*ranks("abc", "abc"), [3], 10)[0] == pytest.approx(1)
    assert rbo_by_group(*ranks("abc", "xyz"), [6], 10)[0] == 0
    # only the first two of each count: the same two, the other way round: (1−p)/p · p²·1 + p²
    assert rbo_by_group(*ranks("abc", "bac"), [3], 2, p=0.5)[0] == pytest.approx(0.25 + 0.25)


def test_ties_need_keys_where_they_count():
    artists, scores = ["a", "b", "c"], [2.0, 1.0, 1.0]
    assert artist_entropy_by_group(artists, scores, [3], 1)[0] == 0  # the tie is below the first
    with pytest.raises(MetricInput, match="1 of the first 2 rows are tied"):
        artist_entropy_by_group(["a", "a", "c"], scores, [3], 2)
    found = {
        artist_entropy_by_group(["a", "a", "c"], scores, [3], 2, tie_keys=seeded_hash(artists, seed))[0]
        for seed in range(20)
    }
    assert found == {0.0, 1.0}


@pytest.mark.parametrize(
    ("call", "says"),
    [
        (lambda: rbo_by_group([1, 1], [1, 2], [2], 5), "repeat or leave a gap"),
        (lambda: rbo_by_group([1, 3], [1, 2], [2], 5), "repeat or leave a gap"),
        (lambda: rbo_by_group([0.5], [1], [1], 5), "whole numbers from 1"),
        (lambda: rbo_by_group([1], [1], [1], 5, p=0), "p is 0"),
        (lambda: rbo_by_group([1], [1], [1], 5, tail="all"), "tail 'all'"),
        (lambda: intra_list_diversity_by_group([1, 2], [1, 2], [2], 5), "rows × dimensions"),
        (lambda: gini_by_group([-1], [1]), "not negative"),
    ],
)
def test_bad_input_is_named(call, says):
    with pytest.raises(MetricInput, match=says):
        call()
