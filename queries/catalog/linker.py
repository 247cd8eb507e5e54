"""Candidate tracks for a request, by words (BM25), letter trigrams and edit similarity over inverted indexes.

Words and trigrams select a short list, which rapidfuzz then scores; no request is compared with every track.
"""

from __future__ import annotations

from array import array
from dataclasses import dataclass, field
from math import log, sqrt
from typing import TYPE_CHECKING, Any

from queries.catalog.index import CatalogIndex
from queries.catalog.name_index import NameIndex
from queries.catalog.vocabulary import name_forms
from queries.text.carrier import CarrierGrammar, load_grammar, stages
from queries.text.normalise import normal_form

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

_K1, _B = 1.2, 0.75
"""BM25's usual constants (Robertson & Zaragoza 2009, section 3.5)."""
_ALBUM_WEIGHT = 0.3
_SHORT_LIST = 120
_STOP_WORDS = frozenset(
    (
        "by",
        "de",
        "del",
        "the",
        "la",
        "el",
        "los",
        "las",
        "a",
        "y",
        "and",
        "song",
        "cancion",
        "feat",
        "ft",
        "music",
        "video",
        "lyrics",
        "official",
    )
)
_WEIGHT = {"words": 0.30, "trigrams": 0.25, "together": 0.25, "title": 0.20}
_NAMES_TRIED = 6
_REST = {"artist": 0.3, "title": 1.0, "album": 0.7}
_NEAR, _NEAR_FROM = 0.5, 0.75
"""Bonus for a title with few spelling errors: it grows from 0 at edit similarity _NEAR_FROM to _NEAR at 1."""
_EXACT = {"pair": 2.0, "title": 1.0, "artist": 0.8, "album": 0.5}
_PRIOR_WEIGHT = 0.3
_OWN_WEIGHT = 0.1
_POPULARITY_WEIGHT = 0.05


@dataclass
class _Postings:
    """Inverted index: term -> documents and their weights, in flat arrays (8 bytes a posting)."""

    documents: dict[str, array[int]] = field(default_factory=dict)
    weights: dict[str, array[float]] = field(default_factory=dict)

    def add(self, term: str, document: int, weight: float) -> None:
        if term not in self.documents:
            self.documents[term], self.weights[term] = array("I"), array("f")
        self.documents[term].append(document)
        self.weights[term].append(weight)


class Linker:
    """Links requests to the tracks of a catalog. Building reads each track once; a look-up reads the postings of its terms."""

    def __init__(self, catalog: CatalogIndex, grammar: CarrierGrammar | None = None) -> None:
        self._catalog = catalog
        self._grammar = grammar or load_grammar()
        self._texts: list[tuple[str, str]] = []
        self._words, self._trigrams = _Postings(), _Postings()
        lengths: list[float] = []
        norms: list[float] = []
        for row in range(len(catalog)):
            title, artists = (
                normal_form(catalog.title_names[row], "en"),
                normal_form(" ".join(catalog.artist_names[row]), "en"),
            )
            self._texts.append((title, artists))
            lengths.append(self._add_words(row, title, artists, normal_form(catalog.album_names[row], "en")))
            norms.append(self._add_trigrams(row, f"{title} {artists}"))
        self._weight_postings(lengths, norms)
        self.artists = NameIndex({name: len(rows) for name, rows in catalog.artists.items()})

    def candidates(self, raw_query: str, locale: str, top: int) -> list[tuple[str, float]]:
        """At most `top` pairs (track_id, score), best first; ties by popularity, then track_id. A blank request has none.

        The score is the sum of: BM25 relative to the best track, trigram cosine and edit similarity (weighted, 0 to 1 together);
        up to 0.5 for a title, alone or with its artists, that is spelled nearly alike; and 0.5 to 2 for an exact album, artist,
        title or (title, artist). A track by an artist that the request names has at least the score of that name's match.
        Popularity adds up to 0.05.

        Args:
            raw_query: The request as it was spoken or typed.
            locale: Its locale; chooses the carrier phrases.
            top: Most tracks to return.
        """
        query = normal_form(raw_query, locale)[:200]
        if not query or not len(self._catalog):
            return []
        scores: dict[int, float] = {}
        variants = stages(query, locale, self._grammar)
        wanted = dict.fromkeys((variants[0], variants[-1]))
        for variant in wanted:
            for row, score in self._scored(variant).items():
                scores[row] = max(score, scores.get(row, 0.0))
        for variant in variants:
            for row, bonus in self._exact(variant, top).items():
                scores[row] = max(scores.get(row, 0.0), bonus) if row not in scores else scores[row] + bonus
        for row in self._catalog.artists.get(variants[-1], ()):
            scores[row] = self._of_artist(row, scores.get(row, 0.0))
        for row, score in self._by_artist_name(variants[-1]).items():
            scores[row] = max(score, scores.get(row, 0.0))
        popularity, ids = self._catalog.popularity, self._catalog.track_ids
        final = {row: round(score + _POPULARITY_WEIGHT * popularity[row] / 100, 9) for row, score in scores.items()}
        rows = sorted(final, key=lambda row: (-final[row], -popularity[row], ids[row]))[:top]
        return [(ids[row], final[row]) for row in rows]

    def _of_artist(self, row: int, score: float) -> float:
        """The score of a track by the requested artist.

        All of the artist's tracks fit equally well, so popularity orders them; where it is unknown, the number of tracks with the
        same title does (recordings and re-issues).
        """
        popularity = self._catalog.popularity[row]
        if popularity > 0:
            return _EXACT["artist"] + popularity / 100
        form = name_forms(self._catalog.title_names[row])[-1:]
        recorded = len(self._catalog.titles.get(form[0], (row,))) if form else 1
        # an artist's own recording is preferred to one with guests, or as a guest
        own = _OWN_WEIGHT if len(self._catalog.artist_names[row]) == 1 else 0.0
        return max(score, _EXACT["artist"]) + own + _PRIOR_WEIGHT * (1 - 1 / (1 + log(recorded)))

    def _by_artist_name(self, variant: str) -> dict[int, float]:
        """Scores of the tracks of artists that the request may name; other words are compared with title, guests and album."""
        from rapidfuzz import fuzz

        words = variant.split()
        scores: dict[int, float] = {}
        for one in self.artists.matches_in(words)[:_NAMES_TRIED]:
            rest = " ".join(word for word in words[: one.start] + words[one.end :] if word not in _STOP_WORDS)
            for row in self._catalog.artists[one.name]:
                if rest:
                    title, artists = self._texts[row]
                    album = normal_form(self._catalog.album_names[row], "en")
                    fit = max(
                        fuzz.token_set_ratio(rest, title),
                        0.95 * fuzz.ratio(rest, title),
                        0.9 * fuzz.token_set_ratio(rest, artists.replace(one.name, "", 1)),
                        _REST["album"] * fuzz.token_set_ratio(rest, album),
                    )
                    # squared: beside other words, a name that is only similar counts for less
                    score = one.likeness**2 * (_REST["artist"] + _REST["title"] * fit / 100)
                else:
                    score = one.likeness * self._of_artist(row, 0.0)
                scores[row] = max(score, scores.get(row, 0.0))
        return scores

    def _scored(self, text: str) -> dict[int, float]:
        import numpy as np
        from rapidfuzz import fuzz

        content_words = [word for word in text.split() if word not in _STOP_WORDS] or text.split()
        content_text = " ".join(content_words)
        words, trigrams = np.zeros(len(self._texts), np.float32), np.zeros(len(self._texts), np.float32)
        for term in dict.fromkeys(content_words):
            self._collect(words, self._words, term, 1.0)
        own = _distinct_trigrams(content_text)
        norm = sqrt(sum(self._idf(self._trigrams, term) ** 2 for term in own)) or 1.0
        for term in own:
            self._collect(trigrams, self._trigrams, term, self._idf(self._trigrams, term) / norm)
        best = float(words.max()) or 1.0
        rough = _WEIGHT["words"] * words / best + _WEIGHT["trigrams"] * trigrams
        size = min(_SHORT_LIST, len(rough))
        # also the best by trigrams alone, since the words that are spelled right may be in every title
        short = {row for by in (rough, trigrams) for row in np.argpartition(-by, size - 1)[:size].tolist()}
        joined = text.replace(" ", "")
        result: dict[int, float] = {}
        for row in sorted(short):
            if rough[row] <= 0:
                continue
            title, artists = self._texts[row]
            together = fuzz.token_set_ratio(content_text, f"{title} {artists}")
            whole = max(
                fuzz.ratio(content_text, title),
                fuzz.ratio(content_text, f"{title} {artists}"),
                fuzz.ratio(content_text, f"{artists} {title}"),
            )
            alone = max(whole, fuzz.partial_ratio(title, content_text) * 0.8)
            near = max(whole, fuzz.ratio(text, title), fuzz.ratio(joined, title.replace(" ", ""))) / 100
            result[row] = (
                float(rough[row])
                + (_WEIGHT["together"] * together + _WEIGHT["title"] * alone) / 100
                + _NEAR * max(0.0, (near - _NEAR_FROM) / (1 - _NEAR_FROM))
            )
        return result

    def _exact(self, variant: str, top: int) -> dict[int, float]:
        catalog = self._catalog
        bonuses: dict[int, float] = {}
        for kind, names in (("album", catalog.albums), ("artist", catalog.artists), ("title", catalog.titles)):
            bonuses.update(dict.fromkeys(names.get(variant, ())[: 4 * top], _EXACT[kind]))
        words = variant.split()
        for at in range(1, min(len(words), 12)):
            left, right = " ".join(words[:at]), " ".join(words[at:])
            parted = right.split(" ", 1)[-1] if words[at] in ("by", "de", "from", "del") else right
            for title, artist in ((left, parted), (right, left)):
                if title in catalog.titles and artist in catalog.artists:
                    own = set(catalog.artists[artist])
                    bonuses.update({row: _EXACT["pair"] for row in catalog.titles[title] if row in own})
        return bonuses

    def _collect(self, into: NDArray[np.float32], postings: _Postings, term: str, factor: float) -> None:
        import numpy as np

        if term in postings.documents:
            documents = np.frombuffer(postings.documents[term], np.uint32)
            into[documents] += factor * np.frombuffer(postings.weights[term], np.float32)

    def _idf(self, postings: _Postings, term: str) -> float:
        count = len(postings.documents.get(term, ()))
        return log(1 + (len(self._texts) - count + 0.5) / (count + 0.5))

    def _add_words(self, row: int, title: str, artists: str, album: str) -> float:
        weights: dict[str, float] = {}
        for text, weight in ((title, 1.0), (artists, 1.0), (album, _ALBUM_WEIGHT)):
            for word in text.split():
                weights[word] = weights.get(word, 0.0) + weight
        for word, weight in weights.items():
            self._words.add(word, row, weight)
        return sum(weights.values())

    def _add_trigrams(self, row: int, text: str) -> float:
        terms = _distinct_trigrams(text)
        for term in terms:
            self._trigrams.add(term, row, 1.0)
        return float(len(terms))

    def _weight_postings(self, lengths: list[float], norms: list[float]) -> None:
        """Turn counts into BM25 weights (words) and cosine weights (trigrams: idf over the norm of the document vector)."""
        import numpy as np

        if not lengths:
            return
        size = np.asarray(lengths, np.float32)
        damp = _K1 * (1 - _B + _B * size / max(float(size.mean()), 1e-9))
        for term, documents in self._words.documents.items():
            rows = np.frombuffer(documents, np.uint32)
            weights = np.frombuffer(self._words.weights[term], np.float32)
            weights[:] = self._idf(self._words, term) * weights * (_K1 + 1) / (weights + damp[rows])
        squares = np.zeros(len(norms), np.float64)
        idf = {term: self._idf(self._trigrams, term) for term in self._trigrams.documents}
        for term, documents in self._trigrams.documents.items():
            squares[np.frombuffer(documents, np.uint32)] += idf[term] ** 2
        lengths_of = np.sqrt(np.maximum(squares, 1e-9)).astype(np.float32)
        for term, documents in self._trigrams.documents.items():
            weights = np.frombuffer(self._trigrams.weights[term], np.float32)
            weights[:] = idf[term] / lengths_of[np.frombuffer(documents, np.uint32)]


def linked(raw_query: str, locale: str, linker: Linker, top: int) -> dict[str, Any]:
    """The JSON of `queries.link` for one request."""
    candidates = linker.candidates(raw_query, locale, top)
    return {"raw_query": raw_query, "candidates": [{"track_id": track, "score": score} for track, score in candidates]}


def _distinct_trigrams(text: str) -> list[str]:
    padded = f"  {text} "
    return list(dict.fromkeys(padded[at : at + 3] for at in range(len(padded) - 2)))
