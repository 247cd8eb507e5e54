"""Batch scoring: the matrix of a night through the ranker, in Arrow batches, with the feature that spoke most."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

from features.catalogue import matrix_fingerprint, matrix_names, monotone_constraints
from ranking.dataset import FeatureList

if TYPE_CHECKING:
    import pandas as pd
    from pyspark.sql import DataFrame

    from ranking.ranker import Ranker

KEYS = ("locale", "query", "track_id")


def feature_list() -> FeatureList:
    """The catalogue as the ranker's feature list: names, directions and fingerprint."""
    return FeatureList(matrix_names(), monotone_constraints(), matrix_fingerprint())


@lru_cache(maxsize=2)
def _loaded(folder: str) -> Ranker:
    from ranking.ranker import load

    return load(Path(folder), feature_list(), threads=1)


def scored(matrix: DataFrame, folder: Path) -> DataFrame:
    """(locale, query, track_id, model_score, reason) of every row of the matrix.

    One ranker a worker, loaded from `folder` (its SHA-256 and feature fingerprint are checked: StaleRanker). Scores are
    float64, rounded to 1e-9. The reason names the two features with the largest TreeSHAP values.
    """
    from pyspark.sql.types import DoubleType, StringType, StructField, StructType

    names, where = list(matrix_names()), str(folder.resolve())
    _loaded(where)  # a stale or corrupt ranker is refused here, in one line, not inside a worker
    schema = StructType(
        [StructField(k, StringType()) for k in KEYS]
        + [StructField("model_score", DoubleType()), StructField("reason", StringType())]
    )

    def score(batches: Iterator[pd.DataFrame]) -> Iterator[pd.DataFrame]:
        ranker = _loaded(where)
        for batch in batches:
            if len(batch) == 0:
                continue
            values = batch[names].to_numpy(dtype="float64")
            out = batch[list(KEYS)].copy()
            out["model_score"] = ranker.scores(values)
            out["reason"] = _reasons(ranker, values, names)
            yield out

    return matrix.mapInPandas(score, schema)


def _reasons(ranker: Ranker, values: object, names: Sequence[str]) -> list[str]:
    import numpy as np

    said = ranker.contributions(values)[:, :-1]  # type: ignore[arg-type]
    top = np.argsort(-said, axis=1)[:, :2]
    return [" + ".join(names[j] for j in row if said[i, j] > 0) or "no feature speaks for it" for i, row in enumerate(top)]


def by_coec(matrix: DataFrame) -> DataFrame:
    """The order without a ranker: shrunk COEC over 28 days. Same columns as `scored`."""
    from pyspark.sql import functions as F

    return matrix.select(*KEYS, F.col("coec_28d").alias("model_score"), F.lit("coec_28d (no ranker yet)").alias("reason"))
