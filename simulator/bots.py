"""Traffic without a need: fast scrapers, replays and the slow click farm. (The household speaker counts as a person.)"""

from __future__ import annotations

import numpy as np

from simulator.arrays import DAY_MS, Floats, Ints, drawn_rows
from simulator.listeners import COMPLETE, SKIP, STOP, Plays
from simulator.searches import Searches, scripted, served
from simulator.wordings import ERRORS
from simulator.world import World

FASTEST_A_DAY = 900  # searches of a scraper in one burst, 4 to 9 seconds apart
FARM_MOST_A_DAY = 6  # a human pace: no farm account has more searches


def bot_batches(world: World, day: int, n: int, rng: np.random.Generator) -> list[tuple[Searches, Plays]]:
    """The searches and plays of the bots on a day of n searches in total."""
    b = world.behaviour
    return [
        _scrapers(world, day, round(n * b["scraper_share"]), rng),
        _replays(world, day, round(n * b["replay_share"]), rng),
        _farm(world, day, round(n * b["farm_share"]), rng),
    ]


def _asked(
    world: World, day: int, user: Ints, offset_ms: Floats, concept: Ints, rng: np.random.Generator, clean: bool = False
) -> Searches:
    """Requests of bots in the wordings of people; with `clean` always the most frequent wording without an error."""
    client, locale, language = world.people.client[user], world.people.locale[user], world.people.language[user]
    surface = (client != 0).astype(np.int64)
    key = world.wordings.drawn(concept, language, surface, rng)
    if clean:
        key = world.wordings.first[concept, language, surface] * (ERRORS + 1)
    ms = (world.first_epoch_day + day) * DAY_MS + np.clip(offset_ms, 0, DAY_MS - 1).astype(np.int64)
    return served(world, day, user, ms, client, locale, key, np.full(len(user), -1, dtype=np.int64), rng)


def _scrapers(world: World, day: int, n: int, rng: np.random.Generator) -> tuple[Searches, Plays]:
    """Hundreds of searches per hour over the whole range of titles; even accounts click everything, odd ones nothing."""
    accounts = world.people.bots["scraper"]
    active = min(len(accounts), max(2, -(-n // FASTEST_A_DAY)))
    turn = np.arange(n) % active
    known = np.array([c for c, x in enumerate(world.listed) if x.kind in ("title", "artist", "title_artist")])
    concept = known[rng.integers(0, len(known), n)]
    begins = rng.integers(0, DAY_MS // 2, active)
    pace = rng.uniform(4000, 9000, active)
    offset = begins[turn] + (np.arange(n) // active) * pace[turn] + rng.uniform(0, 1500, n)
    batch = _asked(world, day, accounts[turn], offset, concept, rng)
    everything = (turn % 2 == 0)[:, None] & (batch.results >= 0)
    voice = batch.client == 0
    everything[:, 0] |= voice & (batch.results[:, 0] >= 0)  # on voice the first track always begins to sound
    search, rank = np.nonzero(everything)
    end = np.where(voice[search] & (turn[search] % 2 == 0), SKIP, STOP)
    return batch, scripted(search, rank, rng.integers(200, 900, len(search)), end, ~voice[search])


def _replays(world: World, day: int, n: int, rng: np.random.Generator) -> tuple[Searches, Plays]:
    """Replays: the same request and the same track again and again, all day."""
    accounts = world.people.bots["replay"]
    turn = np.arange(n) % len(accounts)
    own = np.random.default_rng([world.settings.seed, 99])
    titles = np.array([c for c, x in enumerate(world.listed) if x.kind == "title_artist"])
    concept = titles[own.integers(0, len(titles), len(accounts))]
    offset = (np.arange(n) + rng.uniform(0, 0.2, n)) * (DAY_MS / max(1, n))
    batch = _asked(world, day, accounts[turn], offset, concept[turn], rng, clean=True)
    favourite = np.array([world.listed[c].target[0] for c in concept])[turn]
    hit = batch.results == favourite[:, None]
    missing = ~hit.any(axis=1)
    hit[missing, 0] = batch.results[missing, 0] >= 0
    search, rank = np.nonzero(hit if not (batch.client == 0).any() else (np.cumsum(hit[:, ::-1], axis=1)[:, ::-1] > 0))
    last = hit[search, rank]
    dwell = np.where(last, world.tracks.duration_ms[batch.results[search, rank]], 1000)
    return batch, scripted(
        search, rank, dwell.astype(np.int64), np.where(last, COMPLETE, SKIP), batch.client[search] != 0
    )


def _farm(world: World, day: int, n: int, rng: np.random.Generator) -> tuple[Searches, Plays]:
    """The click farm: fifty accounts at a human pace that play one artist's tracks at any rank, and nothing else."""
    accounts, artist = world.people.bots["slow_farm"], world.farm_artist
    n = min(n, len(accounts) * FARM_MOST_A_DAY)
    user = rng.permutation(np.tile(accounts, FARM_MOST_A_DAY))[:n]
    own = [c for c, x in enumerate(world.listed) if x.kind == "artist" and x.target[1] == artist]
    songs = np.flatnonzero(world.tracks.artist == artist)
    liked = world.tracks.genre_fit[songs].sum(axis=0)
    wide = [c for c, x in enumerate(world.listed) if x.kind == "genre" and liked[x.target[0]] > 0] or own
    concept = np.where(
        rng.random(n) < 0.6, np.array(own)[rng.integers(0, len(own), n)], np.array(wide)[rng.integers(0, len(wide), n)]
    )
    offset = drawn_rows(rng, np.array([1.0, 1, 1, 2, 3, 3, 4, 3]), n) * (DAY_MS // 8) + rng.uniform(
        0, DAY_MS // 8 - 1, n
    )
    batch = _asked(world, day, user, offset, concept, rng)
    theirs = (batch.results >= 0) & (world.tracks.artist[batch.results] == artist)
    voice = batch.client == 0
    reached = np.cumsum(theirs[:, ::-1], axis=1)[:, ::-1] > 0  # on voice every track up to the artist's last one sounds
    search, rank = np.nonzero(np.where(voice[:, None], reached, theirs))
    wanted = theirs[search, rank]
    whole = world.tracks.duration_ms[batch.results[search, rank]]
    dwell = np.where(wanted, whole, rng.integers(900, 2500, len(search)))
    return batch, scripted(search, rank, dwell.astype(np.int64), np.where(wanted, COMPLETE, SKIP), ~voice[search])
