"""Strips carrier phrases, the words around a request ("alexa, can you play ... please"), by a versioned grammar.

The grammar is a data file (`queries/data/carrier.v1.json`). A night never changes it, and each release contains a copy.
This module uses the standard library only, because the serving reader imports it.
"""

import json
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from queries.text.normalise import language_of, normal_form

_PACKAGED = Path(__file__).parent.parent / "data" / "carrier.v1.json"
_LISTS = ("wake", "openers", "politeness", "prefixes", "objects", "suffixes")
_MOST_STAGES = 16


class CarrierGrammarInvalid(ValueError):
    """A carrier grammar file is missing, is not JSON or has a phrase that is not in normal form."""


@dataclass(frozen=True)
class LanguageCarriers:
    """The phrases of one language, each in normal form.

    Attributes:
        wake: Wake words ("alexa"); stripped from both ends.
        openers: Phrases before the verb ("can you"); stripped only where a prefix follows.
        politeness: Polite words ("please"); stripped from the end, and from the start where a prefix follows.
        prefixes: Verb phrases ("play", "i want to listen to"); at most one is stripped.
        objects: Phrases after the verb ("some", "the song").
        suffixes: Phrases that end a request ("on spotify").
        keep: Prefix or object -> next words before which it is not stripped ("drop" before "it", "me" before "and").
    """

    wake: frozenset[str]
    openers: frozenset[str]
    politeness: frozenset[str]
    prefixes: frozenset[str]
    objects: frozenset[str]
    suffixes: frozenset[str]
    keep: Mapping[str, frozenset[str]]

    @cached_property
    def leading(self) -> frozenset[str]:
        """The phrases that may precede the verb."""
        return self.wake | self.openers | self.politeness

    @cached_property
    def trailing(self) -> frozenset[str]:
        """The phrases that may end a request."""
        return self.wake | self.politeness | self.suffixes

    @cached_property
    def longest(self) -> int:
        """Number of words in the longest phrase; limits every match."""
        return max(
            (phrase.count(" ") + 1 for phrase in self.leading | self.trailing | self.prefixes | self.objects), default=0
        )


@dataclass(frozen=True)
class CarrierGrammar:
    """One version of the grammar; `languages` maps a language code to its phrases."""

    version: int
    languages: Mapping[str, LanguageCarriers]

    @cached_property
    def merged(self) -> LanguageCarriers:
        """The phrases of all languages together, for the roll-up `*` and for languages that have no phrases of their own."""
        every = [self.languages[name] for name in sorted(self.languages)]
        lists = {name: frozenset().union(*(getattr(one, name) for one in every)) for name in _LISTS}
        keep: dict[str, frozenset[str]] = {}
        for one in every:
            for word, followers in one.keep.items():
                keep[word] = keep.get(word, frozenset()) | followers
        return LanguageCarriers(**lists, keep=keep)

    def carriers(self, locale: str) -> LanguageCarriers:
        """The phrases for a locale or roll-up."""
        return self.languages.get(language_of(locale)) or self.merged

    def others(self, locale: str) -> list[LanguageCarriers]:
        """The phrases of each other language, because bilingual speakers mix languages; none if its own is unknown."""
        own = language_of(locale)
        return [self.languages[name] for name in sorted(self.languages) if name != own] if own in self.languages else []


def grammar_bytes() -> bytes:
    """The bytes of the packaged grammar file, which a release copies."""
    return _PACKAGED.read_bytes()


def load_grammar(path: Path | None = None) -> CarrierGrammar:
    """Load the grammar of `path` (default: the packaged one).

    Raises:
        CarrierGrammarInvalid: The file cannot be read, is not JSON, or contains a phrase that is not in normal form.
    """
    source = path or _PACKAGED
    try:
        return grammar_of(json.loads(source.read_bytes()), source)
    except (OSError, ValueError) as error:
        if isinstance(error, CarrierGrammarInvalid):
            raise
        raise CarrierGrammarInvalid(
            f"carrier grammar {source}: expected JSON with version and languages, found {type(error).__name__}: "
            f"{error}. Restore queries/data/carrier.v1.json."
        ) from error


def grammar_of(content: Any, source: object) -> CarrierGrammar:
    """The grammar of a parsed file.

    Args:
        content: The parsed JSON.
        source: Where it came from, for messages.

    Raises:
        CarrierGrammarInvalid: It lacks version or languages, or contains a phrase that is not in normal form.
    """
    try:
        version, languages = int(content["version"]), content["languages"]
        return CarrierGrammar(version, {name: _language(name, lists, source) for name, lists in languages.items()})
    except CarrierGrammarInvalid:
        raise
    except (KeyError, TypeError, AttributeError, ValueError) as error:
        raise CarrierGrammarInvalid(
            f"carrier grammar {source}: expected JSON with version and languages, found {type(error).__name__}: "
            f"{error}. Restore queries/data/carrier.v1.json."
        ) from error


def stripped(query: str, locale: str, grammar: CarrierGrammar) -> str:
    """`query` (a normal form) without wake word, politeness and carrier phrase; never empty.

    Pure. The longest phrase is matched first. Wake words, openers and objects are stripped repeatedly, but only one verb
    phrase ("play start me up" keeps its title). "play" stays "play"; "play music" gives "music". If the phrases of the
    locale's language strip nothing, those of another language are tried ("can you play despacito" in es-US). Linear in time
    and space.

    Args:
        query: A normal form.
        locale: Locale or roll-up; chooses the language of the phrases.
        grammar: The carrier grammar.
    """
    words = query.split()
    start, end = deque(_stage_bounds_with_fallback(words, locale, grammar), maxlen=1).pop()
    return " ".join(words[start:end])


def stages(query: str, locale: str, grammar: CarrierGrammar) -> list[str]:
    """Every intermediate form from `query` to its stripped form, the longest first, without duplicates.

    A caller that knows the catalog can choose among them: "play some nights" gives "play some nights", "some nights",
    "nights". If there are more than _MOST_STAGES, only the first ones and the stripped form are returned. Arguments as for
    `stripped`.
    """
    words = query.split()
    kept: list[tuple[int, int]] = []
    for bound in _stage_bounds_with_fallback(words, locale, grammar):
        if kept[-1:] == [bound]:
            continue
        if len(kept) == _MOST_STAGES:
            kept.pop()
        kept.append(bound)
    return [" ".join(words[start:end]) for start, end in kept]


def _stage_bounds_with_fallback(words: Sequence[str], locale: str, grammar: CarrierGrammar) -> list[tuple[int, int]]:
    """The stage bounds by the locale's own phrases; if those strip nothing, by the first other language that strips something.

    Polite words of other languages that then end the request are stripped, too ("play una cancion de … please").
    """
    bounds = list(_stage_bounds(words, grammar.carriers(locale)))
    if bounds[-1] == bounds[0]:
        alternatives = (list(_stage_bounds(words, other)) for other in grammar.others(locale))
        bounds = next((others for others in alternatives if others[-1] != others[0]), bounds)
    start, end = bounds[-1]
    if start > 0:
        polite = grammar.merged.politeness
        while (size := _polite_tail(words, start, end, polite, grammar.merged.longest)) > 0:
            end -= size
            bounds.append((start, end))
    return bounds


def _polite_tail(words: Sequence[str], start: int, end: int, polite: frozenset[str], longest: int) -> int:
    """Number of words of the longest polite phrase that ends the words and leaves one before it; 0 without one."""
    sizes = range(min(longest, end - start - 1), 0, -1)
    return next((size for size in sizes if " ".join(words[end - size : end]) in polite), 0)


def _stage_bounds(words: Sequence[str], carriers: LanguageCarriers) -> Iterator[tuple[int, int]]:
    """(start, end) in `words` of each intermediate form, the longest first; consecutive ones may be equal."""
    start, end = 0, len(words)
    yield start, end
    start = _after_lead(words, carriers)
    yield start, end
    verb = _match(words, start, end, carriers.prefixes, carriers)
    if verb and not _stays(words, start, verb, carriers):
        start += verb
        yield start, end
    else:
        verb = 0
    end = _before_tail(words, start, carriers)
    yield start, end
    # a single-word object ("some") is stripped only after a verb
    while size := _match(words, start, end, carriers.objects, carriers):
        if (size == 1 and not verb) or _stays(words, start, size, carriers):
            break
        start += size
        yield start, end


def _after_lead(words: Sequence[str], carriers: LanguageCarriers) -> int:
    """The first word after the lead: wake words always, openers and politeness only before a verb phrase ("please please me")."""
    start, end = 0, len(words)
    while size := _match(words, start, end, carriers.wake, carriers):
        start += size
    at = start
    while size := _match(words, at, end, carriers.leading, carriers):
        at += size
        if _match(words, at, end, carriers.prefixes, carriers, whole=True):
            start = at
    return start


def _before_tail(words: Sequence[str], start: int, carriers: LanguageCarriers) -> int:
    end = len(words)
    # what is left may be one wake phrase ("hey alexa"): then "alexa" is not stripped from it
    while end - start > carriers.longest or " ".join(words[start:end]) not in carriers.wake:
        for size in range(min(carriers.longest, end - start - 1), 0, -1):
            if " ".join(words[end - size : end]) in carriers.trailing:
                end -= size
                break
        else:
            break
    return end


def _stays(words: Sequence[str], at: int, size: int, carriers: LanguageCarriers) -> bool:
    """Whether a verb phrase or object is kept as part of the name: "me and bobby mcgee", "drop it like its hot"."""
    return words[at + size] in carriers.keep.get(" ".join(words[at : at + size]), ())


def _match(
    words: Sequence[str], start: int, end: int, phrases: frozenset[str], carriers: LanguageCarriers, whole: bool = False
) -> int:
    """Number of words of the longest phrase at `start` that leaves a word before `end`; `whole` allows it to leave none."""
    for size in range(min(carriers.longest, end - start - (not whole)), 0, -1):
        if " ".join(words[start : start + size]) in phrases:
            return size
    return 0


def _language(name: str, lists: Mapping[str, Any], source: object) -> LanguageCarriers:
    phrases = {key: frozenset(lists.get(key, ())) for key in _LISTS}
    keep = {word: frozenset(followers) for word, followers in lists.get("keep", {}).items()}
    wrong = sorted(phrase for group in phrases.values() for phrase in group if normal_form(phrase, name) != phrase)
    if wrong:
        raise CarrierGrammarInvalid(
            f"carrier grammar {source}: language {name}: expected phrases in normal form, found {wrong[:5]}. "
            "Write them as queries.text.normalise.normal_form gives them."
        )
    return LanguageCarriers(**phrases, keep=keep)
