"""Read delivered files into DataFrames with Spark's native readers; every row names its file and its key in that file.

The text of a row is not kept: `events.raw_text` reads the text of quarantined rows again by file and key. So the good rows,
which are nearly all, stay narrow.
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
PLACE = ("delivered_date", "source_file", "line_key", "seen")  # names a row among all delivered ones, see `rows`
SAMPLE = 16  # one row in this many is checked for undeclared fields
WHOLE_BYTES = 262_144  # in a file below this size every row is checked


def rows(
    spark: SparkSession, files: Sequence[Path], fields: dict[str, str], source: str, ubi: UbiSettings | None = None
) -> DataFrame:
    """One row per delivered row: PLACE, the declared fields, `_corrupt`, and `foreign` (the names of undeclared fields).

    `line_key` is the 64-bit hash of a text line, or the number of a Parquet row in its file, from 0. It does not depend on how
    Spark splits the files. Copies of a line in a file share it, and share every reason to be quarantined.
    `seen` only tells copies within one frame apart. It depends on how Spark splits the files, so nothing that is stored may
    depend on it.
    `foreign` is null where the row was not checked: all rows of Parquet and of files below WHOLE_BYTES are checked, and of larger
    JSON Lines files one row in SAMPLE, chosen by the key. Files named *.ndjson or *.ndjson.gz are UBI documents.

    Args:
        spark: The session.
        files: Delivered files of one source, of any day and format.
        fields: Declared field -> Spark type, SEARCH_FIELDS or EVENT_FIELDS.
        source: Folder of the source, "searches" or "events".
        ubi: How UBI documents are read; needed if there is one.

    Raises:
        InputContractError: There is no file of a known format, or a Parquet file is not readable.
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
    """Distinct (raw_query, locale) of the files, without nulls: the requests to be normalised, including those of broken rows.

    JSON Lines are parsed for these two fields alone, which takes half the time of a whole parse. Arguments: see `rows`.
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
    """One row per `left_out_as` with `document_count`: UBI documents that are no row of this source. None without a UBI file.

    Args:
        spark: The session.
        files: Delivered files of one source, of any format.
        source: Folder of the source, "searches" or "events".
        ubi: How UBI documents are read.
    """
    documents = [f for f in files if f.name.endswith(TEXT) and "ndjson" in f.name]
    if not documents:
        return None
    left_out = ubi_left_out(text_lines(spark, documents, source), source, ubi)
    return left_out.groupBy("left_out_as").agg(F.sum("document_count").alias("document_count")).orderBy("left_out_as")


def _source_file(source: str) -> Column:
    """The column source_file: `searches/date=YYYY-MM-DD/name` or `events/…`."""
    name = F.col("_metadata.file_name")  # percent-encoded: `part 1.jsonl` is `part%201.jsonl`, but a plus stays a plus
    name = F.when(F.contains(name, F.lit("%")), F.url_decode(F.replace(name, F.lit("+"), F.lit("%2B")))).otherwise(name)
    return F.concat(F.lit(f"{source}/date="), _day(), F.lit("/"), name).alias("source_file")


def _day() -> Column:
    """The delivered date as text, from the file's folder `date=YYYY-MM-DD`."""
    # no regular expression here: one a row would take as long as the parse
    return F.right(F.substring_index(F.substring_index(F.col("_metadata.file_path"), "/", -2), "/", 1), F.lit(10))


def text_lines(spark: SparkSession, files: Sequence[Path], source: str) -> DataFrame:
    """One row per line, blank ones too: PLACE, `block`, `file_bytes`, `raw_text`.

    `block` is the byte of the file at which the part read by one task begins. Within a block `seen` grows by 1 from line to
    line. Another evaluation may split the files into other blocks.
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
    """`rows` of JSON Lines: a line that does not fit the schema is `_corrupt`; blank lines are no rows."""
    parsed = F.from_json("raw_text", row_schema(fields), {"mode": "PERMISSIVE", "columnNameOfCorruptRecord": CORRUPT})
    lines = text_lines(spark, files, source).where(
        (F.col("raw_text") >= "!") | (F.trim("raw_text", F.lit(" \t\r")) != "")
    )
    declared = F.array(*[F.lit(n) for n in fields])
    undeclared = F.array_except(F.coalesce(F.json_object_keys("raw_text"), _no_names()), declared)
    return lines.withColumn("parsed", parsed).select(
        *PLACE,
        *[F.col(f"parsed.{n}").alias(n) for n in fields],
        (F.col(f"parsed.{CORRUPT}").isNotNull() | _no_single_object()).alias(CORRUPT),
        F.when((F.col("file_bytes") < WHOLE_BYTES) | (F.pmod("line_key", F.lit(SAMPLE)) == 0), undeclared).alias(
            "foreign"
        ),
    )


def _ubi_rows(
    spark: SparkSession, files: Sequence[Path], fields: dict[str, str], source: str, settings: UbiSettings
) -> DataFrame:
    """`rows` of OpenSearch UBI documents (`events.ubi`)."""
    parsed = ubi_parsed(F.col("raw_text"), source, settings)
    lines = text_lines(spark, files, source).where(parsed["_is_row"])
    return lines.select(
        *PLACE,
        *[parsed[n].cast(t).alias(n) for n, t in fields.items()],
        (parsed[CORRUPT] | _no_single_object()).alias(CORRUPT),
        _no_names().alias("foreign"),
    )


def _no_single_object() -> Column:
    """Whether `raw_text` is invalid in a way that `from_json` ignores: it is no UTF-8, or has text after the first object."""
    text = F.col("raw_text")
    # nearly every line ends with its brace, which spares it Spark's trim, slow on long strings
    is_closed = text.endswith("}") | F.rtrim(text, F.lit(" \t\r")).endswith("}")
    # `}{"key":` can only occur outside of a string: inside one the quotes would be escaped
    another = text.rlike(r'\}\s*\{\s*"[^"\\]*"\s*:')
    return ~F.is_valid_utf8(text) | ~is_closed | another


def _no_names() -> Column:
    return F.array().cast("array<string>")


def parquet_place(source: str) -> list[Column]:
    """The columns PLACE of a Parquet row."""
    row = F.col("_metadata.row_index")
    return [F.to_date(_day()).alias("delivered_date"), _source_file(source), row.alias("line_key"), row.alias("seen")]


def _parquet_rows(spark: SparkSession, files: Sequence[Path], fields: dict[str, str], source: str) -> DataFrame:
    """`rows` of Parquet files of one schema, cast to the declared types; a value that does not fit makes the row `_corrupt`."""
    frame = spark.read.parquet(*[str(f) for f in files])
    stored = {f.name: f.dataType.simpleString() for f in frame.schema.fields}
    cast = {n: cast_column(n, stored[n], t) if n in stored else F.lit(None).cast(t) for n, t in fields.items()}
    broken = F.lit(False)
    for name in fields:
        if name in stored and stored[name] != fields[name]:
            broken = broken | (F.col(name).isNotNull() & cast[name].isNull())
    foreign = F.array(*[F.lit(n) for n in stored if n not in fields]).cast("array<string>")
    return frame.select(
        *parquet_place(source), *[c.alias(n) for n, c in cast.items()], broken.alias(CORRUPT), foreign.alias("foreign")
    )


def cast_column(name: str, stored: str, wanted: str) -> Column:
    """A column of the stored Spark type cast to the wanted one; null where a value does not fit."""
    column = F.col(name)
    if stored == wanted:
        return column
    if wanted == "string" and stored == "timestamp":  # written as the contract writes timestamps
        return F.date_format(column, "yyyy-MM-dd'T'HH:mm:ss.SSSSSS'Z'")
    if wanted == "string" and stored in ("double", "float"):
        return _whole_as_text(column)
    if wanted == "array<string>" and stored in ("array<double>", "array<float>"):
        return F.transform(column, _whole_as_text)
    if stored.startswith(("array", "struct", "map")) != wanted.startswith("array"):
        return F.lit(None).cast(wanted)
    return column.try_cast(wanted)


def _whole_as_text(number: Column) -> Column:
    """A double as text, a whole one without a fraction.

    Pandas stores whole numbers with missing values as doubles; as text, 123.0 would be another id than 123.
    """
    whole = F.when(number == F.floor(number), number.try_cast("bigint")).try_cast("string")
    return F.coalesce(whole, number.cast("string"))


def check_parquet(files: Sequence[Path]) -> list[list[Path]]:
    """The files grouped by schema, because Spark reads a frame with one schema and files of another day may have another.

    Raises:
        InputContractError: A file is not readable as Parquet, or has timestamps in nanoseconds; the first one is named.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    alike: dict[str, list[Path]] = {}
    for file in files:
        try:
            with file.open("rb") as stream:
                schema = pq.read_schema(stream)
        except (pa.ArrowInvalid, OSError) as error:
            problem = str(error).split(".")[0]
            raise InputContractError(f"{file} is no readable Parquet file ({problem}). Deliver it again.") from error
        for field in schema:
            if pa.types.is_timestamp(field.type) and field.type.unit == "ns":
                raise InputContractError(
                    f"{file}: column {field.name} has timestamps in nanoseconds, which Spark does not read. Deliver it in microseconds "
                    "(pyarrow: coerce_timestamps='us')."
                )
        alike.setdefault(schema.remove_metadata().to_string(), []).append(file)
    return list(alike.values())


def check_gzip(files: Sequence[Path]) -> None:
    """Read every gzip file to its end; InputContractError names the first one that is truncated or no gzip file."""
    import gzip
    import zlib

    for file in files:
        if not file.name.endswith(".gz"):
            continue
        try:
            with file.open("rb") as packed, gzip.open(packed) as stream:
                while stream.read(1 << 22):
                    continue
        except (EOFError, OSError, zlib.error) as error:
            raise InputContractError(f"{file} is cut or no gzip file ({error}). Deliver it again.") from error
