"""Approximate look-up of artists' names: without blanks, by initials, by sound, by a part, or with spelling errors.

Candidates come from inverted indexes (joined letters, initials, phonetic key, parts, letter trigrams). Names that share trigrams
are scored by edit similarity. No text is compared with every name.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from queries.text.phonetic import sounds_like

_MIN_EDIT = 78.0
_SHORT = 4  # letters; in a shorter name, one changed letter makes another name
_SHORTLIST = 40
_SCORES = {"joined": 1.0, "initials": 0.9, "sound": 0.88, "part": 0.8, "begun": 0.75}
_PARTS = 3


@dataclass(frozen=True)
class NameMatch:
    """Words `start` to `end` (exclusive) of a request that may name the artist `name` (a folded form); likeness 0 to 1."""

    name: str
    start: int
    end: int
    likeness: float


class NameIndex:
    """An index of folded artist names.

    Args:
        names: Folded name -> its number of tracks; of equally similar names, the one with more tracks comes first.
        languages: Languages whose phonetic rules are applied.
    """

    def __init__(self, names: Mapping[str, int], languages: Iterable[str] = ("en", "es")) -> None:
        self._weight = names
        self._languages = tuple(languages)
        self._joined: dict[str, list[str]] = defaultdict(list)
        self._initials: dict[str, list[str]] = defaultdict(list)
        self._sound: dict[tuple[str, str], list[str]] = defaultdict(list)
        self._trigrams: dict[str, list[str]] = defaultdict(list)
        self._parts: dict[str, list[str]] = defaultdict(list)
        self._prefixes: dict[str, list[str]] = defaultdict(list)
        for name in sorted(names):
            words = name.split()
            self._joined["".join(words)].append(name)
            if len(words) >= 3:
                self._initials["".join(word[0] for word in words)].append(name)
            for language in self._languages:
                key = sounds_like(name, language)
                if len(key) >= 3:
                    self._sound[language, key].append(name)
            if len(name) >= _SHORT:
                for gram in _grams(name):
                    self._trigrams[gram].append(name)
            for at in range(1, len(words)):
                self._parts[" ".join(words[:at])].append(name)
                self._parts[" ".join(words[at:])].append(name)
            if len(words) > 1:
                for at in range(3, len(name)):  # "led zep" begins "led zeppelin"
                    if name[at - 1] != " " and " " in name[:at]:
                        self._prefixes[name[:at]].append(name)

    def similar_names(self, text: str) -> dict[str, float]:
        """Names that the whole of `text` (a normal form) may mean, with their likeness from 0 to 1."""
        joined = text.replace(" ", "")
        likeness_of: dict[str, float] = {}
        for name in self._joined.get(joined, ()):
            likeness_of[name] = _SCORES["joined"]
        if len(joined) >= 3 and " " not in text:
            for name in self._initials.get(joined, ()):
                likeness_of.setdefault(name, _SCORES["initials"])
        if len(joined) >= _SHORT:
            for language in self._languages:
                for name in self._sound.get((language, sounds_like(text, language)), ()):
                    likeness_of.setdefault(name, _SCORES["sound"])
            for kind, names in (("part", self._parts.get(text, ())), ("begun", self._prefixes.get(text, ()))):
                for name in sorted(set(names), key=lambda name: (-self._weight[name], name))[:_PARTS]:
                    likeness_of.setdefault(name, _SCORES[kind])
            for name, likeness in self._similar_spellings(text).items():
                likeness_of[name] = max(likeness_of.get(name, 0.0), likeness)
        return likeness_of

    def matches_in(self, words: list[str], longest: int = 4) -> list[NameMatch]:
        """Artists that the request, or words at its start or end, may name; the likeliest first.

        Args:
            words: The words of a normal form; the whole is only tried if it has at most six.
            longest: Most words at the start or end that are taken as a name.
        """
        spans = {(0, len(words))} if len(words) <= 6 else set()
        for size in range(1, min(longest, len(words) - 1) + 1):
            spans |= {(0, size), (len(words) - size, len(words))}
        matches = []
        for start, end in sorted(spans):
            whole = end - start == len(words)
            for name, likeness in self.similar_names(" ".join(words[start:end])).items():
                if whole or likeness >= _SCORES["sound"]:
                    matches.append(NameMatch(name, start, end, likeness))
        return sorted(matches, key=lambda one: (-one.likeness, one.start - one.end, -self._weight[one.name], one.name))

    def _similar_spellings(self, text: str) -> dict[str, float]:
        from rapidfuzz import fuzz

        shared: dict[str, int] = defaultdict(int)
        for gram in _grams(text):
            for name in self._trigrams.get(gram, ()):
                shared[name] += 1
        best = sorted(shared, key=lambda name: (-shared[name] / (len(name) + len(text)), name))[:_SHORTLIST]
        likeness_of = {}
        for name in best:
            likeness = fuzz.ratio(text, name)
            if likeness >= _MIN_EDIT:
                likeness_of[name] = 0.9 * likeness / 100
        return likeness_of


def _grams(text: str) -> set[str]:
    padded = f" {text} "
    return {padded[at : at + 3] for at in range(len(padded) - 2)}
