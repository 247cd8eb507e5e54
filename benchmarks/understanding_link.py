"""Linking of real typed searches (CPCD): whether a liked track is among the first 10 or 50 candidates of its 15,418 tracks.

All searches with a liked track are measured, and any liked track counts. The group `unmatched` has the searches that equal no
title, no album, no artist (all artists of a track, joined) and no title with artists in either order, in lower case without
accents and signs. Our candidates are those of `queries.catalog.linker.Linker`. The tracks have no popularity, so only the text is
known. The rivals search the titles and artists.
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
    """One typed search, and the tracks of its results that the person liked."""

    query: str
    liked: frozenset[str]


def searches(path: Path) -> list[Search]:
    """The searches with a liked track; repeated searches are kept."""
    return [Search(row["query"], frozenset(row["liked"])) for row in _lines(path) if row["liked"]]


def tracks(path: Path) -> list[dict[str, Any]]:
    """The tracks in the format of the catalog contract; the release is the album."""
    return [{**row, "album": row.get("release")} for row in _lines(path)]


def measured(given: Sequence[Search], catalog: Sequence[Mapping[str, Any]]) -> Iterator[Figure]:
    """Recall at each depth of our linker and of every rival, over all searches and over the unmatched ones.

    Our linker also uses the album. Therefore each rival is measured with and without the album, and the better one at depth 10
    counts.
    """
    linker = Linker(CatalogIndex.of(catalog))
    most = max(DEPTHS)
    results_of = {"ours": [[track for track, _ in linker.candidates(one.query, "en-US", most)] for one in given]}
    for name in RIVALS:
        both = [_rival(name, given, catalog, most, has_album=has) for has in (False, True)]
        results_of[name] = max(both, key=lambda results: _hits(given, results, range(len(given)), min(DEPTHS)))
    names = exact_names(catalog)
    groups = {
        "": range(len(given)),
        "_unmatched": [at for at, one in enumerate(given) if plain_form(one.query) not in names],
    }
    for arm, results in results_of.items():
        for group, rows in groups.items():
            for depth in DEPTHS:
                hits = _hits(given, results, rows, depth)
                yield share("cpcd", "en", f"recall{depth}{group}", arm, hits, len(rows), "searches")


def _hits(given: Sequence[Search], results: Sequence[Sequence[str]], rows: Sequence[int], depth: int) -> int:
    return sum(not given[at].liked.isdisjoint(results[at][:depth]) for at in rows)


def exact_names(catalog: Sequence[Mapping[str, Any]]) -> set[str]:
    """The plain forms of every title, every album, every track's artists, and title with artists in either order."""
    names: set[str] = set()
    for track in catalog:
        title, artists = plain_form(track["title"]), plain_form(" ".join(track["artists"]))
        names |= {title, artists, f"{title} {artists}", f"{artists} {title}", plain_form(track.get("album") or "")}
    return names - {""}


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
