"""The accounts: listeners with locale, language, usual client and very unequal activity; a shared household; bots."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from simulator.arrays import Bools, Floats, Ints, drawn_rows
from simulator.behaviour import CLIENTS, LOCALES, Behaviour

SEARCHES_A_PERSON = 8
FARM_ACCOUNTS = 50
# Share of a locale's listeners who ask in Spanish.
_SPANISH = np.array([0.03, 0.01, 0.97, 0.96, 0.7])
_UTC_OFFSET_H = np.array([-6, 0, 1, -6, -7])


@dataclass(frozen=True)
class People:
    """One row per account: listeners first, then the shared household device, then bots.

    `activity` is the relative number of sessions (0 for household and bots), `household` the row of the household, and `bots`
    maps the kind of bot to its rows.
    """

    locale: Ints
    language: Ints
    client: Ints
    activity: Floats
    household: int
    bots: dict[str, Ints]


def people(behaviour: Behaviour, searches: int, rng: np.random.Generator) -> People:
    """Draw the accounts: about one listener per 8 searches of the simulation, with activity falling as rank^-0.7."""
    n = max(60, searches // SEARCHES_A_PERSON)
    scrapers, replays = 4, 2
    total = n + 1 + scrapers + replays + FARM_ACCOUNTS
    locale = drawn_rows(rng, behaviour.locale_share, total)
    client = drawn_rows(rng, behaviour.client_share, total)
    share = behaviour.client_share
    screen = share * (np.array(CLIENTS) != "alexa")
    bot_client = int(np.argmax(share * np.array([0.0, 1.0, 100.0, 0.5]))) if screen.any() else 0
    household = n
    # The household shares a speaker; in a world without voice it shares a television.
    client[household] = 0 if share[0] > 0 else CLIENTS.index("firetv")
    locale[household] = LOCALES.index("es-US")
    client[n + 1 : n + 1 + scrapers + replays] = bot_client
    farm = np.arange(n + 1 + scrapers + replays, total)
    if screen.any():
        client[farm] = drawn_rows(rng, screen, len(farm))
    locale[farm] = locale[n + 1]
    activity = np.zeros(total)
    activity[:n] = np.arange(1, n + 1, dtype=np.float64) ** -0.7
    bots = {
        "scraper": np.arange(n + 1, n + 1 + scrapers),
        "replay": np.arange(n + 1 + scrapers, n + 1 + scrapers + replays),
        "slow_farm": farm,
    }
    language = (rng.random(total) < _SPANISH[locale]).astype(np.int64)
    return People(locale, language, client, activity, household, bots)


def clients_now(who: People, user: Ints, behaviour: Behaviour, rng: np.random.Generator) -> Ints:
    """The client of each session: 85 % the user's usual one, else one drawn; the household and bots never change theirs."""
    other = drawn_rows(rng, behaviour.client_share, len(user))
    stays: Bools = (rng.random(len(user)) < 0.85) | (user >= who.household)
    return np.where(stays, who.client[user], other)


def start_times_ms(locale: Ints, rng: np.random.Generator) -> Ints:
    """Start times of sessions in milliseconds after 00:00 UTC, with peaks around 8, 13 and 19 h local time."""
    peak = rng.choice(np.array([8.0, 13.0, 19.0]), len(locale), p=[0.25, 0.25, 0.5])
    local = peak + rng.normal(0, 2.2, len(locale))
    return np.asarray(((local - _UTC_OFFSET_H[locale]) % 24 * 3_600_000).astype(np.int64))
