"""Position curves from comparisons, against a second implementation and against curves that are known."""

from __future__ import annotations

import itertools

import numpy as np
import numpy.typing as npt
import pytest

from labels.rank_comparisons import POWER_SPREAD, STRONGEST, WEAKEST, fitted_strength, propensities, steepened

Floats = npt.NDArray[np.float64]
RANKS = 11
FREE = 1e-9


def comparisons(n: Floats, c: Floats, power: int = 1) -> Floats:
    """hits[r, s] of tracks with impressions n and clicks c, [tracks, ranks], written from the definition; of power 2, their variance."""
    hits = np.zeros((RANKS, RANKS))
    for r, s in itertools.permutations(range(RANKS), 2):
        both = (n[:, r] > 0) & (n[:, s] > 0)
        hits[r, s] = (c[both, r] * (n[both, s] / (n[both, r] + n[both, s])) ** power).sum()
    return hits


def poisson_regression(n: Floats, c: Floats) -> Floats:
    """The maximum-likelihood curve of clicks ~ Poisson(impressions · effect of the track · curve of the rank), by its fixed point."""
    curve, clicks = np.ones(RANKS), c.sum(axis=1)
    for _ in range(1000):
        curve = c.sum(axis=0) / ((clicks / (n @ curve)) @ n)
        curve /= curve[0]
    return curve


def simulated(curve: Floats, tracks: int, seed: int) -> tuple[Floats, Floats]:
    """Impressions and clicks of tracks that stand mostly at one rank, better ones higher, and sometimes at others."""
    rng = np.random.default_rng(seed)
    worth = np.exp(rng.normal(size=tracks))
    at = np.clip(np.round(RANKS * np.argsort(np.argsort(-worth + rng.normal(size=tracks))) / tracks), 0, RANKS - 1)
    mean = 60 * np.exp(-np.abs(np.arange(RANKS)[None, :] - at[:, None]))
    n = rng.poisson(mean).astype(float)
    rate = np.minimum(0.9, 0.2 * worth)[:, None] * curve[None, :]
    return n, rng.binomial(n.astype(int), rate).astype(float)


@pytest.mark.parametrize("power", [0.4, 1.0, 1.6])
def test_a_curve_that_is_not_one_over_the_rank_comes_back(power: float) -> None:
    truth = np.arange(1, RANKS + 1) ** -power
    n, c = simulated(truth, 40_000, seed=5)
    prior = (1 / np.arange(1, RANKS + 1))[None, :]
    got = propensities(comparisons(n, c)[None], prior, 1.0)[0]
    by_regression = poisson_regression(n, c)

    def error(curve: Floats) -> float:
        return float(np.sqrt(np.mean(np.log(curve / truth) ** 2)))

    assert error(got) < max(0.04, 1.5 * error(by_regression))
    raw = (c.sum(axis=0) / n.sum(axis=0)) / (c[:, 0].sum() / n[:, 0].sum())
    assert np.abs(np.log(raw / truth)).max() > 0.3  # what clicks per impression say


def test_exact_comparisons_give_their_curve() -> None:
    truth = np.array([1, 0.9, 0.5, 0.5, 0.2, 0.1, 0.1, 0.05, 0.04, 0.03, 0.01])
    pair = truth[:, None] + truth[None, :]
    got = propensities((100 * truth[:, None] / pair)[None], np.ones((1, RANKS)), FREE)[0]
    assert got == pytest.approx(truth, rel=1e-6)


def test_nothing_known_gives_the_parent_and_much_known_ignores_it() -> None:
    parent = np.arange(1, RANKS + 1) ** -0.5
    assert propensities(np.zeros((1, RANKS, RANKS)), parent[None], 10.0)[0] == pytest.approx(parent, rel=1e-9)
    truth = 1 / np.arange(1, RANKS + 1)
    hits = 1e7 * truth[:, None] / (truth[:, None] + truth[None, :])
    assert propensities(hits[None], parent[None], 10.0)[0] == pytest.approx(truth, rel=1e-4)


@pytest.mark.parametrize("power", [0.0, 0.6, 1.0, 1.7])
def test_a_power_of_the_parent_is_fitted_to_few_clicks(power: float) -> None:
    """A few hundred clicks tell the one number to .15; without any, the parent stays. SciPy's own minimum is the same."""
    from scipy.optimize import minimize_scalar

    rng = np.random.default_rng(4)
    parent = np.array([1, 0.9, 0.6, 0.4, 0.35, 0.3, 0.2, 0.2, 0.15, 0.1, 0.05])
    truth = parent**power
    hits = rng.poisson(12 * truth[:, None] / (truth[:, None] + truth[None, :])).astype(float)
    got = steepened(np.stack([hits, np.zeros_like(hits)]), np.stack([parent, parent]))
    fitted = np.log(got[0, -1]) / np.log(parent[-1])
    assert got[0] == pytest.approx(parent**fitted) and abs(fitted - power) < 0.15
    assert got[1] == pytest.approx(parent)

    def loss(g: float) -> float:
        share = parent[:, None] ** g / (parent[:, None] ** g + parent[None, :] ** g)
        off = ~np.eye(RANKS, dtype=bool)
        return float(-(hits[off] * np.log(share[off])).sum() + (g - 1) ** 2 / (2 * POWER_SPREAD**2))

    assert fitted == pytest.approx(max(minimize_scalar(loss, bounds=(-1, 4), method="bounded").x, 0.0), abs=1e-4)


def test_the_strength_follows_how_much_cells_differ_from_their_parents() -> None:
    rng = np.random.default_rng(3)
    parent = 1 / np.arange(1, RANKS + 1)

    def cells(spread: float) -> list[Floats]:
        out = []
        for _ in range(40):
            steps = parent[1:] / parent[:-1] * np.exp(spread * rng.normal(size=RANKS - 1))
            own = np.append(1, np.cumprod(steps))
            mean = 400 * own[:, None] / (own[:, None] + own[None, :])
            out.append(rng.poisson(mean).astype(float))
        return out

    equal, different = (fitted_strength(of, of, [parent] * 40) for of in (cells(0.0), cells(0.5)))
    assert equal > 1000 > 100 > different >= WEAKEST
    nothing = [np.zeros((RANKS, RANKS))]
    assert fitted_strength(nothing, nothing, [parent]) == STRONGEST


def test_the_strength_is_near_the_one_that_would_be_chosen_by_the_truth() -> None:
    """Cells of real comparisons, whose hits are more certain than as many clicks."""
    rng = np.random.default_rng(8)
    parent = 1 / np.arange(1, RANKS + 1)
    hits, squares, truths = [], [], []
    for cell in range(12):
        own = np.append(1, np.cumprod(parent[1:] / parent[:-1] * np.exp(0.12 * rng.normal(size=RANKS - 1))))
        n, c = simulated(np.minimum(own, 1), 300, seed=cell)
        hits.append(comparisons(n, c))
        squares.append(comparisons(n, c, power=2))
        truths.append(own)

    def error(strength: float) -> float:
        got = propensities(np.stack(hits), np.tile(parent, (12, 1)), strength)
        return float(np.sqrt(np.mean(np.log(got / np.stack(truths)) ** 2)))

    fitted = fitted_strength(hits, squares, [parent] * 12)
    assert error(fitted) < 1.03 * min(error(s) for s in np.geomspace(WEAKEST, STRONGEST, 40))
