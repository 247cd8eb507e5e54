"""One delivered day for `benchmarks.ingest`: simulated, some rows broken on purpose, as Parquet and as JSON Lines."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import zlib
from dataclasses import asdict, dataclass
from datetime import date, timedelta
from pathlib import Path

import duckdb
import pyarrow.parquet as pq

FORMATS = ("json", "parquet")
FIRST_DATE = date(2026, 10, 1)  # passed to the simulator, so that run_date does not depend on its default
# the head query of --hot-share, asked in one locale, so that it is one key of every aggregation
HOT = ("play music", "en-US")
_MARKER = "arguments.json"
_VERSION = 2  # raise it when the files change, so that older folders are made again
# column -> its value with faults, each of which breaks a rule of the contract; h is the hashed id modulo `spread`
_SEARCH_FAULTS = {
    "user_id": "CASE h WHEN 0 THEN '' WHEN 1 THEN NULL ELSE user_id END",
    "ts": "CASE h WHEN 2 THEN 'yesterday' WHEN 3 THEN '2026-09-01T10:00:00.000Z' ELSE ts END",
    "client": "CASE h WHEN 4 THEN 'fridge' WHEN 1 THEN NULL ELSE client END",
    "locale": "CASE h WHEN 5 THEN 'english' WHEN 14 THEN NULL ELSE {locale} END",
    "raw_query": "CASE h WHEN 6 THEN '  ' WHEN 15 THEN chr(9) WHEN 16 THEN chr(160) WHEN 7 THEN repeat('la ', 90) ELSE {raw_query} END",
    "results": "CASE h WHEN 8 THEN [] WHEN 9 THEN list_append(results, NULL) WHEN 10 THEN list_append(results, chr(9)) "
    "ELSE results END",
    "propensity": "CASE h WHEN 11 THEN 1.5 WHEN 12 THEN 0 ELSE propensity END",
    "search_id": "CASE h WHEN 13 THEN NULL ELSE search_id END",
}
_EVENT_FAULTS = {
    "event_id": "CASE h WHEN 0 THEN ' ' ELSE event_id END",
    "search_id": "CASE h WHEN 1 THEN NULL WHEN 2 THEN 'nobody' ELSE search_id END",
    "track_id": "CASE h WHEN 3 THEN '' WHEN 4 THEN 'unknown' ELSE track_id END",
    "position": "CASE h WHEN 5 THEN 0 WHEN 6 THEN NULL WHEN 7 THEN position + 1 WHEN 8 THEN 20000 ELSE position END",
    "ts": "CASE h WHEN 9 THEN '' WHEN 10 THEN '2026-10-05T10:00:00.000Z' ELSE ts END",
    "kind": "CASE h WHEN 11 THEN 'heard' WHEN 0 THEN NULL ELSE kind END",
    "dwell_ms": "CASE h WHEN 12 THEN -5 ELSE dwell_ms END",
}


@dataclass(frozen=True)
class BigDay:
    """The day to make. `hot_share`: the share of the searches that ask the one head query `HOT`.

    Each of the faults above is in one of `spread` rows: with 3,000, about 0.5 % of the day's rows are quarantined.
    """

    searches: int
    hot_share: float = 0.0
    spread: int = 3_000
    seed: int = 7
    version: int = _VERSION

    @property
    def run_date(self) -> str:
        """D: the day after the delivered one."""
        return str(FIRST_DATE + timedelta(days=1))


def delivered_day(day: BigDay, out: Path, formats: tuple[str, ...] = FORMATS) -> dict[str, Path]:
    """Format -> folder with `logs/`, with `catalog.jsonl.gz` beside these folders; the files are made once for each `day`."""
    root = out / f"day-{day.searches}" if not day.hot_share else out / f"day-{day.searches}-hot-{day.hot_share}"
    marker = root / _MARKER
    if not marker.exists() or json.loads(marker.read_text()) != asdict(day):
        if root.exists() and any(root.iterdir()) and not marker.exists() and not (root / "made").exists():
            raise SystemExit(f"{root} holds files that are not ours to remove. Choose another --out.")
        shutil.rmtree(root, ignore_errors=True)
        (root / "made").mkdir(parents=True)
        _simulate(day, root / "made")
        for kind, faults in (("searches", _SEARCH_FAULTS), ("events", _EVENT_FAULTS)):
            _break(day, kind, faults, root)
        shutil.move(root / "made" / "catalog.jsonl.gz", root / "catalog.jsonl.gz")
        shutil.rmtree(root / "made")
        marker.write_text(json.dumps(asdict(day)) + "\n")
    if "json" in formats and not (root / "json" / "logs" / "_SIMULATED").exists():
        for kind in ("searches", "events"):
            _as_json_lines(day, file_of(root / "parquet", kind), root / "json")
        shutil.copy(root / "parquet" / "logs" / "_SIMULATED", root / "json" / "logs")
    return {f: root / f for f in formats}


def file_of(folder: Path, kind: str) -> Path:
    """The one delivered file of `kind`, "searches" or "events"."""
    [file] = (folder / "logs" / kind / f"date={FIRST_DATE}").glob("part-*")
    return file


def _simulate(day: BigDay, out: Path) -> None:
    command = [
        sys.executable,
        "-m",
        "simulator.generate",
        f"out={out}",
        "days=1",
        f"searches_per_day={day.searches}",
        f"seed={day.seed}",
        f"first_date={FIRST_DATE}",
    ]
    done = subprocess.run(command, capture_output=True, text=True, timeout=3600, check=False)
    if done.returncode:
        raise SystemExit(f"the simulation failed: {done.stderr.strip()}")


def _break(day: BigDay, kind: str, faults: dict[str, str], root: Path) -> None:
    """Write one source again with its faults, and with a few ids that occur twice with different content."""
    source, target = file_of(root / "made", kind), root / "parquet" / "logs" / kind / f"date={FIRST_DATE}"
    target.mkdir(parents=True)
    hot = f"hash(search_id, 'hot') % 1000 < {round(day.hot_share * 1000)}"
    columns = pq.read_schema(source).names
    words = {
        "raw_query": f"CASE WHEN {hot} THEN '{HOT[0]}' ELSE raw_query END",
        "locale": f"CASE WHEN {hot} THEN '{HOT[1]}' ELSE locale END",
    }
    listed = ", ".join(f"{faults[c].format(**words)} AS {c}" if c in faults else c for c in columns)
    own, other = ("search_id", "client: 'web'") if kind == "searches" else ("event_id", "kind: 'like'")
    name, value = other.split(": ")
    later = "strftime(ts::TIMESTAMP + INTERVAL 1 SECOND, '%Y-%m-%dT%H:%M:%S.%gZ')"
    with duckdb.connect(config={"threads": 2}) as db:
        # the second row of an id is one second later, so that every engine finds the same first row by `ts`
        db.execute(f"""COPY (
            WITH hashed AS (SELECT *, hash({own}) % {day.spread} AS h FROM read_parquet('{source}', hive_partitioning=false))
            SELECT {listed} FROM hashed
            UNION ALL BY NAME
            SELECT {listed} FROM (SELECT * REPLACE ({later} AS ts, {value} AS {name}) FROM hashed WHERE h = 20)
        ) TO '{target}/part-00000.parquet' (FORMAT parquet)""")
    (target / "_SUCCESS").touch()
    shutil.copy(root / "made" / "logs" / "_SIMULATED", root / "parquet" / "logs")


def _as_json_lines(day: BigDay, source: Path, folder: Path) -> None:
    """Write the rows as the simulator writes JSON Lines, a few lines truncated and a few numbers replaced by a word."""
    target = folder / "logs" / source.parent.parent.name / source.parent.name
    target.mkdir(parents=True, exist_ok=True)
    number, own = ("propensity", "search_id") if "searches" in str(target) else ("position", "event_id")
    with (target / "part-00000.jsonl").open("w", encoding="utf-8") as lines:
        for batch in pq.ParquetFile(source).iter_batches(50_000):
            for row in batch.to_pylist():
                # an optional field without a value is left out, as a client would
                fields = {k: v for k, v in row.items() if v is not None}
                chance = zlib.crc32(str(row[own]).encode()) % day.spread
                if chance == 0:
                    fields[number] = "three"
                line = json.dumps(fields, ensure_ascii=False)
                lines.write((line[:-20] if chance == 1 else line) + "\n")
    (target / "_SUCCESS").touch()
