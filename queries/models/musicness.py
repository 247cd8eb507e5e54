"""Whether a request asks for music: a logistic regression over words, letters and what the grammar saw.

Features are hashed into a fixed number of weights (Weinberger et al. 2009), so the model is one array of numbers. It was
fitted by `queries.models.fit_musicness`; here it is only read and summed.
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
TRAINED_SHARE = 0.25  # of music among requests where the weights' odds hold as they are
ASSISTANT_SHARE = 0.2  # of music among what people ask an assistant: 8 to 29 % in MTOP, HWU64, Leyzer and SNIPS
_PACKAGED = Path(__file__).parent.parent / "data" / "musicness.v1.zip"
_WEIGHTS = "weights.f2"
_LETTERS = (3, 4, 5)
_MOST_WORDS = 40  # of a request; longer ones are judged by their start


class MusicnessUnreadable(ValueError):
    """The model's file is missing or is not one that `Musicness.write` made."""


class Musicness:
    """A fitted model. `weights[0]` is the intercept."""

    def __init__(self, weights: NDArray[np.float16]) -> None:
        if weights.shape != (1 << BITS,):
            raise MusicnessUnreadable(f"expected {1 << BITS} weights, found {weights.shape}")
        self.weights = weights
        self._at: list[float] = weights.astype("float64").tolist()

    def probability(self, found: Interpretation, music_share: float = ASSISTANT_SHARE) -> float:
        """Probability from 0 to 1 that the request that the grammar read as `found` asks for music.

        `music_share`: share of such requests where it was made; the odds are moved from those of the training data to it
        (Saerens, Latinne & Decaestecker 2002).
        """
        at = self._at
        total = at[0] + sum(at[slot] for slot in slots(found))
        total += log(music_share / (1 - music_share)) - log(TRAINED_SHARE / (1 - TRAINED_SHARE))
        return 1.0 / (1.0 + exp(-max(-50.0, min(50.0, total))))

    def write(self, path: Path) -> None:
        """One file; the same weights give the same bytes."""
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr(zipfile.ZipInfo(_WEIGHTS), self.weights.tobytes(), zipfile.ZIP_DEFLATED)


def load_musicness(path: Path = _PACKAGED) -> Musicness:
    """The model of a file that `Musicness.write` made (default: the packaged one). Raises MusicnessUnreadable."""
    import numpy as np

    try:
        with zipfile.ZipFile(path) as archive:
            return Musicness(np.frombuffer(archive.read(_WEIGHTS), "<f2"))
    except (OSError, KeyError, ValueError, zipfile.BadZipFile) as error:
        raise MusicnessUnreadable(
            f"music model {path}: expected a file of benchmarks.train_queries, found {type(error).__name__}. Restore it, or "
            "make it again with `python -m benchmarks.train_queries`."
        ) from error


def slots(found: Interpretation) -> set[int]:
    """Which weights a request switches on: 1 to 2**BITS − 1, each at most once."""
    size = (1 << BITS) - 1
    return {1 + crc32(feature.encode("utf-8", "replace")) % size for feature in _features(found)}


def _features(found: Interpretation) -> Iterator[str]:
    words = found.query.split()[:_MOST_WORDS]
    yield f"n{min(len(words), 12)}"
    yield f"i{found.intent}"
    yield f"m{found.is_music}"
    yield f"l{found.language}"
    yield from (f"f{one.field}" for one in found.mentions)
    yield from (f"k{kind}" for kind in found.names)
    yield from (f"s{sign}" for sign in found.signs)
    before = "<s>"
    for at, word in enumerate(words):
        yield f"w{word}"
        yield f"b{before} {word}"
        if at < 3:
            yield f"{at}{word}"
        before = word
    yield f"b{before} </s>"
    text = f" {' '.join(words)} "[:300]
    for size in _LETTERS:
        yield from (f"c{text[at : at + size]}" for at in range(len(text) - size + 1))
