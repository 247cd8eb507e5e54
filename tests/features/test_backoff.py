"""Strengths of the back-off: the likelihood is the negative binomial's, a known strength is found again, thin levels stay as they are."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy.stats import nbinom

from features.build.backoff import Strength, fitted_chain, fitted_strength, log_likelihood
from features.measures import UNFITTED_STRENGTH


def drawn(strength: float, n: int, seed: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Responses of n units whose rates scatter around their parents' with the given strength."""
    rng = np.random.default_rng(seed)
    parent, expected = rng.uniform(0.3, 2.0, n), rng.exponential(4.0, n)
    rate = rng.gamma(strength * parent, 1.0 / strength)
    return rng.poisson(rate * expected).astype(float), expected, parent


def test_the_likelihood_is_the_negative_binomials() -> None:
    hits, expected, parent = drawn(5.0, 300, 1)

    def told(s: float) -> float:
        return float(nbinom.logpmf(hits, s * parent, s / (s + expected)).sum())

    for a, b in ((0.5, 2.0), (2.0, 20.0), (20.0, 500.0)):
        ours = log_likelihood(a, hits, expected, parent) - log_likelihood(b, hits, expected, parent)
        assert ours == pytest.approx(told(a) - told(b), rel=1e-9)


@pytest.mark.parametrize("strength", [0.5, 3.0, 12.0, 60.0])
def test_a_known_strength_is_found_again(strength: float) -> None:
    found = fitted_strength("pair", *drawn(strength, 30_000, 2))
    assert found.strength == pytest.approx(strength, rel=0.12) and found.units == 30_000
    assert found.strength == float(f"{found.strength:.3g}")


def test_units_without_expectation_say_nothing_and_few_units_change_nothing() -> None:
    hits, expected, parent = drawn(6.0, 5_000, 3)
    more = [np.append(hits, [0.0] * 50), np.append(expected, [0.0] * 50), np.append(parent, [1.0] * 50)]
    assert fitted_strength("pair", *more) == fitted_strength("pair", hits, expected, parent)
    assert fitted_strength("pair", hits[:150], expected[:150], parent[:150]) == Strength("pair", UNFITTED_STRENGTH, 0)


def test_each_level_is_judged_against_the_others_of_the_level_above() -> None:
    """Two locales of each query scatter widely around their language; the language is all there is of cluster and track."""
    rng = np.random.default_rng(4)
    rows = []
    for q in range(3_000):
        base = rng.gamma(50.0, 1 / 50.0)
        both = [(rng.poisson(rng.gamma(2.0 * base, 0.5) * 10.0), 10.0) for _ in range(2)]
        whole = (sum(h for h, _ in both), 20.0)
        for locale, (h, e) in zip(("en-US", "en-GB"), both, strict=True):
            row = {
                "as_of": 0,
                "locale": locale,
                "language": "en",
                "need_key": q,
                "broader_key": q,
                "track_id_key": q,
                "pair__responses": h,
                "pair__expected": e,
            }
            for level in ("language_pair", "broader_pair", "track"):
                row |= {f"{level}__responses": whole[0], f"{level}__expected": whole[1]}
            rows.append(row)
    by_level = {s.level: s for s in fitted_chain(pd.DataFrame(rows))}
    assert by_level["track"].units == 3_000 and by_level["pair"].units == 6_000
    assert by_level["broader_pair"].units == by_level["language_pair"].units == 0  # of one member each
    # judged against the other locale alone, whose own scatter is added: less than the 2 that was drawn, far from 50
    assert 0.7 < by_level["pair"].strength < 2.5
