"""The ledger table: which commit of which unit passed or failed its quality gate.

It is read from the table's files directly, so that reading it starts no Spark.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from io import BytesIO
from typing import Any

from lake.access import LakeAccess
from lake.layout import creation_options, has_whole_log, live_files
from lake.rows import frame_of
from lake.schema import Table, struct
from lake.tables.models import LEDGER


def data_files(lake: LakeAccess, table: Table) -> list[str]:
    """Paths of the table's live data files.

    They are read from the JSON of the Delta log; Spark is asked only where an older version of the project let the first
    commits expire.
    """
    if has_whole_log(lake.root / table.name):
        return [file.as_posix() for file in live_files(lake.root / table.name)]
    return list(lake.spark.read.format("delta").load(lake.path(table)).inputFiles())


def stored_verdicts(lake: LakeAccess) -> dict[tuple[str, str, str], str]:
    """The latest verdict (`built`, `passed` or `failed`) of each (table, unit, fingerprint of the unit's commit)."""
    rows = sorted(_rows(lake), key=lambda r: r["at"])
    return {(r["table_name"], r["part"], r["fingerprint"]): r["state"] for r in rows}


def append_verdicts(lake: LakeAccess, rows: Iterable[tuple[object, ...]]) -> None:
    """Append rows, tuples in the column order of LEDGER, to the ledger in one commit."""
    writer = frame_of(lake.spark, list(rows), struct(LEDGER)).coalesce(1).write.format("delta").mode("append")
    if not lake.exists(LEDGER):
        writer = writer.options(**creation_options(LEDGER))  # so that its log is kept forever
    writer.save(lake.path(LEDGER))


def _rows(lake: LakeAccess) -> list[Mapping[str, Any]]:
    if not lake.exists(LEDGER):
        return []
    if not has_whole_log(lake.root / LEDGER.name):
        return [row.asDict() for row in lake.spark.read.format("delta").load(lake.path(LEDGER)).collect()]
    import pyarrow.parquet as pq

    wanted = ["table_name", "part", "fingerprint", "state", "at"]
    files = live_files(lake.root / LEDGER.name)
    return [row for f in files for row in pq.read_table(BytesIO(f.read_bytes()), columns=wanted).to_pylist()]
