"""Maintenance of a lake: expiry of old units, compaction, and removal of one person's rows."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING

from lake.access import LakeAccess
from lake.layout import ensure_log_retention
from lake.schema import Table

if TYPE_CHECKING:
    from pyspark.sql import DataFrame


METADATA = "spark.databricks.delta.commitInfo.userMetadata"
RETENTION_CHECK = "spark.databricks.delta.retentionDurationCheck.enabled"


@contextmanager
def commit_metadata(
    lake: LakeAccess, table: Table, units: Mapping[str, str | None], rows: Mapping[str, int]
) -> Iterator[None]:
    """Have SQL commands in the block commit with `userMetadata` about the given units, as `Lake.write` does.

    Args:
        lake: The lake.
        table: The table that the commands change; its cached commits are dropped afterwards.
        units: Unit -> its new fingerprint; None if the commands delete the unit.
        rows: Unit -> the number of rows that it has afterwards.
    """
    entries = {u: None if f is None else {"fingerprint": f, "rows": rows.get(u, 0)} for u, f in sorted(units.items())}
    lake.spark.conf.set(METADATA, json.dumps({"run_id": lake.run_id, "units": entries}, sort_keys=True))
    try:
        yield
    finally:
        lake.spark.conf.unset(METADATA)
        lake.forget_cache(table)


def expire(lake: LakeAccess, table: Table, units: Iterable[str]) -> int:
    """Delete whole units, which then count as never written, and return their number.

    The next `vacuum` removes their files.
    """
    lake.forget_cache(table)
    expired = sorted(set(units) & set(lake.commits(table)))
    if not expired:
        return 0
    column = table.unit_column
    listed = ", ".join(f"'{u}'" for u in expired)
    with commit_metadata(lake, table, dict.fromkeys(expired), {}):
        lake.spark.sql(f"DELETE FROM delta.`{lake.path(table)}` WHERE CAST({column} AS STRING) IN ({listed})")
    return len(expired)


def compact(lake: LakeAccess, table: Table, retain_h: float) -> None:
    """Merge small files with OPTIMIZE, then remove unused files with VACUUM.

    OPTIMIZE changes no row, so its commit names no units and their fingerprints stay valid.

    Args:
        lake: The lake.
        table: The table to compact.
        retain_h: Unused files younger than this many hours are kept, for readers of earlier versions.
    """
    ensure_log_retention(lake.spark, lake.path(table))
    lake.spark.sql(f"OPTIMIZE delta.`{lake.path(table)}`")
    vacuum(lake, table, retain_h)


def vacuum(lake: LakeAccess, table: Table, retain_h: float) -> None:
    """Remove files that the table's newest version does not use and that are older than `retain_h` hours (0: all of them)."""
    lake.spark.conf.set(RETENTION_CHECK, "false")
    try:
        lake.spark.sql(f"VACUUM delta.`{lake.path(table)}` RETAIN {retain_h} HOURS")
    finally:
        lake.spark.conf.unset(RETENTION_CHECK)


def remove_rows(
    lake: LakeAccess,
    table: Table,
    keys: DataFrame,
    on: Sequence[str],
    units: Mapping[str, str],
    rows: Mapping[str, int],
) -> None:
    """Delete the rows of a table whose key is in a given set, by MERGE; `purge` then takes them out of its data files.

    Args:
        lake: The lake.
        table: The table to delete from.
        keys: A frame with the columns `on`; duplicates are allowed.
        on: Names of the key columns; rows with a null in one of them stay.
        units: Unit that loses rows -> its new fingerprint.
        rows: Unit -> the number of rows that it has afterwards.
    """
    keys.select(*on).distinct().createOrReplaceTempView("playfirst_removed")
    with commit_metadata(lake, table, units, rows):
        lake.spark.sql(
            f"MERGE INTO delta.`{lake.path(table)}` AS t USING playfirst_removed AS s "
            f"ON {' AND '.join(f't.`{name}` = s.`{name}`' for name in on)} WHEN MATCHED THEN DELETE"
        )


def purge(lake: LakeAccess, table: Table) -> None:
    """Write the data files anew that hold rows which deletion vectors mark as deleted; without such rows nothing is written."""
    lake.spark.sql(f"REORG TABLE delta.`{lake.path(table)}` APPLY (PURGE)")
    lake.forget_cache(table)


def files_containing(root: Path, words: Iterable[str], exclude: Iterable[str] = ()) -> list[Path]:
    """Files under a lake's root that contain one of `words` in a string column, in statistics or in any other text.

    Every Parquet file is read, also those that no table uses any more; all other files, such as the Delta logs, are searched as
    text. Spark is not used, so that the search can verify a removal by Spark.

    Args:
        root: The lake's folder.
        words: Exact substrings to search for.
        exclude: Names of tables to leave out.
    """
    wanted = sorted(words)
    matches = []
    for file in sorted(p for p in root.rglob("*") if p.is_file()):
        if file.relative_to(root).parts[0] in exclude:
            continue
        if file.suffix == ".parquet":
            is_match = _parquet_contains(file, wanted)
        else:
            text = file.read_bytes()
            is_match = any(w.encode() in text for w in wanted)
        if is_match:
            matches.append(file)
    return matches


def _parquet_contains(file: Path, words: list[str]) -> bool:
    """Whether a string column of the file, also inside structs, contains one of the words."""
    import pyarrow as pa
    import pyarrow.compute as pc
    import pyarrow.parquet as pq

    for batch in pq.ParquetFile(BytesIO(file.read_bytes())).iter_batches(batch_size=65_536):
        table = pa.Table.from_batches([batch])
        # Delta checkpoints store statistics as structs
        while any(pa.types.is_struct(field.type) for field in table.schema):
            table = table.flatten()
        texts = [c for c in table.columns if pa.types.is_string(c.type) or pa.types.is_large_string(c.type)]
        if any(pc.any(pc.match_substring(c, w)).as_py() for c in texts for w in words):
            return True
    return False
