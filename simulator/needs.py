"""What listeners want: concepts (a recording, an artist, a genre of a decade, …) and their traffic in each locale."""

from __future__ import annotations

import itertools
import re
from dataclasses import dataclass
from functools import cache

import numpy as np

from simulator.arrays import Bools, Floats, Ints, drawn_rows, zipf_shares
from simulator.behaviour import LOCALES, Behaviour
from simulator.lexicon import feelings, file, folded, genres
from simulator.tracks import Tracks

KINDS = ("title", "artist", "title_artist", "album", "genre", "genre_decade", "mood", "activity", "open")
_SHARE = {
    "title": 0.3,
    "artist": 0.19,
    "title_artist": 0.13,
    "album": 0.05,
    "genre": 0.1,
    "genre_decade": 0.07,
    "mood": 0.07,
    "activity": 0.05,
    "open": 0.04,
}
_SEARCHES_A_CONCEPT = {"title": 160, "artist": 450, "title_artist": 320, "album": 1200}
_SPEAKABLE = re.compile(r"^[a-z0-9 ]{2,40}$")


@dataclass(frozen=True)
class Concept:
    """One thing that listeners can want, in any locale; a concept in one locale is a need.

    Args:
        kind: one of KINDS.
        slots: its parts by name, such as title and artist.
        target: (track, code of work, artist or album), (genre, decade or 0), (feeling, 0), or (0, 0) for an open need.
        weight: its share of the traffic, before the preferences of a locale.
        spanish: whether it is of Spanish-language music.
        home: the locales where it is most at home; empty for titles, artists and albums.
    """

    kind: str
    slots: dict[str, str]
    target: tuple[int, ...]
    weight: float
    spanish: bool
    home: tuple[str, ...]


@cache
def speakable(text: str) -> bool:
    """Whether people would say it: 2 to 40 characters in at most five words of letters a to z and digits, with a letter."""
    plain = folded(text)
    return bool(_SPEAKABLE.match(plain)) and len(plain.split()) <= 5 and any(c.isalpha() for c in plain)


def concepts(
    tracks: Tracks, behaviour: Behaviour, searches: int, first_day: int, rng: np.random.Generator
) -> list[Concept]:
    """All concepts with their weight in traffic; within a kind it falls as Zipf, and popular concepts mostly come first.

    The works of one title divide its weight by their fame.

    Args:
        tracks: the catalog.
        behaviour: the drawn behaviour.
        searches: searches of the whole simulation; more searches give more concepts.
        first_day: days since 1970 of the first folder.
        rng: random generator.
    """
    power = behaviour["need_zipf"]
    count = {k: int(np.clip(searches / v, 15, 6000)) for k, v in _SEARCHES_A_CONCEPT.items()}
    liked = tracks.latent / 12 + rng.normal(0, 1.0, len(tracks))
    ok = (
        np.array([speakable(b) and speakable(a) for b, a in zip(tracks.bare, tracks.artist_names, strict=True)])
        & ~tracks.is_karaoke
    )
    out = _titles(tracks, liked, ok, count["title"], behaviour, rng)
    plain = ok & ~tracks.is_version
    for kind, code in (("artist", tracks.artist), ("title_artist", tracks.work), ("album", tracks.album)):
        usable = (
            plain & np.array([bool(p) and speakable(a) for p, a in zip(plain, tracks.albums, strict=True)])
            if kind == "album"
            else plain
        )
        for rank, i in enumerate(_best_of(code, liked, usable, count[kind])):
            slots = {"artist": tracks.artist_names[i]}
            slots |= (
                {"title": tracks.bare[i]}
                if kind == "title_artist"
                else {"album": tracks.albums[i]}
                if kind == "album"
                else {}
            )
            weight = _SHARE[kind] * zipf_shares(count[kind], power)[rank]
            out.append(Concept(kind, slots, (int(i), int(code[i])), weight, bool(tracks.spanish[i]), ()))
    out += _broad(tracks, power, rng)
    return out + _releases(tracks, first_day, rng)


def _best_of(code: Ints, liked: Floats, usable: Bools, n: int) -> Ints:
    """The usable row with the greatest `liked` of each code, for the n best codes, best first."""
    order = np.argsort(-np.where(usable, liked, -np.inf), kind="stable")[: int(usable.sum())]
    _, first = np.unique(code[order], return_index=True)
    return np.asarray(order[np.sort(first)][:n], dtype=np.int64)


def _titles(
    tracks: Tracks, liked: Floats, ok: Bools, n: int, behaviour: Behaviour, rng: np.random.Generator
) -> list[Concept]:
    """Title concepts by popularity, with titles that many songs share spread over the head; works divide a title by fame."""
    shared = [
        folded(t)
        for pair in itertools.zip_longest(*(file("words")["shared"][lang] for lang in ("en", "es")))
        for t in pair
        if t
    ]
    ranked = [int(i) for i in _best_of(tracks.shared, liked, ok & ~tracks.is_version, len(tracks))]
    by_name = {folded(tracks.bare[i]): i for i in ranked}
    known = [by_name[t] for t in shared if t in by_name]
    ranked = [i for i in ranked[:n] if i not in known]
    for k, i in enumerate(known):
        ranked.insert(min(len(ranked), int(rng.integers(2, 5)) + 2 * k), i)
    # A bare title mostly means its best-known song (the least known, where popularity is wrong), with noise.
    sign = float(np.sign(behaviour["popularity_weight"]))
    fame = sign * tracks.latent / 6 + 0.15 * rng.normal(0, 1, len(tracks))
    order = np.argsort(tracks.shared, kind="stable")
    edges = np.searchsorted(tracks.shared[order], np.arange(int(tracks.shared.max()) + 2))
    shares, out = zipf_shares(len(ranked), behaviour["need_zipf"]), []
    for rank, i in enumerate(ranked):
        rows = order[edges[tracks.shared[i]] : edges[tracks.shared[i] + 1]]
        rows = rows[~tracks.is_karaoke[rows]]
        rows = rows[np.argsort(-fame[rows], kind="stable")]
        _, first = np.unique(tracks.work[rows], return_index=True)
        best = np.sort(first)[:6]  # the best-known recording of each of the six best-known works
        pull = np.exp(fame[rows[best]] + 0.3 * rng.normal(0, 1, len(best)))
        for row, share in zip(rows[best], pull / pull.sum(), strict=True):
            slots = {"title": tracks.bare[i], "meant_artist": tracks.artist_names[row]}
            out.append(
                Concept(
                    "title",
                    slots,
                    (int(row), int(tracks.work[row])),
                    _SHARE["title"] * shares[rank] * share,
                    bool(tracks.spanish[row]),
                    (),
                )
            )
    return out


def _broad(tracks: Tracks, power: float, rng: np.random.Generator) -> list[Concept]:
    out: list[Concept] = []
    size = (tracks.genre_fit > 0).sum(axis=0)
    usable = [g for g in range(len(genres())) if size[g] >= 10]
    order = sorted(usable, key=lambda g: -np.log(size[g] + 50.0) + rng.normal(0, 0.7))
    for rank, g in enumerate(order):
        genre, weight = genres()[g], _SHARE["genre"] * zipf_shares(len(order), power)[rank]
        out.append(Concept("genre", {"genre": genre.name}, (g, 0), weight, genre.language == "es", genre.home))
    pairs = [
        (g, d)
        for g in order
        for d in range(1950, 2030, 10)
        if ((tracks.genre_fit[:, g] > 0) & (tracks.year // 10 * 10 == d)).sum() >= 8
    ]
    pairs.sort(key=lambda p: 0.5 * np.log1p(order.index(p[0])) + abs(p[1] - 1990) / 25 + rng.normal(0, 0.5))
    for rank, (g, d) in enumerate(pairs):
        genre, weight = genres()[g], _SHARE["genre_decade"] * zipf_shares(len(pairs), power)[rank]
        out.append(
            Concept(
                "genre_decade",
                {"genre": genre.name, "decade": str(d)},
                (g, d),
                weight,
                genre.language == "es",
                genre.home,
            )
        )
    for kind in ("mood", "activity"):
        mine = [(k, f) for k, f in enumerate(feelings()) if f.kind == kind]
        for rank, j in enumerate(rng.permutation(len(mine))):
            k, feeling = mine[j]
            out.append(
                Concept(
                    kind, {kind: feeling.name}, (k, 0), _SHARE[kind] * zipf_shares(len(mine), 0.8)[rank], False, LOCALES
                )
            )
    return [*out, Concept("open", {}, (0, 0), _SHARE["open"], False, LOCALES)]


def _releases(tracks: Tracks, first_day: int, rng: np.random.Generator) -> list[Concept]:
    """Concepts (title, title + artist) of tracks that are released during the simulation; they are wanted from that day on."""
    coming = np.flatnonzero(tracks.release_day >= first_day)
    out = []
    for i in coming[drawn_rows(rng, np.ones(len(coming)), min(len(coming), 60))] if len(coming) else []:
        for kind, name in (("title", "meant_artist"), ("title_artist", "artist")):
            slots = {"title": tracks.bare[i], name: tracks.artist_names[i]}
            weight = 0.0015 * float(np.exp(rng.normal(0, 0.7)))
            out.append(Concept(kind, slots, (int(i), int(tracks.work[i])), weight, bool(tracks.spanish[i]), ()))
    return list({(c.kind, c.target[1]): c for c in out}.values())


def locale_log_weights(listed: list[Concept], rng: np.random.Generator) -> Floats:
    """Log share of each concept in the traffic of a locale, before the trend of the day, [locales, concepts]."""
    base = np.log([c.weight for c in listed])
    out = np.tile(base, (len(LOCALES), 1)) + rng.normal(0, 0.4, (len(LOCALES), len(listed)))
    for k, locale in enumerate(LOCALES):
        for j, c in enumerate(listed):
            out[k, j] += _affinity(locale, c)
    return out


def _affinity(locale: str, concept: Concept) -> float:
    if locale in concept.home:
        return 0.0 if len(concept.home) == len(LOCALES) else 0.7
    if locale.startswith("es"):
        return 0.3 if concept.spanish else -0.6
    return -1.6 if concept.spanish else 0.0
