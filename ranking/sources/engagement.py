"""Candidate source: tracks that listeners were shown for the query itself."""

from __future__ import annotations

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from lake.places import places
from ranking.sources.source import Source, SourceInputs, ranked


def engagement(given: SourceInputs) -> DataFrame:
    """Tracks shown for the query itself, ordered by long plays, then impressions."""
    spread = given.daily.withColumn("locale", F.explode(places()))
    summed = spread.groupBy("locale", "query", "track_id").agg(
        F.sum("long_plays").alias("n"), F.sum("impressions").alias("m")
    )
    asked = summed.join(F.broadcast(given.queries.select("locale", "query")), ["locale", "query"], "left_semi")
    return ranked(asked, [F.desc("n"), F.desc("m"), F.col("track_id")], given.settings)


SOURCE = Source("engagement", engagement, "shown for the query itself, those heard long first", reads_logs=True)
