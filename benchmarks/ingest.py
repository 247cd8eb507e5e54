"""Benchmark: one delivered day from raw logs to daily counts, by the night's own Spark and Delta steps and by DuckDB.

    python -m benchmarks.ingest --searches 2000000 --json var/ingest.json
    python -m benchmarks.ingest --searches 200000 --hot-share 0.2        # does one frequent query cause a slow task?

Both sides read the same files on the same two cores under the same memory limit, each in its own process, one after the other,
and must produce the same tables row for row. Some rows break the contract on purpose. The docstrings of `benchmarks.ingest_ours`
and `benchmarks.ingest_duckdb` list the work that is left out of each side's time.
Exit codes: 0 equal, 1 rows differ or a side failed, 2 bad arguments.
"""

from __future__ import annotations

import argparse
import json
import re
import secrets
import shutil
import sys
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

from benchmarks.big_day import FORMATS, BigDay, delivered_day, file_of
from benchmarks.children import ChildFailed, peak_rss_of
from benchmarks.compare import Difference, differences
from benchmarks.ingest_table import print_report
from benchmarks.tasks import worst_ratio
from events.privacy import CARD, MAIL, PHONE
from queries.text.normalise import is_too_long, normal_form


@dataclass(frozen=True)
class Side:
    """One run of one side: seconds by step, peak memory in bytes, and the other figures that it reported."""

    seconds: dict[str, float]
    peak_rss: int
    details: dict[str, Any]

    @property
    def total(self) -> float:
        """Seconds from the raw files to the written counts."""
        return sum(self.seconds.values())

    def as_dict(self) -> dict[str, Any]:
        """The run as it is written to the JSON file."""
        return {"seconds": self.seconds, "peak_rss": self.peak_rss, "told": self.details}


@dataclass(frozen=True)
class Result:
    """Both sides on the files of one format, and where their tables differ."""

    format: str
    input_bytes: int
    impressions: int
    ours: Side
    duckdb: Side
    differences: list[Difference]

    @property
    def ratio(self) -> float:
        """Our time over DuckDB's."""
        return self.ours.total / self.duckdb.total


def requests_table(folders: Iterable[Path], path: Path) -> None:
    """Write (raw_query, locale, masked, query, is_too_long) of every request: DuckDB gets the normal forms of our Python code."""
    asked: set[tuple[str, str]] = set()
    for folder in folders:
        file = file_of(folder, "searches")
        source = (
            f"read_parquet('{file}')"
            if file.suffix == ".parquet"
            else f"read_json('{file}', format='newline_delimited', "
            "columns={'raw_query': 'VARCHAR', 'locale': 'VARCHAR'}, ignore_errors=true)"
        )
        listed = f"SELECT DISTINCT raw_query, locale FROM {source} WHERE raw_query IS NOT NULL AND locale IS NOT NULL"
        asked.update(duckdb.execute(listed).fetchall())
    rows = [(raw, locale, _without_contacts(raw)) for raw, locale in sorted(asked)]
    forms = [normal_form(masked, locale) for _, locale, masked in rows]
    columns = {
        "raw_query": [r[0] for r in rows],
        "locale": [r[1] for r in rows],
        "masked": [r[2] for r in rows],
        "query": forms,
        "is_too_long": [is_too_long(f) for f in forms],
    }
    pq.write_table(pa.table(columns), path)


def _without_contacts(raw_query: str) -> str:
    for pattern, word in ((MAIL, " email "), (CARD, " card "), (PHONE, " phone ")):
        raw_query = re.sub(pattern, word, raw_query, flags=re.ASCII)
    return raw_query


def measured(day: BigDay, format_name: str, folder: Path, given: argparse.Namespace) -> Result:
    """Run both sides in turn, `--rounds` times, and return the median run of each with the differences of their tables.

    Args:
        day: the delivered day.
        format_name: `json` or `parquet`.
        folder: the folder of the day's files in that format.
        given: the arguments of the command line.
    """
    root, home, other = folder.parent, folder / "ours", folder / "duckdb"
    key = root / "pseudonym.key"
    if not key.exists():
        key.write_text(secrets.token_hex(32) + "\n")
    catalog = root / "catalog.jsonl.gz"
    ours: list[Side] = []
    theirs: list[Side] = []
    for n in range(given.rounds):
        for path in (home, other):
            shutil.rmtree(path, ignore_errors=True)
            path.mkdir()
        shutil.copy(key, home / "key")
        report, log = home / "told.json", folder / f"ours-{n}.log"
        words = [
            folder,
            "--catalog",
            catalog,
            "--home",
            home,
            "--json",
            report,
            "--run-date",
            day.run_date,
            "--memory",
            f"{given.memory}g",
        ]
        peak = peak_rss_of("benchmarks.ingest_ours", words, log, given.timeout)
        details = json.loads(report.read_text())
        ours.append(Side(details.pop("seconds"), peak, details))
        print(f"{format_name}: ours {ours[-1].total:,.1f} s", file=sys.stderr)
        report = other / "told.json"
        words = [
            folder,
            "--catalog",
            catalog,
            "--key",
            key,
            "--requests",
            root / "requests.parquet",
            "--out",
            other,
            "--json",
            report,
            "--memory",
            f"{given.memory}GB",
        ]
        peak = peak_rss_of("benchmarks.ingest_duckdb", words, folder / f"duckdb-{n}.log", given.timeout)
        theirs.append(Side(json.loads(report.read_text()), peak, {}))
        print(f"{format_name}: DuckDB {theirs[-1].total:,.1f} s", file=sys.stderr)
    files = [file_of(folder, kind) for kind in ("searches", "events")]
    plain = file_of(root / "parquet", "searches")
    [(impressions,)] = duckdb.execute(f"SELECT sum(len(results))::BIGINT FROM read_parquet('{plain}')").fetchall()
    return Result(
        format_name,
        sum(f.stat().st_size for f in files),
        impressions,
        _median(ours),
        _median(theirs),
        differences(home / "lake", other),
    )


def _median(of: list[Side]) -> Side:
    return sorted(of, key=lambda side: side.total)[(len(of) - 1) // 2]


def summary(day: BigDay, results: Sequence[Result]) -> dict[str, Any]:
    """The content of the `--json` file: the headline figures first, then everything that was measured."""
    ratios: dict[str, Any] = {f"{r.format}_over_duckdb": round(r.ratio, 3) for r in results}
    return ratios | {
        "rows_per_s": round(min(r.impressions / r.ours.total for r in results)),
        "peak_rss_gb": round(max(r.ours.peak_rss for r in results) / 1e9, 2),
        "longest_task_over_median": round(max(worst_ratio(r.ours.details["stages"]) for r in results), 2),
        "mismatches": sum(d.mismatches for r in results for d in r.differences),
        "day": asdict(day),
        "formats": {
            r.format: asdict(r)
            | {
                "ours": r.ours.as_dict(),
                "duckdb": r.duckdb.as_dict(),
                "rows_per_s": round(r.impressions / r.ours.total),
                "rows_per_s_duckdb": round(r.impressions / r.duckdb.total),
            }
            for r in results
        },
    }


def main(arguments: Sequence[str] | None = None) -> int:
    """Make the day unless it exists, measure both sides, compare their tables, and print one table."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.ingest", description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--searches", type=int, default=2_000_000, help="of the day, about ten results each")
    parser.add_argument("--hot-share", type=float, default=0.0, help="share of the searches that ask one head query")
    parser.add_argument("--formats", default=",".join(FORMATS), help="json, parquet, by comma")
    parser.add_argument("--rounds", type=int, default=1, help="the median run of each side counts")
    parser.add_argument("--memory", type=int, default=6, help="GB for the JVM's heap, and for DuckDB")
    parser.add_argument("--timeout", type=int, default=3600, help="seconds for one side")
    parser.add_argument("--out", type=Path, default=Path("var/ingest-benchmark"), help="files, lakes and logs go here")
    parser.add_argument("--json", type=Path, help="write the result into this file")
    given = parser.parse_args(arguments)
    formats = tuple(f.strip() for f in given.formats.split(",") if f.strip())
    if not formats or set(formats) - set(FORMATS):
        parser.error(f"--formats: {given.formats!r}; known: {', '.join(FORMATS)}")
    if min(given.rounds, given.memory, given.timeout) < 1 or given.searches < 20 or not 0 <= given.hot_share < 1:
        parser.error("--rounds, --memory, --timeout: 1 or more; --searches: 20 or more; --hot-share: from 0 to below 1")
    day = BigDay(given.searches, given.hot_share)
    folders = delivered_day(day, given.out.resolve(), formats)
    requests = next(iter(folders.values())).parent / "requests.parquet"
    requests_table(folders.values(), requests)
    try:
        results = [measured(day, name, folder, given) for name, folder in folders.items()]
    except ChildFailed as failure:
        print(failure, file=sys.stderr)
        return 1
    report = summary(day, results)
    print_report(report)
    if given.json is not None:
        given.json.parent.mkdir(parents=True, exist_ok=True)
        given.json.write_text(json.dumps(report, indent=2, default=str) + "\n", encoding="utf-8")
    return 1 if report["mismatches"] else 0


if __name__ == "__main__":
    sys.exit(main())
