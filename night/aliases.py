"""Last night's queries and the aliases that tonight's searches and plays suggest."""

from __future__ import annotations

from pyspark.sql import DataFrame

from lake.errors import SchemaMismatch
from lake.schema import struct
from lake.tables.nightly import ALIAS_PAIRS, QUERIES
from night.night import Night
from queries.nightly.aliases import AliasRules, asked_again, played_alike


def previous_queries(night: Night, before: str | None) -> DataFrame | None:
    """The table `queries` of an earlier night; None if there is none, or if an older version wrote it with another schema.

    Without it the clusters get new ids.

    Args:
        night: the night.
        before: the run_date of the earlier night, or None.
    """
    if before is None:
        return None
    try:
        return night.lake.read(QUERIES, [before], allow_unvalidated=True)
    except SchemaMismatch as error:
        night.notes.append(f"queries of {before} were written by another version; clusters start anew ({error})")
        return None


def mined_pairs(
    night: Night, searches: DataFrame, plays: DataFrame | None, read_queries: DataFrame, previous: DataFrame | None
) -> DataFrame:
    """The alias pairs mined from the night's searches and plays, checkpointed; empty if there are no reactions."""
    columns = [c.name for c in ALIAS_PAIRS.columns if c.name != "run_date"]
    if plays is None:
        return night.spark.createDataFrame([], struct(ALIAS_PAIRS)).select(*columns)
    rules = AliasRules()
    steps = asked_again(searches, plays.select("search_id"), previous, rules)
    asked_in = read_queries.select(read_queries["locale"].alias("language"), "query", "stripped", "intent_group")
    alike = played_alike(plays, asked_in, rules)
    return steps.select(*columns).unionByName(alike.select(*columns)).localCheckpoint()
