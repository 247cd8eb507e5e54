"""Compare our tables of a day with those of the second implementation, row for row by hash, in any order."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

import duckdb

from lake.layout import live_files
from lake.schema import Column, Table
from lake.tables.daily import DAILY_ENGAGEMENT, DAILY_SEARCHES
from lake.tables.logs import DELIVERED_FILES, ENGAGEMENT_EVENTS, QUARANTINE, SEARCH_LOG

_TYPES = {"string": "VARCHAR", "bigint": "BIGINT", "int": "INTEGER", "double": "DOUBLE", "date": "DATE"}
# table -> the compared columns; left out are those that the other side lacks or formats differently: line, raw text, foreign fields
COMPARED = {
    t.name: tuple(c for c in t.columns if c.name not in but)
    for t, but in (
        (SEARCH_LOG, ()),
        (ENGAGEMENT_EVENTS, ()),
        (DAILY_ENGAGEMENT, ()),
        (DAILY_SEARCHES, ()),
        (QUARANTINE, ("delivered_date", "source_file", "line", "raw_text")),
        (DELIVERED_FILES, ("delivered_date", "source_file", "forgotten", "foreign_fields", "foreign_names")),
    )
}
_TABLES: tuple[Table, ...] = (
    SEARCH_LOG,
    ENGAGEMENT_EVENTS,
    DAILY_ENGAGEMENT,
    DAILY_SEARCHES,
    QUARANTINE,
    DELIVERED_FILES,
)
SHOWN = 5  # examples of each side


@dataclass(frozen=True)
class Difference:
    """The comparison of one table.

    `rows`: number of our rows; `mismatches`: rows of either side without an equal on the other side.
    """

    table: str
    rows: int
    mismatches: int
    examples: tuple[str, ...]


def differences(lake: Path, other: Path, names: Collection[str] = tuple(COMPARED)) -> list[Difference]:
    """Compare tables of `lake` (Delta) with the files `other`/<table>.parquet.

    Args:
        lake: our lake.
        other: the folder of the second implementation.
        names: the tables to compare; by default all that both sides have.
    """
    with duckdb.connect(config={"threads": 2}) as db:
        return [
            _difference(db, t, live_files(lake / t.name), other / f"{t.name}.parquet")
            for t in _TABLES
            if t.name in names
        ]


def _difference(db: duckdb.DuckDBPyConnection, table: Table, ours: list[Path], theirs: Path) -> Difference:
    columns = COMPARED[table.name]
    listed = ", ".join(_as_declared(c) for c in columns)
    files = ", ".join(f"'{f}'" for f in ours)
    sides = {
        "ours": f"SELECT {listed} FROM read_parquet([{files}], hive_partitioning=true)",
        "theirs": f"SELECT {listed} FROM read_parquet('{theirs}')",
    }
    if not ours:
        sides["ours"] = f"SELECT * FROM ({sides['theirs']}) LIMIT 0"
    hashed = f"hash({', '.join(c.name for c in columns)})"
    parts = " UNION ALL ".join(
        f"SELECT {hashed} AS h, {sign} AS n FROM ({sides[side]})" for side, sign in (("ours", 1), ("theirs", -1))
    )
    db.execute(
        f"CREATE OR REPLACE TEMP TABLE unlike AS SELECT h, sum(n) AS n FROM ({parts}) GROUP BY h HAVING sum(n) <> 0"
    )
    [(mismatches,)] = db.execute("SELECT coalesce(sum(abs(n)), 0)::BIGINT FROM unlike").fetchall()
    [(rows,)] = db.execute(f"SELECT count(*) FROM ({sides['ours']})").fetchall()
    examples: list[str] = []
    if mismatches:
        for side, sign in (("ours", ">"), ("theirs", "<")):
            unequal = db.execute(f"""SELECT * FROM ({sides[side]}) WHERE {hashed} IN (SELECT h FROM unlike WHERE n {sign} 0)
                ORDER BY ALL LIMIT {SHOWN}""")
            names = [d[0] for d in unequal.description or ()]
            examples += [f"{side}: {dict(zip(names, row, strict=True))}" for row in unequal.fetchall()]
    return Difference(table.name, rows, mismatches, tuple(examples))


def _as_declared(column: Column) -> str:
    if column.type == "timestamp":  # the two sides store it with and without a time zone
        return f"epoch_us({column.name}) AS {column.name}"
    element = column.type.removeprefix("array<").removesuffix(">")
    suffix = "[]" if column.type.startswith("array<") else ""
    return f"{column.name}::{_TYPES[element]}{suffix} AS {column.name}"
