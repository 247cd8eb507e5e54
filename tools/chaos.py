"""Kill ingest and counting at random moments, run them again to the end, and compare the tables with those of an undisturbed run.

    python -m tools.chaos --times 20 --seed 1 [--out DIR]       (`make chaos`)
    python -m tools.chaos --at search_log,daily_searches        (kill right after these tables were committed)

Each time the whole process group is killed (SIGKILL) at a random moment, on a separate lake; with --at, the runs over one lake
are killed as soon as each of the named tables has its first commit. Exit code 0 if then every table equals the undisturbed one
row for row and no lock is left; 1 otherwise, and also if no run was killed because each ended before its moment. --out is
emptied; it may contain only what an earlier run of this tool left.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from lake.layout import live_files
from lake.lock import is_held
from lake.tables.daily import BOT_DAYS, DAILY_ENGAGEMENT, DAILY_SEARCHES
from lake.tables.logs import DELIVERED_FILES, ENGAGEMENT_EVENTS, QUARANTINE, SEARCH_LOG

TABLES = (SEARCH_LOG, ENGAGEMENT_EVENTS, QUARANTINE, DELIVERED_FILES, DAILY_SEARCHES, DAILY_ENGAGEMENT, BOT_DAYS)
DAYS, FIRST, RUN_DATE = 3, "2026-03-01", "2026-03-04"
LIMIT_S = 400
MARK = "of-chaos"  # this file in --out marks a folder that may be emptied
KEY = "5a1f" * 16  # the pseudonym key of this simulated world
# a run of three small days: compiling its plans, and planning them anew after each stage, would take longer than both save
UNCOMPILED = {
    "spark.sql.codegen.wholeStage": "false",
    "spark.sql.codegen.factoryMode": "NO_CODEGEN",
    "spark.sql.adaptive.enabled": "false",
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Simulate logs, run undisturbed, run with kills, and compare; print one line per lake."""
    parser = argparse.ArgumentParser(prog="python -m tools.chaos", description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--times", type=int, default=20, help="kills at random moments")
    parser.add_argument(
        "--at", default="", help="tables, by comma: kill after their first commit, instead of at random"
    )
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--out", type=Path, default=Path("var/chaos"))
    parser.add_argument("--java-options", default="-XX:TieredStopAtLevel=1 -XX:ReservedCodeCacheSize=256m")
    given = parser.parse_args(arguments)
    tables = [t for t in given.at.split(",") if t]
    unknown = set(tables) - {t.name for t in TABLES}
    if unknown or given.times < 1:
        parser.error(f"--at: tables of {', '.join(t.name for t in TABLES)}; --times: 1 or more")
    out = given.out.resolve()
    if out.is_dir() and any(out.iterdir()) and not (out / MARK).exists():
        parser.error(f"{out} holds what is not of an earlier chaos, and it would be removed. Choose another --out")
    shutil.rmtree(out, ignore_errors=True)
    out.mkdir(parents=True)
    (out / MARK).touch()
    simulate = [
        sys.executable,
        "-m",
        "simulator.generate",
        f"out={out}",
        f"days={DAYS}",
        "searches_per_day=300",
        "seed=5",
        f"first_date={FIRST}",
        "jsonl_days=1",
        "catalog_tracks=5000",
    ]
    subprocess.run(simulate, check=True, timeout=LIMIT_S, capture_output=True)
    (out / "key").write_text(KEY + "\n")
    started = time.monotonic()
    calm = out / "calm"
    (calm / "events").mkdir(parents=True)
    logged = {
        "spark.eventLog.enabled": "true",
        "spark.eventLog.dir": f"{calm}/events",
        "spark.eventLog.compress": "false",
    }
    _finish(_start(out, calm, given.java_options, logged), calm)
    calm_s = time.monotonic() - started
    wanted, draw = _contents(out / "calm"), random.Random(given.seed)
    tries: list[list[str | float]] = [list(tables)] if tables else []
    tries = tries or [[draw.uniform(0.15, 1.0) * calm_s] for _ in range(given.times)]
    bad = kills = 0
    for i, points in enumerate(tries, 1):
        home = out / f"kill-{i}"
        killed = [_disturbed(out, home, point, given.java_options) for point in points]
        _finish(_start(out, home, given.java_options), home)
        wrong = [name for name, hashed in _contents(home).items() if wanted[name] != hashed]
        wrong += ["a lock is left"] if is_held(home / "lake" / "night.lock") else []
        print(
            f"{i:>3}/{len(tries)} {', '.join(outcome for _, outcome in killed)}: {'equal' if not wrong else 'DIFFERS: ' + ', '.join(wrong)}",
            flush=True,
        )
        kills += any(was_killed for was_killed, _ in killed)
        bad += bool(wrong)
        if not wrong:
            shutil.rmtree(home)
    print(
        f"{len(tries) - bad} of {len(tries)} lakes have the tables of the undisturbed one; {kills} of them were killed"
    )
    return 1 if bad or not kills else 0


PROGRAM = """
import sys
from hydra import compose, initialize_config_module
from jobs import count_engagement, ingest
from night.command import exit_on_error, settings_of
from night.night import night
with initialize_config_module("conf", version_base="1.3"):
    settings = settings_of(compose("night", overrides=sys.argv[1:]))
with exit_on_error("chaos"), night(settings) as this:
    print(ingest.run(this), flush=True)
    print(count_engagement.run(this), flush=True)
"""


def _start(
    world: Path, home: Path, java_options: str, options: Mapping[str, str] | None = None
) -> subprocess.Popen[bytes]:
    """Start ingest and counting in one session, with these Spark options too, in a new process group."""
    home.mkdir(parents=True, exist_ok=True)
    extra = ", ".join(f"{key}: {value}" for key, value in {**UNCOMPILED, **(options or {})}.items())
    command = [
        sys.executable,
        "-c",
        PROGRAM,
        f"run_date={RUN_DATE}",
        f"logs={world}/logs",
        f"catalog={world}/catalog.jsonl.gz",
        f"lake.root={home}/lake",
        f"privacy.key_file={world}/key",
        f"privacy.simulated_key_file={world}/key",
        f"cluster.work_dir={home}/spark",
        "cluster.memory=2g",
        "cluster.shuffle_partitions=2",
        f"cluster.java_options='{java_options}'",
        f"reports={home}/reports",
        f"+cluster.extra={{{extra}}}",
    ]
    log = (home / "run.log").open("ab")
    return subprocess.Popen(command, stdout=log, stderr=log, stdin=subprocess.DEVNULL, start_new_session=True)


def _finish(process: subprocess.Popen[bytes], home: Path) -> None:
    code = process.wait(timeout=LIMIT_S)
    if code:
        raise SystemExit(f"the run ended with exit code {code}; see {home / 'run.log'}")


def _disturbed(world: Path, home: Path, point: str | float, java_options: str) -> tuple[bool, str]:
    """Run until a moment, then kill the whole process group.

    Args:
        world: the folder of the simulated logs.
        home: the folder of the lake.
        point: the moment, in seconds from the start, or the table whose first commit is waited for.
        java_options: of Spark's JVM.

    Returns:
        Whether the run was killed, and what happened, in words.
    """
    started = time.monotonic()

    def is_due() -> bool:
        if isinstance(point, str):
            return (home / "lake" / point / "_delta_log" / f"{0:020}.json").exists()
        return time.monotonic() - started >= point

    where = f"after the commit of {point}" if isinstance(point, str) else f"after {point:.1f} s"
    killed = _killed(_start(world, home, java_options), is_due)
    return killed, f"killed {where}" if killed else f"ended before the kill {where}"


def _killed(process: subprocess.Popen[bytes], is_due: Callable[[], bool]) -> bool:
    """Kill the process group once it is due; False if the process ended before."""
    while process.poll() is None:
        if is_due():
            os.killpg(process.pid, signal.SIGKILL)
            process.wait(timeout=60)
            return True
        time.sleep(0.02)
    return False


def _contents(home: Path) -> dict[str, str]:
    """A hash of each table's rows in any order, read without Spark from the files that the Delta log names."""
    return {t.name: _rows_hash(home / "lake" / t.name) for t in TABLES}


def _rows_hash(table: Path) -> str:
    import pyarrow.parquet as pq

    rows = []
    for file in live_files(table):
        # the value of a partition is in the name of its folder only
        place = {"partition": str(file.parent.relative_to(table))}
        rows += [
            json.dumps({**row, **place}, default=str, sort_keys=True) for row in pq.ParquetFile(file).read().to_pylist()
        ]
    return hashlib.sha256("\n".join(sorted(rows)).encode()).hexdigest()


if __name__ == "__main__":
    sys.exit(main())
