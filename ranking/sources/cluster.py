"""Candidate source: tracks with a long play for a wording of the same alias cluster."""

from __future__ import annotations

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from ranking.sources.source import Source, SourceInputs, top


def cluster(given: SourceInputs) -> DataFrame:
    """Tracks with a long play for any wording of the query's alias cluster in the same language, most long plays first."""
    members = given.queries.select("locale", "query", "language", "cluster_id")
    of_language = given.daily.where(F.col("long_plays") > 0).withColumn(
        "locale", F.explode(F.array(F.substring("locale", 1, 2), F.lit("*")))
    )
    heard = of_language.join(F.broadcast(members.where(F.col("locale") == F.col("language"))), ["locale", "query"])
    of_cluster = heard.groupBy("language", "cluster_id", "track_id").agg(F.sum("long_plays").alias("n"))
    best = top(of_cluster, ["language", "cluster_id"], [F.desc("n"), F.col("track_id")], given.settings.per_source)
    joined = best.join(F.broadcast(members), ["language", "cluster_id"])
    return joined.withColumn("source_rank", F.col("_rank"))


SOURCE = Source("cluster", cluster, "heard long for another wording of the alias cluster", reads_logs=True)
