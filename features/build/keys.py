"""The 64-bit keys of the names that sums are grouped by, and the alias clusters that a snapshot could know."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from features.measures import NAMES

if TYPE_CHECKING:
    from features.build.inputs import FeatureInputs

KEY_SALT = 0  # change it if two queries of a night share a key; no feature value depends on it


def key_of(name: str | Column) -> Column:
    """The 64-bit key (xxhash64) of a name, null for null. Given a column's name, the result is called `<name>_key`."""
    column = F.col(name) if isinstance(name, str) else name
    key = F.when(column.isNotNull(), F.xxhash64(F.lit(KEY_SALT), column))
    return key.alias(f"{name}_key") if isinstance(name, str) else key


def work_id() -> Column:
    """The work of which a catalog track is a version, or the track's own id if the work is unknown."""
    return F.coalesce("work_id", "track_id")


def with_keys(frame: DataFrame) -> DataFrame:
    """The frame with a key column for each column of NAMES that it has."""
    return frame.select("*", *[key_of(n) for n in NAMES if n in frame.columns])


def track_keys(tracks: DataFrame) -> DataFrame:
    """(track_id, artist, work_id) of each catalog track: `artist` is the first one named, `work_id` see `work_id`."""
    return tracks.select("track_id", F.col("artists_normal")[0].alias("artist"), work_id().alias("work_id"))


def near_queries(inputs: FeatureInputs) -> DataFrame:
    """(query, query_key) of the wanted queries and all others in their alias clusters. The plan fails if two share a key."""
    wanted = inputs.pairs.select("locale", "query").distinct()
    near = wanted.select("query")
    for kind in cluster_kinds(inputs):
        clusters = inputs.queries.join(wanted, ["locale", "query"], "left_semi").select("language", kind).distinct()
        near = near.unionByName(
            inputs.queries.join(F.broadcast(clusters), ["language", kind], "left_semi").select("query")
        )
    named = with_keys(near.distinct())
    kept = named.groupBy("query_key").agg(F.min("query").alias("query"), F.count("*").alias("names"))
    message = "features.build.keys: two queries share a 64-bit key. Give KEY_SALT another value and run the step again."
    return kept.select(
        "query",
        F.when(F.col("names") == 1, F.col("query_key")).otherwise(F.raise_error(F.lit(message))).alias("query_key"),
    )


def cluster_kinds(inputs: FeatureInputs) -> list[str]:
    """The columns of `queries` with the alias clusters that the snapshots of the build need.

    A snapshot older than `inputs.aliases_of` could not know the mined aliases, so its clusters are those of the texts alone.
    """
    is_past = inputs.aliases_of is not None and any(d != inputs.aliases_of for d in inputs.as_of)
    return ["cluster_id", "text_cluster_id"] if is_past else ["cluster_id"]


def with_cluster_of(frame: DataFrame, inputs: FeatureInputs, *names: str) -> DataFrame:
    """Set each column of `names` (`cluster_id`, `cluster_id_key`) to the alias cluster that the row's snapshot could know.

    The column `text_<name>` is dropped; it has the cluster without mined aliases, for older snapshots (see `cluster_kinds`).
    """
    if len(cluster_kinds(inputs)) == 1:
        return frame
    mined = F.col("as_of") == F.lit(inputs.aliases_of)
    chosen = {name: F.when(mined, F.col(name)).otherwise(F.col(f"text_{name}")) for name in names}
    return frame.withColumns(chosen).drop(*[f"text_{name}" for name in names])
