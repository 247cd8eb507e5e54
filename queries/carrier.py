"""Carrier phrases: what is said around a request ("alexa, can you play ... please") by a written, versioned grammar.

The grammar is a data file (`queries/data/carrier.v1.json`), never changed by a night, and copied into each release.
Standard library only: the serving reader imports this.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from queries.normalise import language_of, normal_form

_PACKAGED = Path(__file__).parent / "data" / "carrier.v1.json"
_LISTS = ("wake", "openers", "politeness", "prefixes", "objects", "suffixes")


class CarrierGrammarInvalid(ValueError):
    """A carrier grammar file is missing, is not JSON or has a phrase that is not in normal form."""


@dataclass(frozen=True)
class LanguageCarriers:
    """The phrases of one language, each in normal form.

    `wake` and `politeness` may stand at both ends; `openers` ("can you") count only before a prefix; `prefixes` are the
    verbs ("play", "i want to listen to"), at most one is taken; `objects` ("some", "the song") follow it;
    `suffixes` ("on spotify") end a request. `keep`: object -> next words before which it stays ("me" before "and").
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
    its title). "play" stays "play", "play music" gives "music".
    """
    return stages(query, locale, grammar)[-1]


def stages(query: str, locale: str, grammar: CarrierGrammar) -> list[str]:
    """Every reading on the way from `query` to its stripped form, the fullest first, without repeats.

    For whoever knows the catalog: "play some nights" gives "play some nights", "some nights", "nights".
    """
    carriers = grammar.carriers(locale)
    words = query.split()
    seen = [" ".join(words)]

    def note(rest: list[str]) -> list[str]:
        text = " ".join(rest)
        if text != seen[-1]:
            seen.append(text)
        return rest

    words = note(_without_lead(words, carriers))
    ended = _without_tail(words, carriers)
    size = _match(words, carriers.prefixes, carriers.longest)
    if size:
        note(words[size:])
        words = note(_without_tail(words[size:], carriers))
    else:
        words = note(ended)
    _drop_objects(words, bool(size), carriers, note)
    return seen


def _without_lead(words: list[str], carriers: LanguageCarriers) -> list[str]:
    """Wake words always go; openers and politeness only when a verb phrase follows ("please please me" stays)."""
    while size := _match(words, carriers.wake, carriers.longest):
        words = words[size:]
    rest = words
    while size := _match(rest, carriers.leading, carriers.longest):
        rest = rest[size:]
        if _match(rest, carriers.prefixes, carriers.longest, whole=True):
            words = rest
    return words


def _without_tail(words: list[str], carriers: LanguageCarriers) -> list[str]:
    while " ".join(words) not in carriers.wake:  # "hey alexa" alone is not "hey" with a wake word after it
        for size in range(min(carriers.longest, len(words) - 1), 0, -1):
            if " ".join(words[-size:]) in carriers.trailing:
                words = words[:-size]
                break
        else:
            break
    return words


def _drop_objects(
    words: list[str], after_verb: bool, carriers: LanguageCarriers, note: Callable[[list[str]], list[str]]
) -> None:
    """Drop "some", "the song", "algo de" and note each step; a single word only after a verb."""
    while size := _match(words, carriers.objects, carriers.longest):
        phrase, following = " ".join(words[:size]), words[size]
        if (size == 1 and not after_verb) or following in carriers.keep.get(phrase, ()):
            break
        words = note(words[size:])


def _match(words: list[str], phrases: frozenset[str], longest: int, whole: bool = False) -> int:
    """Words of the longest phrase that starts `words` and leaves something over (`whole`: or nothing)."""
    for size in range(min(longest, len(words) - (not whole)), 0, -1):
        if " ".join(words[:size]) in phrases:
            return size
    return 0


def _language(name: str, lists: Mapping[str, Any], source: Path) -> LanguageCarriers:
    phrases = {key: frozenset(lists.get(key, ())) for key in _LISTS}
    keep = {word: frozenset(followers) for word, followers in lists.get("keep", {}).items()}
    wrong = sorted(phrase for group in phrases.values() for phrase in group if normal_form(phrase, name) != phrase)
    if wrong:
        raise CarrierGrammarInvalid(
            f"carrier grammar {source}: language {name}: expected phrases in normal form, found {wrong[:5]}. "
            "Write them as queries.normalise.normal_form gives them."
        )
    return LanguageCarriers(**phrases, keep=keep)
