"""The ledger: which commit of which unit passed or failed its gate. Read from the table's files, so that asking starts no Spark."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from lake.access import LakeAccess
from lake.layout import first_options, has_whole_log, live_files
from lake.rows import frame_of
from lake.schema import Table, struct
from lake.tables.models import LEDGER


def data_files(lake: LakeAccess, table: Table) -> list[str]:
    """Paths of the table's live files, from the JSON of its log; by Spark where an older version let the first commits expire."""
    if has_whole_log(lake.root / table.name):
        return [file.as_posix() for file in live_files(lake.root / table.name)]
    return list(lake.spark.read.format("delta").load(lake.path(table)).inputFiles())


def stored_verdicts(lake: LakeAccess) -> dict[tuple[str, str, str], str]:
    """(table, unit, fingerprint of its commit) -> `built`, `passed` or `failed`, the latest row of each."""
    rows = sorted(_rows(lake), key=lambda r: r["at"])
    return {(r["table_name"], r["part"], r["fingerprint"]): r["state"] for r in rows}


def append_verdicts(lake: LakeAccess, rows: Iterable[tuple[object, ...]]) -> None:
    """Append rows of LEDGER in one commit."""
    writer = frame_of(lake.spark, list(rows), struct(LEDGER)).coalesce(1).write.format("delta").mode("append")
    if not lake.exists(LEDGER):
        writer = writer.options(**first_options(LEDGER))  # its log is kept whole
    writer.save(lake.path(LEDGER))


def _rows(lake: LakeAccess) -> list[Mapping[str, Any]]:
    if not lake.exists(LEDGER):
        return []
    if not has_whole_log(lake.root / LEDGER.name):
        return [row.asDict() for row in lake.spark.read.format("delta").load(lake.path(LEDGER)).collect()]
    import pyarrow.parquet as pq

    wanted = ["table_name", "part", "fingerprint", "state", "at"]
    return [
        row for file in live_files(lake.root / LEDGER.name) for row in pq.read_table(file, columns=wanted).to_pylist()
    ]
