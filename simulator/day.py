"""One simulated day of exactly n searches: sessions of people in rounds (a failed search may be rephrased), and bots."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, fields

import numpy as np

from simulator.arrays import DAY_MS, Bools, Floats, Ints, drawn_rows
from simulator.behaviour import LOCALES
from simulator.bots import bot_batches
from simulator.listeners import Plays
from simulator.people import clients_now, start_times_ms
from simulator.searches import Searches, joined, joined_plays, listened, served, taken
from simulator.world import World

REPHRASE_WITHIN_MS = 118_000
_HOUSEHOLD_MOST = 250


@dataclass(frozen=True)
class Asking:
    """Sessions that search next, one row each.

    `again` is the text key of the failed search that is rephrased, else -1; `left` is the number of needs that the session
    still has.
    """

    user: Ints
    client: Ints
    locale: Ints
    language: Ints
    ms: Ints
    concept: Ints
    again: Ints
    left: Ints

    def only(self, rows: Bools | slice) -> Asking:
        """The given rows of the sessions."""
        return Asking(*(getattr(self, f.name)[rows] for f in fields(self)))


Stream = Callable[..., np.random.Generator]
_BOTS, _SESSIONS, _WORDS, _LISTS, _PLAYS, _NEXT = range(6)  # parts of a day that have random numbers of their own


def _stream(world: World, day: int) -> Stream:
    """The generator of a part of the day: `_stream(world, day)(part, round)`.

    Where a service answers, each part has a generator of its own: what a service answers decides how many numbers its listeners need,
    and with one generator for all everything after that would be another day. So two services face the same sessions, needs and
    words in the first round (common random numbers).
    """
    seed = [world.settings.seed, 1000 + day]
    one = np.random.default_rng(seed)
    return lambda *part: one if world.service is None else np.random.default_rng([*seed, *part])


def simulated_day(world: World, day: int) -> tuple[Searches, Plays]:
    """The searches of the day in order of time, and the plays; deterministic in (seed, day) and the answers."""
    stream = _stream(world, day)
    n = world.settings.searches_per_day
    batches = bot_batches(world, day, n, stream(_BOTS))
    batches += _people(world, day, n - sum(len(b.user) for b, _ in batches), stream)
    starts = np.cumsum([0, *(len(b.user) for b, _ in batches)])
    together = joined([b for b, _ in batches])
    plays = joined_plays(
        [p for _, p in batches], [s + np.arange(len(b.user)) for s, (b, _) in zip(starts, batches, strict=False)]
    )
    order = np.argsort(together.ms, kind="stable")
    place = np.empty(len(order), dtype=np.int64)
    place[order] = np.arange(len(order))
    return taken(together, order), joined_plays([plays], [place])


def _people(world: World, day: int, n: int, stream: Stream) -> list[tuple[Searches, Plays]]:
    """Rounds of searches until there are exactly n; if all sessions end before that, new ones begin."""
    day_end = (world.first_epoch_day + day + 1) * DAY_MS
    cumulative = np.cumsum(world.weights(day), axis=1)
    household = int(
        np.clip(
            round(world.settings.searches_per_day * world.behaviour["household_share"]),
            min(12, n // 5),
            _HOUSEHOLD_MOST,
        )
    )
    out: list[tuple[Searches, Plays]] = []
    asking = _sessions(world, day, int(0.5 * n) + 1, household // 2, cumulative, stream(_SESSIONS, 0))
    number = 0
    while n > 0:
        number += 1
        if not len(asking.user):
            asking = _sessions(world, day, int(0.55 * n) + 1, 0, cumulative, stream(_SESSIONS, number))
        asking = asking.only(slice(0, n))
        surface = (asking.client != 0).astype(np.int64)
        key = world.wordings.drawn(asking.concept, asking.language, surface, stream(_WORDS, number), avoid=asking.again)
        need = asking.concept * len(LOCALES) + asking.locale
        lists = stream(_LISTS, number)
        batch = served(world, day, asking.user, asking.ms, asking.client, asking.locale, key, need, lists)
        outcome = listened(world, batch, stream(_PLAYS, number))
        out.append((batch, outcome.plays))
        n -= len(asking.user)
        goes_on = stream(_NEXT, number)
        asking = _next(world, asking, key, outcome.over_ms, outcome.failed, cumulative, day_end, goes_on)
    return out


def _sessions(world: World, day: int, n: int, household: int, cumulative: Floats, rng: np.random.Generator) -> Asking:
    """n new sessions, the first `household` of them at the shared speaker."""
    who = world.people
    user = drawn_rows(rng, who.activity, n)
    user[:household] = who.household
    locale = who.locale[user]
    ms = (world.first_epoch_day + day) * DAY_MS + start_times_ms(locale, rng)
    # 2 % of sessions are in the other language; at the shared speaker it is half of them.
    other = rng.random(n) < np.where(user == who.household, 0.5, 0.02)
    language = np.where(other, 1 - who.language[user], who.language[user])
    left = np.minimum(rng.geometric(0.6, n), 8)
    concept = _wanted(cumulative, locale, rng)
    return Asking(
        user,
        clients_now(who, user, world.behaviour, rng),
        locale,
        language,
        ms,
        concept,
        np.full(n, -1, dtype=np.int64),
        left,
    )


def _wanted(cumulative: Floats, locale: Ints, rng: np.random.Generator) -> Ints:
    u = rng.random(len(locale))
    out = np.zeros(len(locale), dtype=np.int64)
    for k in range(len(LOCALES)):
        rows = locale == k
        out[rows] = np.searchsorted(cumulative[k], u[rows] * cumulative[k, -1], side="right")
    return np.asarray(np.minimum(out, cumulative.shape[1] - 1), dtype=np.int64)


def _next(
    world: World,
    asked: Asking,
    key: Ints,
    over_ms: Ints,
    failed: Bools,
    cumulative: Floats,
    day_end: int,
    rng: np.random.Generator,
) -> Asking:
    """The sessions that search again: after a failed search some rephrase it at once, others go on to a new need."""
    n = len(asked.user)
    soon = over_ms + 3000 + rng.exponential(9000, n).astype(np.int64)
    again = failed & (rng.random(n) < world.behaviour["rephrase_rate"]) & (soon < REPHRASE_WITHIN_MS)
    later = over_ms + 5000 + np.minimum(rng.exponential(120_000, n), 1_500_000).astype(np.int64)
    ms = asked.ms + np.where(again, soon, later)
    left = np.where(again, asked.left, asked.left - 1)
    goes_on = (left > 0) & (ms < day_end)
    concept = np.where(again, asked.concept, _wanted(cumulative, asked.locale, rng))
    return Asking(
        asked.user, asked.client, asked.locale, asked.language, ms, concept, np.where(again, key, -1), left
    ).only(goes_on)
