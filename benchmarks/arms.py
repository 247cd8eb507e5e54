"""The arms of the understanding benchmark: each reads slots, classifies a request as music or not, or does both."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import ClassVar, Protocol

from benchmarks.music_logistic import Logistic
from benchmarks.plain_crf import PlainCrf
from queries.catalog.index import CatalogIndex
from queries.catalog.vocabulary import Vocabulary
from queries.grammar.lexicon import Lexicon, canonical_genre, load_lexicon
from queries.models.learned import Learned, packaged
from queries.reading import Reading, read
from queries.text.normalise import normal_form
from queries.training.folds import stable_hash
from queries.training.gold import FREE_LICENCE, Gold, Slot, scored_queries
from queries.training.train import musicness_of, tagger_of

_LONGEST_NAME = 10
_TYPES = {"year": "when", "decade": "when"}


class SlotArm(Protocol):
    """Reads the slots of music requests."""

    def fit(self, train: Sequence[Gold]) -> None:
        """Learn from the training part of a fold; an arm that does not learn does nothing."""

    def slots(self, requests: Sequence[Gold]) -> list[list[Slot]]:
        """The slots of each request, in our types (year and decade as `when`), values in normal form."""


class MusicArm(Protocol):
    """Classifies whether a request asks for music."""

    def fit(self, train: Sequence[Gold]) -> None:
        """Learn from the training part of a fold; an arm that does not learn does nothing."""

    def is_music(self, requests: Sequence[Gold]) -> list[bool]:
        """Whether each request asks for music."""


@dataclass(frozen=True)
class Resources:
    """What arms may use besides the gold requests: the catalog and the lexicon."""

    catalog: CatalogIndex
    lexicon: Lexicon

    @classmethod
    def of(cls, catalog: CatalogIndex) -> Resources:
        """The catalog and the lexicon with its genres."""
        return cls(catalog, load_lexicon(catalog.genres))

    def read(self, text: str, locale: str, *, shipped: bool = True) -> Reading:
        """The reading of a request: with the shipped models, as users get it, or by the grammar alone."""
        return read(text, locale, self.lexicon, self.catalog, packaged() if shipped else None)


class Grammar:
    """`queries.reading.read` without models: rules, word lists and the catalog. It does not learn."""

    def __init__(self, given: Resources) -> None:
        self._given = given
        self._learned: Learned | None = None

    def fit(self, train: Sequence[Gold]) -> None:
        """Nothing to learn."""

    def readings(self, requests: Sequence[Gold]) -> list[Reading]:
        """The complete reading of each request."""
        given = self._given
        return [read(one.text, one.locale, given.lexicon, given.catalog, self._learned) for one in requests]

    def slots(self, requests: Sequence[Gold]) -> list[list[Slot]]:
        """The slots of the reading."""
        return [
            [
                Slot(_TYPES.get(slot["type"], slot["type"]), normal_form(slot["value"], one.lang))
                for slot in reading.slots
            ]
            for one, reading in zip(requests, self.readings(requests), strict=True)
        ]

    def is_music(self, requests: Sequence[Gold]) -> list[bool]:
        """Whether each reading is of a music request."""
        return [reading.is_music for reading in self.readings(requests)]


class Fitted(Grammar):
    """`queries.reading.read` as users get it, with models fitted to the training part and to our own sentences.

    Of the training part only gold of `sources` is used (None: of all sources). No own sentence equals a request that is scored; without
    `has_own` there are none, as many were written with errors of scored requests in view (`in_view` of own_requests.v1.json).
    Fitted models are cached for the other sections of the benchmark.
    """

    _kept: ClassVar[dict[tuple[object, ...], Learned]] = {}

    def __init__(self, given: Resources, sources: frozenset[str] | None, *, has_own: bool = True) -> None:
        super().__init__(given)
        self._sources, self._has_own = sources, has_own

    def fit(self, train: Sequence[Gold]) -> None:
        """Fit the tagger and the music classifier."""
        own = [one for one in train if self._sources is None or one.source in self._sources]
        part = (self._sources, self._has_own, len(own), stable_hash(" | ".join(one.query for one in own)))
        if part not in self._kept:
            lexicon, vocabulary = self._given.lexicon, self._given.catalog.vocabulary
            scored = scored_queries()
            self._kept[part] = Learned(
                tagger_of(own, lexicon, vocabulary, scored, has_own=self._has_own),
                musicness_of(own, lexicon, vocabulary, scored, has_own=self._has_own),
            )
        self._learned = self._kept[part]


class Catalog:
    """Catalog look-up alone: the longest spans of words that name an artist, title, album or genre, as the most popular kind.

    Spans do not overlap; the longest is taken first, and the leftmost of equally long ones. A single word is a title or album
    only if it is the whole request; otherwise "play" and "the" would be songs everywhere. It does not learn and knows no carrier
    phrases.
    """

    def __init__(self, given: Resources) -> None:
        self._names: Vocabulary = given.catalog.vocabulary
        self._genres = {canonical_genre(name) for name in given.catalog.genres}

    def fit(self, train: Sequence[Gold]) -> None:
        """Nothing to learn."""

    def slots(self, requests: Sequence[Gold]) -> list[list[Slot]]:
        """The spans that name something in the catalog."""
        return [self._matches(one.query.split()) for one in requests]

    def _matches(self, words: list[str]) -> list[Slot]:
        free, matches = [True] * len(words), []
        for size in range(min(_LONGEST_NAME, len(words)), 0, -1):
            for start in range(len(words) - size + 1):
                text = " ".join(words[start : start + size])
                kind = self._kind(text, size == 1 < len(words)) if all(free[start : start + size]) else None
                if kind:
                    free[start : start + size] = [False] * size
                    matches.append((start, Slot(kind, text)))
        return [slot for _, slot in sorted(matches)]

    def _kind(self, text: str, is_word: bool) -> str | None:
        if canonical_genre(text) in self._genres:
            return "genre"
        names = {"artist": self._names.artists}
        if not is_word:
            names |= {"title": self._names.titles, "album": self._names.albums}
        known = [(of[text], kind) for kind, of in names.items() if text in of]
        return max(known)[1] if known else None


OURS = ("shipped", "local", "grammar")
"""Our arms; the bars apply to the first of them that was measured."""

SLOT_ARMS: dict[str, Callable[[Resources], SlotArm]] = {
    "catalog": Catalog,
    "grammar": Grammar,
    "plain_crf": lambda given: PlainCrf(),
    "shipped": lambda given: Fitted(given, FREE_LICENCE),
    "no_own": lambda given: Fitted(given, FREE_LICENCE, has_own=False),
    "local": lambda given: Fitted(given, None),
}
MUSIC_ARMS: dict[str, Callable[[Resources], MusicArm]] = {
    "grammar": Grammar,
    "logistic": lambda given: Logistic(),
    "shipped": lambda given: Fitted(given, FREE_LICENCE),
    "no_own": lambda given: Fitted(given, FREE_LICENCE, has_own=False),
    "local": lambda given: Fitted(given, None),
}
READING_ARMS: dict[str, Callable[[Resources], Grammar]] = {
    "grammar": Grammar,
    "shipped": lambda given: Fitted(given, FREE_LICENCE),
    "local": lambda given: Fitted(given, None),
}
