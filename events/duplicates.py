"""Ids delivered more than once: the first row is kept, the later ones are duplicates, or conflicts if their content differs."""

from __future__ import annotations

from collections.abc import Sequence

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from events.reading import PLACE
from lake.checkpoint import checkpointed

BROADCAST_ROWS = 200_000  # up to this many repeated ids are sent to every task by a broadcast join


def content(columns: Sequence[str]) -> Column:
    """64-bit hash of a row's content, without its id and place: rows of one id that differ in it are conflicts."""
    return F.xxhash64(*columns)


def with_repeats(
    good: DataFrame,
    rows: DataFrame,
    id_column: str,
    content_columns: Sequence[str],
    earlier: DataFrame | None,
    days_late: int,
) -> DataFrame:
    """Add `repeat` to `rows`: null where the row is kept, else "duplicate" or "duplicate_conflict". Grain: as `rows`.

    An id is kept once within any `days_late` days of deliveries: from the first folder, and there the first row by `ts`, then by
    content. An id that is used again after more days than that is a new row.

    Only ids that occur more than once are sorted. One aggregation of the ids' hashes finds them.

    Args:
        good: Those of `rows` that meet the contract. A broken row is never kept, so it makes no other row a duplicate.
        rows: All delivered rows, with PLACE and `ts`.
        id_column: Name of the id, `search_id` or `event_id`.
        content_columns: The columns in which copies of one id must agree, else they are conflicts.
        earlier: Rows accepted by earlier runs, with their `delivered_date`; None if there are none.
        days_late: The lateness, in days.
    """
    ids = good.select(F.xxhash64(id_column).alias("_h"), F.lit(1).alias("n"))
    if earlier is not None:
        # `n` counts only the rows of this run: an id that is in `earlier` alone needs no decision
        ids = ids.unionByName(earlier.select(F.xxhash64(id_column).alias("_h"), F.lit(0).alias("n")))
    repeated = ids.groupBy("_h").agg(F.count("*").alias("rows"), F.sum("n").alias("here"))
    repeated = checkpointed(repeated.where((F.col("rows") > 1) & (F.col("here") > 0)).select("_h"))
    n_repeated = repeated.count()
    if not n_repeated:
        return rows.withColumn("repeat", F.lit(None).cast("string"))
    repeats = checkpointed(
        _repeats(
            _with_hash_in(good, id_column, repeated, n_repeated),
            id_column,
            content_columns,
            days_late,
            None if earlier is None else _with_hash_in(earlier, id_column, repeated, n_repeated),
        )
    )
    return rows.join(F.broadcast(repeats) if n_repeated <= BROADCAST_ROWS else repeats, ["source_file", "seen"], "left")


def _with_hash_in(frame: DataFrame, id_column: str, hashes: DataFrame, n_hashes: int) -> DataFrame:
    """The rows of `frame` whose id has one of the `hashes` (`_h`)."""
    hashed = frame.withColumn("_h", F.xxhash64(id_column))
    return hashed.join(F.broadcast(hashes) if n_hashes <= BROADCAST_ROWS else hashes, "_h", "left_semi").drop("_h")


def _repeats(
    rows: DataFrame, id_column: str, content_columns: Sequence[str], days_late: int, earlier: DataFrame | None
) -> DataFrame:
    """(source_file, seen, repeat) of the rows that are not kept."""
    from pyspark.sql import Window

    row = rows.select(id_column, *PLACE, "ts", content(content_columns).alias("_content"))
    # between copies that agree in time, content and file, no stored table depends on which one is kept
    order = Window.partitionBy(id_column, "delivered_date").orderBy("ts", "_content", "source_file", "line_key", "seen")
    row = row.withColumn("_n", F.row_number().over(order))
    day = F.struct(F.col("delivered_date").alias("day"), F.col("_content").alias("content"))
    firsts = row.where(F.col("_n") == 1).groupBy(id_column).agg(F.array_sort(F.collect_list(day)).alias("days"))
    days_type = "array<struct<day:date,content:bigint>>"
    if earlier is not None:
        before = earlier.select(id_column, "delivered_date", content(content_columns).alias("_content"))
        kept_earlier = before.groupBy(id_column).agg(F.array_sort(F.collect_list(day)).alias("earlier_days"))
        firsts = firsts.join(kept_earlier, id_column, "left")
    else:
        firsts = firsts.withColumn("earlier_days", F.lit(None))
    kept_before = F.coalesce(F.col("earlier_days").cast(days_type), F.array().cast(days_type))

    def with_new_day(kept: Column, new: Column) -> Column:
        is_near = F.exists(kept, lambda s: F.abs(F.datediff(new["day"], s["day"])) <= days_late)
        return F.when(is_near, kept).otherwise(F.concat(kept, F.array(new)))

    kept_days = firsts.select(
        id_column, F.aggregate("days", kept_before, with_new_day).alias("kept_days"), "earlier_days"
    )
    compared = row.join(kept_days, id_column)
    # a repeat is compared with the nearest kept row of the same or an earlier folder
    nearest = F.array_max(F.filter("kept_days", lambda s: s["day"] <= F.col("delivered_date")))
    original = F.coalesce(nearest, F.array_min("kept_days"))
    is_taken = F.exists(kept_before, lambda s: s["day"] == F.col("delivered_date"))
    is_kept = (F.col("_n") == 1) & (original["day"] == F.col("delivered_date")) & ~is_taken
    repeat = F.when(original["content"] == F.col("_content"), F.lit("duplicate")).otherwise(F.lit("duplicate_conflict"))
    return compared.where(~is_kept).select("source_file", "seen", repeat.alias("repeat"))
