"""What keeps a lake small and clean: expiry of old partitions, compaction, and the removal of one person's rows."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from lake.access import LakeAccess
from lake.layout import keep_log
from lake.schema import Table

if TYPE_CHECKING:
    from pyspark.sql import DataFrame


METADATA = "spark.databricks.delta.commitInfo.userMetadata"
RETENTION_CHECK = "spark.databricks.delta.retentionDurationCheck.enabled"


@contextmanager
def said(lake: LakeAccess, table: Table, units: Mapping[str, str | None], rows: Mapping[str, int]) -> Iterator[None]:
    """Commits of SQL commands in the block carry the units' new fingerprints (None: the unit is gone)."""
    told = {u: None if f is None else {"fingerprint": f, "rows": rows.get(u, 0)} for u, f in sorted(units.items())}
    lake.spark.conf.set(METADATA, json.dumps({"run_id": lake.run_id, "units": told}, sort_keys=True))
    try:
        yield
    finally:
        lake.spark.conf.unset(METADATA)
        lake.forget_cache(table)


def expire(lake: LakeAccess, table: Table, units: Iterable[str]) -> int:
    """Delete whole units; they are as if never written. The files go with the next vacuum. Number of units."""
    lake.forget_cache(table)
    gone = sorted(set(units) & set(lake.commits(table)))
    if not gone:
        return 0
    column = table.unit_column
    listed = ", ".join(f"'{u}'" for u in gone)
    with said(lake, table, dict.fromkeys(gone), {}):
        lake.spark.sql(f"DELETE FROM delta.`{lake.path(table)}` WHERE CAST({column} AS STRING) IN ({listed})")
    return len(gone)


def compact(lake: LakeAccess, table: Table, retain_h: float) -> None:
    """OPTIMIZE small files together, then VACUUM what no reader within `retain_h` hours can see any more.

    OPTIMIZE changes no row, so it says nothing of units: what is done stays done.
    """
    keep_log(lake.spark, lake.path(table))
    lake.spark.sql(f"OPTIMIZE delta.`{lake.path(table)}`")
    vacuum(lake, table, retain_h)


def vacuum(lake: LakeAccess, table: Table, retain_h: float) -> None:
    """Remove files that the table does not name and that are older than `retain_h` hours (0: all of them, at once)."""
    lake.spark.conf.set(RETENTION_CHECK, "false")
    try:
        lake.spark.sql(f"VACUUM delta.`{lake.path(table)}` RETAIN {retain_h} HOURS")
    finally:
        lake.spark.conf.unset(RETENTION_CHECK)


def remove_rows(
    lake: LakeAccess, table: Table, keys: DataFrame, on: str, units: Mapping[str, str], rows: Mapping[str, int]
) -> None:
    """Delete the rows whose `on` is among `keys` (distinct) and give the units that held some their new fingerprint.

    DELETE by MERGE, then REORG … PURGE: with deletion vectors the rows would still lie in the files.
    """
    keys.select(on).distinct().createOrReplaceTempView("playfirst_removed")
    with said(lake, table, units, rows):
        lake.spark.sql(
            f"MERGE INTO delta.`{lake.path(table)}` AS t USING playfirst_removed AS s ON t.`{on}` = s.`{on}` "
            "WHEN MATCHED THEN DELETE"
        )
    lake.spark.sql(f"REORG TABLE delta.`{lake.path(table)}` APPLY (PURGE)")


def files_holding(root: Path, words: Iterable[str], but: Iterable[str] = ()) -> list[Path]:
    """Files under a lake's root that hold one of `words` in a string column, in statistics or in any other text.

    Reads every Parquet file that lies there, also those that no table names any more, and the Delta logs as text. `but`:
    tables to leave out. Independent of Spark, so that it can prove what Spark did.
    """
    wanted = sorted(words)
    found = []
    for file in sorted(p for p in root.rglob("*") if p.is_file()):
        if file.relative_to(root).parts[0] in but:
            continue
        if file.suffix == ".parquet":
            holds = _parquet_holds(file, wanted)
        else:
            text = file.read_bytes()
            holds = any(w.encode() in text for w in wanted)
        if holds:
            found.append(file)
    return found


def _parquet_holds(file: Path, words: list[str]) -> bool:
    """Whether a string column of the file, also inside of structs, holds one of the words."""
    import pyarrow as pa
    import pyarrow.compute as pc
    import pyarrow.parquet as pq

    for batch in pq.ParquetFile(file).iter_batches(batch_size=65_536):
        table = pa.Table.from_batches([batch])
        while any(pa.types.is_struct(field.type) for field in table.schema):  # a checkpoint keeps its statistics so
            table = table.flatten()
        texts = [c for c in table.columns if pa.types.is_string(c.type) or pa.types.is_large_string(c.type)]
        if any(pc.any(pc.match_substring(c, w)).as_py() for c in texts for w in words):
            return True
    return False
