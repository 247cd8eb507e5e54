"""How a table lies on disk: properties of a new one, files and order of its rows, and which rows its CHECK refuses."""

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

CHECK = "declared"  # the CHECK constraint that holds a table's declared bounds
RETENTION = "delta.logRetentionDuration"
MEASURED_TYPES = ("string", "bigint", "int", "double", "date", "timestamp")  # of which Delta keeps min and max
FILE_ROWS, MOST_FILES, FEW_UNITS = 1_000_000, 64, 2
# what is done is read from the log alone: a unit whose commit is gone was never written
LOG_RETENTION = "interval 36500 days"
# raise it to have the properties of every table looked at again: an upgrade could leave one without its CHECK
PROPERTIES_VERSION = 2


def out_of_bounds(table: Table, frame: DataFrame) -> list[str]:
    """`column rule: n of m rows` for every declared condition that rows of the frame break."""
    clauses = check_clauses(table)
    counts = [F.count_if(~F.coalesce(F.expr(c), F.lit(False))).alias(n) for n, c in clauses.items()]
    row = frame.agg(F.count("*").alias("_rows"), *counts).first()
    assert row is not None  # an aggregation without keys has one row
    return [f"{n}: {row[n]:,} of {row['_rows']:,} rows break {c}" for n, c in clauses.items() if row[n]]


def first_options(table: Table) -> dict[str, str]:
    """Properties of a new table: its log is kept, no statistics of what one person is or said, rows out of bounds refused."""
    measured = [
        c.name for c in table.columns if c.type in MEASURED_TYPES and not c.personal and c.name != table.partition
    ]
    options = {RETENTION: LOG_RETENTION, "delta.dataSkippingStatsColumns": ",".join(measured[:32])}
    if table.has_check and (clause := check_clause(table)):
        options[f"delta.constraints.{CHECK}"] = clause
    return options


def properties_mark(table: Table) -> str:
    """Fingerprint of what the table's properties are to hold; commits name it, so that a table made under others is known."""
    return fingerprint([PROPERTIES_VERSION, LOG_RETENTION, check_clause(table) if table.has_check else ""])


def keep_log(spark: SparkSession, path: str) -> None:
    """Have the log of a table that an older version made (it was cut at 400 days) kept. Before a commit: that may cut it."""
    if _properties(spark, path).get(RETENTION) != LOG_RETENTION:
        spark.sql(f"ALTER TABLE delta.`{path}` SET TBLPROPERTIES ('{RETENTION}' = '{LOG_RETENTION}')")


def drop_old_check(spark: SparkSession, path: str, table: Table) -> bool:
    """Drop a CHECK that an older version declared, before a write that it might refuse. Whether the table holds today's."""
    wanted = check_clause(table) if table.has_check else ""
    stored = _properties(spark, path).get(f"delta.constraints.{CHECK}", "")
    if stored and _bare(stored) != _bare(wanted):
        spark.sql(f"ALTER TABLE delta.`{path}` DROP CONSTRAINT {CHECK}")
        stored = ""
    return _bare(stored) == _bare(wanted)


def _bare(clause: str) -> str:
    """A clause without blanks: Delta stores the words of one that is added with its own between them."""
    return re.sub(r"\s+", "", clause)


def hold_check(spark: SparkSession, path: str, table: Table) -> bool:
    """Give a table that has none its declared CHECK. False where rows of an older version break it: the gate alone judges bounds then,
    until they are replaced or expire."""
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


def placed(table: Table, frame: DataFrame, rows: Mapping[str, int]) -> DataFrame:
    """The rows as they are to lie in files: a big day in several of about FILE_ROWS, sorted; a small one in one.

    A table that is `as_computed` keeps the files that its tasks write.
    """
    if table.as_computed:
        return frame
    files = min(-(-max(rows.values(), default=0) // FILE_ROWS), MOST_FILES)
    lead = [table.partition] if table.partition else []
    keys = table.sort_by[:2] or table.keys
    if files > 1 and len(rows) <= FEW_UNITS:
        frame = frame.repartition(
            files, *keys
        )  # by the keys themselves: a few hashed numbers of files would meet in one task
    elif files > 1:
        part = F.pmod(F.xxhash64(*keys), F.lit(files))
        frame = frame.repartition(files * (len(rows) if table.partition else 1), *lead, part)
    elif table.partition:
        frame = frame.repartition(*lead)
    elif len(rows) == 1:
        frame = frame.coalesce(1)
    return frame.sortWithinPartitions(*lead, *table.sort_by) if table.sort_by else frame


def partition_values(files: Iterable[str], column: str) -> list[str]:
    """Values of the partition column that the paths of data files name, sorted."""
    named = re.compile(rf"/{re.escape(column)}=([^/]+)/")
    matches = (named.search(unquote(path)) for path in files)
    return sorted({match.group(1) for match in matches if match})


def has_whole_log(table: Path) -> bool:
    """Whether the log still begins with the table's first commit, so that its live files can be read from JSON alone."""
    return (table / "_delta_log" / f"{0:020}.json").exists()


def live_files(table: Path) -> list[Path]:
    """The data files of a small Delta table's newest version, read from its log without Spark (no checkpoints)."""
    live: set[str] = set()
    for version in sorted((table / "_delta_log").glob("*.json")):
        for line in version.read_text(encoding="utf-8").splitlines():
            action = json.loads(line)
            if "add" in action:
                live.add(action["add"]["path"])
            elif "remove" in action:
                live.discard(action["remove"]["path"])
    return sorted(table / unquote(path) for path in live)
