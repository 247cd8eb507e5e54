"""The delivered catalog as the `tracks` table of one night."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import date
from functools import reduce
from pathlib import Path

from pyspark.sql import Column, DataFrame, SparkSession
from pyspark.sql import functions as F

from events.contract import AUDIO, CORRUPT, TRACK_FIELDS, row_schema
from events.delivery import check_rested
from events.reading import check_gzip, check_parquet
from lake.errors import IncompleteDelivery, InputContractError
from lake.fingerprint import fingerprint
from lake.tables.logs import TRACKS

CATALOG_VERSION = 1
MAX_BROKEN_SHARE = 0.01
LEAST_OF_BEFORE = 0.9  # tracks that a catalog must hold of those it held the night before
# words that name another recording of the same song, after " - " or in brackets
VERSION_WORDS = (
    r"(?i)\s*[-–(\[]\s*[^-–(\[]*\b(remaster(ed)?|remasterizado|live|en vivo|en directo|karaoke|acoustic|acustic[oa]|"
    r"version|versión|remix|edit|mix|mono|stereo|demo|deluxe|instrumental|session|bonus|anniversary)\b.*$"
)


def catalog_files(catalog: Path) -> list[Path]:
    """The catalog's files (a file, or a folder of files). InputContractError if there is none; `check_readable` looks into them."""
    if catalog.is_dir():
        files = [p for p in sorted(catalog.iterdir()) if p.name.endswith((".jsonl", ".jsonl.gz", ".parquet"))]
    else:
        files = [catalog] if catalog.is_file() else []
    if not files:
        raise InputContractError(f"{catalog}: no catalog there. Give catalog=FILE (.jsonl, .jsonl.gz or .parquet).")
    return files


def check_readable(files: Sequence[Path]) -> None:
    """Read every gzip stream and Parquet footer of a catalog. InputContractError names the first file that is cut or is no such file."""
    check_gzip(files)
    check_parquet([f for f in files if f.name.endswith(".parquet")])


def catalog_fingerprint(files: Sequence[Path], hash_of: Callable[[Path], str], *versions: object) -> str:
    """Fingerprint of the delivered catalog's content and of how it is read: an equal one is not stored twice."""
    return fingerprint([CATALOG_VERSION, *versions, [[f.name, hash_of(f)] for f in files]])


def check_catalog_at_rest(catalog: Path, files: Sequence[Path], settle_s: float) -> None:
    """Refuse (exit 3) a catalog without `_SUCCESS` in its folder of which a file changed less than `settle_s` seconds ago."""
    if not (catalog.is_dir() and (catalog / "_SUCCESS").exists()):
        check_rested(f"the catalog {catalog}", files, settle_s)


def check_catalog_whole(catalog: Path, tracks: int, before: int, earlier: str) -> None:
    """Refuse (exit 3) a catalog that lost more than one in ten tracks overnight: parts of it are rather missing."""
    if tracks < before * LEAST_OF_BEFORE:
        raise IncompleteDelivery(
            f"the catalog {catalog} holds {tracks:,} tracks, the one of {earlier} held {before:,}: over a tenth are gone, and their lists "
            'would go with them. Deliver it whole, or say ingest.accept_incomplete="reason".'
        )


def tracks(
    spark: SparkSession,
    files: Sequence[Path],
    run_date: date,
    normal: Callable[[DataFrame], DataFrame],
    before: DataFrame | None,
) -> tuple[DataFrame, int]:
    """One row per track of the catalog as the night of `run_date` saw it, and how many delivered rows were left out as broken.

    `normal` adds title_normal and artists_normal; `before` is the snapshot of the night before, which hands
    `known_since` on. Of rows with one track_id the first by content stands. Raises InputContractError if more than
    1 % of the rows are unreadable or lack id, title or artist, naming the first.
    """
    # not persisted: a cache would be taken for the files' content again in the same session, after they have changed
    delivered = _delivered(spark, files).localCheckpoint()
    broken = F.coalesce(
        F.col(CORRUPT).isNotNull()
        | F.col("track_id").isNull()
        | F.col("title").isNull()
        | (F.size("artists") < 1)
        | F.col("artists").isNull(),
        F.lit(True),
    )
    counted = delivered.agg(
        F.count("*").alias("rows"),
        F.count_if(broken).alias("broken"),
        F.first(F.when(broken, F.col("raw_text")), True).alias("one"),
    ).first()
    assert counted is not None  # an aggregation without keys has one row
    if counted["rows"] == 0 or counted["broken"] > MAX_BROKEN_SHARE * counted["rows"]:
        example = f"; one begins with {counted['one'][:60]!r}" if counted["one"] else ""
        raise InputContractError(
            f"{files[0]}: {counted['broken']:,} of {counted['rows']:,} catalog rows are not JSON tracks with track_id, title "
            f"and artists{example}. Deliver the catalog again in the contract's form (README, Bring your own catalog)."
        )
    good = delivered.where(~broken)
    first = F.min_by(F.struct("*"), F.xxhash64("raw_text"))
    one_each = good.groupBy("track_id").agg(first.alias("row")).select("row.*")
    frame = normal(_typed(one_each))
    if before is None:
        frame = frame.withColumn("known_since", F.lit(run_date))
    else:
        known = before.select("track_id", F.col("known_since").alias("_since"))
        frame = frame.join(known, "track_id", "left").withColumn("known_since", F.coalesce("_since", F.lit(run_date)))
    frame = frame.withColumn("run_date", F.lit(run_date)).select(*[c.name for c in TRACKS.columns])
    return frame, int(counted["broken"])


def backdated(later: DataFrame, run_date: date) -> DataFrame:
    """A catalog for a night before any catalog was stored: of a `later` snapshot what may be known earlier.

    Grain: one row per track that was out by `run_date` or has no date of release. Title, artists, album, release date and duration
    stand (and the work, which follows from title and artist); everything else that was first known later is null or empty, and
    `known_since` stays the later snapshot's.
    """
    standing = (
        "track_id",
        "title",
        "artists",
        "album",
        "release_year",
        "released_at",
        "duration_ms",
        "title_normal",
        "artists_normal",
        "known_since",
    )
    values = {
        c.name: (F.array() if c.type.startswith("array") else F.lit(None)).cast(c.type)
        for c in TRACKS.columns
        if c.name not in standing
    }
    values |= {"work_id": _work_of(F.col("title"), F.col("artists")), "run_date": F.lit(run_date)}
    return released_by(later, run_date).withColumns(values).select(*[c.name for c in TRACKS.columns])


def released_by(tracks: DataFrame, run_date: date) -> DataFrame:
    """The tracks that were out by `run_date` or have no date of release: a night of the past may know no others."""
    return tracks.where(F.col("released_at").isNull() | (F.col("released_at") <= F.lit(run_date)))


def _work_of(title: Column, artists: Column) -> Column:
    """The work of a recording where the catalog names none: its title without words of a version, and its first artist; a hash."""
    base = F.regexp_replace(title, VERSION_WORDS, "")
    work = F.concat_ws("|", F.lower(F.when(F.trim(base) == "", title).otherwise(base)), F.lower(artists[0]))
    return F.sha2(work, 256).substr(1, 16)


def _delivered(spark: SparkSession, files: Sequence[Path]) -> DataFrame:
    schema = row_schema(TRACK_FIELDS, audio=True)
    text = [str(f) for f in files if not f.name.endswith(".parquet")]
    frames = [spark.read.text(text).select(F.col("value").alias("raw_text"))] if text else []
    for alike in check_parquet([f for f in files if f.name.endswith(".parquet")]):
        stored = spark.read.parquet(*[str(f) for f in alike])
        frames.append(stored.select(_as_text(stored).alias("raw_text")))
    lines = reduce(lambda a, b: a.unionByName(b), frames)
    parsed = F.from_json("raw_text", schema, {"mode": "PERMISSIVE", "columnNameOfCorruptRecord": CORRUPT})
    rows = lines.where(F.length(F.trim("raw_text")) > 0).select("raw_text", parsed.alias("t")).select("raw_text", "t.*")
    return rows.withColumn("artists", F.array_compact("artists"))


def _as_text(stored: DataFrame) -> Column:
    """A Parquet row as JSON. pandas keeps whole numbers with gaps as doubles: `215000.0` is no whole number to the parser."""
    columns = []
    for field in stored.schema.fields:
        found, column = field.dataType.simpleString(), F.col(f"`{field.name}`")
        is_wide = TRACK_FIELDS.get(field.name) == "bigint" and found.startswith(("float", "double", "decimal"))
        columns.append(column.try_cast("bigint").alias(field.name) if is_wide else column)
    return F.to_json(F.struct(*columns))


def _typed(frame: DataFrame) -> DataFrame:
    empty = F.array().cast("array<string>")
    year = F.regexp_extract(F.coalesce("release_date", F.lit("")), r"^(\d{4})", 1)
    padded = F.concat(F.substring("release_date", 1, 10), F.lit("-01-01"))

    def lowered(name: str) -> Column:
        return F.transform(F.array_compact(F.coalesce(F.col(name), empty)), lambda g: F.lower(F.trim(g)))

    return frame.select(
        "track_id",
        "title",
        "artists",
        "album",
        F.when(year.between("1860", "2100"), year.try_cast("int")).alias("release_year"),
        F.when(year.between("1860", "2100"), F.substring(padded, 1, 10).try_cast("date")).alias("released_at"),
        lowered("genres").alias("genres"),
        lowered("moods").alias("moods"),
        F.when(F.col("duration_ms") >= 0, F.col("duration_ms")).alias("duration_ms"),
        "explicit",
        F.when(F.col("popularity").between(0, 100), F.col("popularity")).alias("popularity"),
        *[_bounded(a) for a in AUDIO],
        F.coalesce(F.col("work_id"), _work_of(F.col("title"), F.col("artists"))).alias("work_id"),
    )


def _bounded(name: str) -> Column:
    """An audio feature, null where it lies outside what the table declares (NaN too)."""
    declared = TRACKS.column(name)
    return F.when(
        F.col(f"audio.{name}").between(F.lit(declared.low), F.lit(declared.high)), F.col(f"audio.{name}")
    ).alias(name)
