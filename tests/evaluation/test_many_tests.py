"""Adjusted p-values against hand-computed ones, closed testing by enumeration, and scipy."""

from itertools import combinations

import numpy as np
import pytest
from scipy import stats

from evaluation.errors import MetricInput
from evaluation.many_tests import benjamini_hochberg, holm


def test_three_p_values_by_hand():
    assert holm([0.01, 0.04, 0.03]) == pytest.approx([0.03, 0.06, 0.06])
    assert benjamini_hochberg([0.01, 0.04, 0.03]) == pytest.approx([0.03, 0.04, 0.04])
    assert list(holm([])) == [] and list(holm([0.9, 0.8])) == [1.0, 1.0]


def test_holm_is_closed_testing_with_bonferroni():
    """A test is rejected if every set of tests that it is in is rejected by Bonferroni."""
    values = np.random.default_rng(1).uniform(size=6) ** 2
    sets = [s for size in range(1, 7) for s in combinations(range(6), size)]
    closed = [max(min(1.0, len(s) * values[list(s)].min()) for s in sets if i in s) for i in range(6)]
    assert holm(values) == pytest.approx(closed)


def test_benjamini_hochberg_is_scipys():
    values = np.random.default_rng(2).uniform(size=40) ** 3
    assert benjamini_hochberg(values) == pytest.approx(stats.false_discovery_control(values, method="bh"))


@pytest.mark.parametrize("wrong", [[0.1, 1.2], [-0.1], [float("nan")], [[0.1]]])
def test_what_is_no_p_value_is_refused(wrong):
    for adjust in (holm, benjamini_hochberg):
        with pytest.raises(MetricInput, match="expected a flat array of numbers from 0 to 1"):
            adjust(wrong)
