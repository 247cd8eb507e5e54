"""Click models fitted by expectation maximisation over aggregated logs: position-based, user-browsing, and chain models.

What a model needs of a log is counted first, so that an iteration costs what distinct pages cost, not what searches cost:

- `examined_em`: a click needs examination and attraction; examination depends on a place alone. Places are ranks in the position-based
  model (Richardson et al. WWW 2007; Chuklin, Markov & de Rijke 2015, §3.2), (rank, rank of the click before) in the user-browsing
  model (Dupret & Piwowarski SIGIR 2008).
- `chain_em`: a listener reads from the top, and goes on or leaves. Dynamic Bayesian network (Chapelle & Zhang WWW 2009): she goes on
  with one probability, unless the clicked track satisfied her. Click chain (Guo et al. WWW 2009): three probabilities of going on,
  after no click, after a click, and after a click on what is relevant, whose relevance is its attraction.

Every parameter begins at 1/2 and is (1 + hits) / (2 + chances) after a step, the mean under a Beta(1, 1), at most MOST.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]

MOST = 1 - 1e-6
ITERATIONS = 50


@dataclass(frozen=True)
class Pages:
    """Distinct result pages with their clicks.

    Attributes:
        pairs: the (query, document) at each rank, numbered, [pages, ranks]; `n_pairs` stands for all that training did not show.
        clicks: whether it was clicked, [pages, ranks].
        weights: how many searches had this page and these clicks, [pages].
        n_pairs: how many pairs training showed.
    """

    pairs: Ints
    clicks: Bools
    weights: Floats
    n_pairs: int

    @property
    def ranks(self) -> int:
        """Results on a page."""
        return int(self.pairs.shape[1])

    @property
    def last_click(self) -> Ints:
        """Rank of the last click, counted from 0; the number of ranks where nothing was clicked, [pages]."""
        last = self.ranks - 1 - self.clicks[:, ::-1].argmax(axis=1)
        return np.where(self.clicks.any(axis=1), last, self.ranks)

    @property
    def click_before(self) -> Ints:
        """Rank of the nearest click above each rank; the last rank, ranks − 1, stands for none, [pages, ranks]."""
        before = np.full(self.clicks.shape, self.ranks - 1)
        latest = np.full(len(self.clicks), self.ranks - 1)
        for r in range(self.ranks):
            before[:, r] = latest
            latest = np.where(self.clicks[:, r], r, latest)
        return before

    def by_pair(self, values: npt.ArrayLike) -> Floats:
        """The weighted sum of values [pages, ranks] by pair, [n_pairs + 1]."""
        weighted = np.asarray(values, float) * self.weights[:, None]
        return added(self.pairs, weighted, self.n_pairs + 1)


def added(key: Ints, values: npt.ArrayLike, size: int) -> Floats:
    """The sum of the values by key, [size]."""
    return np.bincount(key.ravel(), np.asarray(values, float).ravel(), size).astype(float)


def beta_mean(hits: Floats, chances: Floats) -> Floats:
    """(1 + hits) / (2 + chances): the mean under a Beta(1, 1)."""
    return np.asarray((1.0 + hits) / (2.0 + chances), float)


def of_unseen(values: Floats) -> Floats:
    """The values by pair with 1/2 for what training did not show."""
    return np.append(values[:-1], 0.5)


def examined_em(pages: Pages, places: Ints, n_places: int, iterations: int = ITERATIONS) -> tuple[Floats, Floats]:
    """Attraction by pair, with 1/2 for what training did not show, and examination by place.

    Args:
        pages: the training log.
        places: the place of each result, [pages, ranks]; what examination depends on.
        n_places: how many places there are.
        iterations: steps.
    """
    key = pages.pairs * n_places + places
    weights = np.broadcast_to(pages.weights[:, None], pages.pairs.shape)
    size = (pages.n_pairs + 1) * n_places
    shown, clicked = added(key, weights, size), added(key, weights * pages.clicks, size)
    [used] = np.nonzero(shown)
    cells = Cells(used // n_places, used % n_places, shown[used], clicked[used], pages.n_pairs + 1, n_places)
    attraction, examination = em_over_cells(cells, iterations)
    return of_unseen(attraction), examination


@dataclass(frozen=True)
class Cells:
    """A log counted by (pair, place): all that a model of examination by place needs.

    Attributes:
        pair: number of the pair, [cells].
        place: number of the place, [cells].
        shown: impressions, [cells].
        clicked: clicks, [cells].
        n_pairs: how many pairs there are.
        n_places: how many places there are.
    """

    pair: Ints
    place: Ints
    shown: Floats
    clicked: Floats
    n_pairs: int
    n_places: int


def em_over_cells(
    cells: Cells, iterations: int = ITERATIONS, prior: tuple[float, float] = (1.0, 1.0)
) -> tuple[Floats, Floats]:
    """Attraction by pair, [n_pairs], and examination by place, [n_places].

    Args:
        cells: the counts.
        iterations: steps.
        prior: hits and misses that are added to the counts of each pair; places get 1 and 1.
    """
    pair, place, clicked, skipped = cells.pair, cells.place, cells.clicked, cells.shown - cells.clicked
    attraction, examination = np.full(cells.n_pairs, 0.5), np.full(cells.n_places, 0.5)
    of_pair, of_place = added(pair, cells.shown, cells.n_pairs), added(place, cells.shown, cells.n_places)
    for _ in range(iterations):
        a, e = attraction[pair], examination[place]
        attracted = added(pair, clicked + skipped * a * (1 - e) / (1 - a * e), cells.n_pairs)
        examined = added(place, clicked + skipped * e * (1 - a) / (1 - a * e), cells.n_places)
        attraction = np.minimum((prior[0] + attracted) / (sum(prior) + of_pair), MOST)
        examination = np.minimum(beta_mean(examined, of_place), MOST)
    return attraction, examination


@dataclass(frozen=True)
class Chain:
    """Parameters of a chain model.

    Attributes:
        attraction: by pair, [n_pairs + 1].
        satisfaction: by pair; None in the click chain model, where it is the attraction.
        goes_on: probability of going on after no click, after a click without satisfaction, and after one with it, [3].
    """

    attraction: Floats
    satisfaction: Floats | None
    goes_on: Floats

    def of(self, pages: Pages) -> tuple[Floats, Floats]:
        """Attraction and satisfaction of each result, [pages, ranks]."""
        a = self.attraction[pages.pairs]
        return a, a if self.satisfaction is None else self.satisfaction[pages.pairs]

    def after_click(self, satisfaction: Floats) -> Floats:
        """Probability of going on after a click."""
        after: Floats = (1 - satisfaction) * self.goes_on[1] + satisfaction * self.goes_on[2]
        return after

    def full(self, pages: Pages) -> tuple[Floats, Floats]:
        """Probabilities of a click, and of examination, of each result before anything is known of the page, [pages, ranks]."""
        a, s = self.of(pages)
        examined = np.ones_like(a)
        on = (1 - a) * self.goes_on[0] + a * self.after_click(s)
        examined[:, 1:] = np.cumprod(on, axis=1)[:, :-1]
        return a * examined, examined

    def conditional(self, pages: Pages) -> tuple[Floats, Floats]:
        """Probabilities of a click, and of examination, of each result given the clicks above it, [pages, ranks]."""
        a, s = self.of(pages)
        return _conditional(a, self.after_click(s), float(self.goes_on[0]), pages.clicks)


def _conditional(a: Floats, after_click: Floats, after_none: float, clicks: Bools) -> tuple[Floats, Floats]:
    clicked, examined = np.empty(clicks.shape), np.empty(clicks.shape)
    now = np.ones(len(clicks))
    for r in range(clicks.shape[1]):
        examined[:, r] = now
        clicked[:, r] = a[:, r] * now
        now = np.where(clicks[:, r], after_click[:, r], now * after_none * (1 - a[:, r]) / (1 - clicked[:, r]))
    return clicked, examined


Expected = Callable[[Pages, Chain], tuple[Floats, Floats, Floats, Floats]]


def chain_em(pages: Pages, *, is_click_chain: bool, expected: Expected, iterations: int = ITERATIONS) -> Chain:
    """Fit a chain model.

    Args:
        pages: the training log.
        is_click_chain: the click chain model; else the dynamic Bayesian network.
        expected: the E step, `expected_exactly` or `expected_as_pyclick`: expected attraction [pages, ranks], expected satisfaction
            of the clicked results, and the expected numbers of going on, and of chances to, each [pages, ranks, 3].
        iterations: steps.
    """
    half = np.full(pages.n_pairs + 1, 0.5)
    chain = Chain(half, None if is_click_chain else half, np.array([0.5, 0.5, 0.5 if is_click_chain else 0.0]))
    shown, clicked = pages.by_pair(np.ones(pages.clicks.shape)), pages.by_pair(pages.clicks)
    for _ in range(iterations):
        attracted, satisfied, went_on, could = expected(pages, chain)
        on, chances = (np.einsum("p,prk->k", pages.weights, v) for v in (went_on, could))
        attraction, satisfaction = pages.by_pair(attracted), pages.by_pair(satisfied)
        if is_click_chain:
            attraction = np.minimum(beta_mean(attraction + satisfaction, shown + clicked), MOST)
            chain = Chain(of_unseen(attraction), None, np.minimum(beta_mean(on, chances), MOST))
        else:
            # one probability of going on, whether there was a click or not; a satisfied listener leaves
            both = float(np.minimum(beta_mean(on[:2].sum(), chances[:2].sum()), MOST))
            chain = Chain(
                of_unseen(np.minimum(beta_mean(attraction, shown), MOST)),
                of_unseen(np.minimum(beta_mean(satisfaction, clicked), MOST)),
                np.array([both, both, 0.0]),
            )
    return chain


def expected_exactly(pages: Pages, chain: Chain) -> tuple[Floats, Floats, Floats, Floats]:
    """The E step by the forward and backward recursion over examination (Baum et al. 1970): exact posteriors of each page."""
    a, s = chain.of(pages)
    clicks, ranks = pages.clicks, pages.ranks
    _, examined = chain.conditional(pages)
    none, unsatisfied, satisfied = chain.goes_on
    # of the clicks from a rank on: their probability if the rank is examined, and if it is not (1 if there are none)
    nothing = np.ones((len(clicks), ranks + 1))
    nothing[:, :-1] = ~np.logical_or.accumulate(clicks[:, ::-1], axis=1)[:, ::-1]
    below = np.ones((len(clicks), ranks + 1))
    attracted, satisfaction = np.empty(clicks.shape), np.zeros(clicks.shape)
    went_on, could = np.zeros((*clicks.shape, 3)), np.zeros((*clicks.shape, 3))
    for r in range(ranks - 1, -1, -1):
        on, off = below[:, r + 1], nothing[:, r + 1]
        c, ar, sr, er = clicks[:, r], a[:, r], s[:, r], examined[:, r]
        # the ways a click can be followed: unsatisfied or satisfied, going on or leaving
        ways = np.stack(
            [
                (1 - sr) * unsatisfied * on,
                (1 - sr) * (1 - unsatisfied) * off,
                sr * satisfied * on,
                sr * (1 - satisfied) * off,
            ]
        )
        followed = ways.sum(axis=0)
        ways = np.where(c, ways / np.where(c, followed, 1.0), 0.0)
        satisfaction[:, r] = ways[2] + ways[3]
        went_on[:, r, 1], went_on[:, r, 2] = ways[0], ways[2]
        could[:, r, 1], could[:, r, 2] = ways[0] + ways[1], ways[2] + ways[3]
        # no click: examined and going on, examined and leaving, not examined
        reads = np.stack([er * (1 - ar) * none * on, er * (1 - ar) * (1 - none) * off, (1 - er) * off])
        reads = np.where(c, 0.0, reads / np.where(c, 1.0, reads.sum(axis=0)))
        went_on[:, r, 0], could[:, r, 0] = reads[0], reads[0] + reads[1]
        attracted[:, r] = np.where(c, 1.0, reads[2] * ar)
        below[:, r] = np.where(c, ar * followed, (1 - ar) * (none * on + (1 - none) * off))
    return attracted, satisfaction, went_on, could


def expected_as_pyclick(pages: Pages, chain: Chain) -> tuple[Floats, Floats, Floats, Floats]:
    """The E step as PyClick 0.x computes it, with its four departures from the models; only to compare with its figures.

    On a page without a click no attraction is expected and leaving is impossible; the likelihood of the clicks below rank r reads the
    parameters of the first ranks instead of those below r; no click where nothing was examined has probability 1 − attraction instead
    of 1; attraction uses the examination that is expected before anything is known of the page.
    """
    a, s = chain.of(pages)
    clicks, ranks, last = pages.clicks, pages.ranks, pages.last_click
    rank = np.arange(ranks)
    none, unsatisfied, satisfied = chain.goes_on
    _, before = chain.full(pages)
    _, examined = chain.conditional(pages)
    follows = chain.after_click(s)
    any_below = np.zeros((len(clicks), ranks + 1))  # a click at the rank or below, if the rank is examined
    for r in range(ranks - 1, -1, -1):
        any_below[:, r] = a[:, r] + (1 - a[:, r]) * none * any_below[:, r + 1]
    is_after = rank >= last[:, None]
    attracted = np.where(clicks, 1.0, np.where(is_after, a * (1 - before) / (1 - before * any_below[:, :-1]), 0.0))
    is_last = clicks & (rank == last[:, None])
    satisfaction = np.where(is_last, s / (1 - follows * any_below[:, 1:]), 0.0)
    went_on, could = np.zeros((*clicks.shape, 3)), np.zeros((*clicks.shape, 3))
    for r in range(ranks):
        rest = clicks[:, r + 1 :]
        first = slice(0, ranks - r - 1)
        seen, _ = _conditional(a[:, first], follows[:, first], float(none), rest)
        on = np.where(rest, seen, 1 - seen).prod(axis=1)
        off = (last <= r).astype(float)
        c, ar, sr, er = clicks[:, r], a[:, r], s[:, r], examined[:, r]
        clicked = [
            er * ar * (1 - sr) * unsatisfied * on,
            er * ar * (1 - sr) * (1 - unsatisfied) * off,
            er * ar * sr * satisfied * on,
            er * ar * sr * (1 - satisfied) * off,
        ]
        skipped = [er * (1 - ar) * none * on, er * (1 - ar) * (1 - none) * off, (1 - er) * (1 - ar) * off]
        total = np.where(c, sum(clicked), sum(skipped))
        went_on[:, r, 0], could[:, r, 0] = (np.where(c, 0.0, v) / total for v in (skipped[0], skipped[0] + skipped[1]))
        went_on[:, r, 1], could[:, r, 1] = (np.where(c, v, 0.0) / total for v in (clicked[0], clicked[0] + clicked[1]))
        went_on[:, r, 2], could[:, r, 2] = (np.where(c, v, 0.0) / total for v in (clicked[2], clicked[2] + clicked[3]))
    return attracted, satisfaction, went_on, could
