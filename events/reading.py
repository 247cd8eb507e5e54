"""Delivered files as frames: every row with its raw text, file and line, read by Spark's native readers.

A row keeps its place (`source_file`, `line`) and text until it is accepted or quarantined, so nothing is lost.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from events.contract import CORRUPT, row_schema
from lake.errors import InputContractError

if TYPE_CHECKING:
    from pyspark.sql import Column, DataFrame, SparkSession

PLACE = ("delivered_date", "source_file", "line", "raw_text")


def rows(spark: SparkSession, files: Sequence[Path], fields: dict[str, str], source: str) -> DataFrame:
    """One row per delivered row: the declared fields, `_corrupt`, and where it stands (PLACE).

    JSON Lines keep their 1-based line, Parquet its row in the file. Fields not declared are left out.
    """
    text = [f for f in files if f.name.endswith((".jsonl", ".jsonl.gz"))]
    parquet = [f for f in files if f.name.endswith(".parquet")]
    frames = ([_json_rows(spark, text, fields, source)] if text else []) + (
        [_parquet_rows(spark, parquet, fields, source)] if parquet else []
    )
    if not frames:
        raise InputContractError(
            f"no {source} file among {len(files)} delivered. Deliver *.jsonl, *.jsonl.gz or *.parquet."
        )
    frame = frames[0]
    for other in frames[1:]:
        frame = frame.unionByName(other)
    return frame


def _source_file(source: str) -> Column:
    from pyspark.sql import functions as F

    return F.concat(F.lit(f"{source}/date="), _day(), F.lit("/"), F.col("_metadata.file_name"))


def _day() -> Column:
    from pyspark.sql import functions as F

    return F.regexp_extract(F.col("_metadata.file_path"), r"date(?:=|%3D)(\d{4}-\d{2}-\d{2})", 1)


def _json_rows(spark: SparkSession, files: Sequence[Path], fields: dict[str, str], source: str) -> DataFrame:
    """Text lines parsed by `from_json`; a line that does not fit the schema keeps its text in `_corrupt`."""
    from pyspark.sql import functions as F

    lines = spark.read.text([str(f) for f in files]).select(
        F.to_date(_day()).alias("delivered_date"),
        _source_file(source).alias("source_file"),
        F.col("_metadata.file_block_start").alias("block"),
        F.monotonically_increasing_id().alias("seen"),
        F.col("value").alias("raw_text"),
    )
    # a big file is read in blocks: the line is the block's offset in lines plus the place inside the block
    blocks = lines.groupBy("source_file", "block").agg(F.count("*").alias("n"), F.min("seen").alias("first_seen"))
    earlier = blocks.select(F.col("source_file").alias("f"), F.col("block").alias("b"), F.col("n").alias("n_before"))
    offsets = (
        blocks.join(earlier, (F.col("f") == F.col("source_file")) & (F.col("b") < F.col("block")), "left")
        .groupBy("source_file", "block", "first_seen")
        .agg(F.coalesce(F.sum("n_before"), F.lit(0)).alias("lines_before"))
    )
    placed = lines.join(F.broadcast(offsets), ["source_file", "block"]).withColumn(
        "line", F.col("lines_before") + F.col("seen") - F.col("first_seen") + 1
    )
    parsed = F.from_json("raw_text", row_schema(fields), {"mode": "PERMISSIVE", "columnNameOfCorruptRecord": CORRUPT})
    return (
        placed.where(F.length(F.trim("raw_text")) > 0)
        .withColumn("parsed", parsed)
        .select(*PLACE, *[F.col(f"parsed.{n}").alias(n) for n in fields], F.col(f"parsed.{CORRUPT}").alias(CORRUPT))
    )


def _parquet_rows(spark: SparkSession, files: Sequence[Path], fields: dict[str, str], source: str) -> DataFrame:
    """Parquet rows cast to the declared types; a value that does not fit makes the row `_corrupt`."""
    from pyspark.sql import functions as F

    check_parquet(files)
    frame = spark.read.parquet(*[str(f) for f in files])
    there = set(frame.columns)
    raw = F.to_json(F.struct(*[F.col(c) for c in frame.columns]))
    cast = {n: F.col(n).try_cast(t) if n in there else F.lit(None).cast(t) for n, t in fields.items()}
    lost = [F.col(n).isNotNull() & cast[n].isNull() for n in fields if n in there]
    broken = F.lit(False)
    for column in lost:
        broken = broken | column
    return frame.select(
        F.to_date(_day()).alias("delivered_date"),
        _source_file(source).alias("source_file"),
        (F.col("_metadata.row_index") + 1).alias("line"),
        raw.alias("raw_text"),
        *[c.alias(n) for n, c in cast.items()],
        F.when(broken, raw).alias(CORRUPT),
    )


def check_parquet(files: Sequence[Path]) -> None:
    """Read every footer: InputContractError names the first file that is no Parquet, before Spark fails on it."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    for file in files:
        try:
            pq.read_metadata(file)
        except (pa.ArrowInvalid, OSError) as error:
            said = str(error).split(".")[0]
            raise InputContractError(f"{file} is no readable Parquet file ({said}). Deliver it again.") from error


def check_gzip(files: Sequence[Path]) -> None:
    """Read every gzip stream to its end: InputContractError names the first that is cut or no gzip at all."""
    import gzip
    import zlib

    for file in files:
        if not file.name.endswith(".gz"):
            continue
        try:
            with gzip.open(file) as stream:
                while stream.read(1 << 22):
                    continue
        except (EOFError, OSError, zlib.error) as error:
            raise InputContractError(f"{file} is cut or no gzip file ({error}). Deliver it again.") from error
