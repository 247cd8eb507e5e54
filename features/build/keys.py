"""Names that sums are taken by, their 64-bit keys, and the clusters that a snapshot could know."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from features.measures import NAMES

if TYPE_CHECKING:
    from features.build.inputs import FeatureInputs

KEY_SALT = 0  # change it where two queries of a night share a key: no value depends on it


def key_of(name: str | Column) -> Column:
    """The 64-bit key (xxhash64) of a name, null for null; a column's name gives `<name>_key`."""
    column = F.col(name) if isinstance(name, str) else name
    key = F.when(column.isNotNull(), F.xxhash64(F.lit(KEY_SALT), column))
    return key.alias(f"{name}_key") if isinstance(name, str) else key


def work_id() -> Column:
    """The work of which a track of the catalog is a version; the track itself where that is unknown."""
    return F.coalesce("work_id", "track_id")


def with_keys(frame: DataFrame) -> DataFrame:
    """The frame and the key of each name that it has."""
    return frame.select("*", *[key_of(n) for n in NAMES if n in frame.columns])


def track_keys(tracks: DataFrame) -> DataFrame:
    """(track_id, artist, work_id): the main artist, and `work_id()`."""
    return tracks.select("track_id", F.col("artists_normal")[0].alias("artist"), work_id().alias("work_id"))


def near_queries(inputs: FeatureInputs) -> DataFrame:
    """(query, query_key) of the wanted pairs and of their alias clusters. The plan fails where two share a key."""
    wanted = inputs.pairs.select("locale", "query").distinct()
    near = wanted.select("query")
    for kind in cluster_kinds(inputs):
        clusters = inputs.queries.join(wanted, ["locale", "query"], "left_semi").select("language", kind).distinct()
        near = near.unionByName(
            inputs.queries.join(F.broadcast(clusters), ["language", kind], "left_semi").select("query")
        )
    named = with_keys(near.distinct())
    kept = named.groupBy("query_key").agg(F.min("query").alias("query"), F.count("*").alias("names"))
    told = "features.build.keys: two queries share a 64-bit key. Give KEY_SALT another value and run the step again."
    return kept.select(
        "query",
        F.when(F.col("names") == 1, F.col("query_key")).otherwise(F.raise_error(F.lit(told))).alias("query_key"),
    )


def cluster_kinds(inputs: FeatureInputs) -> list[str]:
    """The columns of `queries` that hold a cluster of one of the snapshots."""
    is_past = inputs.aliases_of is not None and any(d != inputs.aliases_of for d in inputs.as_of)
    return ["cluster_id", "text_cluster_id"] if is_past else ["cluster_id"]


def with_cluster_of(frame: DataFrame, inputs: FeatureInputs, *names: str) -> DataFrame:
    """The frame with the cluster that each row's snapshot could know under `names` (`cluster_id`, or its key)."""
    if len(cluster_kinds(inputs)) == 1:
        return frame
    mined = F.col("as_of") == F.lit(inputs.aliases_of)
    chosen = {name: F.when(mined, F.col(name)).otherwise(F.col(f"text_{name}")) for name in names}
    return frame.withColumns(chosen).drop(*[f"text_{name}" for name in names])
