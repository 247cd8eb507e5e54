"""Linking of real typed searches (CPCD): is a liked track among the first 10 and 50 candidates of its 15,418 tracks?

Of each search with a liked track; any of its liked tracks counts. `unmatched` are the searches that equal no title, artist
(all of a track's, joined) or pair of both in either order (lower case, accents and signs dropped). Our candidates are those
of `queries.catalog.linker.Linker`; the tracks have no popularity, so nothing but the text is known. Rivals see title and artists.
"""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.figures import Figure, share
from benchmarks.retrieval import RIVALS, answers, plain_form
from queries.catalog.index import CatalogIndex
from queries.catalog.linker import Linker

DEPTHS = (10, 50)


@dataclass(frozen=True)
class Search:
    """One typed search and the tracks liked of its results."""

    query: str
    liked: frozenset[str]


def searches(path: Path) -> list[Search]:
    """The searches with a liked track; repeats stay, as they were searched."""
    return [Search(row["query"], frozenset(row["liked"])) for row in _lines(path) if row["liked"]]


def tracks(path: Path) -> list[dict[str, Any]]:
    """The tracks in the contract's form: the release is the album."""
    return [{**row, "album": row.get("release")} for row in _lines(path)]


def measured(given: Sequence[Search], catalog: Sequence[Mapping[str, Any]]) -> Iterator[Figure]:
    """Recall at each depth of ours and of every rival, over all and over the unmatched.

    Ours knows the album too; so each rival is given it or not, whichever serves it better among the first ten.
    """
    linker = Linker(CatalogIndex.of(catalog))
    most = max(DEPTHS)
    found_by = {"ours": [[track for track, _ in linker.candidates(one.query, "en-US", most)] for one in given]}
    for name in RIVALS:
        both = [_rival(name, given, catalog, most, has_album=has) for has in (False, True)]
        found_by[name] = max(both, key=lambda found: _hits(given, found, range(len(given)), min(DEPTHS)))
    names = exact_names(catalog)
    groups = {
        "": range(len(given)),
        "_unmatched": [at for at, one in enumerate(given) if plain_form(one.query) not in names],
    }
    for arm, found in found_by.items():
        for group, rows in groups.items():
            for depth in DEPTHS:
                hits = _hits(given, found, rows, depth)
                yield share("cpcd", "en", f"recall{depth}{group}", arm, hits, len(rows), "searches")


def _hits(given: Sequence[Search], found: Sequence[Sequence[str]], rows: Sequence[int], depth: int) -> int:
    return sum(not given[at].liked.isdisjoint(found[at][:depth]) for at in rows)


def exact_names(catalog: Sequence[Mapping[str, Any]]) -> set[str]:
    """Every title, every album, every track's artists, and title and artists side by side."""
    found: set[str] = set()
    for track in catalog:
        title, artists = plain_form(track["title"]), plain_form(" ".join(track["artists"]))
        found |= {title, artists, f"{title} {artists}", f"{artists} {title}", plain_form(track.get("album") or "")}
    return found - {""}


def _rival(
    name: str, given: Sequence[Search], catalog: Sequence[Mapping[str, Any]], most: int, *, has_album: bool
) -> list[list[str]]:
    albums = [f" {track.get('album') or ''}" if has_album else "" for track in catalog]
    named = zip(catalog, albums, strict=True)
    documents = [plain_form(f"{track['title']} {' '.join(track['artists'])}{album}") for track, album in named]
    asked = [plain_form(one.query) for one in given]
    return [[str(catalog[at]["track_id"]) for at in rows] for rows in answers(RIVALS[name], asked, documents, most)]


def _lines(path: Path) -> list[dict[str, Any]]:
    with gzip.open(path, "rt", encoding="utf-8") as lines:
        return [json.loads(line) for line in lines]
