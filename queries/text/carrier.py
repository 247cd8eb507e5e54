"""Carrier phrases: what is said around a request ("alexa, can you play ... please") by a written, versioned grammar.

The grammar is a data file (`queries/data/carrier.v1.json`), never changed by a night, and copied into each release.
Standard library only: the serving reader imports this.
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

    `wake` and `politeness` may stand at both ends; `openers` ("can you") count only before a prefix; `prefixes` are the
    verbs ("play", "i want to listen to"), at most one is taken; `objects` ("some", "the song") follow it;
    `suffixes` ("on spotify") end a request. `keep`: prefix or object -> next words before which it stays ("drop" before
    "it", "me" before "and").
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
        """What may stand before the verb."""
        return self.wake | self.openers | self.politeness

    @cached_property
    def trailing(self) -> frozenset[str]:
        """What may end a request."""
        return self.wake | self.politeness | self.suffixes

    @cached_property
    def longest(self) -> int:
        """Words of the longest phrase: bounds every match."""
        return max(
            (phrase.count(" ") + 1 for phrase in self.leading | self.trailing | self.prefixes | self.objects), default=0
        )


@dataclass(frozen=True)
class CarrierGrammar:
    """A version of the grammar: language code -> its phrases."""

    version: int
    languages: Mapping[str, LanguageCarriers]

    @cached_property
    def merged(self) -> LanguageCarriers:
        """All languages together, for the roll-up `*` and for languages without phrases of their own."""
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
        """The phrases of each other language: people who speak two mix them."""
        own = language_of(locale)
        return [self.languages[name] for name in sorted(self.languages) if name != own] if own in self.languages else []


def grammar_bytes() -> bytes:
    """The packaged grammar file, as a release copies it."""
    return _PACKAGED.read_bytes()


def load_grammar(path: Path | None = None) -> CarrierGrammar:
    """The grammar of `path` (default: the packaged one).

    Raises CarrierGrammarInvalid if the file cannot be read, is not JSON, or holds a phrase that is not in normal form.
    """
    source = path or _PACKAGED
    try:
        content = json.loads(source.read_bytes())
        version, languages = int(content["version"]), content["languages"]
        return CarrierGrammar(version, {name: _language(name, lists, source) for name, lists in languages.items()})
    except CarrierGrammarInvalid:
        raise
    except (OSError, KeyError, TypeError, AttributeError, ValueError) as error:
        raise CarrierGrammarInvalid(
            f"carrier grammar {source}: expected JSON with version and languages, found {type(error).__name__}: "
            f"{error}. Restore queries/data/carrier.v1.json."
        ) from error


def stripped(query: str, locale: str, grammar: CarrierGrammar) -> str:
    """`query` (a normal form) without wake word, politeness and carrier phrase; never empty.

    Pure. Longest phrase first; wake words, openers and objects repeatedly, one verb phrase ("play start me up" keeps
    its title). "play" stays "play", "play music" gives "music". Where the locale's own phrases take nothing, another language's do: "can you
    play despacito" in es-US. Linear in time and space.
    """
    words = query.split()
    start, end = deque(_places_in(words, locale, grammar), maxlen=1).pop()
    return " ".join(words[start:end])


def stages(query: str, locale: str, grammar: CarrierGrammar) -> list[str]:
    """Every reading on the way from `query` to its stripped form, the fullest first, without repeats.

    For whoever knows the catalog: "play some nights" gives "play some nights", "some nights", "nights". Of more than
    _MOST_STAGES the first ones and the stripped form.
    """
    words = query.split()
    kept: list[tuple[int, int]] = []
    for place in _places_in(words, locale, grammar):
        if kept[-1:] == [place]:
            continue
        if len(kept) == _MOST_STAGES:
            kept.pop()
        kept.append(place)
    return [" ".join(words[start:end]) for start, end in kept]


def _places_in(words: Sequence[str], locale: str, grammar: CarrierGrammar) -> list[tuple[int, int]]:
    """`_places` by the locale's own phrases, or by the first other language's that take something where those take nothing."""
    own = list(_places(words, grammar.carriers(locale)))
    if own[-1] != own[0]:
        return own
    tried = (list(_places(words, other)) for other in grammar.others(locale))
    return next((places for places in tried if places[-1] != places[0]), own)


def _places(words: Sequence[str], carriers: LanguageCarriers) -> Iterator[tuple[int, int]]:
    """Where each reading on the way starts and ends in `words`; some places come twice, one after the other."""
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
    # "some", "the song", "algo de": a single word only after a verb
    while size := _match(words, start, end, carriers.objects, carriers):
        if (size == 1 and not verb) or _stays(words, start, size, carriers):
            break
        start += size
        yield start, end


def _after_lead(words: Sequence[str], carriers: LanguageCarriers) -> int:
    """Wake words always go; openers and politeness only when a verb phrase follows ("please please me" stays)."""
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
    # "hey alexa" alone is not "hey" with a wake word after it
    while end - start > carriers.longest or " ".join(words[start:end]) not in carriers.wake:
        for size in range(min(carriers.longest, end - start - 1), 0, -1):
            if " ".join(words[end - size : end]) in carriers.trailing:
                end -= size
                break
        else:
            break
    return end


def _stays(words: Sequence[str], at: int, size: int, carriers: LanguageCarriers) -> bool:
    """Whether a verb phrase or object belongs to the name that follows: "me and bobby mcgee", "drop it like its hot"."""
    return words[at + size] in carriers.keep.get(" ".join(words[at : at + size]), ())


def _match(
    words: Sequence[str], start: int, end: int, phrases: frozenset[str], carriers: LanguageCarriers, whole: bool = False
) -> int:
    """Words of the longest phrase that begins at `start` and leaves something before `end` (`whole`: or nothing)."""
    for size in range(min(carriers.longest, end - start - (not whole)), 0, -1):
        if " ".join(words[start : start + size]) in phrases:
            return size
    return 0


def _language(name: str, lists: Mapping[str, Any], source: Path) -> LanguageCarriers:
    phrases = {key: frozenset(lists.get(key, ())) for key in _LISTS}
    keep = {word: frozenset(followers) for word, followers in lists.get("keep", {}).items()}
    wrong = sorted(phrase for group in phrases.values() for phrase in group if normal_form(phrase, name) != phrase)
    if wrong:
        raise CarrierGrammarInvalid(
            f"carrier grammar {source}: language {name}: expected phrases in normal form, found {wrong[:5]}. "
            "Write them as queries.text.normalise.normal_form gives them."
        )
    return LanguageCarriers(**phrases, keep=keep)
