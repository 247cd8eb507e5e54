"""Always-valid intervals against the mixture they come from, and over many looks."""

import numpy as np
import pytest
from scipy import integrate, stats

from evaluation.errors import MetricInput
from evaluation.experiments.always_valid import always_valid_interval, mixture_strength


@pytest.mark.parametrize("error", [0.3, 0.02, 0.005])
def test_at_the_limit_the_mixture_martingale_is_one_over_alpha(error):
    """∫ exp(λS − λ²v/2) dN(λ; 0, 1/ρ) for the sum S = limit·v: by Ville's inequality it exceeds 1/α with probability α at most."""
    interval = always_valid_interval(0.0, error, 100, 0.02)
    v, rho = 1 / error**2, mixture_strength(1 / 0.02**2, 0.05)
    total = interval.high * v
    # complete the square, so that the integrand's bulk lies around its mean
    mean, sd = total / (v + rho), (v + rho) ** -0.5
    value, _ = integrate.quad(
        lambda t: np.exp(total * t - v * t**2 / 2 + stats.norm.logpdf(t, 0, rho**-0.5)),
        mean - 10 * sd,
        mean + 10 * sd,
    )
    assert value == pytest.approx(20.0, rel=1e-6)


@pytest.mark.parametrize("mean", [0.0, 0.03, -0.059, -0.061, 0.2])
def test_the_p_value_agrees_with_the_interval(mean):
    interval = always_valid_interval(mean, 0.02, 100, 0.02)
    assert interval.p_value is not None and 0 < interval.p_value <= 1
    assert (interval.p_value <= 0.05) == (interval.low > 0 or interval.high < 0)


def test_the_strength_is_near_the_best_at_the_planned_end():
    def width(rho):
        return np.sqrt((1 + rho) * np.log((1 + rho) / (rho * 0.05**2)))

    best = min(width(rho) for rho in np.geomspace(0.01, 1, 2_000))
    assert width(mixture_strength(1.0, 0.05)) < 1.001 * best
    # the price of looking at any time: half as wide again as one look
    assert 1.3 < width(mixture_strength(1.0, 0.05)) / stats.norm.ppf(0.975) < 1.6


def test_looking_at_every_value_errs_less_often_than_the_level():
    """400 random walks of 2,000 steps of known variance: one look errs in 5 %, any of all looks in less."""
    walks = np.cumsum(np.random.default_rng(5).normal(size=(400, 2_000)), axis=1)
    n = np.arange(1, 2_001)
    rho = mixture_strength(1_000.0, 0.05)
    limits = np.array([always_valid_interval(0.0, k**-0.5, k, 1_000**-0.5).high * k for k in n.tolist()])
    assert limits == pytest.approx(np.sqrt((n + rho) * np.log((n + rho) / (rho * 0.05**2))))
    assert (np.abs(walks) > limits).any(axis=1).mean() <= 0.05
    assert (np.abs(walks) > 1.96 * np.sqrt(n)).any(axis=1).mean() > 0.3  # intervals of one look would not do


def test_an_error_of_nothing_is_refused():
    with pytest.raises(MetricInput, match="both above 0"):
        always_valid_interval(0.1, 0.0, 5, 0.01)
