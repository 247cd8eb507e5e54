"""Text and line number of quarantined rows, read again from the delivered files."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from functools import reduce
from pathlib import Path

from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from events.contract import EVENT_FIELDS, SEARCH_FIELDS
from events.reading import TEXT, cast_column, check_parquet, parquet_place, text_lines
from lake.checkpoint import checkpointed

CHUNK_BITS = 16  # the wanted lines among up to 65,536 lines are collected into one row
KEY = ("source_file", "line_key")


def raw_texts(
    spark: SparkSession, keys: DataFrame, files: Sequence[Path], source: str, bad_files: Collection[str]
) -> DataFrame:
    """(source_file, line_key, line, raw_text): one row per copy of each line that `keys` names.

    `line` counts from 1 in the file, blank lines included; `raw_text` is valid UTF-8. The files are read once more, without
    parsing. How Spark splits them, now and at the first reading, makes no difference: a line is matched by its content, and its
    number comes from this reading alone.

    Args:
        spark: The session.
        keys: (source_file, line_key) of the wanted lines.
        files: All delivered files of the source.
        source: Folder of the source, "searches" or "events".
        bad_files: `source_file` values with wanted lines. Files of a kind (plain text, UBI, each Parquet schema) that has none
            of them are not read.
    """
    names = {b.rsplit("/", 1)[-1] for b in bad_files}
    text = [f for f in files if f.name.endswith(TEXT)]
    kinds = [[f for f in text if "ndjson" not in f.name], [f for f in text if "ndjson" in f.name]]
    parts = [_of_text(text_lines(spark, kind, source), keys) for kind in kinds if any(f.name in names for f in kind)]
    for alike in check_parquet([f for f in files if f.name.endswith(".parquet")]):
        if any(f.name in names for f in alike):
            parts.append(_of_parquet(spark, alike, source, keys))
    texts = reduce(lambda a, b: a.unionByName(b), parts)
    return texts.withColumn("raw_text", F.make_valid_utf8("raw_text"))


def _of_text(lines: DataFrame, keys: DataFrame) -> DataFrame:
    """`raw_texts` of text files.

    One evaluation both counts the lines and collects the wanted ones, and its result is checkpointed: a second evaluation might
    split the files differently.
    """
    from pyspark.sql import Window

    marked = lines.join(F.broadcast(keys.withColumn("is_wanted", F.lit(True))), [*KEY], "left")
    wanted = F.when(F.col("is_wanted"), F.struct("seen", "line_key", "raw_text"))
    # in chunks, because a gzip file is one block however long it is
    chunk = F.shiftright("seen", CHUNK_BITS).alias("chunk")
    chunks = marked.groupBy("source_file", "block", chunk).agg(
        F.count("*").alias("lines"), F.min("seen").alias("first_seen"), F.collect_list(wanted).alias("wanted")
    )
    chunks = checkpointed(chunks)
    in_file = Window.partitionBy("source_file").orderBy("block", "chunk").rowsBetween(Window.unboundedPreceding, -1)
    before = F.coalesce(F.sum("lines").over(in_file), F.lit(0))
    matches = chunks.withColumn("lines_before", before).withColumn("one", F.explode("wanted"))
    line = F.col("lines_before") + F.col("one.seen") - F.col("first_seen") + 1
    return matches.select("source_file", "one.line_key", line.alias("line"), "one.raw_text")


def _of_parquet(spark: SparkSession, alike: Sequence[Path], source: str, keys: DataFrame) -> DataFrame:
    """`raw_texts` of Parquet files of one schema: the text of a row is its JSON, its line the row number from 1."""
    stored = spark.read.parquet(*[str(f) for f in alike])
    # an event may wait here for its search and is then read again from this text, so its ids are those of the first reading
    types = {f.name: f.dataType.simpleString() for f in stored.schema.fields}
    declared = SEARCH_FIELDS if source == "searches" else EVENT_FIELDS
    is_text = {n: declared.get(n) == "string" and t in ("binary", "double", "float") for n, t in types.items()}
    columns = [(cast_column(n, t, "string") if is_text[n] else F.col(f"`{n}`")).alias(n) for n, t in types.items()]
    whole = F.struct(*columns).alias("whole")
    matches = stored.select(*parquet_place(source), whole).join(F.broadcast(keys), [*KEY])
    # converted to text after the join, so that only wanted rows are
    return matches.select(*KEY, (F.col("line_key") + 1).alias("line"), F.to_json("whole").alias("raw_text"))
