"""Artists' names as people write them: typed in one piece, by initials, by sound, or with a letter wrong.

Names are found by keys (joined letters, initials, sound) and by shared trigrams with edit similarity as the judge; nothing is
compared with everything.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from queries.text.phonetic import sounds_like

_MIN_EDIT = 78.0
_SHORT = 4  # letters below which a single changed letter is another name
_SHORTLIST = 40
_SCORES = {"joined": 1.0, "initials": 0.9, "sound": 0.88, "part": 0.8, "begun": 0.75}
_PARTS = 3


@dataclass(frozen=True)
class Named:
    """Words `start` to `end` of a request taken for the artist `name` (a folded form), with a likeness from 0 to 1."""

    name: str
    start: int
    end: int
    likeness: float


class NameIndex:
    """Folded artist names. `weight`: how much there is of each (tracks), to choose between names alike."""

    def __init__(self, names: Mapping[str, int], languages: Iterable[str] = ("en", "es")) -> None:
        self._weight = names
        self._languages = tuple(languages)
        self._joined: dict[str, list[str]] = defaultdict(list)
        self._initials: dict[str, list[str]] = defaultdict(list)
        self._sound: dict[tuple[str, str], list[str]] = defaultdict(list)
        self._trigrams: dict[str, list[str]] = defaultdict(list)
        self._part: dict[str, list[str]] = defaultdict(list)
        self._begun: dict[str, list[str]] = defaultdict(list)
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
                self._part[" ".join(words[:at])].append(name)
                self._part[" ".join(words[at:])].append(name)
            if len(words) > 1:
                for at in range(3, len(name)):  # "led zep" begins "led zeppelin"
                    if name[at - 1] != " " and " " in name[:at]:
                        self._begun[name[:at]].append(name)

    def alike(self, text: str) -> dict[str, float]:
        """Names that `text` (a normal form, whole) may be, with their likeness."""
        joined = text.replace(" ", "")
        found: dict[str, float] = {}
        for name in self._joined.get(joined, ()):
            found[name] = _SCORES["joined"]
        if len(joined) >= 3 and " " not in text:
            for name in self._initials.get(joined, ()):
                found.setdefault(name, _SCORES["initials"])
        if len(joined) >= _SHORT:
            for language in self._languages:
                for name in self._sound.get((language, sounds_like(text, language)), ()):
                    found.setdefault(name, _SCORES["sound"])
            for kind, names in (("part", self._part.get(text, ())), ("begun", self._begun.get(text, ()))):
                for name in sorted(set(names), key=lambda name: (-self._weight[name], name))[:_PARTS]:
                    found.setdefault(name, _SCORES[kind])
            for name, likeness in self._spelled_alike(text).items():
                found[name] = max(found.get(name, 0.0), likeness)
        return found

    def within(self, words: list[str], longest: int = 4) -> list[Named]:
        """The whole request, and stretches at its start or end, as names; the likeliest first."""
        spans = {(0, len(words))} if len(words) <= 6 else set()
        for size in range(1, min(longest, len(words) - 1) + 1):
            spans |= {(0, size), (len(words) - size, len(words))}
        found = []
        for start, end in sorted(spans):
            whole = end - start == len(words)
            for name, likeness in self.alike(" ".join(words[start:end])).items():
                if whole or likeness >= _SCORES["sound"]:
                    found.append(Named(name, start, end, likeness))
        return sorted(found, key=lambda one: (-one.likeness, one.start - one.end, -self._weight[one.name], one.name))

    def _spelled_alike(self, text: str) -> dict[str, float]:
        from rapidfuzz import fuzz

        shared: dict[str, int] = defaultdict(int)
        for gram in _grams(text):
            for name in self._trigrams.get(gram, ()):
                shared[name] += 1
        best = sorted(shared, key=lambda name: (-shared[name] / (len(name) + len(text)), name))[:_SHORTLIST]
        found = {}
        for name in best:
            likeness = fuzz.ratio(text, name)
            if likeness >= _MIN_EDIT:
                found[name] = 0.9 * likeness / 100
        return found


def _grams(text: str) -> set[str]:
    padded = f" {text} "
    return {padded[at : at + 3] for at in range(len(padded) - 2)}
