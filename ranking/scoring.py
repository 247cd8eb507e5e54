"""Batch scoring: the ranker scores the feature matrix of a night in Arrow batches."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from features.catalogue import matrix_fingerprint, matrix_names, monotone_constraints
from lake.fingerprint import file_hash
from ranking.dataset import FeatureList

if TYPE_CHECKING:
    import pandas as pd

    from ranking.ranker import Ranker

KEYS = ("locale", "need", "track_id")


def feature_list() -> FeatureList:
    """The catalogue as the ranker's feature list: names, directions and fingerprint."""
    return FeatureList(matrix_names(), monotone_constraints(), matrix_fingerprint())


@lru_cache(maxsize=2)
def _loaded(folder: str, model: str) -> Ranker:
    """The ranker in the folder, loaded once for each process and model hash, because training again overwrites the folder."""
    from ranking.ranker import load

    return load(Path(folder), feature_list(), threads=1)


def scored(matrix: DataFrame, folder: Path) -> DataFrame:
    """(place, need, track_id, model_score) of every row of the matrix. Scores are float64, rounded to 1e-9.

    Each worker loads the ranker from `folder` once.

    Raises:
        RankerCorrupt: the saved ranker is missing, or does not match its SHA-256.
        StaleRanker: it was trained with another feature catalogue.
    """
    from pyspark.sql.types import DoubleType, StringType, StructField, StructType

    names, where, file = list(matrix_names()), str(folder.resolve()), folder / "model.txt"
    model = file_hash(file) if file.exists() else "missing"
    _loaded(where, model)  # a stale or corrupt ranker fails here with a short error, not inside a worker
    schema = StructType([*[StructField(k, StringType()) for k in KEYS], StructField("model_score", DoubleType())])

    def score(batches: Iterable[pd.DataFrame]) -> Iterator[pd.DataFrame]:
        ranker = _loaded(where, model)
        for batch in batches:
            if len(batch) == 0:
                continue
            values = batch[names].to_numpy(dtype="float64")
            out = batch[list(KEYS)].copy()
            out["model_score"] = ranker.scores(values)
            yield out

    return matrix.mapInPandas(score, schema)


def by_coec(matrix: DataFrame) -> DataFrame:
    """Scores without a ranker: the shrunk COEC over 28 days. Same columns as `scored`."""
    return matrix.select(*KEYS, F.col("coec_28d").alias("model_score"))
