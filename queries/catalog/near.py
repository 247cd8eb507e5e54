"""Names of the catalog that are like what was said: by spelling (letter trigrams, then edit similarity), by sound, by initials,
by a number that was said ("blink one eighty two").

The index may lie in memory (`MemoryNames`) or in a release (`serving.stored_names`); the look-up is the same function.
"""

from __future__ import annotations

from array import array
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from queries.text.numbers import spoken_forms
from queries.text.phonetic import sounds_like

KINDS = ("artist", "title", "album")
LANGUAGES = ("en", "es")  # whose phonetic rules are applied to every name
LEAST_RATIO = 84.0  # edit similarity, 0 to 100
_WORTH_A_LOOK = 75.0
_LEAST_RATIO_OF_SOUND = 70.0  # names that sound alike and are spelled very differently are seldom one
SOUND, SWAPPED, INITIALS = 0.93, 0.93, 0.95
"""Likeness of a name that sounds alike, that has two letters in other places, or whose initials were said."""
PART = 0.95  # likeness of a name of which only the first or last words were said
SHORT = 4  # letters; in a shorter name one changed letter makes another name
MOST_NAMES = 20  # with one phonetic key, the most popular
LONGEST = 80  # letters of what is looked up; no name that is said is longer
_RAREST, _POSTINGS, _COMPARED = 8, 20_000, 40


class NameStore(Protocol):
    """An index of the folded names of a catalog. `kind` is one of KINDS."""

    def sounding(self, kind: str, key: str) -> Sequence[str]:
        """At most MOST_NAMES names with a key of `index_keys`, the most popular first."""
        ...

    def with_trigram(self, kind: str, trigram: str) -> Sequence[int]:
        """The numbers of the names that have the trigram, ascending; the most popular name has the lowest number."""
        ...

    def numbered(self, kind: str, number: int) -> str:
        """The name with this number."""
        ...


@dataclass(frozen=True, slots=True)
class Alike:
    """A name that is like what was said.

    Attributes:
        name: The folded name.
        likeness: 0 to 1.
        by_sound: Whether only sound or initials are alike, not the spelling.
    """

    name: str
    likeness: float
    by_sound: bool


def similar(store: NameStore, kind: str, words: str) -> list[Alike]:
    """The names of a kind that `words` (a normal form) may mean, the likeliest first; ties by popularity."""
    from rapidfuzz import fuzz

    if not SHORT <= len(words) <= LONGEST:
        return []
    spelled = (store.numbered(kind, number) for number in _by_trigrams(store, kind, words))
    alike = {name: Alike(name, value, by_sound=False) for name, value in _spelled_alike(words, spelled)}
    for form in (words, *spoken_forms(words)):
        for name in store.sounding(kind, f"number:{form}"):
            alike[name] = Alike(name, 1.0, by_sound=False)
    keys = [(key, SOUND) for key in sound_keys(words)]
    if kind == "artist" and " " not in words:
        keys.append((f"initials:{words}", INITIALS))
    for key, value in keys:
        for name in store.sounding(kind, key):
            if len(name) < SHORT or (name in alike and alike[name].likeness >= value):
                continue
            if value == INITIALS or fuzz.ratio(words, name) >= _LEAST_RATIO_OF_SOUND:
                alike[name] = Alike(name, value, by_sound=name not in alike)
    return sorted(alike.values(), key=lambda one: -one.likeness)


def with_part(store: NameStore, kind: str, words: str) -> list[str]:
    """The names of a kind that begin or end with `words` (a normal form), the most alike first: "anna" of "anna lang"."""
    if not SHORT <= len(words) <= LONGEST:
        return []
    names = (store.numbered(kind, number) for number in _by_trigrams(store, kind, words))
    return [name for name in names if name.startswith(f"{words} ") or name.endswith(f" {words}")]


def _spelled_alike(words: str, names: Iterable[str]) -> Iterator[tuple[str, float]]:
    from rapidfuzz import fuzz, process
    from rapidfuzz.distance import OSA

    known = [name for name in names if len(name) >= SHORT]
    joined, letters = words.replace(" ", ""), sorted(words)
    for name, ratio, _ in process.extract(words, known, scorer=fuzz.ratio, score_cutoff=_WORTH_A_LOOK, limit=None):
        if name.replace(" ", "") == joined:
            yield name, 1.0
        elif ratio >= LEAST_RATIO:
            yield name, float(ratio) / 100
        elif sorted(name) == letters and OSA.distance(words, name, score_cutoff=1) == 1:
            yield name, SWAPPED  # "hlelo"


def _by_trigrams(store: NameStore, kind: str, words: str) -> list[int]:
    """The numbers of the names that share the most of the rarest trigrams of `words`, at most _COMPARED."""
    import numpy as np

    postings = sorted((store.with_trigram(kind, gram) for gram in trigrams(words)), key=len)
    chosen: list[Sequence[int]] = []
    for numbers in [one for one in postings if len(one)][:_RAREST]:
        if chosen and sum(map(len, chosen)) + len(numbers) > _POSTINGS:
            break
        chosen.append(numbers)
    if not chosen:
        return []
    distinct, shared = np.unique(np.concatenate([np.asarray(one, np.uint32) for one in chosen]), return_counts=True)
    best = np.argsort(-shared, kind="stable")[:_COMPARED]  # stable: of equally many, the most popular
    return [int(number) for number in distinct[best]]


def trigrams(name: str) -> list[str]:
    """The distinct letter trigrams of a folded name without its blanks, with one blank before and after, in order."""
    padded = f" {name.replace(' ', '')} "
    return list(dict.fromkeys(padded[at : at + 3] for at in range(len(padded) - 2)))


def sound_keys(name: str) -> list[str]:
    """The phonetic keys of a folded name as `language:key`; none where a key is shorter than four sounds."""
    keys = [(language, sounds_like(name, language)) for language in LANGUAGES]
    return [f"{language}:{key}" for language, key in keys if len(key) >= SHORT]


def index_keys(kind: str, name: str) -> list[str]:
    """The keys under which a folded name is looked up by what was said: its sounds, its numbers as they are spoken, its initials.

    Initials count for artists of three words or more.
    """
    keys = [*sound_keys(name), *(f"number:{form}" for form in spoken_forms(name))]
    if kind == "artist" and name.count(" ") >= 2:
        keys.append("initials:" + "".join(word[0] for word in name.split()))
    return keys


def index_trigrams(name: str) -> list[str]:
    """The trigrams under which a folded name is looked up by its spelling; none for a name that is too short."""
    return trigrams(name) if len(name) >= SHORT else []


def name_postings(names: Mapping[str, float], kind: str) -> NamePostings:
    """The index of the names of one kind; of one with equal popularity the name comes first that sorts first.

    Args:
        names: Folded name -> popularity.
        kind: One of KINDS.
    """
    ordered = sorted((name for name in names if len(name) <= LONGEST), key=lambda name: (-names[name], name))
    sounds: dict[str, list[str]] = defaultdict(list)
    grams: dict[str, array[int]] = defaultdict(lambda: array("I"))
    for number, name in enumerate(ordered):
        for key in index_keys(kind, name):
            if len(sounds[key]) < MOST_NAMES:
                sounds[key].append(name)
        for gram in index_trigrams(name):
            grams[gram].append(number)
    return NamePostings(ordered, dict(sounds), dict(grams))


@dataclass(frozen=True)
class NamePostings:
    """The index of one kind: names by number, phonetic key -> names, trigram -> numbers."""

    names: list[str]
    sounds: dict[str, list[str]]
    trigrams: dict[str, array[int]]


class MemoryNames:
    """A NameStore in memory: about 150 bytes a name."""

    def __init__(self, names: Mapping[str, Mapping[str, float]]) -> None:
        """Index the names of each kind of KINDS: kind -> folded name -> popularity."""
        self.postings = {kind: name_postings(names[kind], kind) for kind in KINDS}

    def sounding(self, kind: str, key: str) -> Sequence[str]:
        """See NameStore."""
        return self.postings[kind].sounds.get(key, ())

    def with_trigram(self, kind: str, trigram: str) -> Sequence[int]:
        """See NameStore."""
        return self.postings[kind].trigrams.get(trigram, ())

    def numbered(self, kind: str, number: int) -> str:
        """See NameStore."""
        return self.postings[kind].names[number]
