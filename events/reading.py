"""Delivered files as frames: every row with its file and what it is there, read by Spark's native readers.

A row's text is not carried along: what ends in quarantine is looked up again by its file and key
(`events.raw_text`), so that the good rows, nearly all of them, stay narrow.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import reduce
from pathlib import Path

from pyspark.sql import Column, DataFrame, SparkSession
from pyspark.sql import functions as F

from events.contract import CORRUPT, row_schema
from events.ubi import UbiSettings, ubi_left_out, ubi_parsed
from lake.errors import InputContractError

TEXT = (".jsonl", ".jsonl.gz", ".ndjson", ".ndjson.gz")
PLACE = ("delivered_date", "source_file", "line_key", "seen")
SAMPLE = 16  # one row of so many is searched for fields that nobody declared
WHOLE_BYTES = 262_144  # of a smaller file every row is


def rows(
    spark: SparkSession, files: Sequence[Path], fields: dict[str, str], source: str, ubi: UbiSettings | None = None
) -> DataFrame:
    """One row per delivered row: PLACE, the declared fields, `_corrupt`, and `foreign` (names nobody declared).

    `line_key` names a row by its content, however many cores read the file: the 64-bit hash of a text line (copies of one
    line in a file share it, and share every reason to be quarantined), or the number of a Parquet row in its file, from 0.
    `seen` only tells the copies of one frame apart: it depends on how the files were cut, and nothing that is stored may.
    `foreign` is null where nobody looked: known are all rows of Parquet and of files under WHOLE_BYTES, and of other JSON
    Lines one row in SAMPLE, chosen by the key. Files named *.ndjson are UBI documents.
    """
    text = [f for f in files if f.name.endswith(TEXT)]
    parquet = [f for f in files if f.name.endswith(".parquet")]
    if not text and not parquet:
        raise InputContractError(
            f"no {source} file among {len(files)} delivered. Deliver *.jsonl, *.jsonl.gz or *.parquet."
        )
    plain = [f for f in text if "ndjson" not in f.name]
    documents = [f for f in text if "ndjson" in f.name]
    frames = [_json_rows(spark, plain, fields, source)] if plain else []
    if documents:
        if ubi is None:
            raise ValueError(
                f"{documents[0]} is a UBI document: say how such are read (section `ubi` of conf/night.yaml)"
            )
        frames.append(_ubi_rows(spark, documents, fields, source, ubi))
    frames += [_parquet_rows(spark, alike, fields, source) for alike in check_parquet(parquet)]
    return reduce(lambda a, b: a.unionByName(b), frames)


def requests(
    spark: SparkSession, files: Sequence[Path], fields: dict[str, str], source: str, ubi: UbiSettings | None = None
) -> DataFrame:
    """Distinct (raw_query, locale) of the files, nulls left out: what is to be normalised. A broken row's may be among them.

    JSON Lines are parsed for these two fields alone, which costs half of a whole parse.
    """
    from pyspark.sql.types import StructType

    names = ("raw_query", "locale")
    plain = [f for f in files if f.name.endswith(TEXT) and "ndjson" not in f.name]
    others = [f for f in files if f not in plain]
    narrow = StructType([row_schema(fields)[n] for n in names])
    frames = []
    if plain:
        parsed = text_lines(spark, plain, source).select(F.from_json("raw_text", narrow).alias("p"))
        frames.append(parsed.select(*[F.col(f"p.{n}").alias(n) for n in names]))
    if others:
        frames.append(rows(spark, others, fields, source, ubi).select(*names))
    both = reduce(lambda a, b: a.unionByName(b), frames)
    return both.where("raw_query is not null and locale is not null").distinct()


def documents_left_out(spark: SparkSession, files: Sequence[Path], source: str, ubi: UbiSettings) -> DataFrame | None:
    """One row per `left_out_as` with `document_count`: UBI documents that are no row of this source. None without UBI."""
    documents = [f for f in files if f.name.endswith(TEXT) and "ndjson" in f.name]
    if not documents:
        return None
    left = ubi_left_out(text_lines(spark, documents, source), source, ubi)
    return left.groupBy("left_out_as").agg(F.sum("document_count").alias("document_count")).orderBy("left_out_as")


def _source_file(source: str) -> Column:
    name = F.col("_metadata.file_name")  # as in an address: `part 1.jsonl` is `part%201.jsonl`, but a plus is a plus
    name = F.when(F.contains(name, F.lit("%")), F.url_decode(F.replace(name, F.lit("+"), F.lit("%2B")))).otherwise(name)
    return F.concat(F.lit(f"{source}/date="), _day(), F.lit("/"), name).alias("source_file")


def _day() -> Column:
    # files lie in `date=YYYY-MM-DD/`; cut and not matched: a regular expression a row would cost as much as the parse
    return F.right(F.substring_index(F.substring_index(F.col("_metadata.file_path"), "/", -2), "/", 1), F.lit(10))


def text_lines(spark: SparkSession, files: Sequence[Path], source: str) -> DataFrame:
    """One row per line, blank ones too: PLACE, `block` (byte of the file at which the task's part of it begins), `raw_text`.

    Within a block `seen` grows by 1 from line to line. Another evaluation may cut the files at other blocks.
    """
    return spark.read.text([str(f) for f in files]).select(
        F.to_date(_day()).alias("delivered_date"),
        _source_file(source),
        F.xxhash64("value").alias("line_key"),
        F.monotonically_increasing_id().alias("seen"),
        F.col("_metadata.file_block_start").alias("block"),
        F.col("_metadata.file_size").alias("file_bytes"),
        F.col("value").alias("raw_text"),
    )


def _json_rows(spark: SparkSession, files: Sequence[Path], fields: dict[str, str], source: str) -> DataFrame:
    """Text lines parsed by `from_json`; a line that does not fit the schema is `_corrupt`. Blank lines are no rows."""
    parsed = F.from_json("raw_text", row_schema(fields), {"mode": "PERMISSIVE", "columnNameOfCorruptRecord": CORRUPT})
    lines = text_lines(spark, files, source).where(
        (F.col("raw_text") >= "!") | (F.trim("raw_text", F.lit(" \t\r")) != "")
    )
    known = F.array(*[F.lit(n) for n in fields])
    named = F.array_except(F.coalesce(F.json_object_keys("raw_text"), _no_names()), known)
    return lines.withColumn("parsed", parsed).select(
        *PLACE,
        *[F.col(f"parsed.{n}").alias(n) for n in fields],
        (F.col(f"parsed.{CORRUPT}").isNotNull() | _no_single_object()).alias(CORRUPT),
        F.when((F.col("file_bytes") < WHOLE_BYTES) | (F.pmod("line_key", F.lit(SAMPLE)) == 0), named).alias("foreign"),
    )


def _ubi_rows(
    spark: SparkSession, files: Sequence[Path], fields: dict[str, str], source: str, settings: UbiSettings
) -> DataFrame:
    """OpenSearch UBI documents as rows of the contract (`events.ubi`)."""
    made = ubi_parsed(F.col("raw_text"), source, settings)
    lines = text_lines(spark, files, source).where(made["_is_row"])
    return lines.select(
        *PLACE,
        *[made[n].cast(t).alias(n) for n, t in fields.items()],
        (made[CORRUPT] | _no_single_object()).alias(CORRUPT),
        _no_names().alias("foreign"),
    )


def _no_single_object() -> Column:
    """What `from_json` lets pass: bytes that are no UTF-8, and anything after the first object, which would be lost."""
    text = F.col("raw_text")
    # nearly every line ends in its brace: Spark's trim is slow on long strings
    is_closed = text.endswith("}") | F.rtrim(text, F.lit(" \t\r")).endswith("}")
    # `}{"key":` outside of a string; inside of one the quotes would be escaped
    another = text.rlike(r'\}\s*\{\s*"[^"\\]*"\s*:')
    return ~F.is_valid_utf8(text) | ~is_closed | another


def _no_names() -> Column:
    return F.array().cast("array<string>")


def parquet_place(source: str) -> list[Column]:
    """PLACE of a Parquet row."""
    row = F.col("_metadata.row_index")
    return [F.to_date(_day()).alias("delivered_date"), _source_file(source), row.alias("line_key"), row.alias("seen")]


def _parquet_rows(spark: SparkSession, files: Sequence[Path], fields: dict[str, str], source: str) -> DataFrame:
    """Parquet rows cast to the declared types; a value that does not fit makes the row `_corrupt`."""
    frame = spark.read.parquet(*[str(f) for f in files])
    there = {f.name: f.dataType.simpleString() for f in frame.schema.fields}
    cast = {n: _cast(n, there[n], t) if n in there else F.lit(None).cast(t) for n, t in fields.items()}
    broken = F.lit(False)
    for name in fields:
        if name in there and there[name] != fields[name]:
            broken = broken | (F.col(name).isNotNull() & cast[name].isNull())
    foreign = F.array(*[F.lit(n) for n in there if n not in fields]).cast("array<string>")
    return frame.select(
        *parquet_place(source), *[c.alias(n) for n, c in cast.items()], broken.alias(CORRUPT), foreign.alias("foreign")
    )


def _cast(name: str, found: str, wanted: str) -> Column:
    column = F.col(name)
    if found == wanted:
        return column
    if wanted == "string" and found == "timestamp":  # an instant: in the contract's own form
        return F.date_format(column, "yyyy-MM-dd'T'HH:mm:ss.SSSSSS'Z'")
    if found.startswith(("array", "struct", "map")) != wanted.startswith("array"):
        return F.lit(None).cast(wanted)
    return column.try_cast(wanted)


def check_parquet(files: Sequence[Path]) -> list[list[Path]]:
    """The files in groups of one schema each: Spark reads a frame by one schema, and a day may bring another.

    InputContractError names the first file that is no Parquet, before Spark fails on it.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    alike: dict[str, list[Path]] = {}
    for file in files:
        try:
            schema = pq.read_schema(file)
        except (pa.ArrowInvalid, OSError) as error:
            said = str(error).split(".")[0]
            raise InputContractError(f"{file} is no readable Parquet file ({said}). Deliver it again.") from error
        alike.setdefault(schema.remove_metadata().to_string(), []).append(file)
    return list(alike.values())


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
