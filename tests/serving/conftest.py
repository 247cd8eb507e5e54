"""A small release and what it takes to build others; no Spark here."""

from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

import pytest

from queries.catalog.vocabulary import pair_id
from queries.grammar.bundle import grammar_bundle
from serving.content import Entry, Key, Name, Names, RankedTrack, ReleaseContent, TrackInfo, Variant
from serving.in_memory import rows_in_memory
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
GRAMMAR = grammar_bundle(["rock", "mariachi"], 0.8)


def names_of(**tracks: TrackInfo) -> Names:
    """The names of tracks whose titles and artists are their own normal forms but for case and accents."""

    def folded(text: str) -> str:
        return text.lower().replace("ó", "o")

    titles: dict[str, list[str]] = {}
    artists: dict[str, list[str]] = {}
    pairs: dict[int, tuple[str, ...]] = {}
    for track in tracks.values():
        titles.setdefault(folded(track.title), []).append(track.track_id)
        for artist in track.artists:
            artists.setdefault(folded(artist), []).append(track.track_id)
            pairs[pair_id(folded(track.title), folded(artist))] = (track.track_id,)
    by_kind = {
        kind: {name: Name(50.0, tuple(ids)) for name, ids in known.items()}
        for kind, known in (("title", titles), ("artist", artists))
    }
    return Names(by_kind, pairs)


NAMES = names_of(**TRACKS)


def entry(locale: str, need: str, *scored: tuple[str, float], **more: Any) -> Entry:
    return Entry(locale, need, tuple(RankedTrack(track, score) for track, score in scored), **more)


HELLO = entry("en-US", "title=hello", ("t1", 0.9), ("t2", 0.1), reasons=("exact title", "too"))
MARIACHI = entry("es", "genre=mariachi", ("t3", 1.5))
OTHERS = (Variant(0.25, ("t2", "t1")), Variant(0.125, ("t3", "t2")))
MUSIC = entry("*", "open", ("t2", -1.0), ("t3", -2.0), ("t1", -3.0), variants=OTHERS)
ENTRIES = (HELLO, MARIACHI, MUSIC)
WORDINGS = {("en-US", "hullo"): "title=hello", ("es", "el mariachi"): "genre=mariachi"}

Write = Callable[..., str]


def content(
    entries: Iterable[Entry] = ENTRIES,
    run_date: str = "2026-11-21",
    tracks: Mapping[str, TrackInfo] = TRACKS,
    built_at: str = BUILT_AT,
    said: Mapping[str, object] = SAID,
    wordings: Mapping[Key, str] = WORDINGS,
    names: Names = NAMES,
    grammar: bytes = GRAMMAR,
    **built: object,
) -> ReleaseContent:
    return ReleaseContent(
        run_date, entries, wordings, names, {**TRACKS, **tracks}, said, {"at": built_at, **built}, grammar
    )


def write(root: Path, entries: Iterable[Entry] = ENTRIES, *more: Any, **parts: Any) -> str:
    """Write a release; the arguments are those of `content`."""
    return write_release(root, rows_in_memory(content(entries, *more, **parts)))


def night(root: Path, day: int, score: float = 0.5, keep: int = 14) -> str:
    """Build and publish the release of 2026-11-`day`, whose only list, of `title=hello`, has `score`."""
    release_id = write(root, [entry("en-US", "title=hello", ("t1", score))], f"2026-11-{day:02d}", wordings={})
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
