"""Ratio metrics, CUPED and sample ratios against scipy, the delta method written out, and a regression."""

import numpy as np
import pytest
from scipy import stats

from evaluation.errors import MetricInput
from evaluation.experiments.ratios import Arm, adjusted_difference, ratio_difference
from evaluation.experiments.sample_ratio import sample_ratio_p_value


def arms(seed=1, n=80):
    rng = np.random.default_rng(seed)
    out = []
    for effect in (0.5, 0.0):
        history = rng.normal(size=n)
        searches = rng.poisson(5, n) + 1.0
        out.append(Arm.of(searches * (2 + effect + history) + rng.normal(size=n), searches, history))
    return out


def test_a_mean_per_person_is_welchs_t():
    treatment, control = arms()
    plain = [Arm.of(a.numerator, np.ones(len(a.numerator))) for a in (treatment, control)]
    ours = ratio_difference(*plain)
    theirs = stats.ttest_ind(treatment.numerator, control.numerator, equal_var=False)
    low, high = theirs.confidence_interval(0.95)
    interval = ours.interval()
    assert (interval.low, interval.high, interval.p_value) == pytest.approx((low, high, theirs.pvalue))
    assert ours.freedom == pytest.approx(theirs.df)


def test_the_variance_of_a_ratio_is_the_delta_methods():
    treatment, control = arms()
    wanted = 0.0
    for a in (treatment, control):
        s, w, n = a.numerator, a.denominator, len(a.numerator)
        covariance = np.cov(s, w)
        terms = covariance[0, 0] - 2 * a.ratio * covariance[0, 1] + a.ratio**2 * covariance[1, 1]
        wanted += terms / w.mean() ** 2 / n
    difference = ratio_difference(treatment, control)
    assert difference.error**2 == pytest.approx(wanted)
    assert difference.mean == pytest.approx(
        treatment.numerator.sum() / treatment.denominator.sum() - control.numerator.sum() / control.denominator.sum()
    )


def test_cuped_is_the_regression_on_arm_and_history():
    """The coefficient of the arm in y = a + b·arm + c·history (ANCOVA) is CUPED's difference."""
    treatment, control = (Arm.of(a.numerator, np.ones(80), a.covariates) for a in arms())
    y = np.concatenate([treatment.numerator, control.numerator])
    x = np.concatenate([treatment.covariates, control.covariates])[:, 0]
    is_treatment = np.repeat([1.0, 0.0], 80)
    design = np.stack([np.ones(160), is_treatment, x], axis=1)
    coefficients, residual, _, _ = np.linalg.lstsq(design, y, rcond=None)
    adjusted = adjusted_difference(treatment, control)
    assert adjusted.mean == pytest.approx(coefficients[1])
    # with the same residual variance in both arms the error would be that of the regression, up to the covariate's imbalance
    classical = (residual[0] / 157 * np.linalg.inv(design.T @ design)[1, 1]) ** 0.5
    assert adjusted.error == pytest.approx(classical, rel=0.01)
    assert adjusted.error < 0.75 * ratio_difference(treatment, control).error


def test_without_history_cuped_changes_nothing():
    treatment, control = (Arm.of(a.numerator, a.denominator, np.zeros((80, 2))) for a in arms())
    plain, adjusted = ratio_difference(treatment, control), adjusted_difference(treatment, control)
    assert (adjusted.mean, adjusted.error) == pytest.approx((plain.mean, plain.error))


def test_a_perfect_history_leaves_no_variance():
    rng = np.random.default_rng(4)
    sides = [rng.normal(size=50) for _ in range(2)]
    treatment, control = Arm.of(sides[0] + 1, np.ones(50), sides[0]), Arm.of(sides[1], np.ones(50), sides[1])
    adjusted = adjusted_difference(treatment, control)
    assert adjusted.mean == pytest.approx(1.0) and adjusted.error < 1e-12


@pytest.mark.parametrize(
    ("numerator", "denominator", "message"),
    [
        ([1.0], [1.0], "two units or more"),
        ([1.0, 2.0], [1.0], "equal lengths"),
        ([1.0, float("nan")], [1.0, 1.0], "not finite"),
        ([1.0, 2.0], [0.0, 0.0], "a sum above 0"),
    ],
)
def test_arms_that_cannot_be_judged_are_refused(numerator, denominator, message):
    with pytest.raises(MetricInput, match=message):
        Arm.of(numerator, denominator)


def test_sample_ratio_by_hand():
    """480 and 520 people for equal shares: χ² = 400/500 + 400/500 = 1.6 with one degree of freedom."""
    assert sample_ratio_p_value({"a": 480, "b": 520}, {"a": 1, "b": 1}) == pytest.approx(stats.chi2.sf(1.6, 1))
    assert sample_ratio_p_value({"a": 900, "b": 100}, {"a": 9, "b": 1}) == 1.0
    assert sample_ratio_p_value({"a": 9_000, "b": 8_500}, {"a": 0.5, "b": 0.5}) < 0.001


@pytest.mark.parametrize(
    ("counts", "shares"),
    [({"a": 1}, {"a": 1.0}), ({"a": 1, "b": 2}, {"a": 1.0, "c": 1.0}), ({"a": 1, "b": 2}, {"a": 1.0, "b": 0.0})],
)
def test_shares_must_be_of_the_variants(counts, shares):
    with pytest.raises(MetricInput, match="expected"):
        sample_ratio_p_value(counts, shares)
