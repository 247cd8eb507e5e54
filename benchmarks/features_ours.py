"""Our side of `benchmarks.features`: it runs actions one after another in one process.

    python -m benchmarks.features_ours [--memory 8g] [--warm FOLDER HOME] ACTION FOLDER HOME [ACTION FOLDER HOME …]

FOLDER holds `logs/` and `catalog.jsonl.gz`; the last delivered day is the new one. Each action writes its times to
`HOME/ACTION.json`:

- `prepare` makes the lake as the previous night left it, with the inputs of this night: ingested logs, read queries, exposure
  curves, candidates.
- `night` runs jobs.count_engagement (the new day and the provisional ones) and jobs.build_features (the snapshot of D) on a copy
  of it.
- `cut` proposes a quarter of the candidates per query on another copy, and `fewer` is the night over that: the two nights give
  the cost of a candidate.
- `whole` is the full recomputation: `prepare` with all days counted in one go, and the build of D; both are timed.
- `families` builds each feature family alone over the counts of `night`.

Starting the session is not timed; planning and commits are. `--warm` runs the night over another prepared folder first, untimed,
because in a real night ingest and understand have run in the session before, and the JVM has compiled the code that all steps
share. The time of that first night is reported as `cold_s`.
"""

from __future__ import annotations

import argparse
import json
import shutil
import time
from collections.abc import Sequence
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchmarks.children import on_two_cores
from benchmarks.ingest_ours import overrides
from features.catalogue import FAMILIES, feature_table
from features.measures import LONGEST_DAYS
from jobs import build_features, candidates, count_engagement, fit_exposure, ingest, understand
from lake.io import Lake
from lake.schema import Table
from lake.session import SessionSettings, spark_session
from lake.tables.daily import BOT_DAYS, DAILY_ENGAGEMENT, DAILY_SEARCHES, ENGAGEMENT_TILES, LISTENER_TILES
from lake.tables.logs import ENGAGEMENT_EVENTS, SEARCH_LOG, TRACKS
from lake.tables.nightly import CANDIDATES, EXPOSURE_CURVES, HEARD, NEEDS, WORDINGS
from night.command import settings_from_words
from night.night import Night

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

    from night.settings import Settings

SHARED = (SEARCH_LOG, ENGAGEMENT_EVENTS, TRACKS, WORDINGS, NEEDS, HEARD, EXPOSURE_CURVES, CANDIDATES)
COUNTED = (DAILY_ENGAGEMENT, ENGAGEMENT_TILES, LISTENER_TILES, DAILY_SEARCHES, BOT_DAYS)
PAIRS = feature_table("need_track")
ACTIONS = ("prepare", "whole", "night", "cut", "fewer", "families")
# days of history before which no training snapshot is built, so that the night builds that of D alone
_NEVER = 1_000_000


def run_date_of(folder: Path) -> date:
    """D: the day after the newest delivered folder."""
    return date.fromisoformat(max(p.name for p in (folder / "logs" / "searches").glob("date=*"))[5:]) + timedelta(1)


def prepare(spark: SparkSession, settings: Settings, home: Path, *, whole: bool = False) -> dict[str, Any]:
    """Make the lake as the previous night left it, with the inputs of this night.

    Args:
        spark: the session.
        settings: the settings of the night.
        home: the folder of the lake.
        whole: run the action `whole` of the module instead.

    Returns:
        Seconds of each step.
    """
    lake = Lake(spark, home / "lake")
    tonight = Night(settings, lake)
    day_before = Night(replace(settings, run_date=str(tonight.run_date - timedelta(1))), lake)
    first = Night(replace(settings, run_date=str(tonight.folders[0].day + timedelta(1))), lake)
    steps = [
        ("first_day", ingest.run, first),
        ("ingest", ingest.run, tonight),
        ("count", count_engagement.run, tonight if whole else day_before),
        ("understand", understand.run, tonight),
        ("exposure", fit_exposure.run, tonight),
        ("candidates", candidates.run, tonight),
    ]
    seconds = {}
    for name, run, night in steps:
        begun = time.perf_counter()
        run(night)
        seconds[name] = round(time.perf_counter() - begun, 2)
        print(name, seconds[name], flush=True)
    if not whole:
        return {"seconds": seconds}
    begun, before = time.perf_counter(), _bytes(home / "lake")
    build_features.run(tonight)
    timed = {"count": seconds["count"], "build": round(time.perf_counter() - begun, 2)}
    return figures_of(tonight, timed, _bytes(home / "lake") - before)


def clone(home: Path, name: str, own: Sequence[Table]) -> Path:
    """Make a lake at `home`/`name` with links to the tables that are only read, and with copies of the tables `own`."""
    root = home / name
    shutil.rmtree(root, ignore_errors=True)
    root.mkdir()
    for table in (s for s in SHARED if s not in own):
        (root / table.name).symlink_to(home / "lake" / table.name)
    for table in own:
        shutil.copytree(home / "lake" / table.name, root / table.name)
    return root


def night(spark: SparkSession, settings: Settings, root: Path) -> dict[str, Any]:
    """Run the count and the build; returns the seconds of each, and the figures of `figures_of`."""
    this = Night(settings, Lake(spark, root))
    before = _bytes(root)
    seconds = {}
    for name, run in (("count", count_engagement.run), ("build", build_features.run)):
        begun = time.perf_counter()
        run(this)
        seconds[name] = round(time.perf_counter() - begun, 2)
        print(name, seconds[name], flush=True)
    return figures_of(this, seconds, _bytes(root) - before)


def figures_of(this: Night, seconds: dict[str, float], bytes_written: int) -> dict[str, Any]:
    """The result of a night: seconds of count and build, bytes written, and numbers of rows, pairs, candidates, impressions."""
    days = this.window(LONGEST_DAYS)
    daily = this.lake.read(DAILY_ENGAGEMENT, days, allow_unvalidated=True)
    whole = this.lake.read(DAILY_ENGAGEMENT, allow_unvalidated=True)
    return {
        "seconds": seconds,
        "bytes_written": bytes_written,
        "days_held": len(this.lake.commits(DAILY_ENGAGEMENT)),
        "partials_read": daily.count(),
        "active_pairs": daily.select("locale", "query", "track_id").distinct().count(),
        "candidates": this.lake.commits(PAIRS)[this.settings.run_date].rows,
        "most_candidates": this.settings.ranking.max_needs * this.settings.candidates.cap,
        "impressions": int(whole.agg({"impressions": "sum"}).collect()[0][0]),
        "searches": sum(c.rows for c in this.lake.commits(SEARCH_LOG).values()),
    }


def families(spark: SparkSession, settings: Settings, root: Path) -> dict[str, Any]:
    """Build each feature family alone over the counted lake; returns the seconds of each."""
    seconds = {}
    for name in FAMILIES:
        shutil.rmtree(root / PAIRS.name, ignore_errors=True)
        one = replace(settings, features=replace(settings.features, only=[name]))
        begun = time.perf_counter()
        build_features.run(Night(one, Lake(spark, root)))
        seconds[name] = round(time.perf_counter() - begun, 2)
        print(name, seconds[name], flush=True)
    return {"seconds": seconds}


def _bytes(root: Path) -> int:
    return sum(p.stat().st_size for p in root.rglob("*.parquet"))  # links to shared tables are not followed


def settings_over(folder: Path, home: Path, memory: str) -> Settings:
    """The settings of the night over the folder: two cores, and no training snapshots."""
    words = overrides(folder, folder / "catalog.jsonl.gz", str(run_date_of(folder)), home)
    words += [f"ranking.min_history_days={_NEVER}", "cluster.master='local[2]'", f"cluster.memory={memory}"]
    return settings_from_words(words)


def run_action(spark: SparkSession, action: str, settings: Settings, home: Path) -> dict[str, Any]:
    """Run one action (see the module); returns what it writes to its JSON file."""
    if action in ("prepare", "whole"):
        return prepare(spark, settings, home, whole=action == "whole")
    if action == "families":
        return families(spark, settings, home / "night")
    if action == "fewer":
        return night(spark, settings, home / "fewer")
    if action == "night":
        return night(spark, settings, clone(home, "night", COUNTED))
    few = replace(settings, candidates=replace(settings.candidates, cap=settings.candidates.cap // 4))
    begun = time.perf_counter()
    candidates.run(Night(few, Lake(spark, clone(home, "fewer", (*COUNTED, CANDIDATES)))))
    return {"seconds": {"candidates": round(time.perf_counter() - begun, 2)}}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the actions in order, and write the result of each to its JSON file."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.features_ours", description=(__doc__ or "").split("\n")[0]
    )
    parser.add_argument("--memory", default="8g")
    parser.add_argument("--warm", type=Path, nargs=2, metavar=("FOLDER", "HOME"), help="run over this one first")
    parser.add_argument("steps", nargs="+", metavar="ACTION FOLDER HOME", help=f"ACTION: {', '.join(ACTIONS)}")
    given = parser.parse_args(arguments)
    steps = [
        (action, Path(folder), Path(home).resolve())
        for action, folder, home in zip(given.steps[::3], given.steps[1::3], given.steps[2::3], strict=False)
    ]
    if len(given.steps) % 3 or any(action not in ACTIONS for action, _, _ in steps):
        parser.error(f"expected threes of ACTION ({', '.join(ACTIONS)}), FOLDER and HOME")
    on_two_cores()
    cluster = settings_over(*steps[0][1:], given.memory).cluster
    begun = time.perf_counter()
    spark = spark_session(
        SessionSettings(
            "features benchmark",
            cluster.master,
            cluster.memory,
            cluster.shuffle_partitions,
            False,
            "",
            cluster.work_dir,
            dict(cluster.extra),
            cluster.java_options,
        )
    )
    common: dict[str, Any] = {"session_s": round(time.perf_counter() - begun, 2), "spark": spark.version}
    if given.warm:
        folder, other = (p.resolve() for p in given.warm)
        first = night(spark, settings_over(folder, other, given.memory), clone(other, "warm", COUNTED))
        common["cold_s"] = round(sum(first["seconds"].values()), 2)
    for action, folder, home in steps:
        print(action, folder.name, flush=True)
        result = common | run_action(spark, action, settings_over(folder, home, given.memory), home)
        (home / f"{action}.json").write_text(json.dumps(result) + "\n")
    spark.stop()
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
