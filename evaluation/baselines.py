"""The baselines that playfirst must beat: each gives one score per candidate, higher first; all rank the same candidates.

Grain of every function: one score per row of `candidates` (place, need, track_id, …), in its order.
No score is NaN: a missing count is 0, and tracks without popularity rank last, tied.
"""

import math
from collections import Counter
from collections.abc import Iterable, Sequence

import numpy as np
import numpy.typing as npt
import pandas as pd

from evaluation.text import words
from evaluation.truth import ENTRY

Floats = npt.NDArray[np.float64]


def popularity_scores(candidates: pd.DataFrame) -> Floats:
    """The catalog's popularity (0–100); a null popularity ranks below 0, because nothing shows that the track is played."""
    return _numbers(candidates["popularity"], missing=-1.0)


def ctr_scores(candidates: pd.DataFrame) -> Floats:
    """Raw click-through rate, clicks / impressions at any position; 0 for a track that was never shown.

    It is neither smoothed nor corrected for position on purpose: it is the baseline of a team that has done neither.
    """
    clicks, shown = (_numbers(candidates[n], missing=0.0) for n in ("clicks", "impressions"))
    return np.divide(clicks, shown, out=np.zeros(len(candidates)), where=shown > 0)


def smoothed_ctr_scores(candidates: pd.DataFrame, *, strength: float = 20.0) -> Floats:
    """Click-through rate with `strength` impressions of the average candidate added: 1 of 1 no longer beats 40 of 50.

    (clicks + strength·r) / (impressions + strength), r = Σ clicks / Σ impressions of all candidates; a track that was never
    shown has the score r.
    Source: the m-estimate, Cestnik 1990.
    """
    clicks, shown = _numbers(candidates["clicks"], missing=0.0), _numbers(candidates["impressions"], missing=0.0)
    average = float(clicks.sum()) / max(float(shown.sum()), 1.0)
    return (clicks + strength * average) / (shown + strength)


def pooled_text_scores(candidates: pd.DataFrame, bm25: Floats, *, strength: float = 2.0) -> Floats:
    """Satisfied plays per impression for the need, with `strength` impressions of a prior from the text match; ties by popularity.

    It is what can be built in a day: (satisfied + strength·r·t) / (impressions + strength) plus a millionth of the popularity, where
    r = Σ satisfied / Σ impressions of all candidates and t = BM25 over the best BM25 of the entry's candidates, 0 where no word
    matches. A track that was never shown therefore scores at most the average, apart from the popularity.

    Args:
        candidates: the candidates with their counts.
        bm25: what `bm25_scores` gives for them.
        strength: impressions that the prior is worth.
    """
    satisfied, shown = (_numbers(candidates[n], missing=0.0) for n in ("satisfied", "impressions"))
    average = float(satisfied.sum()) / max(float(shown.sum()), 1.0)
    prior = average * _match(candidates, bm25)
    scores: Floats = (satisfied + strength * prior) / (shown + strength) + 1e-6 * popularity_scores(candidates)
    return scores


def plays_text_scores(candidates: pd.DataFrame, bm25: Floats) -> Floats:
    """Satisfied plays of the need, counted; ties by the text match (BM25 over the best of the entry), and then by popularity.

    The score is the place of (plays, match, popularity) among all candidates, the same for equal ones.

    Args:
        candidates: the candidates with their counts.
        bm25: what `bm25_scores` gives for them.
    """
    match, popularity = _match(candidates, bm25).round(9), popularity_scores(candidates)
    return _places(_numbers(candidates["satisfied"], missing=0.0), match, popularity)


def _places(*keys: Floats) -> Floats:
    """The place of each row in the order of the keys, the first key first; equal rows have equal places, greater ones greater places."""
    rows = np.stack(keys, axis=1)
    return np.unique(rows, axis=0, return_inverse=True)[1].astype(np.float64)


def _match(candidates: pd.DataFrame, bm25: Floats) -> Floats:
    """BM25 over the best BM25 of the entry's candidates; 0 where no word matches."""
    match = pd.Series(bm25, index=candidates.index)
    best = match.groupby([candidates["locale"], candidates["need"]]).transform("max").to_numpy()
    share: Floats = np.divide(match.to_numpy(), best, out=np.zeros(len(candidates)), where=best > 0)
    return share


def served_scores(candidates: pd.DataFrame) -> Floats:
    """The order of the system that served the logs: the sum of 1 / log2(rank + 1) of the track over the served lists.

    Within an entry this is the order of the mean discount, where a list without the track counts 0. Every served list counts,
    examined or not; tracks that were never served rank last.
    """
    return _numbers(candidates["served_discount"], missing=0.0)


def coec_scores(candidates: pd.DataFrame, column: str = "coec") -> Floats:
    """Clicks over expected clicks, as the night computed them; null (no exposure) counts as 0.

    `coec` is shrunk along the back-off chain; `coec_raw` is the ratio itself (Zhang & Jones 2007). Both are null without exposure, so
    that what was never shown stands last.
    """
    return _numbers(candidates[column], missing=0.0)


def random_scores(candidates: pd.DataFrame, seed: int) -> Floats:
    """A uniform number in [0, 1) from a hash of (seed, place, need, track_id), independent of the row order."""
    from pandas.util import hash_array

    text = candidates["locale"].astype(str) + "\x1f" + candidates["need"].astype(str)
    keys = (text + "\x1f" + candidates["track_id"].astype(str)).to_numpy(dtype=object)
    return np.asarray(hash_array(keys, hash_key=f"{seed:016x}"[-16:]), np.uint64).astype(np.float64) / 2.0**64


def bm25_scores(candidates: pd.DataFrame, catalog: pd.DataFrame, *, k1: float = 1.2, b: float = 0.75) -> Floats:
    """Okapi BM25 of the names and values of the need (column `text`) against title and artists of the track.

    Document frequencies and mean length are those of the whole `catalog` (track_id, title, artists), tokens have no accents,
    and a repeated word of the request counts once. idf = ln(1 + (N − n + .5) / (n + .5)), never negative.
    Source: Robertson & Zaragoza 2009, eq. 3.15; idf as in Lucene's BM25Similarity.
    """
    requests = candidates["text"].fillna("")
    asked = {request: sorted(set(words(request))) for request in requests.unique()}
    vocabulary = {word for request in asked.values() for word in request}  # words of no request never score
    counts: dict[object, Counter[str]] = {}
    lengths: dict[object, int] = {}
    for track_id, title, artists in zip(catalog["track_id"], catalog["title"], catalog["artists"], strict=True):
        document = [*words(title), *words(_joined(artists))]
        counts[track_id] = Counter(word for word in document if word in vocabulary)
        lengths[track_id] = len(document)
    frequency = Counter(word for own in counts.values() for word in own)
    idf = {word: math.log1p((len(catalog) - n + 0.5) / (n + 0.5)) for word, n in frequency.items()}
    mean_length = sum(lengths.values()) / max(len(catalog), 1)

    scores = np.zeros(len(candidates))
    for row, (request, track_id) in enumerate(zip(requests, candidates["track_id"], strict=True)):
        own = counts.get(track_id)
        if own:
            slowed = k1 * (1 - b + b * lengths[track_id] / mean_length)
            scores[row] = sum(
                idf[word] * own[word] * (k1 + 1) / (own[word] + slowed) for word in asked[request] if word in own
            )
    return scores


def skyline_scores(candidates: pd.DataFrame, gains: pd.DataFrame, key: Sequence[str] = ENTRY) -> Floats:
    """The true expected gain of each candidate: the best order of these candidates. `key`: the columns of what is answered."""
    keys = [*key, "track_id"]
    joined = candidates[keys].merge(gains[[*keys, "gain"]], on=keys, how="left")
    return _numbers(joined["gain"], missing=0.0)


def _joined(artists: object) -> str:
    if isinstance(artists, str):
        return artists
    return " ".join(str(artist) for artist in artists) if isinstance(artists, Iterable) else ""


def _numbers(column: "pd.Series[float]", missing: float) -> Floats:
    return np.asarray(pd.to_numeric(column).astype("float64").fillna(missing), dtype=np.float64)
