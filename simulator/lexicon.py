"""The words of the simulated world: genres, moods, activities, templates, sounds; read once from `simulator/data`."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import yaml

from simulator.arrays import Floats

DATA = Path(__file__).parent / "data"
AUDIO = ("energy", "valence", "danceability", "acousticness", "instrumentalness", "speechiness", "tempo")
LANGUAGES = ("en", "es")


@dataclass(frozen=True)
class Genre:
    """A genre: its audio profile (order of AUDIO), years, language, home locales and names per language."""

    name: str
    audio: tuple[float, ...]
    years: tuple[int, int]
    language: str
    home: tuple[str, ...]
    names: dict[str, list[str]]


@dataclass(frozen=True)
class Feeling:
    """A mood or an activity: the audio direction that truly fits it, a rougher one for the policy, and its names per language."""

    kind: str
    name: str
    fit: Floats
    rough: Floats
    names: dict[str, list[str]]


_OTHER = re.compile(r"[^a-z0-9]+")


@cache  # several parts fold the same titles and names; without the cache 144,409 tracks took 18 s each time
def folded(text: str) -> str:
    """The text in lower case without accents and apostrophes; other characters than letters and digits become spaces."""
    plain = text.lower()
    if not plain.isascii():
        plain = "".join(c for c in unicodedata.normalize("NFKD", plain) if not unicodedata.combining(c)).replace(
            "’", ""
        )
    return _OTHER.sub(" ", plain.replace("'", "").replace("&", " and ")).strip()


@cache
def file(name: str) -> Any:
    """The content of one YAML file of `simulator/data`."""
    return yaml.safe_load((DATA / f"{name}.yaml").read_text(encoding="utf-8"))


@cache
def genres() -> tuple[Genre, ...]:
    """All genres, in the file's order (the order of every genre axis)."""
    return tuple(
        Genre(
            g["name"],
            tuple(g["audio"]),
            (g["years"][0], g["years"][1]),
            g["language"],
            tuple(g["home"]),
            {lang: g[lang] for lang in LANGUAGES},
        )
        for g in file("genres")
    )


@cache
def feelings() -> tuple[Feeling, ...]:
    """All moods, then all activities."""
    return tuple(
        Feeling(
            kind,
            name,
            np.array(f["fit"], dtype=float),
            np.array(f["rough"], dtype=float),
            {lang: f[lang] for lang in LANGUAGES},
        )
        for kind in ("mood", "activity")
        for name, f in file("moods")[kind].items()
    )
