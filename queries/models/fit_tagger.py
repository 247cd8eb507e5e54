"""Fit the tagger to requests whose names are known."""

from __future__ import annotations

import tempfile
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from queries.catalog.vocabulary import Vocabulary
from queries.grammar.interpret import Interpretation
from queries.grammar.lexicon import Lexicon
from queries.models.tagger import Tagger
from queries.models.token_features import token_features
from queries.text.spans import Tagged, bio

_COMMON_FROM = 4  # occurrences outside of names


@dataclass(frozen=True)
class Example:
    """A request as the grammar reads it with `vocabulary`, and the names that are truly in it. `copies`: how often it
    counts."""

    found: Interpretation
    names: tuple[Tagged, ...]
    vocabulary: Vocabulary | None = None
    copies: int = 1


def located(words: Sequence[str], wanted: Sequence[tuple[str, str]]) -> tuple[Tagged, ...] | None:
    """Where the values (kind, normal form) lie in the words, each in a place of its own; None if one is not there.

    Blanks do not count: an annotator's "queen s" is the word "queens" of the normal form.
    """
    free = [True] * len(words)
    found: list[Tagged] = []
    for kind, value in sorted(wanted, key=lambda one: -len(one[1])):
        places = (*stretches_of(words, value), *stretches_of(words, f"{value}s"))  # "queen" of "queens greatest hits"
        place = next(((start, end) for start, end in places if all(free[start:end])), None)
        if place is None:
            return None
        free[place[0] : place[1]] = [False] * (place[1] - place[0])
        found.append(Tagged(kind, *place))
    return tuple(sorted(found, key=lambda one: one.start))


def stretches_of(words: Sequence[str], value: str) -> Iterator[tuple[int, int]]:
    """Every (start, end) of the words that spell `value`, blanks aside, from the left."""
    letters = value.replace(" ", "")
    for start in range(len(words) if letters else 0):
        text, end = "", start
        while end < len(words) and len(text) < len(letters):
            text += words[end]
            end += 1
        if text == letters:
            yield start, end


def fitted(
    examples: Sequence[Example], lexicon: Lexicon, *, c1: float = 0.1, c2: float = 0.02, rounds: int = 120
) -> Tagger:
    """Fit by L-BFGS with elastic-net penalties c1 (L1, makes it small) and c2 (L2). Deterministic."""
    import pycrfsuite

    outside: Counter[str] = Counter()
    for one in examples:
        taken = {at for name in one.names for at in range(name.start, name.end)}
        outside.update(word for at, word in enumerate(one.found.query.split()) if at not in taken)
    common = frozenset(word for word, n in outside.items() if n >= _COMMON_FROM)
    trainer = pycrfsuite.Trainer(verbose=False)
    for one in examples:
        features = token_features(one.found, lexicon, one.vocabulary, common)
        tags = bio(len(features), one.names)
        for _ in range(one.copies):
            trainer.append(features, tags)
    trainer.set_params({"c1": c1, "c2": c2, "max_iterations": rounds, "feature.minfreq": 2})
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "weights"
        trainer.train(str(path))
        return Tagger(path.read_bytes(), common)
