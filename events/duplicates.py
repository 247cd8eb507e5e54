"""Ids delivered twice: the first within the lateness stands, the others are duplicates, or conflicts if they differ."""

from __future__ import annotations

from collections.abc import Sequence

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from events.reading import PLACE

FEW = 200_000  # repeats that may be sent to every task


def content(columns: Sequence[str]) -> Column:
    """64-bit hash of what a row says, its id and place aside: copies that differ in it are conflicts."""
    return F.xxhash64(*columns)


def with_repeats(
    good: DataFrame, rows: DataFrame, id_column: str, said: Sequence[str], earlier: DataFrame | None, days_late: int
) -> DataFrame:
    """Add `repeat` to `rows`: null where the row stands, else "duplicate" or "duplicate_conflict". Grain: as in.

    `good`: those of `rows` that meet the contract (a broken row takes nobody's id). `earlier`: rows already accepted, with
    their `delivered_date`. An id stands once in any `days_late` days of deliveries: in the first folder, there the first
    by `ts`, then by content. Bounded by the lateness: an id used again after it is a new row.

    Only ids that occur twice are sorted: they are found by one aggregation of their hashes.
    """
    ids = good.select(F.xxhash64(id_column).alias("_h"), F.lit(1).alias("n"))
    if earlier is not None:
        # an id accepted before counts once: alone it repeats nothing
        ids = ids.unionByName(earlier.select(F.xxhash64(id_column).alias("_h"), F.lit(0).alias("n")))
    several = ids.groupBy("_h").agg(F.count("*").alias("rows"), F.sum("n").alias("here"))
    several = several.where((F.col("rows") > 1) & (F.col("here") > 0)).select("_h").localCheckpoint()
    found = several.count()
    if not found:
        return rows.withColumn("repeat", F.lit(None).cast("string"))
    repeats = _repeats(
        _only(good, id_column, several, found),
        id_column,
        said,
        days_late,
        None if earlier is None else _only(earlier, id_column, several, found),
    ).localCheckpoint()
    return rows.join(F.broadcast(repeats) if found <= FEW else repeats, ["source_file", "seen"], "left")


def _only(frame: DataFrame, id_column: str, hashes: DataFrame, n: int) -> DataFrame:
    kept = frame.withColumn("_h", F.xxhash64(id_column))
    return kept.join(F.broadcast(hashes) if n <= FEW else hashes, "_h", "left_semi").drop("_h")


def _repeats(
    rows: DataFrame, id_column: str, said: Sequence[str], days_late: int, earlier: DataFrame | None
) -> DataFrame:
    """(source_file, seen, repeat) of the rows that do not stand."""
    from pyspark.sql import Window

    row = rows.select(id_column, *PLACE, "ts", content(said).alias("_content"))
    # of copies alike in time, content and file it makes no difference in any table which one stands
    order = Window.partitionBy(id_column, "delivered_date").orderBy("ts", "_content", "source_file", "line_key", "seen")
    row = row.withColumn("_n", F.row_number().over(order))
    day = F.struct(F.col("delivered_date").alias("day"), F.col("_content").alias("content"))
    firsts = row.where(F.col("_n") == 1).groupBy(id_column).agg(F.array_sort(F.collect_list(day)).alias("days"))
    kind = "array<struct<day:date,content:bigint>>"
    if earlier is not None:
        before = earlier.select(id_column, "delivered_date", content(said).alias("_content"))
        stood = before.groupBy(id_column).agg(F.array_sort(F.collect_list(day)).alias("stood"))
        firsts = firsts.join(stood, id_column, "left")
    else:
        firsts = firsts.withColumn("stood", F.lit(None))
    stood_before = F.coalesce(F.col("stood").cast(kind), F.array().cast(kind))

    def one_more(stands: Column, new: Column) -> Column:
        near = F.exists(stands, lambda s: F.abs(F.datediff(new["day"], s["day"])) <= days_late)
        return F.when(near, stands).otherwise(F.concat(stands, F.array(new)))

    standing = firsts.select(id_column, F.aggregate("days", stood_before, one_more).alias("stands"), "stood")
    judged = row.join(standing, id_column)
    # the nearest standing row of the same or an earlier folder is the one that a repeat repeats
    nearest = F.array_max(F.filter("stands", lambda s: s["day"] <= F.col("delivered_date")))
    of = F.coalesce(nearest, F.array_min("stands"))
    was_before = F.exists(stood_before, lambda s: s["day"] == F.col("delivered_date"))
    stands = (F.col("_n") == 1) & (of["day"] == F.col("delivered_date")) & ~was_before
    repeat = F.when(of["content"] == F.col("_content"), F.lit("duplicate")).otherwise(F.lit("duplicate_conflict"))
    return judged.where(~stands).select("source_file", "seen", repeat.alias("repeat"))
