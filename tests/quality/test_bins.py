import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from quality.bins import bin_numbers, middle, quantile


def test_zero_sign_and_decades_have_their_own_bins():
    assert bin_numbers(np.array([0.0, 1.0, 1.2, -1.0, 10.0])) == {0: 1, 61: 2, -61: 1, 71: 1}
    # 10^k is the lower edge of its bin, whatever log10 rounds to
    assert bin_numbers(10.0 ** np.arange(-6, 12)) == {1 + 10 * k: 1 for k in range(18)}


def test_the_farthest_values_fall_in_the_outermost_bins():
    assert bin_numbers(np.array([1e-300, 1e-6, 1e12, 1e300])) == {1: 2, 181: 2}


@given(st.floats(1e-6, 1e11), st.sampled_from([1, -1]))
def test_a_bins_middle_is_within_an_eighth_of_every_value_in_it(size, sign):
    (place,) = bin_numbers(np.array([sign * size]))
    assert middle(place) == pytest.approx(sign * size, rel=0.123)


@pytest.mark.parametrize(("share", "rank"), [(0.0, 1), (0.5, 50), (0.99, 99), (1.0, 100)])
def test_quantiles_are_those_of_the_sorted_values(share, rank):
    values = np.exp(np.linspace(-3, 9, 100))
    assert quantile(bin_numbers(values), share) == pytest.approx(float(values[rank - 1]), rel=0.123)


def test_no_values_no_quantile():
    assert math.isnan(quantile({}, 0.5))
