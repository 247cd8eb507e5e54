"""Candidate source: the strongest tracks of the catalog, for requests that ask for nothing in particular."""

from __future__ import annotations

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from lake.columns import OPEN_NEED
from ranking.sources.source import Source, SourceInputs, top


def popular(given: SourceInputs) -> DataFrame:
    """The strongest tracks of the catalog, for open requests without constraints."""
    best = top(
        given.tracks.withColumn("_all", F.lit(1)),
        ["_all"],
        [F.desc("strength"), F.col("track_id")],
        given.settings.per_source,
    )
    open_needs = given.needs.where(F.col("need") == OPEN_NEED)
    return open_needs.select("locale", "need").crossJoin(
        F.broadcast(best.select("track_id", F.col("_rank").alias("source_rank")))
    )


SOURCE = Source("popular", popular, "strong, where nothing in particular is asked for")
