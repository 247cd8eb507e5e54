"""A small release and what it takes to build others; no Spark here."""

from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

import pytest

from queries.text.carrier import grammar_bytes
from serving.content import Entry, RankedTrack, TrackInfo
from serving.writer import publish, write_release

BUILT_AT = "2026-11-22T02:14:03Z"
BUILT_AT_S = 1795313643.0
SAID: dict[str, object] = {
    "inputs": {"head_rankings": 3},
    "config_fingerprint": "c0",
    "ranker_fingerprint": None,
    "gates": {"features": "passed"},
    "coverage": {"traffic_rate": 0.81},
}
TRACKS = {
    "t1": TrackInfo("t1", "Hello", ("Adele",)),
    "t2": TrackInfo("t2", "Hello", ("Lionel Richie",)),
    "t3": TrackInfo("t3", "Canción del Mariachi", ("Los Lobos", "Antonio Banderas")),
}


def entry(locale: str, query: str, *scored: tuple[str, float], **more: Any) -> Entry:
    return Entry(locale, query, tracks=tuple(RankedTrack(track, score) for track, score in scored), **more)


HELLO = entry("en-US", "hello", ("t1", 0.9), ("t2", 0.1), aliases=("hullo", "helo"), reasons=("exact title", "too"))
MARIACHI = entry("es", "cancion del mariachi", ("t3", 1.5), aliases=("el mariachi",), propensity=0.25)
MUSIC = entry("*", "play music", ("t2", -1.0), ("t3", -2.0), ("t1", -3.0))
ENTRIES = (HELLO, MARIACHI, MUSIC)

Write = Callable[..., str]


def write(
    root: Path,
    entries: Iterable[Entry] = ENTRIES,
    run_date: str = "2026-11-21",
    tracks: Mapping[str, TrackInfo] = TRACKS,
    built_at: str = BUILT_AT,
    said: Mapping[str, object] = SAID,
) -> str:
    return write_release(root, run_date, entries, tracks, said, {"at": built_at}, grammar_bytes())


def night(root: Path, day: int, score: float = 0.5, keep: int = 14) -> str:
    """Build and publish the release of 2026-11-`day`, whose only entry `hello` has `score`."""
    release_id = write(root, [entry("en-US", "hello", ("t1", score))], f"2026-11-{day:02d}")
    publish(root, release_id, keep)
    return release_id


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return tmp_path / "releases"


@pytest.fixture
def published(root: Path) -> str:
    """ENTRIES written and published under `root`."""
    release_id = write(root)
    publish(root, release_id, 14)
    return release_id
