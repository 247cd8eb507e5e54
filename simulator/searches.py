"""Batches of searches as arrays: serve them and simulate the listening; a batch is one round of many sessions."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from simulator.arrays import Bools, Floats, Ints
from simulator.behaviour import LOCALES
from simulator.listeners import Outcome, Plays, on_screens, on_voice
from simulator.policy import SHOWN, base_lists, perturbed
from simulator.relevance import BROAD
from simulator.world import World


@dataclass(frozen=True)
class Searches:
    """One row per search: `ms` since 1970, `need` (-1 for bots), `text` a text id, `variant` an index of `World.variants`."""

    user: Ints
    ms: Ints
    client: Ints
    locale: Ints
    text: Ints
    need: Ints
    results: npt.NDArray[np.int32]
    variant: Ints
    propensity: Floats


def variant_of(world: World, day: int) -> int:
    """The index of the policy that serves on a day."""
    return max(k for k, p in enumerate(world.behaviour.policies) if p.first_day <= day)


def served(
    world: World,
    day: int,
    user: Ints,
    ms: Ints,
    client: Ints,
    locale: Ints,
    key: Ints,
    need: Ints,
    rng: np.random.Generator,
) -> Searches:
    """Answer each request with the policy of the day, and where a service answers, with that; `key` are text keys.

    All arrays have one row per request.
    """
    text = world.texts.ids(key)
    variant = variant_of(world, day)
    row, salt = (np.array(x, dtype=np.int64)[text] for x in (world.texts.row, world.texts.salt))
    lists = base_lists(
        world.retrieval,
        world.tracks,
        row,
        salt,
        locale,
        world.behaviour.policies[variant],
        world.first_epoch_day + day,
        world.settings.seed,
    )
    answer = perturbed(lists, client == 0, rng)
    results, propensity, variants = answer.results, answer.propensity, np.full(len(user), variant)
    if world.service is not None:
        _answered(world, user, locale, text, results, variants, propensity)
    return Searches(user, ms, client, locale, text, need, results, variants, propensity)


def _answered(
    world: World,
    user: Ints,
    locale: Ints,
    text: Ints,
    results: npt.NDArray[np.int32],
    variants: Ints,
    propensity: Floats,
) -> None:
    """Put what the service answers in place of the policy's lists; a request that it does not answer keeps them."""
    assert world.service is not None
    for i, (who, where, what) in enumerate(zip(user.tolist(), locale.tolist(), text.tolist(), strict=True)):
        reply = world.service(world.texts.texts[what], LOCALES[where], f"u{who}")
        if reply is None:
            continue
        rows = [world.track_of[t] for t in reply.tracks[:SHOWN]]
        results[i] = -1
        results[i, : len(rows)] = rows
        variants[i], propensity[i] = world.variant_number(reply.variant), reply.propensity


def liking_left(world: World, batch: Searches) -> Floats:
    """The share of liking that a track has left behind earlier ones of its artist, [n, SHOWN]: (1 − fatigue)^earlier on broad needs.

    Source: the gain of a list for a nugget that was seen before, Clarke et al. 2008.
    """
    fatigue = world.behaviour["artist_fatigue"]
    left = np.ones(batch.results.shape)
    if fatigue > 0:
        kinds = np.array([concept.kind in BROAD for concept in world.listed])
        is_broad = (batch.need >= 0) & kinds[np.maximum(batch.need, 0) // len(LOCALES)]
        artist = np.where(batch.results >= 0, world.tracks.artist[batch.results], -1)
        for rank in range(1, SHOWN):
            earlier = (artist[:, :rank] == artist[:, rank : rank + 1]).sum(axis=1)
            left[:, rank] = np.where(is_broad, (1.0 - fatigue) ** earlier, 1.0)
    return left


def listened(world: World, batch: Searches, rng: np.random.Generator) -> Outcome:
    """Simulate the reactions of the listeners of a batch to its lists, on voice and on screens."""
    shown = batch.results >= 0
    grade = world.grades.of(batch.need[:, None], batch.results.astype(np.int64))
    duration = world.tracks.duration_ms[batch.results]
    left = liking_left(world, batch)
    voice, screen = np.flatnonzero(batch.client == 0), np.flatnonzero(batch.client != 0)
    of_voice = (grade[voice], shown[voice], duration[voice], left[voice])
    of_screen = (grade[screen], shown[screen], duration[screen], batch.client[screen], left[screen])
    parts = [
        (voice, on_voice(*of_voice, world.behaviour, rng)),
        (screen, on_screens(*of_screen, world.behaviour, rng)),
    ]
    over, failed = np.zeros(len(batch.user), dtype=np.int64), np.zeros(len(batch.user), dtype=bool)
    for rows, outcome in parts:
        over[rows], failed[rows] = outcome.over_ms, outcome.failed
    return Outcome(joined_plays([o.plays for _, o in parts], [rows for rows, _ in parts]), over, failed)


def joined_plays(parts: list[Plays], rows: list[Ints]) -> Plays:
    """Plays of several batches as one; `rows[k]` maps batch k's search rows to the joined ones."""
    search = np.concatenate([r[p.search] for p, r in zip(parts, rows, strict=True)])
    names = [f for f in Plays.__dataclass_fields__ if f != "search"]
    return Plays(search, *(np.concatenate([getattr(p, f) for p in parts]) for f in names))


def joined(parts: list[Searches]) -> Searches:
    """Several batches as one, in order."""
    return Searches(*(np.concatenate([getattr(p, f) for p in parts]) for f in Searches.__dataclass_fields__))


def taken(batch: Searches, rows: Ints) -> Searches:
    """Some rows of a batch, in the order of `rows`."""
    return Searches(*(getattr(batch, f)[rows] for f in Searches.__dataclass_fields__))


def scripted(search: Ints, rank: Ints, dwell_ms: Ints, end: Ints, clicked: Bools) -> Plays:
    """Scripted plays of bots: (search, rank) must ascend; tracks play one after the other with a short pause between."""
    begins = np.concatenate([[True], search[1:] != search[:-1]]) if len(search) else np.zeros(0, dtype=bool)
    step = dwell_ms + 1200
    total = np.cumsum(step) - step
    base = total[np.maximum.accumulate(np.where(begins, np.arange(len(search)), 0))] if len(search) else total
    start = 900 + total - base
    return Plays(search, rank, start.astype(np.int64), dwell_ms, end, np.zeros(len(search), dtype=bool), clicked)
