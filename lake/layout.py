"""Layout of a Delta table on disk: table properties, CHECK constraint, files and row order, and the paths of data files."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from urllib.parse import unquote

from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from lake.fingerprint import fingerprint
from lake.schema import Table, check_clause, check_clauses

CHECK = "declared"  # name of the CHECK constraint with the table's declared bounds
RETENTION = "delta.logRetentionDuration"
# types for which Delta stores minimum and maximum
MEASURED_TYPES = ("string", "bigint", "int", "double", "date", "timestamp")
FILE_ROWS, MOST_FILES = 1_000_000, 64  # rows aimed at per file, and most files per write
FEW_UNITS = 2  # up to so many units, rows are partitioned by the sort keys themselves
# which units are stored is read from the log alone: a unit whose commit has expired would count as never written
LOG_RETENTION = "interval 36500 days"
# raise it after a change to table properties: every table then has its properties and CHECK checked at its next write
PROPERTIES_VERSION = 2


def out_of_bounds(table: Table, frame: DataFrame) -> list[str]:
    """`column: n of m rows break condition` for every declared condition that rows of the frame break; [] if none does."""
    clauses = check_clauses(table)
    counts = [F.count_if(~F.coalesce(F.expr(c), F.lit(False))).alias(n) for n, c in clauses.items()]
    row = frame.agg(F.count("*").alias("_rows"), *counts).first()
    assert row is not None  # an aggregation without keys has one row
    return [f"{n}: {row[n]:,} of {row['_rows']:,} rows break {c}" for n, c in clauses.items() if row[n]]


def creation_options(table: Table) -> dict[str, str]:
    """Delta properties for the creation of a table: log kept forever, no statistics of personal columns, CHECK of the bounds."""
    measured = [
        c.name for c in table.columns if c.type in MEASURED_TYPES and not c.personal and c.name != table.partition
    ]
    options = {RETENTION: LOG_RETENTION, "delta.dataSkippingStatsColumns": ",".join(measured[:32])}
    if table.has_check and (clause := check_clause(table)):
        options[f"delta.constraints.{CHECK}"] = clause
    return options


def properties_fingerprint(table: Table) -> str:
    """Fingerprint of the properties that the table should have.

    Commits record it, so that a table that was last written with other properties is recognised.
    """
    return fingerprint([PROPERTIES_VERSION, LOG_RETENTION, check_clause(table) if table.has_check else ""])


def ensure_log_retention(spark: SparkSession, path: str) -> None:
    """Set the log retention of a table that an older version of the project created with 400 days.

    To be called before a commit, because a commit may remove expired log files.
    """
    if _properties(spark, path).get(RETENTION) != LOG_RETENTION:
        spark.sql(f"ALTER TABLE delta.`{path}` SET TBLPROPERTIES ('{RETENTION}' = '{LOG_RETENTION}')")


def drop_old_check(spark: SparkSession, path: str, table: Table) -> bool:
    """Drop a stored CHECK that differs from the declared one, before a write that it might refuse.

    Returns:
        Whether the stored CHECK (or its absence) is now the declared one.
    """
    wanted = check_clause(table) if table.has_check else ""
    stored = _properties(spark, path).get(f"delta.constraints.{CHECK}", "")
    if stored and _without_spaces(stored) != _without_spaces(wanted):
        spark.sql(f"ALTER TABLE delta.`{path}` DROP CONSTRAINT {CHECK}")
        stored = ""
    return _without_spaces(stored) == _without_spaces(wanted)


def _without_spaces(clause: str) -> str:
    """A clause without white space, for comparison: Delta stores an added clause with its own spacing."""
    return re.sub(r"\s+", "", clause)


def add_check(spark: SparkSession, path: str, table: Table) -> bool:
    """Add the declared CHECK to a table that has none.

    Returns:
        False if stored rows of an older version of the project break it. Until those rows are replaced or expire, only the
        quality gate checks the bounds.
    """
    try:
        spark.sql(f"ALTER TABLE delta.`{path}` ADD CONSTRAINT {CHECK} CHECK ({check_clause(table)})")
    except Exception as error:
        if "DELTA_NEW_CHECK_CONSTRAINT_VIOLATION" not in str(error):
            raise
        return False
    return True


def _properties(spark: SparkSession, path: str) -> dict[str, str]:
    detail = spark.sql(f"DESCRIBE DETAIL delta.`{path}`").select("properties").first()
    return dict(detail["properties"]) if detail else {}


def arrange_rows(table: Table, frame: DataFrame, rows: Mapping[str, int]) -> DataFrame:
    """Partition and sort the rows for writing: a large unit to several files of about FILE_ROWS rows, a small one to one file.

    A table declared `as_computed` is returned unchanged: each task writes its own files.

    Args:
        table: The declaration, whose partition and `sort_by` are used.
        frame: The rows to write.
        rows: Unit -> number of rows in the frame.
    """
    if table.as_computed:
        return frame
    files = min(-(-max(rows.values(), default=0) // FILE_ROWS), MOST_FILES)
    lead = [table.partition] if table.partition else []
    keys = table.sort_by[:2] or table.keys
    if files > 1 and len(rows) <= FEW_UNITS:
        # by the keys themselves: a few distinct file numbers could all hash to the same task
        frame = frame.repartition(files, *keys)
    elif files > 1:
        part = F.pmod(F.xxhash64(*keys), F.lit(files))
        frame = frame.repartition(files * (len(rows) if table.partition else 1), *lead, part)
    elif table.partition:
        frame = frame.repartition(*lead)
    elif len(rows) == 1:
        frame = frame.coalesce(1)
    return frame.sortWithinPartitions(*lead, *table.sort_by) if table.sort_by else frame


def partition_values(files: Iterable[str], column: str) -> list[str]:
    """Distinct values of the partition column in the paths of data files, sorted."""
    pattern = re.compile(rf"/{re.escape(column)}=([^/]+)/")
    matches = (pattern.search(unquote(path)) for path in files)
    return sorted({match.group(1) for match in matches if match})


def has_whole_log(table: Path) -> bool:
    """Whether the log still contains the table's first commit, so that the live files can be computed from its JSON alone."""
    return (table / "_delta_log" / f"{0:020}.json").exists()


def live_files(table: Path) -> list[Path]:
    """The data files of a Delta table's newest version, computed from the JSON of its log without Spark or checkpoints.

    The log must still contain the first commit (`has_whole_log`).
    """
    live: set[str] = set()
    for version in sorted((table / "_delta_log").glob("*.json")):
        for line in version.read_text(encoding="utf-8").splitlines():
            action = json.loads(line)
            if "add" in action:
                live.add(action["add"]["path"])
            elif "remove" in action:
                live.discard(action["remove"]["path"])
    return sorted(table / unquote(path) for path in live)
