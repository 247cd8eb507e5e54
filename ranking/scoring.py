"""Batch scoring: the ranker scores the feature matrix of a night in Arrow batches."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from features.catalogue import columns, matrix_fingerprint, matrix_names, monotone_constraints
from ranking.dataset import FeatureList

if TYPE_CHECKING:
    import pandas as pd

    from ranking.ranker import Ranker

KEYS = ("locale", "need", "track_id")


def feature_list() -> FeatureList:
    """The catalogue as the ranker's feature list: names, directions, fingerprint and families."""
    families = tuple(c.feature.family for c in columns())
    return FeatureList(matrix_names(), monotone_constraints(), matrix_fingerprint(), families)


@lru_cache(maxsize=2)
def _loaded(text: bytes, card: bytes, folder: str) -> Ranker:
    """The ranker of the two files' content, parsed once for each process."""
    from ranking.ranker import read_ranker

    return read_ranker(text, card, folder, feature_list(), threads=1)


def scored(matrix: DataFrame, folder: Path) -> DataFrame:
    """(place, need, track_id, model_score) of every row of the matrix. Scores are float64, rounded to 1e-9.

    The ranker (a few megabytes of text) travels to the workers with the function, since they may have no disk in common with the
    driver; each worker parses it once.

    Raises:
        RankerCorrupt: the saved ranker is missing, or does not match its SHA-256.
        StaleRanker: it was trained with another feature catalogue.
    """
    from pyspark.sql.types import DoubleType, StringType, StructField, StructType

    from ranking.ranker import content_of

    names, (text, card), where = list(matrix_names()), content_of(folder), str(folder)
    _loaded(text, card, where)  # a stale or corrupt ranker fails here with a short error, not inside a worker
    schema = StructType([*[StructField(k, StringType()) for k in KEYS], StructField("model_score", DoubleType())])

    def score(batches: Iterable[pd.DataFrame]) -> Iterator[pd.DataFrame]:
        ranker = _loaded(text, card, where)
        for batch in batches:
            if len(batch) == 0:
                continue
            values = batch[names].to_numpy(dtype="float64")
            out = batch[list(KEYS)].copy()
            out["model_score"] = ranker.scores(values)
            yield out

    return matrix.mapInPandas(score, schema)


def by_coec(matrix: DataFrame) -> DataFrame:
    """Scores without a ranker: 1 + the shrunk COEC over 28 days. Same columns as `scored`.

    What was not shown for the need stands behind what was, in the order of the track's own COEC c, as c / (1 + c) < 1.
    """
    of_track = F.col("track_coec_28d") / (1 + F.col("track_coec_28d"))
    return matrix.select(*KEYS, F.coalesce(1 + F.col("coec_28d"), of_track).alias("model_score"))
