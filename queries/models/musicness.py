"""Whether a request asks for music: a logistic regression over words, letter n-grams and the grammar's reading.

Features are hashed into a fixed number of weights (Weinberger et al. 2009), so the model is one array of numbers. It is fitted by
`queries.models.fit_musicness`; this module only loads and applies it.
"""

from __future__ import annotations

import zipfile
from math import exp, log
from pathlib import Path
from typing import TYPE_CHECKING
from zlib import crc32

if TYPE_CHECKING:
    from collections.abc import Iterator

    import numpy as np
    from numpy.typing import NDArray

    from queries.grammar.interpret import Interpretation

BITS = 17
TRAINED_SHARE = 0.25  # share of music for which the odds of the weights are right without correction
ASSISTANT_SHARE = 0.2  # share of music among requests to an assistant: 8 to 29 % in MTOP, HWU64, Leyzer and SNIPS
_PACKAGED = Path(__file__).parent.parent / "data" / "musicness.v1.zip"
_WEIGHTS = "weights.f2"
_LETTERS = (3, 4, 5)
_LETTERS_MARK = crc32(b"c")  # the hash of a piece of letters is that of "c" and the piece
_MOST_WORDS = 40  # only the first words of a request count


class MusicnessUnreadable(ValueError):
    """The model file is missing or was not written by `Musicness.write`."""


class Musicness:
    """A fitted model. `weights[0]` is the intercept."""

    def __init__(self, weights: NDArray[np.float16]) -> None:
        if weights.shape != (1 << BITS,):
            raise MusicnessUnreadable(f"expected {1 << BITS} weights, found {weights.shape}")
        self.weights = weights
        self._weight_list: list[float] = weights.astype("float64").tolist()

    def probability(self, interpretation: Interpretation, music_share: float = ASSISTANT_SHARE) -> float:
        """The probability from 0 to 1 that a request asks for music.

        Args:
            interpretation: The request as the grammar reads it.
            music_share: Prior share of music among the requests of its source; the odds are moved from TRAINED_SHARE to it
                (Saerens, Latinne & Decaestecker 2002).
        """
        weight_of = self._weight_list
        total = weight_of[0] + sum(map(weight_of.__getitem__, weight_indexes(interpretation)))
        total += log(music_share / (1 - music_share)) - log(TRAINED_SHARE / (1 - TRAINED_SHARE))
        return 1.0 / (1.0 + exp(-max(-50.0, min(50.0, total))))

    def write(self, path: Path) -> None:
        """Write the model to one file; the same weights give the same bytes."""
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr(zipfile.ZipInfo(_WEIGHTS), self.weights.tobytes(), zipfile.ZIP_DEFLATED)


def load_musicness(path: Path = _PACKAGED) -> Musicness:
    """Load a model that `Musicness.write` wrote (default: the packaged one).

    Raises:
        MusicnessUnreadable: The file is missing or is not such a model.
    """
    import numpy as np

    try:
        with zipfile.ZipFile(path) as archive:
            return Musicness(np.frombuffer(archive.read(_WEIGHTS), "<f2"))
    except (OSError, KeyError, ValueError, zipfile.BadZipFile) as error:
        raise MusicnessUnreadable(
            f"music model {path}: expected a file of queries.training.train, found {type(error).__name__}. Restore it, or "
            "make it again with `python -m queries.training.train`."
        ) from error


def weight_indexes(interpretation: Interpretation) -> set[int]:
    """The hashed indexes of a request's features: 1 to 2**BITS − 1, without duplicates."""
    size = (1 << BITS) - 1
    words = interpretation.query.split()[:_MOST_WORDS]
    indexes = {1 + crc32(one.encode("utf-8", "replace")) % size for one in _features(interpretation, words)}
    text = f" {' '.join(words)} "[:300]
    return indexes | {1 + crc32(piece, _LETTERS_MARK) % size for piece in _pieces(text)}


def _pieces(text: str) -> list[bytes]:
    """The pieces of three to five letters of a text."""
    if text.isascii():  # a byte a letter
        raw = text.encode()
        return [raw[at : at + length] for length in _LETTERS for at in range(len(raw) - length + 1)]
    pieces = (text[at : at + length] for length in _LETTERS for at in range(len(text) - length + 1))
    return [piece.encode("utf-8", "replace") for piece in pieces]


def _features(interpretation: Interpretation, words: list[str]) -> Iterator[str]:
    """The features of a request but its pieces of letters."""
    yield f"n{min(len(words), 12)}"
    yield f"i{interpretation.intent}"
    yield f"m{interpretation.is_music}"
    yield f"l{interpretation.language}"
    yield from (f"f{one.field}" for one in interpretation.mentions)
    yield from (f"k{kind}" for kind in interpretation.names)
    yield from (f"s{feature}" for feature in interpretation.musicness_features)
    before = "<s>"
    for at, word in enumerate(words):
        yield f"w{word}"
        yield f"b{before} {word}"
        if at < 3:
            yield f"{at}{word}"
        before = word
    yield f"b{before} </s>"
