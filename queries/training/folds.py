"""Cross-fitting: which requests are scored, and which requests the model that scores them is trained on.

Every request of MTOP, HWU64, SLURP and MusicRecoNER, of SNIPS' part `validate` and of Leyzer's part `valid` is scored once, by
the model of its own fold. The fold is a hash of the normalised text without wake words, because SLURP has many pairs such as
"olly play jazz" and "play jazz". For MTOP it is a hash of the parallel pair, where pairs that share a text are one group. A
fold's model is trained on everything that it does not score, without the two validation parts and without any text that it scores
(normalised, without wake words, in any source and language). Thus five models are enough for all families.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from hashlib import blake2b
from typing import Protocol, TypeVar


class Foldable(Protocol):
    """The attributes of a request that this module uses: see `queries.training.gold.Gold`."""

    @property
    def source(self) -> str: ...  # noqa: D102
    @property
    def lang(self) -> str: ...  # noqa: D102
    @property
    def query(self) -> str: ...  # noqa: D102
    @property
    def is_music(self) -> bool: ...  # noqa: D102
    @property
    def fold(self) -> int | None: ...  # noqa: D102
    @property
    def family(self) -> str: ...  # noqa: D102


FOLDS = 5
_VALIDATION = {"snips": "validate", "leyzer": "valid"}  # of the other sources every request is scored
_WAKE_WORDS = frozenset(("alexa", "assistant", "google", "hey", "hi", "ok", "okay", "olly", "please", "siri"))

Answer = TypeVar("Answer")
Request = TypeVar("Request", bound=Foldable)


def fold_of(source: str, split: str, group: str) -> int | None:
    """The fold of a request; None for a request that is never scored and only trained on.

    Args:
        source: the data set.
        split: the part of the data set that the request is in.
        group: the text without wake words, or the parallel group; equal groups have the same fold.
    """
    return stable_hash(group) % FOLDS if _VALIDATION.get(source, split) == split else None


def parallel_groups(texts: Iterable[tuple[str, str]]) -> dict[str, str]:
    """Pair -> its group: rows (pair, text) that share a pair or a text form one group, named by its smallest text."""
    of_text: dict[str, str] = {}  # union-find: text -> a smaller text of its group, or itself

    def smallest(text: str) -> str:
        while of_text.setdefault(text, text) != text:
            text = of_text[text]
        return text

    of_pair: dict[str, str] = {}
    for pair, text in texts:
        one, other = sorted((smallest(text), smallest(of_pair.setdefault(pair, text))))
        of_text[other] = one
    return {pair: smallest(text) for pair, text in of_pair.items()}


def without_wake_words(query: str) -> str:
    """The normal form without words that only address the assistant; unchanged if it has no other words."""
    return " ".join(word for word in query.split() if word not in _WAKE_WORDS) or query


def training_part(gold: Sequence[Request], fold: int) -> list[Request]:
    """The requests that the model of a fold is trained on."""
    scored_texts = {without_wake_words(one.query) for one in gold if one.fold == fold}
    others = [one for one in gold if one.fold != fold and (one.fold is None or one.source not in _VALIDATION)]
    return [one for one in others if without_wake_words(one.query) not in scored_texts]


def cross_fitted(
    gold: Sequence[Request],
    scored: Sequence[Request],
    fit: Callable[[Sequence[Request]], None],
    answer: Callable[[Sequence[Request]], Sequence[Answer]],
) -> list[Answer]:
    """The answer to every request of `scored`, in its order, each by the model that was fitted without its fold.

    Args:
        gold: all requests, for the training parts.
        scored: the requests to answer; each has a fold.
        fit: fits the model to a training part.
        answer: answers requests with the model that was fitted last.
    """
    answers: dict[int, Answer] = {}
    for fold in sorted({one.fold for one in scored if one.fold is not None}):
        own = [at for at, one in enumerate(scored) if one.fold == fold]
        fit(training_part(gold, fold))
        answers.update(zip(own, answer([scored[at] for at in own]), strict=True))
    return [answers[at] for at in range(len(scored))]


def sampled(gold: Sequence[Request], most: int) -> list[Request]:
    """A sample by hash: at most `most` requests of each family, language and class, and 5 times as many only trained on."""
    taken: dict[tuple[object, ...], int] = {}
    kept = []
    for one in sorted(gold, key=lambda one: stable_hash(one.query)):
        key = (one.family, one.lang, one.is_music, one.fold is None)
        taken[key] = taken.get(key, 0) + 1
        if taken[key] <= (5 * most if one.fold is None else most):
            kept.append(one)
    return kept


def stable_hash(text: str) -> int:
    """The first 64 bits of the BLAKE2 hash of a text, the same in every run and on every machine."""
    return int.from_bytes(blake2b(text.encode("utf-8", "replace"), digest_size=8).digest(), "big")
