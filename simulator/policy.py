"""The logging policy: a weak ranker (words, popularity, noise) that perturbs 10 % of lists and logs the probability of each."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from simulator.arrays import Floats, Ints, hashed_noise
from simulator.behaviour import LOCALES, Policy
from simulator.retrieval import Retrieval
from simulator.tracks import Tracks

SHOWN = 10
PERTURBED = 0.1


@dataclass(frozen=True)
class Served:
    """One row per request: tracks in served order ([n, SHOWN], -1 after the last) and the probability of that list."""

    results: npt.NDArray[np.int32]
    propensity: Floats


def base_lists(
    retrieval: Retrieval, tracks: Tracks, row: Ints, salt: Ints, locale: Ints, policy: Policy, epoch_day: int, seed: int
) -> npt.NDArray[np.int32]:
    """Unperturbed lists, [n, SHOWN]: a pure function of (request, locale, variant, day), without unreleased tracks.

    Args:
        retrieval: the candidates of the requests.
        tracks: the catalog.
        row: candidate row of each request (`Retrieval.query`).
        salt: stable hash of each request (`Retrieval.query`).
        locale: index in LOCALES of each request.
        policy: the weights of the variant.
        epoch_day: the day, in days since 1970.
        seed: seed of the simulation.
    """
    candidates, text = retrieval.table()
    keys, inverse = np.unique(salt * len(LOCALES) + locale, return_index=True, return_inverse=True)[1:]
    row, salt, locale = row[keys], salt[keys], locale[keys]
    cand = candidates[row]
    noise = hashed_noise(seed, 31, salt[:, None], locale[:, None], policy.first_day, cand)
    score = 6 * policy.text * text[row] + policy.popularity * tracks.popularity[cand] / 25 + policy.noise * noise
    score = np.where((cand < 0) | (tracks.release_day[cand] > epoch_day), -np.inf, score)
    order = np.argsort(-score, axis=1, kind="stable")[:, :SHOWN]
    best = np.take_along_axis(cand, order, axis=1)
    best = np.where(np.isneginf(np.take_along_axis(score, order, axis=1)), -1, best)
    return best[inverse].astype(np.int32)


def perturbed(lists: npt.NDArray[np.int32], is_voice: npt.NDArray[np.bool_], rng: np.random.Generator) -> Served:
    """Perturb 10 % of the lists: a screen swaps one adjacent pair (uniformly), voice moves a rank 2..n to the front (∝ 1/rank).

    `propensity` is the exact probability of the served list. All lists that a request can get are different, so it is .9, or .1
    times the probability of the one change (1 for lists of fewer than two tracks).
    """
    n = len(lists)
    out = lists.copy()
    size = (lists >= 0).sum(axis=1)
    chance = np.where(size >= 2, PERTURBED, 0.0)
    hit = rng.random(n) < chance
    u = rng.random(n)
    propensity = 1.0 - chance

    screens = np.flatnonzero(hit & ~is_voice)
    left = np.minimum((u[screens] * (size[screens] - 1)).astype(np.int64), size[screens] - 2)
    out[screens, left], out[screens, left + 1] = lists[screens, left + 1], lists[screens, left]
    propensity[screens] = PERTURBED / (size[screens] - 1)

    for length in range(2, SHOWN + 1):
        voices = np.flatnonzero(hit & is_voice & (size == length))
        weight = np.arange(2, length + 1, dtype=np.float64) ** -1.0
        share = weight / weight.sum()
        pick = 1 + np.minimum(np.searchsorted(np.cumsum(share), u[voices]), length - 2)
        column = np.arange(SHOWN)[None, :]
        source = np.where(column == 0, pick[:, None], np.where(column <= pick[:, None], column - 1, column))
        out[voices] = np.take_along_axis(lists[voices], source, axis=1)
        propensity[voices] = PERTURBED * share[pick - 1]
    return Served(out, propensity)
