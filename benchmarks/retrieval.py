"""Plain retrieval of documents by a query, the rivals in linking: each gives all scores, (queries, documents).

BM25 over words (k1 1.2, b .75: Robertson & Zaragoza 2009), cosine of the sets of letter trigrams padded as pg_trgm does, and
rapidfuzz's token_set_ratio, which is edit distance over the sorted sets of words.
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Scores = NDArray[np.float32]

_K1, _B = 1.2, 0.75
_NOT_WORD = re.compile(r"[^a-z0-9]+")


def plain_form(text: str) -> str:
    """Lower case, accents dropped, everything but a-z and 0-9 a blank: the rivals' own, and no code of ours."""
    letters = unicodedata.normalize("NFKD", text.lower())
    return _NOT_WORD.sub(" ", "".join(one for one in letters if not unicodedata.combining(one))).strip()


def bm25(queries: Sequence[str], documents: Sequence[str]) -> Scores:
    """BM25 of words."""
    import numpy as np
    from scipy import sparse

    vocabulary: dict[str, int] = {}
    found = _matrix(documents, str.split, vocabulary, True)
    in_documents = np.bincount(found.indices, minlength=len(vocabulary))
    idf = np.log(1 + (len(documents) - in_documents + 0.5) / (in_documents + 0.5))
    length = np.asarray(found.sum(1)).ravel()
    damp = _K1 * (1 - _B + _B * length / max(float(length.mean()), 1e-9))
    cells = found.tocoo()
    weights = idf[cells.col] * cells.data * (_K1 + 1) / (cells.data + damp[cells.row])
    weighted = sparse.csr_matrix((weights.astype(np.float32), (cells.row, cells.col)), shape=cells.shape)
    return _product(_matrix(queries, str.split, vocabulary, False), weighted)


def trigrams(queries: Sequence[str], documents: Sequence[str]) -> Scores:
    """Cosine of sets of letter trigrams."""
    vocabulary: dict[str, int] = {}
    found = _unit(_matrix(documents, _trigrams, vocabulary, True))
    asked = _unit(_matrix(queries, _trigrams, vocabulary, False))
    return _product(asked, found)


def token_set(queries: Sequence[str], documents: Sequence[str]) -> Scores:
    """Edit similarity of the sets of words, one processor."""
    import numpy as np
    from rapidfuzz import fuzz, process

    scores: Scores = process.cdist(queries, documents, scorer=fuzz.token_set_ratio, dtype=np.float32, workers=1)
    return scores


def first(scores: Scores, most: int) -> list[list[int]]:
    """The `most` best documents of each query, best first, ties by their order; those that share nothing left out."""
    import numpy as np

    order = np.argsort(-scores, axis=1, kind="stable")[:, :most]
    return [[int(at) for at in row if scores[query, at] > 0] for query, row in enumerate(order)]


_AT_ONCE = 250


def answers(
    rival: Callable[[Sequence[str], Sequence[str]], Scores], queries: Sequence[str], documents: Sequence[str], most: int
) -> list[list[int]]:
    """`first` of every query by a rival, some queries at a time, so that their scores fit into memory."""
    parts = (queries[start : start + _AT_ONCE] for start in range(0, len(queries), _AT_ONCE))
    return [rows for part in parts for rows in first(rival(part, documents), most)]


RIVALS: dict[str, Callable[[Sequence[str], Sequence[str]], Scores]] = {
    "bm25": bm25,
    "trigrams": trigrams,
    "token_set": token_set,
}


def _trigrams(text: str) -> list[str]:
    padded = f"  {text} "
    return list(dict.fromkeys(padded[at : at + 3] for at in range(len(padded) - 2)))


def _matrix(texts: Sequence[str], terms: Callable[[str], list[str]], vocabulary: dict[str, int], grows: bool) -> Any:
    """Counts of terms as a sparse matrix; `grows`: terms not seen before join the vocabulary, else they are left out."""
    import numpy as np
    from scipy import sparse

    rows, columns, counts = [], [], []
    for row, text in enumerate(texts):
        for term, count in Counter(terms(text)).items():
            if grows:
                vocabulary.setdefault(term, len(vocabulary))
            if term in vocabulary:
                rows.append(row)
                columns.append(vocabulary[term])
                counts.append(count)
    return sparse.csr_matrix((np.array(counts, np.float32), (rows, columns)), shape=(len(texts), len(vocabulary)))


def _unit(matrix: Any) -> Any:
    import numpy as np
    from scipy import sparse

    norms = np.sqrt(np.maximum(np.asarray(matrix.multiply(matrix).sum(1)).ravel(), 1e-9))
    return (sparse.diags((1 / norms).astype(np.float32)) @ matrix).tocsr()


def _product(queries: Any, documents: Any) -> Scores:
    scores: Scores = (queries @ documents.T).toarray()
    return scores
