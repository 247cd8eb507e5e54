"""The 64-bit keys of the names that sums are grouped by, and the need that a wording leads to in a snapshot."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from features.measures import NAMES

if TYPE_CHECKING:
    from features.build.inputs import FeatureInputs

KEY_SALT = 0  # change it if two needs of a night share a key; no feature value depends on it


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


def near_needs(inputs: FeatureInputs) -> DataFrame:
    """(need, need_key) of the wanted needs and all others with the same broader need. The plan fails if two share a key."""
    wanted = inputs.pairs.select("need").distinct()
    broader = F.broadcast(inputs.needs.join(F.broadcast(wanted), "need", "left_semi").select("broader").distinct())
    near = wanted.unionByName(inputs.needs.join(broader, "broader", "left_semi").select("need"))
    named = with_keys(near.distinct())
    kept = named.groupBy("need_key").agg(F.min("need").alias("need"), F.count("*").alias("names"))
    message = "features.build.keys: two needs share a 64-bit key. Give KEY_SALT another value and run the step again."
    return kept.select(
        "need",
        F.when(F.col("names") == 1, F.col("need_key")).otherwise(F.raise_error(F.lit(message))).alias("need_key"),
    )
