"""The rival in "music or not": a plain logistic regression on word and character n-grams."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from queries.training.gold import Gold

if TYPE_CHECKING:
    from sklearn.pipeline import Pipeline


class Logistic:
    """TF-IDF of one to two words and of two to four letters, one model for both languages, trained on every request."""

    def __init__(self) -> None:
        self._model: Pipeline | None = None

    def fit(self, train: Sequence[Gold]) -> None:
        """Train on the normal forms."""
        from sklearn.feature_extraction.text import TfidfVectorizer
        from sklearn.linear_model import LogisticRegression
        from sklearn.pipeline import make_pipeline, make_union

        words = TfidfVectorizer(ngram_range=(1, 2), token_pattern=r"\S+", lowercase=False, sublinear_tf=True, min_df=2)
        letters = TfidfVectorizer(analyzer="char_wb", ngram_range=(2, 4), lowercase=False, sublinear_tf=True, min_df=2)
        model = LogisticRegression(C=10.0, solver="liblinear", max_iter=200, random_state=0)
        self._model = make_pipeline(make_union(words, letters), model)
        self._model.fit([one.query for one in train], [one.is_music for one in train])

    def is_music(self, requests: Sequence[Gold]) -> list[bool]:
        """Whether music is the more likely class of each request."""
        if self._model is None:
            raise RuntimeError("logistic: fit it before asking")
        return [bool(is_music) for is_music in self._model.predict([one.query for one in requests])]
