"""The wordings of a concept: carrier phrase × body × synonym, at most ten per language and surface."""

from __future__ import annotations

import itertools
import random
import re
import zlib

import numpy as np

from simulator.arrays import Floats, Ints, hashed_noise, zipf_shares
from simulator.behaviour import Behaviour
from simulator.lexicon import LANGUAGES, feelings, file, genres
from simulator.needs import Concept
from simulator.noise import misheard, mistyped

SURFACES = ("voice", "screen")
MOST_WORDINGS = 10
ERRORS = 7  # number of erroneous forms of each wording; the first is by far the most frequent


def spoken(text: str) -> str:
    """The text as speech recognition writes it: lower case, without punctuation except apostrophes and `&`."""
    return " ".join(re.sub(r"[^\w'& ]+", " ", text.lower()).split())


class Wordings:
    """The wordings of every (concept, language, surface), and the text of each with or without an error.

    A text key is wording * (ERRORS + 1) + error, where error 0 is the wording without an error.
    """

    def __init__(self, listed: list[Concept], behaviour: Behaviour, seed: int) -> None:
        self._texts: list[str] = []
        self._place: list[tuple[int, int]] = []  # language, surface
        shape = (len(listed), len(LANGUAGES), len(SURFACES))
        self.first, self.count = np.zeros(shape, dtype=np.int64), np.zeros(shape, dtype=np.int64)
        known: dict[tuple[object, ...], tuple[int, int]] = {}
        for c, concept in enumerate(listed):
            asked = tuple((k, v) for k, v in sorted(concept.slots.items()) if k != "meant_artist")
            for place in itertools.product(range(len(LANGUAGES)), range(len(SURFACES))):
                key = (concept.kind, asked, *place)
                if key not in known:  # concepts of the same name are asked for in the same words
                    known[key] = self._added(concept, *place, seed)
                self.first[(c, *place)], self.count[(c, *place)] = known[key]
        self._seed = seed
        self._error = np.array([behaviour["asr_error"], behaviour["typing_error"]])
        self._cumulative = np.ones((MOST_WORDINGS + 1, MOST_WORDINGS))
        for n in range(1, MOST_WORDINGS + 1):
            self._cumulative[n, :n] = np.cumsum(zipf_shares(n, behaviour["wording_zipf"]))
            self._cumulative[n, n - 1 :] = 1.0
        self._errors: Floats = np.cumsum(zipf_shares(ERRORS, 1.6))

    def _added(self, concept: Concept, language: int, surface: int, seed: int) -> tuple[int, int]:
        texts = _ranked(concept, LANGUAGES[language], SURFACES[surface], seed)
        first = len(self._texts)
        self._texts += texts
        self._place += [(language, surface)] * len(texts)
        return first, len(texts)

    def drawn(
        self, concept: Ints, language: Ints, surface: Ints, rng: np.random.Generator, avoid: Ints | None = None
    ) -> Ints:
        """Draw one text key per row; with `avoid` (text keys) it is another wording than that one, if there is another."""
        first, count = self.first[concept, language, surface], self.count[concept, language, surface]
        pick = (self._cumulative[count] < rng.random(len(concept))[:, None]).sum(axis=1)
        if avoid is not None:
            same = (avoid // (ERRORS + 1) == first + pick) & (avoid % (ERRORS + 1) == 0)
            pick = np.where(same, (pick + 1) % count, pick)
        wrong = rng.random(len(concept)) < self._error[surface]
        if avoid is not None:
            wrong &= rng.random(len(concept)) < 0.5  # people speak and type more carefully when they rephrase
        error = np.where(wrong, 1 + np.searchsorted(self._errors, rng.random(len(concept))).clip(0, ERRORS - 1), 0)
        return np.asarray((first + pick) * (ERRORS + 1) + error, dtype=np.int64)

    def text(self, key: int) -> str:
        """The request as it was recognised or typed; a pure function of the key."""
        wording, error = divmod(key, ERRORS + 1)
        clean = self._texts[wording]
        if error == 0:
            return clean
        language, surface = self._place[wording]
        rng = random.Random(f"{self._seed} {key}")
        wrong = misheard(clean, LANGUAGES[language], rng) if surface == 0 else mistyped(clean, rng)
        return wrong.strip() or clean


def _ranked(concept: Concept, language: str, surface: str, seed: int) -> list[str]:
    """The most frequent wordings of a concept, most frequent first; frequencies differ a little between concepts."""
    templates = file("templates")[language]
    carriers, bodies, fillings = (
        list(templates["carrier"][surface].items()),
        list(templates["body"][concept.kind].items()),
        _fillings(concept, language),
    )
    combined = list(itertools.product(carriers, bodies, fillings))
    weight = np.array([np.log(c[1]) + np.log(b[1]) + np.log(f[1]) for c, b, f in combined])
    asked = sorted((k, v) for k, v in concept.slots.items() if k != "meant_artist")
    place = zlib.crc32(f"{concept.kind}{asked}{language}{surface}".encode())
    weight = weight + 0.35 * hashed_noise(seed, 21, place, np.arange(len(combined)))
    out: list[str] = []
    for j in np.argsort(-weight, kind="stable"):
        (carrier, _), (body, _), (slots, _) = combined[int(j)]
        text = carrier.format(x=body.format(**slots))
        if surface == "voice":
            text = spoken(text)
        elif zlib.crc32(f"{seed}{text}".encode()) % 4:  # three of four screen wordings are in lower case
            text = text.lower()
        if text not in out:
            out.append(text)
        if len(out) == MOST_WORDINGS:
            break
    return out


def _fillings(concept: Concept, language: str) -> list[tuple[dict[str, str], float]]:
    """The words for the slots with their weights: synonyms of genre, mood, activity and decade, the most frequent first."""
    names: dict[str, list[str]] = {k: [v] for k, v in concept.slots.items() if k in ("title", "artist", "album")}
    if concept.kind in ("genre", "genre_decade"):
        names["genre"] = genres()[concept.target[0]].names[language]
    if concept.kind == "genre_decade":
        names["decade"] = [str(x) for x in file("templates")[language]["decade"][concept.target[1]]]
    if concept.kind in ("mood", "activity"):
        names[concept.kind] = feelings()[concept.target[0]].names[language]
    keys = list(names)
    out = []
    for chosen in itertools.product(*(range(len(names[k])) for k in keys)):
        weight = float(np.prod([(i + 1.0) ** -1.0 for i in chosen])) if chosen else 1.0
        out.append(({k: names[k][i] for k, i in zip(keys, chosen, strict=True)}, weight))
    return out
