"""Benchmark of the feature engine: a night against a full recomputation, and the full recomputation against DuckDB.

    python -m benchmarks.features --json var/features-benchmark.json                # 1.6 to 2.5 hours on two cores, 60 GB of disk
    python -m benchmarks.features --per-day 2000 --days 90 --sizes 60000,120000      # small, to see it work

(a) A night (counting and the features of D) over days of about 100,000 impressions: with 28 and with `--days` days of history;
the full recomputation from the ingested logs; and the fixed cost, which is the same night over as many nearly empty days. Each
night runs in its own process, whose JVM runs a nearly empty night first, because in a real night other steps have run before; the
time of that first night is reported, too. (b) The counted features from the logs of the last 28 days of (a), and of 28 days with
each of `--sizes` searches: our time against DuckDB SQL on the same files, with all values compared at every size. (c) Peak
memory. (d) Seconds by feature family.

"All anew", the full recomputation, counts all days in one go and builds D. For a folder whose night is measured, it is the sum of
the count that prepared its lake (of all days but the newest, which is added in proportion) and of the night's own build, which
reads the same; DuckDB is then compared with that night's lake. The starting lakes are prepared in one process, the nearly empty
days first and the year last; the full recomputations of `--sizes` and the families run in another. Everything runs on two cores;
starting the session is not timed. The cost of a night with days of 20 million impressions is predicted from two nights with days
of different size, one of them also with a quarter of the candidates per list (see `benchmarks.features_cost.predicted`).
Exit codes: 0; 1 if a value differs or a child process failed; 2 bad arguments.
"""

from __future__ import annotations

import argparse
import json
import shutil
import subprocess
import sys
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from benchmarks.children import ChildFailed, peak_rss_of
from benchmarks.features_cost import Run, exponent, predicted
from benchmarks.features_ours import run_date_of
from benchmarks.features_table import print_report
from lake.code import code_fingerprint
from lake.fingerprint import fingerprint

# a prepared lake and its times are valid for one state of this code
ROOMS = ("conf", "events", "features", "jobs", "lake", "queries", "ranking", "simulator")
SHORT_DAYS = 28
NEARLY_EMPTY = 60  # searches per day; the time of a night over such days is the fixed cost
BIG_DAY = 20_000_000  # impressions, for which a night is predicted


class Benchmark:
    """Simulates the worlds under `out`, each once, and runs child processes over them."""

    def __init__(self, out: Path, memory_gb: int, timeout_s: int, duckdb_gb: int) -> None:
        self.out, self.memory, self.timeout, self.duckdb_gb = out, memory_gb, timeout_s, duckdb_gb
        self.peak = 0

    def world(self, days: int, per_day: int) -> Path:
        """The folder of logs with so many days and searches per day; simulated again only if the simulator has changed."""
        folder = self.out / f"world-{days}-{per_day}"
        made_by, simulator = folder / "simulator", code_fingerprint("simulator")
        if not (made_by.exists() and made_by.read_text() == simulator):
            shutil.rmtree(folder, ignore_errors=True)
            words = [f"out={folder}", f"days={days}", f"searches_per_day={per_day}", "seed=7"]
            command = [sys.executable, "-m", "simulator.generate", *words]
            done = subprocess.run(command, capture_output=True, text=True, timeout=self.timeout, check=False)
            if done.returncode:
                raise ChildFailed(f"the simulation failed: {done.stderr.strip()}")
            made_by.write_text(simulator)
        return folder

    def tail(self, world: Path, days: int) -> Path:
        """A folder with the last days of a world, as symbolic links."""
        folder = self.out / f"{world.name}-last-{days}"
        shutil.rmtree(folder, ignore_errors=True)
        for kind in ("searches", "events"):
            (folder / "logs" / kind).mkdir(parents=True)
            for day in sorted((world / "logs" / kind).glob("date=*"))[-days:]:
                (folder / "logs" / kind / day.name).symlink_to(day)
        shutil.copy(world / "logs" / "_SIMULATED", folder / "logs")
        shutil.copy(world / "catalog.jsonl.gz", folder)
        return folder

    def home(self, folder: Path) -> Path:
        """The folder of the lakes over a world, and of the JSON results of its child processes."""
        return self.out / f"home-{folder.name}"

    def ours(self, steps: Sequence[tuple[str, Path]], warm: Path | None = None) -> list[Run]:
        """Run actions of `benchmarks.features_ours` in one process; a lake that the same code has prepared is used again.

        Args:
            steps: (action, folder) in order.
            warm: a prepared folder; the process runs a night over it first, untimed, so that its JVM has compiled the code.

        Returns:
            The run of each step.
        """
        words: list[object] = ["--memory", f"{self.memory}g", *(["--warm", warm, self.home(warm)] if warm else [])]
        asked = [(action, folder) for action, folder in steps if action != "prepare" or not self._is_prepared(folder)]
        for action, folder in asked:
            if action in ("prepare", "whole"):
                shutil.rmtree(self.home(folder), ignore_errors=True)
                self.home(folder).mkdir()
            words += [action, folder, self.home(folder)]
        if asked:
            named = "-".join(dict.fromkeys(f"{action}-{folder.name}" for action, folder in asked[:2]))
            log = self.out / f"{named}.log"
            print(f"{', '.join(f'{action} {folder.name}' for action, folder in asked)}: see {log}", file=sys.stderr)
            peak = peak_rss_of("benchmarks.features_ours", words, log, self.timeout)
            for action, folder in asked:
                file = self._result_file(action, folder)
                file.write_text(json.dumps(json.loads(file.read_text()) | {"peak": peak, "code": self._code()}) + "\n")
        runs = []
        for action, folder in steps:
            result = json.loads(self._result_file(action, folder).read_text())
            runs.append(Run(result, result["peak"]))
            print(
                f"  {action} {folder.name}: {runs[-1].seconds:,.1f} s, {result['peak'] / 1e9:.1f} GB", file=sys.stderr
            )
        self.peak = max(self.peak, *(run.peak for run in runs))
        return runs

    def _is_prepared(self, folder: Path) -> bool:
        file = self._result_file("prepare", folder)
        return file.exists() and json.loads(file.read_text()).get("code") == self._code()

    def _code(self) -> str:
        return fingerprint([code_fingerprint(*ROOMS), self.memory])

    def _result_file(self, action: str, folder: Path) -> Path:
        return self.home(folder) / f"{action}.json"

    def duckdb(self, folder: Path, home: Path, built: Path) -> tuple[float, int]:
        """Compute the features with DuckDB and compare them with a lake.

        Args:
            folder: the world.
            home: the folder of its prepared lake.
            built: the lake in which we have built the same features.

        Returns:
            DuckDB's seconds, and the number of values that differ.
        """
        file = home / "duckdb.json"
        words = [
            home,
            "--run-date",
            run_date_of(folder),
            "--json",
            file,
            "--against",
            built,
            "--memory",
            f"{self.duckdb_gb}GB",
        ]
        peak_rss_of("benchmarks.features_duckdb", words, home / "duckdb.log", self.timeout)
        result = json.loads(file.read_text())
        apart = result["mismatches"]
        print(f"  duckdb {folder.name}: {result['seconds']:,.1f} s; values apart: {apart or 'none'}", file=sys.stderr)
        return float(result["seconds"]), sum(apart.values())


def all_anew(prepared: Run, night: Run) -> dict[str, float]:
    """Seconds of count and build of the full recomputation, where the night is measured: see "all anew" in the module."""
    days = night.result["days_held"]
    return {"count": prepared.result["seconds"]["count"] * days / (days - 1), "build": night.result["seconds"]["build"]}


def against_duckdb(bench: Benchmark, folder: Path, run: Run, seconds: float, lake: str) -> dict[str, Any]:
    """The full recomputation over a folder's days by both sides, as one row of the table.

    Args:
        bench: the benchmark.
        folder: the world.
        run: our run, for the numbers of searches and impressions.
        seconds: our time.
        lake: the name, in the world's home, of the lake whose values are compared with DuckDB's.
    """
    home = bench.home(folder)
    theirs, apart = bench.duckdb(folder, home, home / lake)
    return {
        "searches": run.result["searches"],
        "impressions": run.result["impressions"],
        "ours_s": round(seconds, 2),
        "duckdb_s": theirs,
        "mismatches": apart,
    }


def measured(bench: Benchmark, per_day: int, days: int, sizes: Sequence[int]) -> dict[str, Any]:
    """Measure everything; the result is what the tables show and `--json` writes."""
    asked = [(days, per_day), (days, NEARLY_EMPTY), *[(SHORT_DAYS, size // SHORT_DAYS) for size in sizes]]
    with ThreadPoolExecutor(2) as both_cores:  # the simulator uses one; nothing is timed yet
        year, empty_year, larger, *largest = both_cores.map(lambda world: bench.world(*world), asked)
    short, empty = (bench.tail(world, SHORT_DAYS) for world in (year, empty_year))
    steps = [("prepare", world) for world in (empty, empty_year, short, larger, year)]
    _, of_nothing, of_short, of_larger, of_year, _ = bench.ours([*steps, ("cut", larger)])
    # the two nearly empty nights share a process, each other night has its own
    nights = dict(
        zip(("empty", "empty_long"), bench.ours([("night", empty), ("night", empty_year)], empty), strict=True)
    )
    for name, action, folder in (
        ("short", "night", short),
        ("larger", "night", larger),
        ("fewer", "fewer", larger),
        ("long", "night", year),
    ):
        [nights[name]] = bench.ours([(action, folder)], empty)
    against = []
    for name, folder, before in (("short", short, of_short), ("larger", larger, of_larger)):
        seconds = sum(all_anew(before, nights[name]).values())
        against.append(against_duckdb(bench, folder, nights[name], seconds, "night"))
    *wholes, by_family = bench.ours([*[("whole", folder) for folder in largest], ("families", short)])
    for folder, run in zip(largest, wholes, strict=True):
        against.append(against_duckdb(bench, folder, run, run.seconds, "lake"))
    full = all_anew(of_year, nights["long"])
    full_s, fixed = sum(full.values()), nights["empty"].seconds
    cold_s = float(nights["empty"].result["cold_s"])  # the first night of a process, whose JVM has compiled nothing yet
    start = max(cold_s - fixed, 0.0)
    full_fixed_s = sum(all_anew(of_nothing, nights["empty_long"]).values())
    big = predicted(nights, full_s, full_fixed_s, BIG_DAY)
    variable = [max(nights[n].seconds - fixed, 1e-9) for n in ("short", "long")]
    return {
        "incremental_speedup_365": round(full_s / nights["long"].seconds, 2),
        "incremental_speedup_365_cold": round((full_s + start) / (nights["long"].seconds + start), 2),
        "night_365_over_28": round(nights["long"].seconds / nights["short"].seconds, 3),
        "night_365_over_28_without_fixed": round(variable[1] / variable[0], 3),
        "predicted_speedup_20m_day": round(big.full_s / big.night_s, 2),
        "predicted_speedup_20m_day_unbounded": round(big.unbounded_full_s / big.unbounded_night_s, 2),
        "full_over_duckdb": round(against[-1]["ours_s"] / against[-1]["duckdb_s"], 2),
        "peak_rss_gb": round(bench.peak / 1e9, 2),
        "oracle_mismatches": sum(a["mismatches"] for a in against),
        "cost_exponent": round(exponent([a["searches"] for a in against], [a["ours_s"] for a in against]), 3),
        "days": days,
        "fixed_s": round(fixed, 2),
        "fixed_cold_s": round(cold_s, 2),
        "full_s": round(full_s, 2),
        "fixed_long_s": round(nights["empty_long"].seconds, 2),
        "full_fixed_s": round(full_fixed_s, 2),
        "full": nights["long"].result | {"seconds": full},
        "nights": {
            n: r.result | {"total_s": round(r.seconds, 2), "peak_gb": round(r.peak / 1e9, 2)} for n, r in nights.items()
        },
        "predicted": {name: round(value, 2) for name, value in vars(big).items()},
        "us_per_impression": round((full_s - full_fixed_s) / nights["long"].result["impressions"] * 1e6, 2),
        "families_s": by_family.result["seconds"],
        "against_duckdb": against,
    }


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure, print the table, write the JSON."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.features", description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--per-day", type=int, default=17_300, help="searches a day of (a), of 5.8 impressions each")
    parser.add_argument("--days", type=int, default=365, help="of history in (a), more than 28")
    parser.add_argument(
        "--sizes", default="1000000,2000000,4000000", help="searches in 28 days of (b), by comma, beside (a)'s 28 days"
    )
    parser.add_argument("--memory", type=int, default=8, help="GB for the JVM's heap")
    parser.add_argument(
        "--duckdb-memory",
        type=int,
        default=20,
        help="GB for DuckDB: at 4 million searches its last join may spill 50 GB even with 20",
    )
    parser.add_argument("--timeout", type=int, default=7200, help="seconds for one child")
    parser.add_argument(
        "--out", type=Path, default=Path("var/features-benchmark"), help="worlds, lakes and logs go here"
    )
    parser.add_argument("--json", type=Path, help="write the result into this file")
    given = parser.parse_args(arguments)
    sizes = [int(s) for s in given.sizes.split(",") if s.strip().isdigit()]
    if not sizes or sizes != sorted(set(sizes)) or sizes[0] < SHORT_DAYS:
        parser.error(f"--sizes {given.sizes!r}: expected rising numbers of searches, by comma")
    if given.days <= SHORT_DAYS or min(given.per_day, given.memory, given.duckdb_memory, given.timeout) < 1:
        parser.error(f"--days: more than {SHORT_DAYS}; --per-day, --memory, --duckdb-memory, --timeout: 1 or more")
    out = given.out.resolve()
    out.mkdir(parents=True, exist_ok=True)
    try:
        report = measured(
            Benchmark(out, given.memory, given.timeout, given.duckdb_memory), given.per_day, given.days, sizes
        )
    except ChildFailed as failure:
        print(failure, file=sys.stderr)
        return 1
    print_report(report)
    if given.json is not None:
        given.json.parent.mkdir(parents=True, exist_ok=True)
        given.json.write_text(json.dumps(report, indent=2) + "\n", encoding="utf-8")
    return 1 if report["oracle_mismatches"] else 0


if __name__ == "__main__":
    sys.exit(main())
