"""Click models: the exact E step against sums over everything that may have happened, known parameters, and a log written twice."""

from __future__ import annotations

from itertools import pairwise, product

import numpy as np
import pytest

from benchmarks.click_em import (
    Chain,
    Pages,
    beta_mean,
    chain_em,
    examined_em,
    expected_as_pyclick,
    expected_exactly,
)
from benchmarks.click_models import figures, pages_of, parsed, what_was_seen

ATTRACTION, SATISFACTION = np.array([0.3, 0.6, 0.8, 0.5]), np.array([0.2, 0.7, 0.4, 0.5])
DBN = Chain(ATTRACTION, SATISFACTION, np.array([0.9, 0.9, 0.0]))
CCM = Chain(ATTRACTION, None, np.array([0.9, 0.7, 0.4]))
PAGES = Pages(np.array([[0, 1, 2]] * 8), np.array(list(product([False, True], repeat=3))), np.ones(8), 3)


def _stories(chain: Chain, page: int) -> list[tuple[float, list[tuple[int, int, int, int]]]]:
    """(probability, per rank: examined, attracted, satisfied, went on) of all that may be behind the clicks of a page."""
    a, s = (v[page] for v in chain.of(PAGES))
    clicks, out = PAGES.clicks[page], []
    for happened in product(product([0, 1], [0, 1], [0, 1]), repeat=3):  # attracted, satisfied, went on
        p, examined, story = 1.0, 1, []
        for r, (attracted, satisfied, on) in enumerate(happened):
            clicked = examined and attracted
            p *= (a[r] if attracted else 1 - a[r]) * float(clicked == clicks[r])
            if clicked:
                p *= s[r] if satisfied else 1 - s[r]
                goes = chain.goes_on[2 if satisfied else 1]
            else:
                p *= float(not satisfied)
                goes = chain.goes_on[0] if examined else 0.0
            p *= goes if on else 1 - goes
            story.append((examined, attracted, satisfied, on))
            examined = on
        out.append((p, story))
    return out


@pytest.mark.parametrize("chain", [DBN, CCM])
def test_the_exact_step_is_the_sum_over_all_that_may_have_happened(chain: Chain) -> None:
    attracted, satisfied, went_on, could = expected_exactly(PAGES, chain)
    clicked, _ = chain.conditional(PAGES)
    seen = what_was_seen(clicked, PAGES.clicks)
    for page in range(8):
        stories = _stories(chain, page)
        total = sum(p for p, _ in stories)
        assert seen[page].prod() == pytest.approx(total)
        for r in range(3):

            def share(kind, r: int = r, stories=stories, total: float = total) -> float:
                return sum(p for p, story in stories if kind(*story[r])) / total

            is_click = PAGES.clicks[page, r]
            assert attracted[page, r] == pytest.approx(share(lambda e, a, s, on: a))
            assert satisfied[page, r] == pytest.approx(share(lambda e, a, s, on: s))
            for way in range(3):
                wanted = [0, 1] if way else [0]

                def is_way(e, a, s, on, way=way, is_click=is_click) -> bool:
                    return bool(e) and (s == way - 1 and is_click if way else not is_click)

                assert wanted and could[page, r, way] == pytest.approx(share(is_way))
                both = share(lambda e, a, s, on, is_way=is_way: is_way(e, a, s, on) and on)
                assert went_on[page, r, way] == pytest.approx(both)


@pytest.mark.parametrize("is_click_chain", [False, True])
def test_the_exact_step_never_lowers_what_it_maximises_and_pyclicks_does(is_click_chain: bool) -> None:
    rng = np.random.default_rng(3)
    clicks = rng.random((400, 10)) < 0.3 / np.arange(1, 11)
    log = Pages(rng.integers(0, 40, (400, 10)), clicks, rng.integers(1, 9, 400).astype(float), 40)

    def objective(chain: Chain) -> float:
        seen = what_was_seen(chain.conditional(log)[0], log.clicks)
        free = [chain.attraction[:-1], chain.goes_on] if chain.satisfaction is None else [chain.attraction[:-1]]
        free += [] if chain.satisfaction is None else [chain.satisfaction[:-1], chain.goes_on[:1]]
        # a Beta(2, 2), whose mode is (1 + hits) / (2 + chances)
        prior = sum(float((np.log(v) + np.log(1 - v)).sum()) for v in free)
        return float(log.weights @ np.log(seen).sum(axis=1)) + prior

    def falls(expected) -> int:
        fits = [chain_em(log, is_click_chain=is_click_chain, expected=expected, iterations=n) for n in range(1, 13)]
        values = [objective(f) for f in fits]
        return sum(b < a - 1e-9 for a, b in pairwise(values))

    assert falls(expected_exactly) == 0
    assert falls(expected_as_pyclick) > 0


def test_known_parameters_are_found() -> None:
    rng = np.random.default_rng(11)
    attraction, examination = rng.uniform(0.1, 0.9, 30), 1 / np.arange(1, 6)
    pairs = rng.integers(0, 30, (60_000, 5))
    clicks = rng.random(pairs.shape) < attraction[pairs] * examination
    log = Pages(pairs, clicks, np.ones(len(pairs)), 30)
    a, e = examined_em(log, np.broadcast_to(np.arange(5), pairs.shape), 5, iterations=400)
    assert np.abs(np.log(e / e[0] / examination)).max() < 0.05  # up to one factor, which attraction takes
    assert np.abs(a[:-1] * e[0] - attraction).max() < 0.05
    assert a[-1] == 0.5


def test_pages_that_are_alike_are_counted_once() -> None:
    text = "q1\ta,b : a; q1\ta,b : a;\nq1\tb,a :;"
    train, test = pages_of(list(parsed(text)), list(parsed("q1\ta,c : c; q2\ta,b : a;")))
    assert train.weights.tolist() == [2, 1] and train.pairs.tolist() == [[0, 1], [1, 0]]
    assert train.clicks.tolist() == [[True, False], [False, False]]
    assert test.pairs.tolist() == [[0, train.n_pairs]] and test.weights.tolist() == [1]  # q2 is not known
    apart = Pages(np.repeat(train.pairs, 2, axis=0)[:3], np.array([[1, 0], [1, 0], [0, 0]], bool), np.ones(3), 2)
    apart.pairs[2] = [1, 0]
    for expected in (expected_exactly, expected_as_pyclick):
        fits = [chain_em(p, is_click_chain=True, expected=expected, iterations=5) for p in (train, apart)]
        np.testing.assert_allclose(fits[0].attraction, fits[1].attraction, rtol=1e-12)


def test_the_figures_are_means_over_ranks_and_pages() -> None:
    page = Pages(np.array([[0, 1]]), np.array([[True, False]]), np.array([3.0]), 2)
    full = np.array([[0.5, 0.25]])
    out = figures((full, what_was_seen(full, page.clicks)), page)
    assert out["ll"] == pytest.approx((np.log(0.5) + np.log(0.75)) / 2)
    assert out["ppl_rank"] == pytest.approx([2, 4 / 3]) and out["ppl"] == pytest.approx(5 / 3)
    assert beta_mean(np.array(1.0), np.array(2.0)) == 0.5
