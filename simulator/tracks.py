"""The catalog as arrays: works, versions, genres, decades, audio; null fields are filled."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from simulator.arrays import Bools, Floats, Ints
from simulator.lexicon import AUDIO, folded, genres

_VERSION = (
    r"live|remix|remaster\w*|acoustic|version|edit|mix|instrumental|demo|mono|stereo|karaoke|en vivo|en directo"
    r"|ac[uú]stic[oa]|versi[oó]n|remasterizad\w+|sped up|slowed|cover|unplugged|session|sesi[oó]n"
)
_TAIL = re.compile(rf"\s*(?: - .*\b(?:{_VERSION})\b.*|[(\[][^)\]]*\b(?:{_VERSION})\b[^)\]]*[)\]].*)$", re.IGNORECASE)
_FEATURED = re.compile(r"\s*[(\[]?\b(?:feat\.?|ft\.|with|con)\s.*$", re.IGNORECASE)
_KARAOKE = re.compile(r"karaoke|tribute|made famous|in the style of|al estilo de", re.IGNORECASE)
NEVER = -(10**6)


@dataclass(frozen=True)
class Tracks:
    """The catalog as arrays, one row per track.

    Args:
        ids: the track ids.
        bare: the bare title (`bare_title`).
        artist_names: the name of the first artist.
        albums: the album's title, "" if unknown.
        shared: code of the bare title; songs of the same title share it.
        artist: code of the first artist.
        work: code of the work; the recordings of one song by one artist share it.
        album: code of the album (its title and artist).
        is_version: whether the title names a version, such as live or remix.
        is_karaoke: whether it is a karaoke or tribute recording.
        year: release year, 0 if unknown.
        release_day: release day in days since 1970, NEVER unless the full date is known.
        popularity: popularity 0–100 of the catalog, 30 where null.
        latent: the same with null filled at random; it is how well people know the track.
        duration_ms: duration in milliseconds.
        genre_fit: [n, genres] in 0–1.
        audio: [n, AUDIO] in 0–1 (tempo as (bpm − 60)/120).
        spanish: whether the track has a Spanish-language genre.
    """

    ids: list[str]
    bare: list[str]
    artist_names: list[str]
    albums: list[str]
    shared: Ints
    artist: Ints
    work: Ints
    album: Ints
    is_version: Bools
    is_karaoke: Bools
    year: Ints
    release_day: Ints
    popularity: Floats
    latent: Floats
    duration_ms: Ints
    genre_fit: npt.NDArray[np.float32]
    audio: Floats
    spanish: Bools

    def __len__(self) -> int:
        return len(self.ids)


def bare_title(title: str) -> str:
    """The title of the song without version words and featured artists."""
    short = _TAIL.sub("", title)
    return _FEATURED.sub("", short).strip() or title


def tracks_from(rows: list[dict[str, Any]], rng: np.random.Generator) -> Tracks:
    """The arrays of a catalog; null fields are filled from the genre or at random."""
    bare = [bare_title(r["title"]) for r in rows]
    title_keys = [folded(b) or b for b in bare]
    artist_keys = [folded(str(r["artists"][0])) or str(r["artists"][0]) for r in rows]
    shared, _ = pd.factorize(pd.Series(title_keys, dtype=object))
    artist, _ = pd.factorize(pd.Series(artist_keys, dtype=object))
    album, _ = pd.factorize(
        pd.Series(
            [f"{folded(str(r['album'] or ''))}|{a}" for r, a in zip(rows, artist_keys, strict=True)], dtype=object
        )
    )
    work, _ = pd.factorize(shared.astype(np.int64) * (int(artist.max()) + 1) + artist)
    shown = np.array([np.nan if r["popularity"] is None else float(r["popularity"]) for r in rows])
    known = shown[~np.isnan(shown)]
    random_fill = rng.choice(known if len(known) else np.array([30.0]), len(rows))
    fit, spanish = _genres(rows)
    dates = [str(r["release_date"] or "") for r in rows]
    return Tracks(
        ids=[r["track_id"] for r in rows],
        bare=bare,
        artist_names=[str(r["artists"][0]) for r in rows],
        albums=[str(r["album"] or "") for r in rows],
        shared=shared.astype(np.int64),
        artist=artist.astype(np.int64),
        work=work.astype(np.int64),
        album=album.astype(np.int64),
        is_version=np.array(
            [b != r["title"] and bool(_TAIL.search(r["title"])) for b, r in zip(bare, rows, strict=True)]
        ),
        is_karaoke=np.array([bool(_KARAOKE.search(f"{r['title']} {r['artists'][0]} {r['album']}")) for r in rows]),
        year=np.array([int(d[:4]) if d[:4].isdigit() else 0 for d in dates], dtype=np.int64),
        release_day=np.array([_epoch_day(d) for d in dates], dtype=np.int64),
        popularity=np.nan_to_num(shown, nan=30.0),
        latent=np.where(np.isnan(shown), random_fill, shown),
        duration_ms=np.array([max(int(r["duration_ms"] or 200_000), 20_000) for r in rows], dtype=np.int64),
        genre_fit=fit,
        audio=_audio(rows, fit, rng),
        spanish=spanish,
    )


def _epoch_day(text: str) -> int:
    if len(text) != 10:
        return NEVER
    try:
        return (date.fromisoformat(text) - date(1970, 1, 1)).days
    except ValueError:
        return NEVER


def _genres(rows: list[dict[str, Any]]) -> tuple[npt.NDArray[np.float32], Bools]:
    """Fit of each track to each genre of the lexicon (1 for its name, .7 if a longer genre name contains it), and `spanish`."""
    names = {
        folded(n): k
        for k, g in reversed(list(enumerate(genres())))
        for lang in ("en", "es")
        for n in [g.name, *g.names[lang]]
    }
    fits: dict[str, list[tuple[int, float]]] = {}
    latin = np.array([g.language == "es" for g in genres()])
    out = np.zeros((len(rows), len(genres())), dtype=np.float32)
    for i, row in enumerate(rows):
        for text in row["genres"]:
            if text not in fits:
                key = folded(str(text))
                exact = names.get(key)
                fits[text] = (
                    [(exact, 1.0)]
                    if exact is not None
                    else sorted({(k, 0.7) for n, k in names.items() if f" {n} " in f" {key} "})
                )
            for k, fit in fits[text]:
                out[i, k] = max(out[i, k], fit)
    return out, np.asarray(out[:, latin].max(axis=1) > 0)


def _audio(rows: list[dict[str, Any]], fit: npt.NDArray[np.float32], rng: np.random.Generator) -> Floats:
    """Audio in 0–1; a track without audio gets the profile of its genres (without a genre: the mean of all) plus noise."""
    out = np.full((len(rows), len(AUDIO)), np.nan)
    for i, row in enumerate(rows):
        if row["audio"]:
            values = [row["audio"].get(k) for k in AUDIO]
            out[i] = [np.nan if v is None else v for v in values]
    out[:, -1] = (out[:, -1] - 60) / 120
    profile = np.array([g.audio for g in genres()])
    profile[:, -1] = (profile[:, -1] - 60) / 120
    mass = fit.sum(axis=1, keepdims=True)
    guess = np.where(mass > 0, fit @ profile / np.maximum(mass, 1e-9), profile.mean(axis=0))
    filled = np.where(np.isnan(out), guess + rng.normal(0, 0.1, out.shape), out)
    return np.asarray(np.clip(filled, 0.0, 1.0))
