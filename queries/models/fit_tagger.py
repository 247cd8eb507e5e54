"""Fits the tagger to requests whose names are labelled."""

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
from queries.text.spans import TaggedSpan, bio

_COMMON_FROM = 4  # a word that occurs at least this often outside of names is common


@dataclass(frozen=True)
class Example:
    """A labelled request.

    Attributes:
        interpretation: The request as the grammar reads it with `vocabulary`.
        names: The names that are in it.
        vocabulary: The names of the catalog; None to train without one.
        copies: How many times it is added to the training data.
    """

    interpretation: Interpretation
    names: tuple[TaggedSpan, ...]
    vocabulary: Vocabulary | None = None
    copies: int = 1


def locate_names(words: Sequence[str], wanted: Sequence[tuple[str, str]]) -> tuple[TaggedSpan, ...] | None:
    """Locate labelled values in the words of a normal form, without overlaps; None if one does not occur.

    Blanks are ignored: an annotator's "queen s" matches the word "queens" of the normal form.

    Args:
        words: The words of the normal form.
        wanted: The labelled values as (kind, normal form).
    """
    free = [True] * len(words)
    spans: list[TaggedSpan] = []
    for kind, value in sorted(wanted, key=lambda one: -len(one[1])):
        places = (*occurrences(words, value), *occurrences(words, f"{value}s"))  # "queen" in "queens greatest hits"
        place = next(((start, end) for start, end in places if all(free[start:end])), None)
        if place is None:
            return None
        free[place[0] : place[1]] = [False] * (place[1] - place[0])
        spans.append(TaggedSpan(kind, *place))
    return tuple(sorted(spans, key=lambda one: one.start))


def occurrences(words: Sequence[str], value: str) -> Iterator[tuple[int, int]]:
    """Every (start, end) of words that spell `value` if blanks are ignored, from left to right."""
    target = value.replace(" ", "")
    for start in range(len(words) if target else 0):
        text, end = "", start
        while end < len(words) and len(text) < len(target):
            text += words[end]
            end += 1
        if text == target:
            yield start, end


def fitted(
    examples: Sequence[Example], lexicon: Lexicon, *, c1: float = 0.1, c2: float = 0.02, rounds: int = 120
) -> Tagger:
    """Fit the tagger by L-BFGS with an elastic-net penalty. Deterministic.

    Args:
        examples: The labelled requests.
        lexicon: Phrases and word lists.
        c1: L1 penalty, which keeps the model small.
        c2: L2 penalty.
        rounds: Most iterations.
    """
    import pycrfsuite

    outside: Counter[str] = Counter()
    for one in examples:
        in_names = {at for name in one.names for at in range(name.start, name.end)}
        outside.update(word for at, word in enumerate(one.interpretation.query.split()) if at not in in_names)
    common = frozenset(word for word, n in outside.items() if n >= _COMMON_FROM)
    trainer = pycrfsuite.Trainer(verbose=False)
    for one in examples:
        features = token_features(one.interpretation, lexicon, one.vocabulary, common)
        tags = bio(len(features), one.names)
        for _ in range(one.copies):
            trainer.append(features, tags)
    trainer.set_params({"c1": c1, "c2": c2, "max_iterations": rounds, "feature.minfreq": 2})
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "weights"
        trainer.train(str(path))
        return Tagger(path.read_bytes(), common)
