"""Plain text retrieval, the rivals in linking: each scores all documents for all queries, shape (queries, documents).

BM25 over words (k1 = 1.2, b = 0.75: Robertson & Zaragoza 2009), the cosine of sets of letter trigrams padded as in pg_trgm, and
rapidfuzz's token_set_ratio, an edit similarity of the sorted sets of words.
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
    """Lower case without accents, everything but a-z and 0-9 as a blank; independent of the project's normal form."""
    letters = unicodedata.normalize("NFKD", text.lower())
    return _NOT_WORD.sub(" ", "".join(one for one in letters if not unicodedata.combining(one))).strip()


def bm25(queries: Sequence[str], documents: Sequence[str]) -> Scores:
    """BM25 scores over words, with IDF and term frequencies of the documents."""
    import numpy as np
    from scipy import sparse

    vocabulary: dict[str, int] = {}
    counts = _matrix(documents, str.split, vocabulary, True)
    in_documents = np.bincount(counts.indices, minlength=len(vocabulary))
    idf = np.log(1 + (len(documents) - in_documents + 0.5) / (in_documents + 0.5))
    length = np.asarray(counts.sum(1)).ravel()
    damp = _K1 * (1 - _B + _B * length / max(float(length.mean()), 1e-9))
    cells = counts.tocoo()
    weights = idf[cells.col] * cells.data * (_K1 + 1) / (cells.data + damp[cells.row])
    weighted = sparse.csr_matrix((weights.astype(np.float32), (cells.row, cells.col)), shape=cells.shape)
    return _product(_matrix(queries, str.split, vocabulary, False), weighted)


def trigrams(queries: Sequence[str], documents: Sequence[str]) -> Scores:
    """Cosine similarity of the sets of letter trigrams."""
    vocabulary: dict[str, int] = {}
    of_documents = _unit(_matrix(documents, _trigrams, vocabulary, True))
    of_queries = _unit(_matrix(queries, _trigrams, vocabulary, False))
    return _product(of_queries, of_documents)


def token_set(queries: Sequence[str], documents: Sequence[str]) -> Scores:
    """rapidfuzz's token_set_ratio, computed on one core."""
    import numpy as np
    from rapidfuzz import fuzz, process

    scores: Scores = process.cdist(queries, documents, scorer=fuzz.token_set_ratio, dtype=np.float32, workers=1)
    return scores


def first(scores: Scores, most: int) -> list[list[int]]:
    """The `most` best documents of each query, best first, ties in document order; documents with score 0 are left out."""
    import numpy as np

    order = np.argsort(-scores, axis=1, kind="stable")[:, :most]
    return [[int(at) for at in row if scores[query, at] > 0] for query, row in enumerate(order)]


_AT_ONCE = 250


def answers(
    rival: Callable[[Sequence[str], Sequence[str]], Scores], queries: Sequence[str], documents: Sequence[str], most: int
) -> list[list[int]]:
    """The best documents of every query by a rival, in batches of queries, so that the scores fit into memory."""
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
    """Term counts as a sparse matrix (texts, vocabulary); `grows`: unknown terms join the vocabulary, otherwise left out."""
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
