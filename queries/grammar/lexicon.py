"""The words of the constraint grammar, read from the versioned files of `queries/data/`.

Each phrase has one meaning, (field, value). Both languages share one table, so that mixed requests are read
("play música alegre").
"""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Any

from queries.text.carrier import CarrierGrammar, load_grammar
from queries.text.normalise import normal_form

_DATA = Path(__file__).parent.parent / "data"
SHORTEST_CORRECTED = 4  # letters of a word that is corrected; a shorter one is near to too many others
FILES = ("activities", "acts", "genres", "modifiers", "moods", "words", "works")
_MODIFIER_ORDER = ("explicit", "version", "sort", "language")


@dataclass(frozen=True)
class Phrase:
    """The meaning of a phrase. `weak`: it counts only if the rest of the request is explained or mentions music."""

    field: str
    value: str
    weak: bool = False


@dataclass(frozen=True)
class Lexicon:
    """Phrases, word lists and the carrier grammar. Built by `load_lexicon`; immutable, so one instance can be shared.

    Attributes:
        phrases: Phrase in normal form -> its meaning.
        longest: Number of words of the longest phrase.
        words: Name of a word list -> its words and phrases.
        languages: Language code -> words that only this language uses.
        grammar: The carrier grammar.
        works: Name of a work or artist in normal form -> its other names, in other languages or in short.
        acts: Phrase that is told to a player -> the lists of `acts.v1.json` that have it.
    """

    phrases: Mapping[str, Phrase]
    longest: int
    words: Mapping[str, frozenset[str]]
    languages: Mapping[str, frozenset[str]]
    grammar: CarrierGrammar
    works: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    acts: Mapping[str, frozenset[str]] = field(default_factory=dict)

    @cached_property
    def every_word(self) -> frozenset[str]:
        """The words of all phrases, word lists and carrier phrases."""
        return self._words_of(name for name in self.words if name != "ordinary")

    def _words_of(self, lists: Iterable[str]) -> frozenset[str]:
        """The words of all phrases, carrier phrases and these word lists."""
        carriers = self.grammar.merged
        phrases = {*self.phrases, *carriers.leading, *carriers.trailing, *carriers.prefixes, *carriers.objects}
        return frozenset(
            word for phrase in phrases.union(*(self.words[name] for name in lists)) for word in phrase.split()
        )

    @cached_property
    def negating(self) -> frozenset[str]:
        """The words that a phrase of negation begins with."""
        return frozenset(phrase.split(" ", 1)[0] for phrase in self.words["negations"])

    @cached_property
    def remark_starts(self) -> frozenset[str]:
        """The first words of the phrases of `remarks` and `last_words`."""
        return frozenset(phrase.split(" ", 1)[0] for kind in ("remarks", "last_words") for phrase in self.words[kind])

    @cached_property
    def spelled(self) -> tuple[str, ...]:
        """Those of `every_word` that a misspelled word may stand for, sorted: no word that is a filler and nothing else."""
        words = self._words_of(name for name in self.words if name not in ("ordinary", "fillers"))
        return tuple(sorted(word for word in words if len(word) >= SHORTEST_CORRECTED - 1 and word.isalpha()))

    def has(self, kind: str, text: str) -> bool:
        """Whether `text` is in the word list `kind` ("fillers", "music_nouns", "generic", ...)."""
        return text in self.words[kind]


def canonical_genre(name: str) -> str:
    """The canonical genre of any name for it, from a catalog or a listener: "R&B" and "r-n-b" give "rnb"."""
    form = normal_form(name, "en")
    return _genre_names().get(form, form)


def mood_targets(name: str) -> dict[str, tuple[float, float]]:
    """The audio ranges of tracks that fit a canonical mood or activity: audio field -> (low, high); {} for an unknown name.

    Fields and units are those of the input contract's `audio` (tempo in beats per minute, the others 0 to 1). Source: set by
    hand after valence and arousal in Russell's circumplex of affect (1980); not yet fitted on labelled tracks.
    """
    entry = entries("moods").get(name) or entries("activities").get(name) or {}
    return {field: (float(low), float(high)) for field, (low, high) in entry.get("audio", {}).items()}


@lru_cache(maxsize=8)
def entries(kind: str) -> dict[str, Any]:
    """The entries of the data file `kind` ("moods", "activities", "genres")."""
    content: dict[str, Any] = content_of(kind)["entries"]
    return content


def load_lexicon(genres: Iterable[str] = (), grammar: CarrierGrammar | None = None) -> Lexicon:
    """The packaged lexicon, with the catalog's `genres` added as phrases unless a phrase has another meaning already."""
    return with_genres(lexicon_of({kind: content_of(kind) for kind in FILES}, grammar or load_grammar()), genres)


def with_genres(base: Lexicon, genres: Iterable[str]) -> Lexicon:
    """A lexicon with a catalog's genres added as phrases, unless a phrase has another meaning already."""
    phrases = dict(base.phrases)
    for name in sorted(set(genres)):
        form = normal_form(name, "en")
        plain = form.isdigit() or base.has("fillers", form) or base.has("generic", form)
        if form and not plain:
            phrases.setdefault(form, Phrase("genre", canonical_genre(name)))
    longest = max(phrase.count(" ") + 1 for phrase in phrases)
    return replace(base, phrases=phrases, longest=longest)


def lexicon_of(files: Mapping[str, Any], grammar: CarrierGrammar) -> Lexicon:
    """The lexicon of parsed data files, without a catalog's genres.

    Args:
        files: Kind of FILES -> parsed content.
        grammar: The carrier grammar.
    """
    phrases: dict[str, Phrase] = {}
    fields = files["modifiers"]["fields"]
    for kind in _MODIFIER_ORDER:
        _add_phrases(phrases, kind, fields[kind])
    _add_phrases(phrases, "mood", files["moods"]["entries"])
    _add_phrases(phrases, "activity", files["activities"]["entries"])
    for form, genre in _names_of_genres(files["genres"]["entries"]).items():
        phrases.setdefault(form, Phrase("genre", genre))
    words = files["words"]
    kinds = [kind for kind, forms in content_of("words").items() if isinstance(forms, list)]
    lists = {kind: frozenset(words.get(kind, ())) for kind in kinds}  # a release of before may lack a list
    languages = {name: frozenset(forms) for name, forms in words["languages"].items()}
    works = {
        name: tuple(other for other in group if other != name)
        for group in (*files["works"]["groups"], *files["works"]["artists"])
        for name in group
    }
    acts: dict[str, frozenset[str]] = {}
    for kind, forms in files["acts"].items():
        for form in forms if isinstance(forms, list) else ():
            acts[form] = acts.get(form, frozenset()) | {kind}
    return Lexicon(phrases, 0, lists, languages, grammar, works, acts)


def _add_phrases(phrases: dict[str, Phrase], field: str, values: Mapping[str, Any]) -> None:
    for value, entry in values.items():
        weak = frozenset(entry.get("weak", ()))
        for form in (*entry.get("en", ()), *entry.get("es", ()), *sorted(weak)):
            phrases.setdefault(form, Phrase(field, value, form in weak))


@lru_cache(maxsize=1)
def _genre_names() -> dict[str, str]:
    return _names_of_genres(entries("genres"))


def _names_of_genres(genres: Mapping[str, Any]) -> dict[str, str]:
    names = {name: name for name in genres}
    for name, entry in genres.items():
        for form in (*entry.get("en", ()), *entry.get("es", ())):
            names.setdefault(form, name)
    return names


@lru_cache(maxsize=8)
def content_of(kind: str) -> dict[str, Any]:
    """The parsed data file of a kind of FILES."""
    content: dict[str, Any] = json.loads((_DATA / f"{kind}.v1.json").read_bytes())
    return content
