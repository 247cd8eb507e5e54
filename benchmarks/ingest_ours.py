"""Our side of `benchmarks.ingest`: jobs.ingest and jobs.count_engagement over one delivered day, timed step by step.

    python -m benchmarks.ingest_ours FOLDER --catalog FILE --run-date D --home DIR --json FILE [--memory 6g]

Starting the session and importing modules are not timed. The bot rules run with thresholds that nobody reaches: their work is in
our time, and the counts stay comparable with DuckDB's side, which has no bot rules.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, get_type_hints

from benchmarks.children import on_two_cores
from benchmarks.tasks import EVENT_LOG, heaviest, recorded, stages
from events.bots import BotRules
from jobs import count_engagement, ingest
from lake.io import Lake
from lake.session import SessionSettings, spark_session
from night.command import settings_from_words, words_under
from night.night import Night
from night.settings import Settings

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

OUT_OF_REACH = 1_000_000


def overrides(folder: Path, catalog: Path, run_date: str, home: Path) -> list[str]:
    """Hydra overrides of a night over the logs in `folder` that writes everything under `home`, and excludes no bots."""
    of_bots = get_type_hints(BotRules)
    # the integer settings are thresholds above which a rule fires, except those in seconds
    unreached = [f"bots.{n}={OUT_OF_REACH}" for n, kind in of_bots.items() if kind is int and not n.endswith("_s")]
    return [*words_under(home, f"{folder}/logs", catalog, run_date), *unreached]


def timed_steps(night: Night) -> dict[str, float]:
    """Run jobs.ingest and jobs.count_engagement; returns the seconds of each."""
    seconds = {}
    for name, run in (("ingest", ingest.run), ("count_engagement", count_engagement.run)):
        begun = time.perf_counter()
        run(night)
        seconds[name] = round(time.perf_counter() - begun, 3)
    return seconds


def _session(settings: Settings, log: Path) -> SparkSession:
    cluster = settings.cluster
    log.mkdir(parents=True)
    return spark_session(
        SessionSettings(
            "ingest benchmark",
            cluster.master,
            cluster.memory,
            cluster.shuffle_partitions,
            False,
            "",
            cluster.work_dir,
            {**cluster.extra, **EVENT_LOG, "spark.eventLog.dir": log.resolve().as_uri()},
            cluster.java_options,
        )
    )


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the two steps over one delivered day in a new lake, and write their times, actions and stages to the JSON file."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.ingest_ours", description=(__doc__ or "").split("\n")[0]
    )
    parser.add_argument("folder", type=Path, help="holds logs/")
    for name in ("catalog", "home", "json"):
        parser.add_argument(f"--{name}", type=Path, required=True)
    parser.add_argument("--run-date", required=True)
    parser.add_argument("--memory", default="6g")
    given = parser.parse_args(arguments)
    on_two_cores()
    words = overrides(given.folder, given.catalog, given.run_date, given.home)
    settings = settings_from_words([*words, "cluster.master='local[2]'", f"cluster.memory={given.memory}"])
    begun = time.perf_counter()
    spark = _session(settings, given.home / "eventlog")
    session_s = time.perf_counter() - begun
    night = Night(settings, Lake(spark, Path(settings.lake.root)))
    with recorded(spark) as actions:
        seconds = timed_steps(night)
    night.lake.flush_ledger()
    version = spark.version
    spark.stop()
    [log] = (given.home / "eventlog").iterdir()
    heavy = heaviest(stages(log, actions))
    report = {
        "seconds": seconds,
        "session_s": session_s,
        "spark": version,
        "actions": [asdict(a) for a in actions],
        "stages": [asdict(s) for s in heavy],
    }
    given.json.write_text(json.dumps(report) + "\n")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
