"""The catalog that the simulator generates if none is given: bilingual, with invented artists and ordinary words as titles."""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from datetime import date, timedelta
from functools import cache
from typing import Any

import numpy as np

from simulator.arrays import Floats
from simulator.lexicon import AUDIO, Genre, feelings, file, genres

_BASE62 = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
VERSIONS = {
    "en": ["Live", "Acoustic Version", "Remastered 2011", "{dj} Remix", "Radio Edit"],
    "es": ["En Vivo", "Versión Acústica", "Remasterizado 2011", "{dj} Remix", "En Directo"],
}


@dataclass
class Artist:
    """An invented artist with genres, debut year, fame and the albums so far."""

    name: str
    language: str
    genres: list[Genre]
    debut: int
    fame: float
    albums: list[tuple[str, date]] = field(default_factory=list)


def track_id(rng: random.Random) -> str:
    """A random track id of 22 base-62 characters."""
    return "".join(rng.choices(_BASE62, k=22))


def artist_name(rng: random.Random, language: str) -> str:
    """A name from random syllables; it is a real artist's name only by chance."""
    words = file("words")[language]

    def part() -> str:
        return "".join(rng.choices(words["syllable"], k=rng.choice((2, 2, 3)))).capitalize()

    return str(rng.choice(words["single"])).format(a=part().lower(), A=part(), B=part())


def title(rng: random.Random, language: str) -> str:
    """A title of ordinary words: mostly from a pattern, 6 % a title that many songs share, .5 % a carrier phrase."""
    words, u = file("words"), rng.random()
    if u < 0.06:
        return str(rng.choice(words["shared"][language]))
    if u < 0.065:
        return str(rng.choice(words["carriers"][language]))
    text = str(rng.choice(words[language]["patterns"]))
    for slot in (
        ("noun", "adjective", "verb") if language == "en" else ("masculine", "feminine", "soft", "hard", "verb")
    ):
        while "{" + slot + "}" in text:
            text = text.replace("{" + slot + "}", rng.choice(words[language][slot]), 1)
    return " ".join(w.capitalize() for w in text.split()) if language == "en" else text[0].upper() + text[1:]


def audio_of(rng: random.Random, genre: Genre) -> dict[str, float]:
    """Audio features near the genre's profile; tempo in beats per minute, loudness in dB."""
    out: dict[str, float] = {}
    for name, centre in zip(AUDIO, genre.audio, strict=True):
        spread = 18.0 if name == "tempo" else 0.13
        value = rng.gauss(centre, spread)
        out[name] = (
            round(min(max(value, 50.0), 210.0), 3) if name == "tempo" else round(min(max(value, 0.001), 0.999), 4)
        )
    out["liveness"] = round(min(max(rng.gauss(0.17, 0.1), 0.02), 0.95), 4)
    out["loudness"] = round(-22 + 18 * out["energy"] + rng.gauss(0, 1.5), 3)
    return out


def made_catalog(n: int, last: date, seed: int) -> list[dict[str, Any]]:
    """n tracks in the form of the contract, released from 1950 to `last`; about n/8 artists, at least 850."""
    rng = random.Random(f"catalog {seed}")
    artists = _artists(rng, max(850, n // 8), last)
    weight = [a.fame for a in artists]
    rows: list[dict[str, Any]] = []
    for artist in artists:
        rows.append(_recording(rng, artist, last))
    while len(rows) < n:
        artist = rng.choices(artists, weight)[0]
        row = _recording(rng, artist, last)
        rows.append(row)
        rows += _other_recordings(rng, row, artist, artists)
    rows = rows[:n]
    for i, words in enumerate(file("words")["carriers"][lang][k] for lang in ("en", "es") for k in range(6)):
        rows[i]["title"] = words  # every carrier-phrase title exists at least once
    return rows


def _artists(rng: random.Random, n: int, last: date) -> list[Artist]:
    out: list[Artist] = []
    names: set[str] = set()
    pools = {lang: [g for g in genres() if g.language == lang] for lang in ("en", "es")}
    while len(out) < n:
        language = "es" if rng.random() < 0.4 else "en"
        name = artist_name(rng, language)
        if name in names:
            continue
        names.add(name)
        # 30 % of the Spanish-language artists have an English-language genre (rock, pop, rap …).
        pool = pools["en"][:9] if language == "es" and rng.random() < 0.3 else pools[language]
        chosen = rng.sample(pool, k=rng.choice((1, 1, 2)))
        low, high = chosen[0].years
        debut = rng.randint(low, max(low, min(high, last.year) - 2))
        out.append(Artist(name, language, chosen, debut, (len(out) + 3.0) ** -0.75))
    return out


def _recording(rng: random.Random, artist: Artist, last: date) -> dict[str, Any]:
    if not artist.albums or rng.random() < 0.22:
        year = min(artist.debut + rng.randint(0, 15), artist.genres[0].years[1], last.year)
        day = min(date(year, 1, 1) + timedelta(days=rng.randint(0, 364)), last - timedelta(days=1))
        artist.albums.append((title(rng, artist.language), day))
    album, day = artist.albums[-1] if rng.random() < 0.7 else rng.choice(artist.albums)
    fame = 22 * np.log10(artist.fame * 400 + 1) + rng.gauss(10, 12)
    audio = audio_of(rng, artist.genres[0])
    row: dict[str, Any] = {
        "track_id": track_id(rng),
        "title": title(rng, artist.language),
        "artists": [artist.name],
        "album": album,
        "release_date": rng.choices((day.isoformat(), day.isoformat()[:7], day.isoformat()[:4], None), (70, 8, 18, 4))[
            0
        ],
        "genres": [g.name for g in artist.genres],
        "duration_ms": int(rng.gauss(212_000, 40_000)) if rng.random() < 0.97 else 620_000,
        "explicit": rng.choices((False, True, None), (80, 12, 8))[0],
        "popularity": None if rng.random() < 0.05 else int(min(max(fame, 0), 100)),
        "audio": audio if rng.random() < 0.96 else None,
    }
    row["duration_ms"] = max(row["duration_ms"], 61_000)
    if rng.random() < 0.4:
        row["moods"] = moods_of(audio)
    return row


def moods_of(audio: dict[str, float]) -> list[str]:
    """The at most two moods that the audio fits best by the rougher directions of the lexicon; none if it fits none well.

    It does not use the directions that define the listeners' needs, because a public tag must not reveal the hidden truth.
    """
    names, fit = _moods()
    x = np.array([audio[k] for k in AUDIO[:5]] + [(audio["tempo"] - 60) / 120]) - 0.5
    fits = fit @ x
    return [names[k] for k in np.argsort(-fits, kind="stable")[:2] if fits[k] > 0.3]


@cache
def _moods() -> tuple[list[str], Floats]:
    moods = [f for f in feelings() if f.kind == "mood"]
    return [f.name for f in moods], np.array([f.rough / np.linalg.norm(f.rough) for f in moods])


def _other_recordings(
    rng: random.Random, row: dict[str, Any], artist: Artist, artists: list[Artist]
) -> list[dict[str, Any]]:
    """Further tracks of the song of `row`: a version, the same recording under another id, a cover, or karaoke."""
    out: list[dict[str, Any]] = []
    u, less = rng.random(), max((row["popularity"] or 30) - rng.randint(4, 30), 0)
    if u < 0.1:
        suffix = rng.choice(VERSIONS[artist.language]).format(dj=rng.choice(artists).name)
        form = f"{row['title']} - {suffix}" if rng.random() < 0.6 else f"{row['title']} ({suffix})"
        out.append(row | {"title": form, "audio": audio_of(rng, artist.genres[0])})
    elif u < 0.15:
        out.append(row | {"album": "Greatest Hits" if artist.language == "en" else "Grandes Éxitos"})
    elif u < 0.18:
        cover = rng.choice(artists)
        out.append(row | {"artists": [cover.name], "album": row["title"], "genres": [g.name for g in cover.genres]})
    elif u < 0.2:
        karaoke = (
            ("Karaoke Version", "Sing It Karaoke") if artist.language == "en" else ("Versión Karaoke", "Canta Karaoke")
        )
        out.append(row | {"title": f"{row['title']} - {karaoke[0]}", "artists": [karaoke[1]], "album": "Karaoke"})
    elif u < 0.25:
        row["artists"] = [*row["artists"], rng.choice(artists).name]
    for copy in out:
        copy["track_id"], copy["popularity"] = track_id(rng), less
    return out


def new_releases(rows: list[dict[str, Any]], n: int, first: date, days: int, seed: int) -> list[dict[str, Any]]:
    """n generated tracks by artists of the catalog, released on days drawn inside the simulation; they have no popularity."""
    rng = random.Random(f"releases {seed}")
    known = sorted(rows, key=lambda r: (-(r["popularity"] or 0), r["track_id"]))[: max(20, len(rows) // 10)]
    out = []
    for _ in range(n):
        like, day = rng.choice(known), first + timedelta(days=rng.randint(0, max(0, days - 1)))
        latin = {g.name for g in genres() if g.language == "es"} & set(like["genres"])
        name = title(rng, "es" if latin else "en")
        audio = {
            k: v if v is None or k in ("tempo", "loudness") else round(min(max(v + rng.gauss(0, 0.06), 0), 1), 4)
            for k, v in (like["audio"] or {}).items()
        }
        out.append(
            like
            | {
                "track_id": track_id(rng),
                "title": name,
                "album": name,
                "release_date": day.isoformat(),
                "available_from": day.isoformat(),
                "popularity": None,
                "audio": audio or None,
                "duration_ms": int(rng.gauss(195_000, 25_000)),
                "artists": like["artists"][:1],
            }
        )
        out[-1].pop("moods", None)
        out[-1].pop("work_id", None)
    return out
