"""The candidates of the logging policy: tracks that share words (title, artist, genre, decade, mood) with the request."""

from __future__ import annotations

import zlib
from collections import defaultdict

import numpy as np
import numpy.typing as npt

from simulator.arrays import Floats, Ints, hashed_noise, hashed_uniform
from simulator.lexicon import LANGUAGES, feelings, file, folded, genres
from simulator.tracks import Tracks

CANDIDATES = 50
_BEST, _BY_CHANCE = 35, 15
_LOTTERY = 400
_VOWELS = str.maketrans("", "", "aeiouhy")
Posting = tuple[Ints, Floats]


class Retrieval:
    """An inverted index with idf weights; it uses words, popularity and chance, and never sees needs or grades."""

    def __init__(self, tracks: Tracks, seed: int) -> None:
        self._seed, self._n = seed, len(tracks)
        self._popularity = tracks.popularity / 100
        self._stop = frozenset(folded(str(w)) for w in file("templates")["stop"])
        self._postings = _postings(tracks, self._stop)
        self._skeletons: dict[str, list[str]] = defaultdict(list)
        for word in self._postings:
            self._skeletons[_skeleton(word)].append(word)
        self._row: dict[tuple[str, ...], int] = {}
        self._known: dict[str, tuple[int, int]] = {}
        self._tracks = np.full((1024, CANDIDATES), -1, dtype=np.int32)
        self._score = np.zeros((1024, CANDIDATES), dtype=np.float32)

    def query(self, text: str) -> tuple[int, int]:
        """(candidate row, stable hash) of a request; requests with the same content words share a row."""
        if text not in self._known:
            words = folded(text).split()
            content = tuple(sorted({w for w in words if w not in self._stop}))
            if content not in self._row:
                self._row[content] = self._added(*self._candidates(content, words))
            self._known[text] = (self._row[content], zlib.crc32(text.encode("utf-8")))
        return self._known[text]

    def table(self) -> tuple[npt.NDArray[np.int32], npt.NDArray[np.float32]]:
        """The candidate tracks (-1 where there are fewer) and their text scores in 0–1, both [rows, CANDIDATES]."""
        return self._tracks, self._score

    def _added(self, tracks: Ints, score: Floats) -> int:
        row = len(self._row)
        if row == len(self._tracks):
            self._tracks = np.vstack([self._tracks, np.full_like(self._tracks, -1)])
            self._score = np.vstack([self._score, np.zeros_like(self._score)])
        self._tracks[row, : len(tracks)], self._score[row, : len(tracks)] = tracks, score
        return row

    def _candidates(self, content: tuple[str, ...], words: list[str]) -> tuple[Ints, Floats]:
        salt = zlib.crc32(" ".join(content).encode("utf-8"))
        rows, score = self._matches(content or tuple(sorted(set(words))))
        if not content or not len(rows):  # only carrier words or no known word: popular tracks
            popular = np.argsort(
                -(self._popularity + 0.08 * hashed_noise(self._seed, salt, np.arange(self._n))), kind="stable"
            )
            popular = popular[: CANDIDATES - 10]
            best = rows[np.argsort(-(score + 0.1 * self._popularity[rows]), kind="stable")[:10]]
            both = np.unique(np.concatenate([popular, best]))
            return both, np.full(len(both), 0.5)
        if len(rows) <= CANDIDATES:
            return rows, score
        strong = np.flatnonzero(score >= 0.75 * score.max())
        if len(strong) < CANDIDATES:
            strong = np.arange(len(rows))
        by_text = 3 * score[strong] + self._popularity[rows[strong]] - 1e-9 * strong
        best = np.argpartition(-by_text, _BEST)[:_BEST]
        rest = np.delete(strong, best)
        if len(rest) > _LOTTERY:  # a fair draw from a large set needs no hash of every track
            rest = rest[np.unique((hashed_uniform(self._seed, salt, np.arange(_LOTTERY)) * len(rest)).astype(np.int64))]
        luck = 3 * score[rest] + hashed_uniform(self._seed, salt, rows[rest])
        chosen = np.concatenate([np.sort(strong[best]), np.sort(rest[np.argsort(-luck, kind="stable")[:_BY_CHANCE]])])
        return rows[chosen], score[chosen]

    def _matches(self, words: tuple[str, ...]) -> tuple[Ints, Floats]:
        """Every track with one of the words, and the share of the request's idf that it has."""
        rows, weight, total = [], [], 0.0
        for word in words:
            known = [word] if word in self._postings else sorted(self._skeletons.get(_skeleton(word), []))[:3]
            idf = np.log1p(self._n / (1.0 + sum(len(self._postings[w][0]) for w in known)))
            total += idf
            for w in known:  # an unknown word matches words that sound like it, at a discount
                rows.append(self._postings[w][0])
                weight.append(self._postings[w][1] * (idf if w == word else 0.6 * idf))
        if not rows:
            return np.zeros(0, dtype=np.int64), np.zeros(0)
        together, share = np.concatenate(rows), np.concatenate(weight) / total
        if len(together) > self._n // 8:
            dense = np.bincount(together, weights=share, minlength=self._n)
            matches = np.flatnonzero(dense)
            return matches.astype(np.int64), dense[matches].astype(np.float64)
        matches, at = np.unique(together, return_inverse=True)
        return matches.astype(np.int64), np.bincount(at, weights=share).astype(np.float64)


def _skeleton(word: str) -> str:
    """A phonetic key of a word: without vowels, h, y and doubled letters, and with one letter for similar sounds."""
    plain = word.replace("ph", "f").replace("ck", "k").replace("qu", "k").replace("ll", "l").translate(_VOWELS)
    plain = plain.replace("c", "k").replace("z", "s").replace("v", "b").replace("x", "ks")
    return "".join(c for i, c in enumerate(plain) if i == 0 or plain[i - 1] != c)


def _postings(tracks: Tracks, stop: frozenset[str]) -> dict[str, Posting]:
    parts: dict[str, list[tuple[Ints, Floats]]] = defaultdict(list)
    for field, texts in ((1.0, tracks.bare), (0.95, tracks.artist_names), (0.7, tracks.albums)):
        occurrences: dict[str, list[int]] = defaultdict(list)
        size = np.ones(len(texts))
        for i, text in enumerate(texts):
            words = folded(text).split()
            size[i] = max(1, len(words))
            for word in words:
                occurrences[word].append(i)
        for word, rows in occurrences.items():
            ids = np.array(rows, dtype=np.int64)
            parts[word].append((ids, field * (0.7 + 0.3 / size[ids])))
    for names, members, field in _groups(tracks):
        for word in names:
            if word not in stop and len(members):
                parts[word].append((members, np.full(len(members), field)))
    return {word: _merged(listed) for word, listed in parts.items()}


def _groups(tracks: Tracks) -> list[tuple[list[str], Ints, float]]:
    """Words that name a group of tracks: genres, decades, moods and activities (by their rougher directions)."""
    out: list[tuple[list[str], Ints, float]] = []
    for g, genre in enumerate(genres()):
        names = [w for lang in LANGUAGES for n in [genre.name, *genre.names[lang]] for w in folded(n).split()]
        out.append((sorted(set(names)), np.flatnonzero(tracks.genre_fit[:, g] > 0), 0.9))
    for decade in range(1950, 2030, 10):
        forms = [
            w for lang in LANGUAGES for n in file("templates")[lang]["decade"][decade] for w in folded(str(n)).split()
        ]
        out.append((sorted(set(forms)), np.flatnonzero(tracks.year // 10 * 10 == decade), 0.9))
    x = tracks.audio[:, [0, 1, 2, 3, 4, 6]] - 0.5
    for feeling in feelings():
        fit = x @ feeling.rough
        names = [w for lang in LANGUAGES for n in feeling.names[lang] for w in folded(n).split()]
        out.append((sorted(set(names)), np.flatnonzero(fit >= np.quantile(fit, 0.9)), 0.9))
    return out


def _merged(listed: list[tuple[Ints, Floats]]) -> Posting:
    """The posting of one word; a track with the word in several fields counts with the greatest weight."""
    rows, weight = np.concatenate([p[0] for p in listed]), np.concatenate([p[1] for p in listed])
    order = np.lexsort((-weight, rows))
    rows, weight = rows[order], weight[order]
    keep = np.concatenate([[True], rows[1:] != rows[:-1]])
    return rows[keep], weight[keep]
