"""The settings of a simulation: `key=value` arguments of the command line, parsed into one frozen dataclass."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, fields
from datetime import date
from difflib import get_close_matches
from pathlib import Path

WORLDS = Path(__file__).parent / "worlds"
SCHEME = re.compile(r"\s*[A-Za-z][A-Za-z0-9+.-]*:/")  # s3a://bucket, and s3a:/bucket as pathlib writes it


class BadSimulation(Exception):
    """The simulation cannot be run as asked; the message is one line: what, where, expected, actual, and what to do next."""


@dataclass(frozen=True)
class Settings:
    """The settings of one simulation; if `catalog` is empty, a catalog of `catalog_tracks` tracks is generated."""

    out: str
    days: int = 28
    searches_per_day: int = 20_000
    seed: int = 7
    catalog: str = ""
    world: str = "default"
    first_date: date = date(2026, 10, 1)
    jsonl_days: int = 0
    catalog_tracks: int = 8_000


_LEAST = {"days": 1, "searches_per_day": 20, "seed": 0, "jsonl_days": 0, "catalog_tracks": 5_000}
_MOST = {
    "days": 3_650,
    "searches_per_day": 5_000_000,
    "seed": 2**31 - 1,
    "jsonl_days": 3_650,
    "catalog_tracks": 2_000_000,
}


def settings_from(words: Sequence[str]) -> Settings:
    """Parse `key=value` arguments. Raises BadSimulation for an unknown, repeated or missing key or a value out of bounds."""
    keys = [f.name for f in fields(Settings)]
    asked: dict[str, str] = {}
    for word in words:
        key, equals, value = word.partition("=")
        if not equals:
            raise BadSimulation(f"argument {word!r}: expected key=value; keys are {' '.join(keys)}.")
        if key not in keys:
            near = get_close_matches(key, keys, n=1, cutoff=0.0)[0]
            raise BadSimulation(f"unknown key {key!r}: did you mean {near!r}? Keys are {' '.join(keys)}.")
        if key in asked:
            raise BadSimulation(f"key {key!r} is given twice: {asked[key]!r} and {value!r}. Give it once.")
        asked[key] = value
    if not asked.get("out"):
        raise BadSimulation("key 'out' is missing: expected the folder to write, such as out=var/simulated.")
    for key in ("out", "catalog"):
        if SCHEME.match(asked.get(key, "")):
            raise BadSimulation(
                f"{key}={asked[key]}: expected a local path without a scheme; other stores are not supported."
            )
    out = asked.pop("out")
    whole = {k: _whole(k, asked.pop(k)) for k in _LEAST if k in asked}
    day = _day(asked.pop("first_date")) if "first_date" in asked else Settings.first_date
    _known_world(asked.get("world", "default"))
    return Settings(out=out, first_date=day, **whole, **asked)  # type: ignore[arg-type]


def _whole(key: str, value: str) -> int:
    try:
        number = int(value)
    except ValueError:
        raise BadSimulation(
            f"{key}={value}: expected a whole number, such as {key}={getattr(Settings, key)}."
        ) from None
    if not _LEAST[key] <= number <= _MOST[key]:
        raise BadSimulation(f"{key}={value}: expected {_LEAST[key]} to {_MOST[key]}.")
    return number


def _day(value: str) -> date:
    try:
        day = date.fromisoformat(value)
    except ValueError:
        raise BadSimulation(f"first_date={value}: expected YYYY-MM-DD, such as first_date=2026-10-01.") from None
    if not date(1971, 1, 1) <= day <= date(2199, 12, 31):
        raise BadSimulation(f"first_date={value}: expected 1971-01-01 to 2199-12-31.")
    return day


def _known_world(name: str) -> None:
    names = sorted(p.stem for p in WORLDS.glob("*.yaml"))
    if name not in names:
        near = get_close_matches(name, names, n=1, cutoff=0.0)[0]
        raise BadSimulation(f"world={name}: did you mean {near!r}? Worlds are {' '.join(names)}.")
