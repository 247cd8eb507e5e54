"""The DuckDB side of `benchmarks.ingest`: one delivered day in a second implementation, in SQL.

    python -m benchmarks.ingest_duckdb FOLDER --catalog FILE --key FILE --requests FILE --out DIR --json FILE

It has the same files, rules and outcome as jobs.ingest and jobs.count_engagement: parsing, quarantine with every reason,
duplicates, pseudonyms, the join of reactions, rephrases, chains of events, and counts. It writes the tables as Parquet, sorted as
`lake.tables` declares. Left out, in DuckDB's favour: line numbers and foreign fields of the accounts of delivered files, session
ids, bots, the table `tracks`, and Delta's log. The normal forms come as a table, because both sides use the same Python function
for them.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import duckdb

from benchmarks.big_day import FIRST_DATE, file_of
from benchmarks.children import on_two_cores
from benchmarks.count_duckdb import ASKED, CHAINS, DAILY, REPHRASED, SHOWN
from lake.columns import CLIENTS, KINDS
from lake.tables.daily import DAILY_ENGAGEMENT, DAILY_SEARCHES
from lake.tables.logs import ENGAGEMENT_EVENTS, SEARCH_LOG

BLOCK_BYTES = 64  # of SHA-256
_BLANKS = " \t\n\x0b\f\r"
_JSON_SEARCH = {
    "search_id": "VARCHAR",
    "user_id": "VARCHAR",
    "ts": "VARCHAR",
    "client": "VARCHAR",
    "locale": "VARCHAR",
    "raw_query": "VARCHAR",
    "results": "JSON",
    "release_id": "VARCHAR",
    "variant": "VARCHAR",
    "propensity": "JSON",
}
_JSON_EVENT = {
    "event_id": "VARCHAR",
    "search_id": "VARCHAR",
    "track_id": "VARCHAR",
    "position": "JSON",
    "ts": "VARCHAR",
    "kind": "VARCHAR",
    "dwell_ms": "JSON",
}
# numbers and lists are typed after the parse, so that a value of another type makes the row unreadable, not null
_TYPED = {"results": "VARCHAR[]", "propensity": "DOUBLE", "position": "BIGINT", "dwell_ms": "BIGINT"}


@dataclass(frozen=True)
class Inputs:
    """The files of the day (`folder` holds `logs/`), the table of normal forms (`requests`), and the settings."""

    folder: Path
    catalog: Path
    key: Path
    requests: Path
    days_late: int = 2
    memory: str = "6GB"


def counted_day(given: Inputs, out: Path) -> dict[str, float]:
    """Write the tables of the day into `out`; returns the seconds of each step."""
    out.mkdir(parents=True, exist_ok=True)
    config: dict[str, str | bool | int | float | list[str]] = {
        "threads": 2,
        "memory_limit": given.memory,
        "preserve_insertion_order": "false",
        "temp_directory": str(out / "spill"),
    }
    seconds: dict[str, float] = {}

    @contextmanager
    def step(name: str) -> Iterator[None]:
        begun = time.perf_counter()
        yield
        seconds[name] = round(time.perf_counter() - begun, 3)

    with duckdb.connect(config=config) as db:
        with step("judge searches"):
            db.execute(f"CREATE TEMP TABLE requests AS FROM read_parquet('{given.requests}')")
            db.execute(f"CREATE TEMP TABLE known AS SELECT DISTINCT track_id FROM read_json('{given.catalog}')")
            db.execute(_judged_searches(given))
        with step("search duplicates"):
            db.execute(_repeats("search"))
            db.execute(_accepted(given, "search"))
        with step("judge events"):
            db.execute(_judged_events(given))
        with step("event duplicates"):
            db.execute(_repeats("event"))
            db.execute(_accepted(given, "event"))
        with step("write accepted"):
            _write(db, out, SEARCH_LOG.name, "SELECT * EXCLUDE (rid) FROM searches", SEARCH_LOG.sort_by)
            _write(db, out, ENGAGEMENT_EVENTS.name, "SELECT * EXCLUDE (rid) FROM events", ENGAGEMENT_EVENTS.sort_by)
            _write(db, out, "quarantine", _QUARANTINE, ())
            _write(db, out, "delivered_files", _LEDGER, ())
        with step("count"):
            db.execute(REPHRASED)
            db.execute(CHAINS)
            db.execute(SHOWN)
        with step("write counts"):
            _write(db, out, DAILY_ENGAGEMENT.name, DAILY, ())
            _write(db, out, DAILY_SEARCHES.name, ASKED, DAILY_SEARCHES.sort_by)
    return seconds


def _write(db: duckdb.DuckDBPyConnection, out: Path, name: str, query: str, sort_by: Sequence[str]) -> None:
    order = f"ORDER BY {', '.join(sort_by)}" if sort_by else ""
    db.execute(f"COPY ({query} {order}) TO '{out / name}.parquet' (FORMAT parquet)")


def _read(given: Inputs, kind: str, fields: dict[str, str]) -> str:
    """SQL for one row per delivered row: the fields, `unreadable`, and the row's text; blank lines are skipped."""
    file = file_of(given.folder, kind)
    if file.suffix == ".parquet":
        there = {
            r[0] for r in duckdb.execute(f"DESCRIBE FROM read_parquet('{file}', hive_partitioning=false)").fetchall()
        }
        listed = ", ".join(n if n in there else f"NULL::{_TYPED.get(n, 'VARCHAR')} AS {n}" for n in fields)
        stored = f"read_parquet('{file}', hive_partitioning=false)"
        return f"SELECT {listed}, false AS unreadable, to_json(t)::VARCHAR AS raw_text FROM {stored} AS t"
    parsed = f"CASE WHEN json_valid(line) THEN json_transform(line, '{json.dumps(fields)}') END"
    lines = (
        f"read_csv('{file}', columns={{'line': 'VARCHAR'}}, delim='\x01', quote='', escape='', header=false, "
        "auto_detect=false, max_line_size=10000000)"
    )
    typed = [f"TRY_CAST(p.{n} AS {_TYPED[n]}) AS {n}" if n in _TYPED else f"p.{n} AS {n}" for n in fields]
    wrong = [
        f"(p.{n} IS NOT NULL AND p.{n} <> 'null' AND TRY_CAST(p.{n} AS {_TYPED[n]}) IS NULL)"
        for n in fields
        if n in _TYPED
    ]
    return f"""SELECT {", ".join(typed)}, p IS NULL OR {" OR ".join(wrong)} AS unreadable, line AS raw_text
        FROM (SELECT {parsed} AS p, line FROM {lines} WHERE trim(line) <> '')"""


def _reasons(rules: dict[str, str]) -> str:
    """SQL for the list of all rules that a row breaks, in their order; a condition that is null counts as not broken."""
    named = ", ".join(f"CASE WHEN {guilty} THEN '{name}' END" for name, guilty in rules.items())
    return (
        f"CASE WHEN {' OR '.join(f'coalesce({g}, false)' for g in rules.values())} "
        f"THEN list_filter([{named}], lambda r: r IS NOT NULL) ELSE [] END"
    )


def _blank(column: str) -> str:
    return f"({column} IS NULL OR trim({column}, '{_BLANKS}') = '')"


def _out_of_range(days_back: int) -> str:
    days = f"datediff('day', DATE '{FIRST_DATE}', instant::DATE)"
    return f"({days} < -{days_back} OR {days} > 1)"


def _judged_searches(given: Inputs) -> str:
    key = bytes.fromhex(given.key.read_text().strip()).ljust(BLOCK_BYTES, b"\0")
    ipad, opad = (f"unhex('{bytes(b ^ pad for b in key).hex()}')" for pad in (0x36, 0x5C))  # HMAC, RFC 2104
    rules = {
        "unreadable": "unreadable",
        "no_search_id": _blank("search_id"),
        "no_user_id": _blank("user_id"),
        "bad_ts": "instant IS NULL",
        "ts_out_of_range": _out_of_range(1),
        "unknown_client": f"client IS NULL OR client NOT IN {CLIENTS}",
        "bad_locale": "locale IS NULL OR NOT regexp_full_match(locale, '[a-z]{2}(-[A-Z]{2})?')",
        "no_query": f"{_blank('raw_query')} OR query = ''",
        "query_too_long": "is_too_long",
        "no_results": "results IS NULL OR len(results) = 0",
        "null_in_results": f"len(list_filter(results, lambda x: {_blank('x')})) > 0",
        "bad_propensity": "isnan(propensity) OR propensity <= 0 OR propensity > 1",
    }
    return f"""CREATE TEMP TABLE judged_searches AS
        WITH parsed AS ({_read(given, "searches", _JSON_SEARCH)}),
        judged AS (
            SELECT s.*, instant, coalesce(masked, raw_query) AS masked, query, {_reasons(rules)} AS reasons
            FROM (SELECT parsed.*, TRY_CAST(ts AS TIMESTAMP) AS instant FROM parsed) AS s LEFT JOIN requests USING (raw_query, locale)
        )
        SELECT search_id, sha256({opad} || unhex(sha256({ipad} || encode(user_id)))) AS user_id, instant AS ts, client,
            CASE WHEN client = 'alexa' THEN 'voice' ELSE 'screen' END AS surface, locale, query, masked AS raw_query, results,
            release_id, variant, propensity, instant::DATE AS search_date, reasons, len(reasons) = 0 AS good,
            CASE WHEN len(reasons) > 0 THEN raw_text END AS raw_text
        FROM judged"""


def _judged_events(given: Inputs) -> str:
    rules = {
        "unreadable": "unreadable",
        "no_event_id": _blank("event_id"),
        "no_search_id": _blank("e.search_id"),
        "no_track_id": _blank("e.track_id"),
        "bad_position": "position IS NULL OR position < 1 OR position > 10000",
        "bad_ts": "instant IS NULL",
        "ts_out_of_range": _out_of_range(max(1, given.days_late)),
        "unknown_kind": f"kind IS NULL OR kind NOT IN {KINDS}",
        "negative_dwell": "dwell_ms < 0",
        "unknown_track": "e.track_id IS NOT NULL AND k.track_id IS NULL",
        "no_search": "e.search_id IS NOT NULL AND s.search_id IS NULL",
        "not_served": "s.search_id IS NOT NULL AND NOT coalesce(position >= 1 AND results[position] = e.track_id, false)",
    }
    return f"""CREATE TEMP TABLE judged_events AS
        WITH parsed AS ({_read(given, "events", _JSON_EVENT)}),
        judged AS (
            SELECT e.*, s.search_date, {_reasons(rules)} AS reasons
            FROM (SELECT parsed.*, TRY_CAST(ts AS TIMESTAMP) AS instant FROM parsed) AS e
            LEFT JOIN searches AS s ON s.search_id = e.search_id LEFT JOIN known AS k ON k.track_id = e.track_id
        )
        SELECT event_id, search_id, track_id, position::INTEGER AS position, instant AS ts, kind, dwell_ms, search_date, reasons,
            len(reasons) = 0 AS good, CASE WHEN len(reasons) > 0 THEN raw_text END AS raw_text
        FROM judged"""


_CONTENT = {
    "search": "user_id, ts, client, locale, raw_query, results, release_id, variant, propensity",
    "event": "search_id, track_id, position, ts, kind, dwell_ms",
}
_PLURAL = {"search": "searches", "event": "events"}


def _repeats(source: str) -> str:
    """SQL for the duplicate rows: of the rows of one id, all but the first by `ts` and then by content."""
    rows, content = f"judged_{_PLURAL[source]}", f"hash({_CONTENT[source]})"
    return f"""CREATE TEMP TABLE repeated_{_PLURAL[source]} AS
        WITH twice AS (SELECT {source}_id FROM {rows} WHERE good GROUP BY ALL HAVING count(*) > 1),
        ranked AS (
            SELECT rowid AS rid, row_number() OVER w AS n, {content} <> first_value({content}) OVER w AS is_conflict
            FROM {rows} WHERE good AND {source}_id IN (FROM twice) WINDOW w AS (PARTITION BY {source}_id ORDER BY ts, {content})
        )
        SELECT rid, is_conflict FROM ranked WHERE n > 1"""


def _accepted(given: Inputs, source: str) -> str:
    name = _PLURAL[source]
    file = file_of(given.folder, name)
    return f"""CREATE TEMP VIEW {name} AS
        SELECT rowid AS rid, * EXCLUDE (reasons, good, raw_text), '{name}/{file.parent.name}/{file.name}' AS source_file,
            DATE '{FIRST_DATE}' AS delivered_date
        FROM judged_{name} WHERE good AND rowid NOT IN (SELECT rid FROM repeated_{name})"""


# the pseudonym in place of the user id, as quarantine keeps it
_MASKED = r"""regexp_replace(raw_text, '"user_id"\s*:\s*("([^"\\]|\\.)*"?|[^,}\s]+)',
    '"user_id":"' || coalesce(user_id, 'masked') || '"', 'g')"""
_QUARANTINE = f"""SELECT 'search' AS source, {_MASKED} AS raw_text, reasons FROM judged_searches WHERE NOT good
    UNION ALL SELECT 'event', raw_text, reasons FROM judged_events WHERE NOT good"""
_LEDGER = " UNION ALL ".join(
    f"""SELECT '{source}' AS source, count(*) AS received, count(*) FILTER (good) - any_value(r.n) AS accepted,
        any_value(r.n) AS duplicate, any_value(r.conflicts) AS duplicate_conflict, count(*) FILTER (NOT good) AS quarantined
    FROM judged_{name}, (SELECT count(*) AS n, count(*) FILTER (is_conflict) AS conflicts FROM repeated_{name}) AS r"""
    for source, name in _PLURAL.items()
)


def main(arguments: Sequence[str] | None = None) -> int:
    """Process one delivered day, and write the seconds of each step to the JSON file."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.ingest_duckdb", description=(__doc__ or "").split("\n")[0]
    )
    parser.add_argument("folder", type=Path, help="holds logs/")
    for name in ("catalog", "key", "requests", "out", "json"):
        parser.add_argument(f"--{name}", type=Path, required=True)
    parser.add_argument("--memory", default="6GB")
    parser.add_argument("--days-late", type=int, default=2)
    given = parser.parse_args(arguments)
    on_two_cores()
    inputs = Inputs(given.folder, given.catalog, given.key, given.requests, given.days_late, given.memory)
    given.json.write_text(json.dumps(counted_day(inputs, given.out)) + "\n")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
