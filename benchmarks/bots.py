"""Benchmark: the searches that the bot rules exclude, against the simulator's truth, by kind of account.

    python -m benchmarks.bots --worlds default,voice,drift --seeds 7,8,9 --json var/bots.json

A run (one world, one seed) simulates logs, reads them as ingest does (each id once, queries in their normal form) and applies the
rules of `events.bots` with their default thresholds. Exit codes: 0 every bar is met, 1 one is not, 2 bad arguments.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchmarks.worlds import Run
from events.bots import BotRules, bot_days, chosen_artists

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession

PEOPLE, HOUSEHOLD = "people", "household"
# bars: the share of the searches of a kind of account that must, or may at most, be excluded
AT_LEAST = {"scraper": 0.95, "replay": 0.95, "slow_farm": 0.8}
AT_MOST = {PEOPLE: 0.005, HOUSEHOLD: 0.01}


def simulated(run: Run, out: Path) -> Path:
    """The folder with the run's logs and truth; they are simulated now unless the folder has them for the same arguments."""
    folder = out / f"{run.world}-{run.seed}"
    marker = folder / "arguments.json"
    command = run.simulate_command(folder)
    arguments = command[command.index("simulator.generate") + 1 :]
    if not marker.exists() or json.loads(marker.read_text(encoding="utf-8")) != arguments:
        subprocess.run(command, check=True, timeout=3600, stdout=subprocess.DEVNULL, stdin=subprocess.DEVNULL)
        marker.write_text(json.dumps(arguments) + "\n", encoding="utf-8")
    return folder


def raw_log(spark: SparkSession, folder: Path, kind: str, key: str, columns: Sequence[str]) -> DataFrame:
    """One row per `key` of the delivered searches or events, Parquet and JSON Lines alike."""
    from functools import reduce

    from pyspark.sql import functions as F

    files = sorted(folder.glob(f"logs/{kind}/date=*/part-*"))
    parquet = [str(f) for f in files if f.suffix == ".parquet"]
    lines = [str(f) for f in files if f.suffix != ".parquet"]
    frames = [spark.read.parquet(*parquet)] if parquet else []
    frames += [spark.read.json(lines)] if lines else []
    typed = [
        f.select(*[F.col(c).cast("bigint" if c == "dwell_ms" else "string").alias(c) for c in columns]) for f in frames
    ]
    return reduce(lambda a, b: a.unionByName(b), typed).dropDuplicates([key])


def inputs(spark: SparkSession, folder: Path) -> tuple[DataFrame, DataFrame]:
    """The inputs of `bot_days` from the raw logs: the searches with their queries, and the chosen artists."""
    from pyspark.sql import functions as F

    from queries.nightly.understand import normalised

    searches = raw_log(
        spark, folder, "searches", "search_id", ("search_id", "user_id", "ts", "client", "locale", "raw_query")
    )
    searches = searches.withColumn("ts", F.to_timestamp("ts")).withColumn("search_date", F.to_date("ts"))
    queries = normalised(searches.select("raw_query", "locale").distinct()).select("raw_query", "locale", "query")
    events = raw_log(spark, folder, "events", "event_id", ("event_id", "search_id", "track_id", "kind", "dwell_ms"))
    events = events.join(searches.select("search_id", "search_date"), "search_id")
    catalog = spark.read.json(str(folder / "catalog.jsonl.gz"))
    artists = catalog.select("track_id", F.lower(F.col("artists")[0]).alias("artist"))
    return searches.join(queries, ["raw_query", "locale"]), chosen_artists(events, artists)


def measured(spark: SparkSession, folder: Path, rules: BotRules) -> dict[str, Any]:
    """Searches, excluded searches (number, share, by rule) for each kind of account, and the seconds of `bot_days`."""
    from pyspark.sql import functions as F

    behaviour = json.loads((folder / "truth" / "behaviour.json").read_text(encoding="utf-8"))
    kinds = behaviour["bots"] | {HOUSEHOLD: behaviour["household"]}
    accounts = spark.createDataFrame(
        [(user, kind) for kind, users in kinds.items() for user in users], "user_id string, account string"
    )
    searches, choices = (frame.persist() for frame in inputs(spark, folder))
    searches.count(), choices.count()
    begun = time.perf_counter()
    verdicts = bot_days(searches, choices, rules).persist()
    n_verdicts = verdicts.count()
    seconds = time.perf_counter() - begun
    tagged = searches.join(F.broadcast(verdicts), ["user_id", "search_date"], "left")
    tagged = tagged.join(F.broadcast(accounts), "user_id", "left")
    counted = tagged.groupBy(F.coalesce("account", F.lit(PEOPLE)).alias("account"), "rule").count().collect()
    for frame in (searches, choices, verdicts):
        frame.unpersist()
    table: dict[str, Any] = {}
    for kind in (*AT_LEAST, *AT_MOST):
        by_rule = {r["rule"]: int(r["count"]) for r in counted if r["account"] == kind and r["rule"]}
        searched = sum(int(r["count"]) for r in counted if r["account"] == kind)
        excluded = sum(by_rule.values())
        table[kind] = {"searches": searched, "excluded": excluded, "by_rule": by_rule}
        table[kind]["share"] = excluded / searched if searched else None
    return {"kinds": table, "verdicts": n_verdicts, "verdict_seconds": round(seconds, 2)}


def misses(result: dict[str, Any]) -> list[str]:
    """The kinds of account whose excluded share misses its bar, in words; kinds without searches are left out."""
    shares = {kind: row["share"] for kind, row in result["kinds"].items() if row["share"] is not None}
    return [f"{k} {shares[k]:.2%} < {bar:.1%}" for k, bar in AT_LEAST.items() if k in shares and shares[k] < bar] + [
        f"{k} {shares[k]:.2%} > {bar:.1%}" for k, bar in AT_MOST.items() if k in shares and shares[k] > bar
    ]


def print_run(run: Run, result: dict[str, Any]) -> None:
    """Print the table of one run, one row per kind of account."""
    from rich.console import Console
    from rich.table import Table

    title = f"{run.world}, seed {run.seed}: {result['verdicts']:,} verdicts in {result['verdict_seconds']} s"
    table = Table(title=title, title_justify="left")
    for column in ("account", "searches", "excluded", "share", "bar", "by rule"):
        table.add_column(column, justify="left" if column in ("account", "by rule") else "right")
    for kind, row in result["kinds"].items():
        bar = f"≥ {AT_LEAST[kind]:.0%}" if kind in AT_LEAST else f"≤ {AT_MOST[kind]:.1%}"
        share = "–" if row["share"] is None else f"{row['share']:.2%}"
        by_rule = ", ".join(f"{rule} {n:,}" for rule, n in sorted(row["by_rule"].items()))
        table.add_row(kind, f"{row['searches']:,}", f"{row['excluded']:,}", share, bar, by_rule)
    Console(width=None if sys.stdout.isatty() else 120).print(table)


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure every world and seed in one Spark session; print a table for each, and write JSON if `--json` is given."""
    from lake.session import SessionSettings, spark_session
    from night.command import settings_from_words

    parser = argparse.ArgumentParser(prog="python -m benchmarks.bots", description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--worlds", default="default", help="names, by comma")
    parser.add_argument("--seeds", default="7,8,9", help="whole numbers, by comma")
    parser.add_argument("--days", type=int, default=28)
    parser.add_argument("--searches-per-day", type=int, default=5000)
    parser.add_argument("--out", type=Path, default=Path("var/bots"), help="one folder a run goes here")
    parser.add_argument("--json", type=Path, help="write every table into this file")
    given = parser.parse_args(arguments)
    try:
        seeds = [int(seed) for seed in given.seeds.split(",")]
    except ValueError:
        parser.error(f"--seeds: {given.seeds!r} is not a list of whole numbers such as 7,8,9")
    if given.days < 1 or given.searches_per_day < 1:
        parser.error("--days and --searches-per-day must be 1 or more")
    runs = [Run(w.strip(), s, given.days, given.searches_per_day) for w in given.worlds.split(",") for s in seeds]
    rules = settings_from_words(["run_date=2026-01-01"]).bots
    spark = spark_session(SessionSettings("benchmark of bots", "local[2]", "2g", work_dir=str(given.out / "spark")))
    results, missed = [], []
    try:
        for run in runs:
            result = measured(spark, simulated(run, given.out), rules)
            print_run(run, result)
            results.append({"world": run.world, "seed": run.seed, **result})
            missed += [f"{run.world}, seed {run.seed}: {miss}" for miss in misses(result)]
    finally:
        spark.stop()
    print(f"bars missed: {'; '.join(missed)}" if missed else f"every bar is met in {len(runs)} runs")
    if given.json is not None:
        given.json.parent.mkdir(parents=True, exist_ok=True)
        given.json.write_text(json.dumps(results, indent=2) + "\n", encoding="utf-8")
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
