"""The DuckDB side of `benchmarks.features`: every counted feature of a prepared lake in SQL, from the same files.

    python -m benchmarks.features_duckdb HOME --run-date D --json FILE [--against LAKE] [--memory 8GB]

HOME holds the lake of the action `prepare` of `benchmarks.features_ours`. Both sides start from the ingested logs, the readings
of queries, the exposure curves and the candidates; DuckDB computes only the sums that the columns need
(`benchmarks.feature_oracle`). `--against` names a lake in which we have built the same features; every value is compared.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import duckdb

from benchmarks import feature_oracle as oracle
from benchmarks.children import on_two_cores
from features.catalogue import KEYS, columns, feature_table
from features.spec import Grain
from lake.layout import live_files

WANTED: dict[Grain, dict[str, str]] = {"need_track": oracle.PAIR, "need": oracle.NEED, "track": oracle.TRACK}
TOLERANCE = 2e-9  # relative, absolute below 1; stored values are rounded to 1e-9
SKETCHED = 0.15  # the same for values that a HyperLogLog sketch estimates


def files(lake: Path, table: str) -> str:
    """The live files of a Delta table as a DuckDB relation, its partition column included."""
    listed = ", ".join(f"'{p}'" for p in live_files(lake / table))
    return f"read_parquet([{listed}], hive_partitioning = true)"


def given_tables(db: duckdb.DuckDBPyConnection, lake: Path, built: Path | None, run_date: str) -> None:
    """Create the common inputs of both sides, under the names that feature_oracle.sql reads.

    Args:
        db: the connection.
        lake: the prepared lake.
        built: the lake whose back-off strengths are used; without it every strength is 3.
        run_date: D, as YYYY-MM-DD.
    """
    one = f"run_date = DATE '{run_date}'"
    tables = {
        "raw_searches": f"SELECT search_id, user_id, ts, client, locale, query AS raw_query, results FROM {files(lake, 'search_log')} "
        f"WHERE search_date < DATE '{run_date}'",
        "raw_events": f"SELECT event_id, search_id, track_id, position, kind, dwell_ms FROM {files(lake, 'engagement_events')} "
        f"WHERE search_date < DATE '{run_date}'",
        # wordings are normalised already
        "requests": "SELECT DISTINCT raw_query, locale, raw_query AS query FROM raw_searches",
        # the needs that the built lake counted for; without one, of every wording
        "wordings": f"SELECT run_date AS as_of, locale AS language, query, need FROM {files(lake, 'wordings')} WHERE {one} AND len(locale) = 2 "
        "AND need IS NOT NULL"
        if built is None
        else f"SELECT run_date AS as_of, language, query, need FROM {files(built, 'snapshot_wordings')} WHERE {one}",
        "needs": f"SELECT DISTINCT need, intent_group, broader FROM {files(lake, 'needs')} WHERE {one}",
        "artists": f"SELECT track_id, artists_normal[1] AS artist, coalesce(work_id, track_id) AS work_id FROM {files(lake, 'tracks')}",
        "rates": "SELECT run_date AS as_of, client, intent_group, position, round(expected_rate * 1e6)::BIGINT AS rate_micro "
        f"FROM {files(lake, 'exposure_curves')} WHERE {one}",
        "snapshots": f"SELECT DATE '{run_date}' AS as_of",
        "pairs": f"SELECT run_date AS as_of, locale, need, track_id FROM {files(lake, 'candidates')} WHERE {one}",
    }
    strength_names = {"track": "s_t", "broader_pair": "s_c", "language_pair": "s_g", "pair": "s_p"}
    fitted = ", ".join(
        f"max(CASE WHEN level = '{level}' THEN strength END) AS {name}" for level, name in strength_names.items()
    )
    tables["strengths"] = f"SELECT DATE '{run_date}' AS as_of, " + ", ".join(
        f"3.0 AS {name}" for name in strength_names.values()
    )
    if built is not None:
        tables["strengths"] = (
            f"SELECT run_date AS as_of, {fitted} FROM {files(built, 'backoff_strengths')} WHERE {one} GROUP BY ALL"
        )
    for name, sql in tables.items():
        db.execute(f"CREATE TEMP TABLE {name} AS {sql}")


def rows_sql(grain: Grain) -> str:
    """SQL for the rows of a grain with every key that its levels are summed by."""
    if grain == "track":
        distinct = "SELECT DISTINCT as_of, CASE WHEN locale = '*' THEN '*' ELSE locale[1:2] END AS language, track_id FROM pairs"
        return f"SELECT * FROM ({distinct}) JOIN artists USING (track_id)"
    language = "CASE WHEN locale = '*' THEN '*' ELSE locale[1:2] END AS language"
    if grain == "need":
        return f"SELECT *, {language} FROM (SELECT DISTINCT as_of, locale, need FROM pairs) JOIN needs USING (need)"
    return f"SELECT *, {language} FROM pairs JOIN needs USING (need) JOIN artists USING (track_id)"


def build(db: duckdb.DuckDBPyConnection, out: Path) -> None:
    """Write the features of each grain as Parquet."""
    for statement in oracle.statements():
        db.execute(statement)
    needed = frozenset(name for wanted in WANTED.values() for name in oracle.sums_named(wanted))
    for level in oracle.LEVELS:
        db.execute(oracle.sums_sql(level, needed))
    for grain, wanted in WANTED.items():
        db.execute(f"CREATE OR REPLACE TEMP TABLE rows AS {rows_sql(grain)}")
        only = oracle.sums_named(wanted)
        selected = oracle.columns_sql(grain, [k.name for k in KEYS[grain]], wanted, only)
        db.execute(f"COPY ({selected}) TO '{out / grain}.parquet' (FORMAT parquet)")


def mismatches(db: duckdb.DuckDBPyConnection, out: Path, lake: Path, run_date: str) -> dict[str, int]:
    """Compare our features with DuckDB's.

    Args:
        db: the connection.
        out: the folder of DuckDB's features, one Parquet file per grain.
        lake: the lake of ours.
        run_date: D, as YYYY-MM-DD.

    Returns:
        The number of values that differ, by column, without columns that are equal; the number of rows that only one side has is
        under `<grain> rows`.
    """
    counts: dict[str, int] = {}
    oracle_of = {c.name: c.feature.oracle for c in columns()}
    for grain, wanted in WANTED.items():
        keys = ", ".join(k.name for k in KEYS[grain])
        ours = f"(SELECT * FROM {files(lake, feature_table(grain).name)} WHERE run_date = DATE '{run_date}')"
        unequal = []
        for name in wanted:
            most = SKETCHED if oracle_of[name] == "sketch" else TOLERANCE
            unequal.append(
                f"count_if((o.{name} IS NULL) <> (t.{name} IS NULL) OR abs(o.{name} - t.{name}) > {most} * "
                f"greatest(1, abs(t.{name}))) AS {name}"
            )
        alone = "count_if(o.run_date IS NULL OR t.as_of IS NULL) AS _rows"
        sql = f"SELECT {alone}, {', '.join(unequal)} FROM {ours} o FULL JOIN '{out / grain}.parquet' t USING ({keys})"
        row = db.execute(sql).fetchone()
        assert row is not None  # an aggregation without keys has one row
        counts |= {
            (f"{grain} rows" if n == "_rows" else n): int(v) for n, v in zip(("_rows", *wanted), row, strict=True) if v
        }
    return counts


def main(arguments: Sequence[str] | None = None) -> int:
    """Compute the features, and write the seconds and the differences from ours to the JSON file."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.features_duckdb", description=(__doc__ or "").split("\n")[0]
    )
    parser.add_argument("home", type=Path)
    parser.add_argument("--run-date", required=True)
    parser.add_argument("--json", type=Path, required=True)
    parser.add_argument("--against", type=Path)
    parser.add_argument("--memory", default="8GB")
    given = parser.parse_args(arguments)
    on_two_cores()
    out = given.home / "duckdb"
    out.mkdir(exist_ok=True)
    config: dict[str, str | bool | int | float | list[str]] = {
        "threads": 2,
        "memory_limit": given.memory,
        "preserve_insertion_order": "false",
        "temp_directory": str(out / "spill"),
    }
    with duckdb.connect(config=config) as db:
        begun = time.perf_counter()
        given_tables(db, given.home / "lake", given.against, given.run_date)
        build(db, out)
        report: dict[str, Any] = {"seconds": round(time.perf_counter() - begun, 2), "duckdb": duckdb.__version__}
        if given.against is not None:
            report["mismatches"] = mismatches(db, out, given.against, given.run_date)
    given.json.write_text(json.dumps(report) + "\n")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
