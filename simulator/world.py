"""The world of one simulation, built once: catalog, needs, wordings, relevance, people and logging policy."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from simulator.arrays import Floats, Ints
from simulator.behaviour import Behaviour, drawn_behaviour
from simulator.catalog_file import catalog_rows
from simulator.made_catalog import made_catalog, new_releases
from simulator.needs import Concept, concepts, locale_log_weights
from simulator.people import People, people
from simulator.relevance import Grades, grades, hidden_appeal, locale_taste
from simulator.retrieval import Retrieval
from simulator.settings import BadSimulation, Settings
from simulator.tracks import Tracks, tracks_from
from simulator.wordings import Wordings

# One random stream per concern, so that a new draw in one leaves the others as they were.
_BEHAVIOUR, _TRACKS, _CONCEPTS, _LOCALES, _TASTE, _PEOPLE, _TREND = range(7)
_RELEASE_FADE_DAYS = 12.0


@dataclass(frozen=True)
class Reply:
    """A service's answer: tracks in order, and for the log the variant of the list with its probability."""

    tracks: Sequence[str]
    variant: str
    propensity: float


Service = Callable[[str, str, str], Reply | None]  # of (request, locale, unit); None: no answer


class Texts:
    """Every distinct request text so far: text key → text id, with the candidate row and the hash that the policy needs."""

    def __init__(self, wordings: Wordings, retrieval: Retrieval) -> None:
        self._wordings, self._retrieval = wordings, retrieval
        self._of_key: dict[int, int] = {}
        self._of_text: dict[str, int] = {}
        self.texts: list[str] = []
        self.row: list[int] = []
        self.salt: list[int] = []

    def ids(self, keys: Ints) -> Ints:
        """The text id of each key. The Python loop runs over distinct keys, never over searches."""
        distinct, inverse = np.unique(keys, return_inverse=True)
        return np.array(
            [self._of_key[k] if k in self._of_key else self._added(k) for k in distinct.tolist()], dtype=np.int64
        )[inverse]

    def _added(self, key: int) -> int:
        text = self._wordings.text(key)
        if text not in self._of_text:
            self._of_text[text] = len(self.texts)
            row, salt = self._retrieval.query(text)
            self.texts.append(text)
            self.row.append(row)
            self.salt.append(salt)
        self._of_key[key] = self._of_text[text]
        return self._of_key[key]


@dataclass
class World:
    """One simulated world.

    `service` answers requests in place of the logging policy, where it can. `variants` are the names of what has answered.
    `log_weight` [locales, concepts] is the log traffic share of each concept, and `trend` [concepts] its drift over the simulation.
    """

    settings: Settings
    behaviour: Behaviour
    rows: list[dict[str, Any]]
    tracks: Tracks
    listed: list[Concept]
    wordings: Wordings
    grades: Grades
    retrieval: Retrieval
    people: People
    log_weight: Floats
    trend: Floats
    farm_artist: int
    service: Service | None = None
    texts: Texts = field(init=False)
    variants: list[str] = field(init=False)

    def __post_init__(self) -> None:
        self.texts = Texts(self.wordings, self.retrieval)
        self.variants = [policy.variant for policy in self.behaviour.policies]

    @cached_property
    def track_of(self) -> dict[str, int]:
        """track_id → row of the catalog."""
        return {track_id: row for row, track_id in enumerate(self.tracks.ids)}

    def variant_number(self, name: str) -> int:
        """The index in `variants` of what answered; a new name is added."""
        if name not in self.variants:
            self.variants.append(name)
        return self.variants.index(name)

    @property
    def first_epoch_day(self) -> int:
        """The first folder's date as days since 1970."""
        return (self.settings.first_date - date(1970, 1, 1)).days

    def weights(self, day: int) -> Floats:
        """Traffic of each concept on a day, [locales, concepts], with its trend; 0 for a title before its release day."""
        log = self.log_weight + self.trend * (day / max(1, self.settings.days))
        out = np.exp(log)
        for c, concept in enumerate(self.listed):
            if concept.kind in ("title", "title_artist"):
                age = self.first_epoch_day + day - int(self.tracks.release_day[concept.target[0]])
                if age <= self.settings.days:  # released inside or shortly before the simulated days
                    out[:, c] *= np.exp(-age / _RELEASE_FADE_DAYS) if age >= 0 else 0.0
        return np.asarray(out)


def built_world(settings: Settings) -> World:
    """Read or generate the catalog and draw the world of this seed. Raises BadSimulation for an unreadable catalog."""
    seed, searches = settings.seed, settings.days * settings.searches_per_day

    def rng(stream: int) -> np.random.Generator:
        return np.random.default_rng([seed, stream])

    behaviour = drawn_behaviour(settings.world, settings.days, rng(_BEHAVIOUR))
    rows = (
        catalog_rows(Path(settings.catalog))
        if settings.catalog
        else made_catalog(settings.catalog_tracks, settings.first_date, seed)
    )
    coming = min(400, round(behaviour["new_release_share"] * len(rows)))
    rows += new_releases(rows, coming, settings.first_date, settings.days, seed)
    tracks = tracks_from(rows, rng(_TRACKS))
    appeal = hidden_appeal(tracks, behaviour, seed)
    first = (settings.first_date - date(1970, 1, 1)).days
    listed = concepts(tracks, behaviour, searches, first, rng(_CONCEPTS))
    taste = locale_taste(tracks, behaviour, rng(_TASTE))
    trend = rng(_TREND).normal(0, behaviour["trend_sd"], len(listed))
    artists = [c.target[1] for c in listed if c.kind == "artist"]
    if len(artists) < 5:
        raise BadSimulation(
            f"catalog={settings.catalog}: expected at least 5 artists and titles in letters a to z that people could "
            f"say in English or Spanish, found {len(artists)}. Give another catalog."
        )
    return World(
        settings,
        behaviour,
        rows,
        tracks,
        listed,
        Wordings(listed, behaviour, seed),
        grades(listed, tracks, appeal, taste, seed),
        Retrieval(tracks, seed),
        people(behaviour, searches, rng(_PEOPLE)),
        locale_log_weights(listed, rng(_LOCALES)),
        trend,
        # The click farm promotes an artist of medium popularity, whom the policy does not rank first.
        farm_artist=artists[int(len(artists) * rng(_TREND).uniform(0.5, 0.8))],
    )


def day_of(settings: Settings, day: int) -> date:
    """The date of folder number `day` (0-based)."""
    return settings.first_date + timedelta(days=day)
