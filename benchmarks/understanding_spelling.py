"""Misspelt titles: whether the track is among the first 10 or 50 candidates of the linker.

English: titles of the typed-search catalog (CPCD) in which one word is replaced by a misspelling of it from the corpora of
Birkbeck (Mitton) and Wikipedia. Spanish: titles of the large catalog with letters that are often confused in Spanish, by the
replacements of Hunspell's affix file. A request is the title alone, with one mistake drawn with a fixed seed; any track of that
title counts.
"""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from benchmarks.figures import Figure, share
from benchmarks.retrieval import RIVALS, answers, plain_form
from queries.catalog.index import CatalogIndex
from queries.catalog.linker import Linker

DEPTHS = (10, 50)
SEED, MOST, SHORTEST = 7, 2_000, 4
_SPANISH = frozenset(
    ["el", "la", "los", "las", "de", "del", "que", "mi", "tu", "con", "por", "para", "sin", "amor", "noche", "vida"]
)


def misspellings(*paths: Path) -> dict[str, list[str]]:
    """Word (lower case) -> its misspellings, from files in which a line `$word` comes before its misspellings.

    A count after a misspelling is dropped.
    """
    mistakes: dict[str, list[str]] = {}
    for path in paths:
        word = ""
        for line in path.read_text(encoding="latin-1").splitlines():
            text = line.strip().lower().replace("_", " ")
            if text.startswith("$"):
                word = text[1:]
            elif text and text != word:
                mistakes.setdefault(word, []).append(re.sub(r" \d+$", "", text))
    return mistakes


def replacements(affix: Path) -> list[tuple[str, str]]:
    """The pairs (right, mistaken) of a Hunspell affix file: its REP lines, and of its MAP lines letters without accent."""
    pairs = []
    for line in affix.read_text(encoding="utf-8", errors="replace").splitlines():
        parts = line.split()
        if len(parts) == 3 and parts[0] == "REP":
            pairs.append((parts[2], parts[1]))  # the file gives the mistake first
        if len(parts) == 2 and parts[0] == "MAP" and not parts[1].isdigit():
            pairs += [(letter, parts[1][0]) for letter in parts[1][1:] if letter.islower()]
    return pairs


def english(tracks: Sequence[Mapping[str, Any]], known: Mapping[str, Sequence[str]]) -> list[tuple[str, str]]:
    """English titles with one misspelt word, as (request, track_id); at most MOST."""

    def mistaken(title: str, rng: random.Random) -> str | None:
        words = plain_form(title).split()
        places = [i for i, w in enumerate(words) if len(w) >= SHORTEST and w in known]
        if not places:
            return None
        at = rng.choice(places)
        words[at] = rng.choice(list(known[words[at]]))
        return " ".join(words)

    return _drawn(tracks, mistaken)


def spanish(tracks: Sequence[Mapping[str, Any]], pairs: Sequence[tuple[str, str]]) -> list[tuple[str, str]]:
    """Spanish titles (with a word of _SPANISH) with one replacement of letters, as (request, track_id); at most MOST."""

    def mistaken(title: str, rng: random.Random) -> str | None:
        if not _SPANISH & set(plain_form(title).split()):
            return None
        text = title.lower()
        variants = sorted({text.replace(right, wrong, 1) for right, wrong in pairs if right in text} - {text})
        # a missing accent is no mistake for a linker that folds accents
        variants = [v for v in variants if plain_form(v) != plain_form(text)]
        return rng.choice(variants) if variants else None

    return _drawn(tracks, mistaken)


def _drawn(
    tracks: Sequence[Mapping[str, Any]], mistaken: Callable[[str, random.Random], str | None]
) -> list[tuple[str, str]]:
    rng = random.Random(SEED)
    ordered = sorted(tracks, key=lambda t: str(t["track_id"]))
    drawn = [(mistaken(str(t["title"]), rng), str(t["track_id"])) for t in ordered]
    requests = [(text, track) for text, track in drawn if text is not None]
    rng.shuffle(requests)
    return requests[:MOST]


def measured(
    language: str,
    asked: Sequence[tuple[str, str]],
    tracks: Sequence[Mapping[str, Any]],
    rivals: Sequence[str] = tuple(RIVALS),
) -> Iterator[Figure]:
    """Recall at each depth of any track with the original title, for our linker and the rivals.

    Args:
        language: en or es.
        asked: (request, track_id) with one mistake each.
        tracks: the catalog.
        rivals: the names of the rivals to measure.
    """
    linker, locale = Linker(CatalogIndex.of(tracks)), {"en": "en-US", "es": "es-ES"}[language]
    named = {str(t["track_id"]): plain_form(str(t["title"])) for t in tracks}
    documents = [plain_form(f"{t['title']} {' '.join(t['artists'])}") for t in tracks]
    most = max(DEPTHS)
    results_of = {"ours": [[t for t, _ in linker.candidates(query, locale, most)] for query, _ in asked]}
    ids, queries = [str(t["track_id"]) for t in tracks], [plain_form(query) for query, _ in asked]
    for name in rivals:
        results_of[name] = [[ids[i] for i in row] for row in answers(RIVALS[name], queries, documents, most)]
    for arm, results in results_of.items():
        for depth in DEPTHS:
            hits = sum(
                any(named[t] == named[wanted] for t in result[:depth])
                for result, (_, wanted) in zip(results, asked, strict=True)
            )
            yield share("spelling", language, f"recall{depth}", arm, hits, len(asked), "requests with a mistake")
