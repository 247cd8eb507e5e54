"""Text and line number of the rows that go to quarantine, looked up again in their files."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from functools import reduce
from pathlib import Path

from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from events.reading import TEXT, check_parquet, parquet_place, text_lines

CHUNK_BITS = 16  # the broken lines of up to 65,536 lines are collected into one row
KEY = ("source_file", "line_key")


def raw_texts(
    spark: SparkSession, keys: DataFrame, files: Sequence[Path], source: str, bad_files: Collection[str]
) -> DataFrame:
    """(source_file, line_key, line, raw_text): one row per copy of each line that `keys` (source_file, line_key) names.

    `line` is 1-based, in the file, blank lines counted; `raw_text` is valid UTF-8. Reads the files once more, without parsing:
    of plain text, UBI and each Parquet schema only where `bad_files` names a file. How Spark cuts them this time, and cut
    them before, makes no difference: a line is found by its content, and its number comes from this reading alone.
    """
    names = {b.rsplit("/", 1)[-1] for b in bad_files}
    text = [f for f in files if f.name.endswith(TEXT)]
    kinds = [[f for f in text if "ndjson" not in f.name], [f for f in text if "ndjson" in f.name]]
    parts = [_of_text(text_lines(spark, kind, source), keys) for kind in kinds if any(f.name in names for f in kind)]
    for alike in check_parquet([f for f in files if f.name.endswith(".parquet")]):
        if any(f.name in names for f in alike):
            parts.append(_of_parquet(spark, alike, source, keys))
    found = reduce(lambda a, b: a.unionByName(b), parts)
    return found.withColumn("raw_text", F.make_valid_utf8("raw_text"))


def _of_text(lines: DataFrame, keys: DataFrame) -> DataFrame:
    """Lines are counted and the wanted ones collected in one evaluation, which is kept: a second might cut the files otherwise."""
    from pyspark.sql import Window

    marked = lines.join(F.broadcast(keys.withColumn("is_wanted", F.lit(True))), [*KEY], "left")
    wanted = F.when(F.col("is_wanted"), F.struct("seen", "line_key", "raw_text"))
    # in chunks: a gzip file is one block, however long
    chunk = F.shiftright("seen", CHUNK_BITS).alias("chunk")
    chunks = marked.groupBy("source_file", "block", chunk).agg(
        F.count("*").alias("lines"), F.min("seen").alias("first_seen"), F.collect_list(wanted).alias("wanted")
    )
    chunks = chunks.localCheckpoint()
    in_file = Window.partitionBy("source_file").orderBy("block", "chunk").rowsBetween(Window.unboundedPreceding, -1)
    before = F.coalesce(F.sum("lines").over(in_file), F.lit(0))
    found = chunks.withColumn("lines_before", before).withColumn("one", F.explode("wanted"))
    line = F.col("lines_before") + F.col("one.seen") - F.col("first_seen") + 1
    return found.select("source_file", "one.line_key", line.alias("line"), "one.raw_text")


def _of_parquet(spark: SparkSession, alike: Sequence[Path], source: str, keys: DataFrame) -> DataFrame:
    stored = spark.read.parquet(*[str(f) for f in alike])
    whole = F.struct(*[F.col(f"`{c}`") for c in stored.columns]).alias("whole")
    found = stored.select(*parquet_place(source), whole).join(F.broadcast(keys), [*KEY])
    # made into text after the join: only what is quarantined
    return found.select(*KEY, (F.col("line_key") + 1).alias("line"), F.to_json("whole").alias("raw_text"))
