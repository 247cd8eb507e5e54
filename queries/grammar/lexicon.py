"""The words of the constraint grammar, read from the versioned files of `queries/data/`.

One phrase means one thing: (field, value). Both languages stand in one table, so that "play música alegre" reads well.
"""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from queries.text.carrier import CarrierGrammar, load_grammar
from queries.text.normalise import normal_form

_DATA = Path(__file__).parent.parent / "data"
_MODIFIER_ORDER = ("explicit", "version", "sort", "language")


@dataclass(frozen=True)
class Phrase:
    """What a phrase means. `weak`: it counts only where the rest of the request is explained or speaks of music."""

    field: str
    value: str
    weak: bool = False


@dataclass(frozen=True)
class Lexicon:
    """Phrases, word lists and the carrier grammar. Build with `load_lexicon`; share it, it is never changed."""

    phrases: Mapping[str, Phrase]
    longest: int
    words: Mapping[str, frozenset[str]]
    languages: Mapping[str, frozenset[str]]
    grammar: CarrierGrammar

    def has(self, kind: str, text: str) -> bool:
        """Whether `text` is in the word list `kind` ("fillers", "music_nouns", "generic", ...)."""
        return text in self.words[kind]


def canonical_genre(name: str) -> str:
    """The canonical genre of a catalog's or a listener's name for it: "R&B" and "r-n-b" give "rnb"."""
    form = normal_form(name, "en")
    return _genre_names().get(form, form)


def mood_targets(name: str) -> dict[str, tuple[float, float]]:
    """Audio field -> (low, high) in which tracks of a canonical mood or activity lie; {} for an unknown name.

    Fields and units as in the contract's `audio` (tempo in beats per minute, the others 0 to 1). Source: hand-set from
    Russell's circumplex of affect (1980): valence and arousal; to be fitted on labelled tracks later.
    """
    entry = entries("moods").get(name) or entries("activities").get(name) or {}
    return {field: (float(low), float(high)) for field, (low, high) in entry.get("audio", {}).items()}


@lru_cache(maxsize=8)
def entries(kind: str) -> dict[str, Any]:
    """The entries of the data file `kind` ("moods", "activities", "genres")."""
    found: dict[str, Any] = _read(kind)["entries"]
    return found


def load_lexicon(genres: Iterable[str] = (), grammar: CarrierGrammar | None = None) -> Lexicon:
    """The packaged lexicon, with `genres` (a catalog's own vocabulary) added where no phrase says otherwise."""
    return _with_genres(_base(grammar or load_grammar()), genres)


def _with_genres(base: Lexicon, genres: Iterable[str]) -> Lexicon:
    phrases = dict(base.phrases)
    for name in sorted(set(genres)):
        form = normal_form(name, "en")
        plain = form.isdigit() or base.has("fillers", form) or base.has("generic", form)
        if form and not plain:
            phrases.setdefault(form, Phrase("genre", canonical_genre(name)))
    longest = max(phrase.count(" ") + 1 for phrase in phrases)
    return Lexicon(phrases, longest, base.words, base.languages, base.grammar)


def _base(grammar: CarrierGrammar) -> Lexicon:
    phrases: dict[str, Phrase] = {}
    fields = _read("modifiers")["fields"]
    for field in _MODIFIER_ORDER:
        _add(phrases, field, fields[field])
    _add(phrases, "mood", entries("moods"))
    _add(phrases, "activity", entries("activities"))
    for form, genre in _genre_names().items():
        phrases.setdefault(form, Phrase("genre", genre))
    words = _read("words")
    lists = {kind: frozenset(found) for kind, found in words.items() if isinstance(found, list)}
    languages = {name: frozenset(found) for name, found in words["languages"].items()}
    return Lexicon(phrases, 0, lists, languages, grammar)


def _add(phrases: dict[str, Phrase], field: str, values: Mapping[str, Any]) -> None:
    for value, entry in values.items():
        weak = frozenset(entry.get("weak", ()))
        for form in (*entry.get("en", ()), *entry.get("es", ()), *sorted(weak)):
            phrases.setdefault(form, Phrase(field, value, form in weak))


@lru_cache(maxsize=1)
def _genre_names() -> dict[str, str]:
    names = {name: name for name in entries("genres")}
    for name, said in entries("genres").items():
        for form in (*said.get("en", ()), *said.get("es", ())):
            names.setdefault(form, name)
    return names


@lru_cache(maxsize=8)
def _read(kind: str) -> dict[str, Any]:
    content: dict[str, Any] = json.loads((_DATA / f"{kind}.v1.json").read_bytes())
    return content
