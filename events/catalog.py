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
from lake.checkpoint import checkpointed
from lake.errors import IncompleteDelivery, InputContractError
from lake.fingerprint import fingerprint
from lake.tables.logs import TRACKS

CATALOG_VERSION = 1
MAX_BROKEN_SHARE = 0.01
LEAST_OF_BEFORE = 0.9  # least size of a catalog, as a share of the number of tracks of an earlier night
# after " - " or in brackets: words that name another recording of the same song
VERSION_WORDS = (
    r"(?i)\s*[-–(\[]\s*[^-–(\[]*\b(remaster(ed)?|remasterizado|live|en vivo|en directo|karaoke|acoustic|acustic[oa]|"
    r"version|versión|remix|edit|mix|mono|stereo|demo|deluxe|instrumental|session|bonus|anniversary)\b.*$"
)


def catalog_files(catalog: Path) -> list[Path]:
    """The files of the catalog, which is a file or a folder of files. InputContractError if there is none.

    Their content is not checked here, but by `check_readable`.
    """
    if catalog.is_dir():
        files = [p for p in sorted(catalog.iterdir()) if p.name.endswith((".jsonl", ".jsonl.gz", ".parquet"))]
    else:
        files = [catalog] if catalog.is_file() else []
    if not files:
        raise InputContractError(f"{catalog}: no catalog there. Give catalog=FILE (.jsonl, .jsonl.gz or .parquet).")
    return files


def check_readable(files: Sequence[Path]) -> None:
    """Read every gzip file of a catalog to its end and every Parquet footer.

    Raises:
        InputContractError: A file is truncated or not of the format that its name says; the first one is named.
    """
    check_gzip(files)
    check_parquet([f for f in files if f.name.endswith(".parquet")])


def catalog_fingerprint(files: Sequence[Path], hash_of: Callable[[Path], str], *versions: object) -> str:
    """Fingerprint of the content of a delivered catalog and of how it is read; a catalog with an equal one is not stored again.

    Args:
        files: Files of the catalog.
        hash_of: Gives the SHA-256 of a file.
        versions: Versions of what the stored catalog depends on besides its content, such as the normal form of names.
    """
    return fingerprint([CATALOG_VERSION, *versions, [[f.name, hash_of(f)] for f in files]])


def check_catalog_at_rest(catalog: Path, files: Sequence[Path], settle_s: float) -> None:
    """Raise IncompleteDelivery (exit 3) if a file of the catalog changed less than `settle_s` seconds ago.

    A catalog in a folder with a file `_SUCCESS` is not checked.
    """
    if not (catalog.is_dir() and (catalog / "_SUCCESS").exists()):
        check_rested(f"the catalog {catalog}", files, settle_s)


def check_catalog_whole(catalog: Path, tracks: int, before: int, earlier: str) -> None:
    """Raise IncompleteDelivery (exit 3) for a catalog that lost over a tenth of its tracks: probably a part of it is missing.

    Args:
        catalog: Its path, for the message.
        tracks: Its number of tracks.
        before: The number of tracks of an earlier catalog.
        earlier: The date of that one, for the message.
    """
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
    """The delivered catalog as rows of TRACKS, one per track. Of rows with the same track_id the one with the least hash is kept.

    Args:
        spark: The session.
        files: Files of the catalog.
        run_date: The night.
        normal: Adds title_normal and artists_normal.
        before: The last catalog stored before that night, from which `known_since` is taken over; None if there is none.

    Returns:
        The rows, and the number of delivered rows that were left out as broken.

    Raises:
        InputContractError: There is no row, or more than 1 % of the rows are unreadable or lack id, title or artist.
    """
    # a checkpoint and not a cache: the same session would reuse a cached frame after the files have changed
    delivered = checkpointed(_delivered(spark, files))
    broken = F.coalesce(
        F.col(CORRUPT).isNotNull()
        | F.col("track_id").isNull()
        | F.col("title").isNull()
        | (F.size("artists") < 1)
        | F.col("artists").isNull(),
        F.lit(True),
    )
    counts = delivered.agg(
        F.count("*").alias("rows"),
        F.count_if(broken).alias("broken"),
        F.first(F.when(broken, F.col("raw_text")), True).alias("one"),
    ).first()
    assert counts is not None  # an aggregation without keys has one row
    if counts["rows"] == 0 or counts["broken"] > MAX_BROKEN_SHARE * counts["rows"]:
        example = f"; one begins with {counts['one'][:60]!r}" if counts["one"] else ""
        raise InputContractError(
            f"{files[0]}: {counts['broken']:,} of {counts['rows']:,} catalog rows are not JSON tracks with track_id, title "
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
    return frame, int(counts["broken"])


def backdated(later: DataFrame, run_date: date) -> DataFrame:
    """A catalog for a night from which none was stored: those facts of a later catalog that may have been known then.

    Grain: one row per track that was released by `run_date` or has no release date. Title, artists, album, release date and
    duration are kept, and the work is derived from title and artist. Everything else is null or empty, because it was first
    known later.
    `known_since` stays that of the later catalog.

    Args:
        later: Rows of TRACKS of one later night.
        run_date: The night.
    """
    kept = (
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
        if c.name not in kept
    }
    values |= {"work_id": _work_of(F.col("title"), F.col("artists")), "run_date": F.lit(run_date)}
    return released_by(later, run_date).withColumns(values).select(*[c.name for c in TRACKS.columns])


def released_by(tracks: DataFrame, run_date: date) -> DataFrame:
    """The tracks that were released by `run_date` or have no release date; a night of the past may use no others."""
    return tracks.where(F.col("released_at").isNull() | (F.col("released_at") <= F.lit(run_date)))


def _work_of(title: Column, artists: Column) -> Column:
    """The work of a recording for which the catalog names none: a hash of its title and first artist.

    VERSION_WORDS, and what follows them, are removed from the title first.
    """
    base = F.regexp_replace(title, VERSION_WORDS, "")
    work = F.concat_ws("|", F.lower(F.when(F.trim(base) == "", title).otherwise(base)), F.lower(artists[0]))
    return F.sha2(work, 256).substr(1, 16)


def _delivered(spark: SparkSession, files: Sequence[Path]) -> DataFrame:
    """One row per delivered row: `raw_text` (its JSON), the fields of the contract and CORRUPT."""
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
    """A Parquet row as JSON, with whole numbers where the contract declares them.

    pandas stores integers with missing values as doubles, and the JSON parser takes `215000.0` for no integer.
    """
    columns = []
    for field in stored.schema.fields:
        type_name, column = field.dataType.simpleString(), F.col(f"`{field.name}`")
        is_fraction = TRACK_FIELDS.get(field.name) == "bigint" and type_name.startswith(("float", "double", "decimal"))
        columns.append(column.try_cast("bigint").alias(field.name) if is_fraction else column)
    return F.to_json(F.struct(*columns))


def _typed(frame: DataFrame) -> DataFrame:
    """Delivered rows with the types, bounds and derived columns of TRACKS; a value outside of its bounds becomes null."""
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
    """An audio feature; null where it lies outside the bounds of its declaration in TRACKS, or is NaN."""
    declared = TRACKS.column(name)
    return F.when(
        F.col(f"audio.{name}").between(F.lit(declared.low), F.lit(declared.high)), F.col(f"audio.{name}")
    ).alias(name)
