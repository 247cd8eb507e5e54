"""A conditional random field on words and word shapes alone, the rival without catalog or grammar.

Its features are the word, its two neighbours on each side, its pairs with the next ones, and prefixes and suffixes of one to four
letters. Shapes are of the words as they were spoken or typed, split as the normal form splits them. Source: Lafferty et al. 2001;
python-crfsuite's L-BFGS.
"""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from queries.text.normalise import normal_form
from queries.text.surface import Surface
from queries.training.gold import Gold, Slot

if TYPE_CHECKING:
    from pycrfsuite import Tagger

_PARAMETERS = {"c1": 0.05, "c2": 0.05, "max_iterations": 100, "feature.possible_transitions": True}
_AFFIXES = range(1, 5)
_NEIGHBOURS = (-2, -1, 1, 2)
_OUTSIDE = "O"


class PlainCrf:
    """A tagger of BIO tags over the words of the normal form, trained on every music request of the training part."""

    def __init__(self) -> None:
        self._tagger: Tagger | None = None
        self._weights = b""

    def fit(self, train: Sequence[Gold]) -> None:
        """Train on the music requests; a gold `work` is trained as a title."""
        import pycrfsuite

        trainer = pycrfsuite.Trainer(verbose=False)
        for one in train:
            if one.is_music:
                trainer.append(features(one), tags(one.query, one.slots))
        trainer.set_params(_PARAMETERS)
        with tempfile.TemporaryDirectory() as folder:
            model = Path(folder) / "model.crfsuite"
            trainer.train(str(model))
            self._weights = model.read_bytes()  # kept here, because the tagger reads this memory without owning it
        self._tagger = pycrfsuite.Tagger()
        self._tagger.open_inmemory(self._weights)

    def slots(self, requests: Sequence[Gold]) -> list[list[Slot]]:
        """The most likely slots of each request."""
        if self._tagger is None:
            raise RuntimeError("plain_crf: fit it before asking for slots")
        return [slots_of(one, self._tagger.tag(features(one))) for one in requests]


def features(request: Gold) -> list[list[str]]:
    """The features of each word."""
    words = request.query.split()
    surface = Surface(request.text, request.query, request.locale)
    shapes = [_shape(surface.span(at, at + 1)) for at in range(len(words))]
    rows = []
    for at, word in enumerate(words):
        row = ["bias", f"w={word}", f"shape={shapes[at]}", f"lang={request.lang}"]
        row += [f"pre={word[:n]}" for n in _AFFIXES if n < len(word)]
        row += [f"suf={word[-n:]}" for n in _AFFIXES if n < len(word)]
        for step in _NEIGHBOURS:
            there = at + step
            inside = 0 <= there < len(words)
            row.append(f"{step}w={words[there] if inside else ''}")
            if abs(step) == 1:
                row.append(f"{step}shape={shapes[there] if inside else ''}")
        row.append(f"-1w|w={words[at - 1] if at else ''}|{word}")
        row.append(f"w|+1w={word}|{words[at + 1] if at + 1 < len(words) else ''}")
        rows.append(row)
    return rows


def tags(query: str, slots: Sequence[Slot]) -> list[str]:
    """The BIO tags of the words; a slot whose value is not in the words, or overlaps an earlier slot, is left out."""
    bio = [_OUTSIDE] * len(query.split())
    for slot in slots:
        kind = "title" if slot.type == "work" else slot.type
        place = aligned(query, slot.value)
        if place is None or any(tag != _OUTSIDE for tag in bio[place[0] : place[1]]):
            continue
        bio[place[0] : place[1]] = [f"B-{kind}"] + [f"I-{kind}"] * (place[1] - place[0] - 1)
    return bio


def slots_of(request: Gold, tagged: Sequence[str]) -> list[Slot]:
    """The slots that BIO tags encode; an I- tag that continues no slot begins one."""
    surface = Surface(request.text, request.query, request.locale)
    places: list[tuple[str, int, int]] = []
    for at, tag in enumerate(tagged):
        kind = tag[2:]
        if tag.startswith("I-") and places and places[-1][0] == kind and places[-1][2] == at:
            places[-1] = (kind, places[-1][1], at + 1)
        elif tag != _OUTSIDE:
            places.append((kind, at, at + 1))
    return [Slot(kind, normal_form(surface.span(start, end), request.lang)) for kind, start, end in places]


def aligned(query: str, value: str) -> tuple[int, int] | None:
    """The words (start, end) of `query` with the letters of `value`, blanks ignored, or with a possessive s after them."""
    words, wanted = query.split(), value.replace(" ", "")
    for spelling in (wanted, f"{wanted}s"):
        for start in range(len(words)):
            joined = ""
            for end in range(start, len(words)):
                joined += words[end]
                if joined == spelling:
                    return start, end + 1
                if len(joined) > len(spelling):
                    break
    return None


def _shape(word: str) -> str:
    """The shape of a word: letters as X and x, digits as 9, runs shortened to two; "McCartney" is XxXxx, "1975" is 99."""
    shape = ""
    for character in word:
        kind = "9" if character.isdigit() else "X" if character.isupper() else "x" if character.isalpha() else character
        if not shape.endswith(kind * 2):
            shape += kind
    return shape
