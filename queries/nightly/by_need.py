"""From wordings to needs, in frames: what daily counts and snapshots share. No code that reads requests is imported here.

A change of how requests are read must not make days or curves pending: they follow the stored wordings and needs.
"""

from __future__ import annotations

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from lake.tables.nightly import OF_NEED


def by_need(rows: DataFrame, wordings: DataFrame, query: str = "query") -> DataFrame:
    """The rows with `need`, which their wording leads to in their snapshot; null if it leads to none there.

    Args:
        rows: rows with `as_of`, `locale` and a wording.
        wordings: see `FeatureInputs`.
        query: the column of the wording, which is dropped.
    """
    of_wording = wordings.select("as_of", F.col("language").alias("_language"), F.col("query").alias("_query"), "need")
    rows = rows.withColumns({"_language": F.substring("locale", 1, 2), "_query": F.col(query)}).drop(query)
    return rows.join(of_wording, ["as_of", "_language", "_query"], "left").drop("_language", "_query")


def distinct_needs(stored: DataFrame) -> DataFrame:
    """One row per need of rows of NEEDS, with what the need asks for (OF_NEED), the same in every place."""
    return stored.select(*OF_NEED).dropDuplicates(["need"])
