"""Fits the model that distinguishes requests for music from others."""

from __future__ import annotations

from collections.abc import Sequence
from math import log

from queries.grammar.interpret import Interpretation
from queries.models.musicness import BITS, TRAINED_SHARE, Musicness, weight_indexes


def fitted(
    interpretations: Sequence[Interpretation], is_music: Sequence[bool], weights: Sequence[float], *, c: float = 4.0
) -> Musicness:
    """Fit an L2-penalised logistic regression with scikit-learn (a development dependency). Deterministic.

    Args:
        interpretations: The requests as the grammar reads them.
        is_music: Whether each asks for music.
        weights: Weight of each.
        c: Inverse strength of the penalty.
    """
    import numpy as np
    from scipy.sparse import csr_matrix
    from sklearn.linear_model import LogisticRegression

    rows = [sorted(weight_indexes(one)) for one in interpretations]
    starts = np.cumsum([0, *map(len, rows)])
    columns = np.concatenate([np.asarray(row, np.int32) for row in rows])
    matrix = csr_matrix((np.ones(len(columns), np.float32), columns, starts), (len(rows), 1 << BITS))
    model = LogisticRegression(C=c, solver="liblinear", random_state=0, max_iter=200)
    model.fit(matrix, np.asarray(is_music, int), sample_weight=np.asarray(weights))
    learned = model.coef_[0].copy()
    share = float(np.average(np.asarray(is_music, float), weights=np.asarray(weights)))
    # the intercept is moved to the odds of TRAINED_SHARE, so that `Musicness.probability` works for every training set
    learned[0] = model.intercept_[0] + log(TRAINED_SHARE / (1 - TRAINED_SHARE)) - log(share / (1 - share))
    return Musicness(learned.astype("<f2"))
