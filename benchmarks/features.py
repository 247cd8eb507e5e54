"""The feature engine: a night against a recomputation of everything, and everything against DuckDB. One run, one table.

    python -m benchmarks.features --json var/features-benchmark.json                # an hour and a half and some on two cores
    python -m benchmarks.features --per-day 2000 --days 90 --sizes 60000,120000      # small, to see it work

(a) Days of about 100,000 impressions: the night (counting and features of D) with 28 and with `--days` days of history, the same
from the ingested logs alone, and the fixed cost (the night over 28 nearly empty days). Before each the JVM does the nearly empty
night, since in a night other steps have run before these; what that costs in a fresh JVM is told beside it. (b) The counted features
from the logs of (a)'s last 28 days and of 28 days with each of `--sizes` searches, ours against DuckDB SQL on the same files; values
are compared at every size. "All anew" is the count of all days in one go and the build of D; where a night is measured too, it is the
count that the night was prepared with (all days but the newest) and the night's own build, which reads the same, and what DuckDB is
compared with there is that night's lake. (c) Peak memory, (d) seconds a family. Each measurement is a process of its own, on two
cores; the session's start is left out. What a night with days of 20 million impressions would cost follows from two nights with days
of different size, one of them also with lists of 30 candidates at most (see `predicted`).
Exit codes: 0; 1 where a value differs or a child failed; 2 bad arguments.
"""

from __future__ import annotations

import argparse
import json
import math
import shutil
import statistics
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.children import ChildFailed, peak_rss_of
from benchmarks.features_ours import run_date_of
from benchmarks.features_table import print_report

SHORT_DAYS = 28
NEARLY_EMPTY = 60  # searches a day, of which the night's time is the fixed cost
BIG_DAY = 20_000_000  # impressions, for which a night is predicted


@dataclass(frozen=True)
class Run:
    """One child: what it told, and the peak of its memory in bytes."""

    told: dict[str, Any]
    peak: int

    @property
    def seconds(self) -> float:
        """Seconds of all its timed steps."""
        return float(sum(self.told["seconds"].values()))


class Benchmark:
    """Makes worlds under `out` once, and runs children over them."""

    def __init__(self, out: Path, memory_gb: int, timeout_s: int, duckdb_gb: int) -> None:
        self.out, self.memory, self.timeout, self.duckdb_gb = out, memory_gb, timeout_s, duckdb_gb
        self.peak = 0

    def world(self, days: int, per_day: int) -> Path:
        """A folder with simulated logs of so many days and searches a day; made once."""
        folder = self.out / f"world-{days}-{per_day}"
        if not (folder / "truth" / "_SUCCESS").exists():
            shutil.rmtree(folder, ignore_errors=True)
            words = [f"out={folder}", f"days={days}", f"searches_per_day={per_day}", "seed=7"]
            command = [sys.executable, "-m", "simulator.generate", *words]
            done = subprocess.run(command, capture_output=True, text=True, timeout=self.timeout, check=False)
            if done.returncode:
                raise ChildFailed(f"the simulation failed: {done.stderr.strip()}")
        return folder

    def tail(self, world: Path, days: int) -> Path:
        """The last days of a world, as links."""
        folder = self.out / f"{world.name}-last-{days}"
        shutil.rmtree(folder, ignore_errors=True)
        for kind in ("searches", "events"):
            (folder / "logs" / kind).mkdir(parents=True)
            for day in sorted((world / "logs" / kind).glob("date=*"))[-days:]:
                (folder / "logs" / kind / day.name).symlink_to(day)
        shutil.copy(world / "logs" / "_SIMULATED", folder / "logs")
        shutil.copy(world / "catalog.jsonl.gz", folder)
        return folder

    def prepared(self, folder: Path) -> Path:
        """The home with the lake of the night before."""
        home = self.out / f"home-{folder.name}"
        if not (home / "prepare.json").exists():
            shutil.rmtree(home, ignore_errors=True)
            home.mkdir()
            self.ours("prepare", folder, home)
        return home

    def ours(self, action: str, folder: Path, home: Path, warm: Path | None = None) -> Run:
        """One action of `benchmarks.features_ours`, after a night over the prepared folder `warm`."""
        told = home / f"{action}.json"
        words = [action, folder, "--home", home, "--json", told, "--memory", f"{self.memory}g"]
        words += ["--warm", warm, self.prepared(warm)] if warm else []
        peak = peak_rss_of("benchmarks.features_ours", words, home / f"{action}.log", self.timeout)
        self.peak = max(self.peak, peak)
        run = Run(json.loads(told.read_text()), peak)
        print(f"{folder.name} {action}: {run.seconds:,.1f} s, {peak / 1e9:.1f} GB", file=sys.stderr)
        return run

    def duckdb(self, folder: Path, home: Path, built: Path) -> tuple[float, int]:
        """Seconds of DuckDB, and the values in which the lake `built` differs from it."""
        told = home / "duckdb.json"
        words = [home, "--run-date", run_date_of(folder), "--json", told, "--against", built,
                 "--memory", f"{self.duckdb_gb}GB"]  # fmt: skip
        peak_rss_of("benchmarks.features_duckdb", words, home / "duckdb.log", self.timeout)
        said = json.loads(told.read_text())
        apart = said["mismatches"]
        print(f"{folder.name} duckdb: {said['seconds']:,.1f} s; values apart: {apart or 'none'}", file=sys.stderr)
        return float(said["seconds"]), sum(apart.values())


def exponent(sizes: Sequence[float], seconds: Sequence[float]) -> float:
    """Slope of the least-squares line of ln(seconds) on ln(size): 1 is proportional."""
    return float(statistics.linear_regression([math.log(s) for s in sizes], [math.log(s) for s in seconds]).slope)


@dataclass(frozen=True)
class Predicted:
    """Seconds of a night and of a recomputation, both also as they were if the head set had no bound, and what they rest on."""

    night_s: float
    full_s: float
    unbounded_night_s: float
    unbounded_full_s: float
    candidates: float
    us_per_candidate: float
    us_per_impression: float  # of one day, the candidates' cost aside
    history_s: float  # what a year of the measured days adds to a night


def predicted(nights: Mapping[str, Run], full_s: float, fixed_s: float, per_day: float) -> Predicted:
    """What days of `per_day` impressions would cost, with a year of them.

    A night's build costs something for each candidate (`larger` against `fewer`: the same logs, other candidates). Counting costs
    something for each impression of a day, and so does the build, the candidates' cost aside (`larger` against `short`: 28 days of
    another size). What the year's night (`long`) takes longer than that of 28 such days is for its history, and grows with the day, too.
    The recompute grows by what an impression of the year cost beyond the fixed cost. Candidates grow as they did from `short` to
    `larger`, for both alike, up to as many as the settings allow: so many lists of so many tracks.
    """
    short, larger, fewer, year = (nights[n] for n in ("short", "larger", "fewer", "long"))
    days_apart, times = a_day(larger) - a_day(short), per_day / a_day(year)

    def held(run: Run) -> float:
        return float(run.told["candidates"])

    def slower(a: Run, b: Run, step: str) -> float:
        return float(a.told["seconds"][step] - b.told["seconds"][step])

    each = max(slower(larger, fewer, "build") / (held(larger) - held(fewer)), 0.0)
    building = max(slower(larger, short, "build") - each * (held(larger) - held(short)), 0.0) / days_apart
    impression = max(slower(larger, short, "count"), 0.0) / days_apart + building
    history = max(year.seconds - short.seconds - each * (held(year) - held(short)), 0.0)
    wanted = held(year) + (per_day - a_day(year)) * (held(larger) - held(short)) / days_apart
    bounded = min(wanted, max(float(year.told["most_candidates"]), held(year)))

    def night(candidates: float) -> float:
        days = impression * (per_day - a_day(year)) + history * (times - 1)
        return year.seconds + days + each * (candidates - held(year))

    def full(candidates: float) -> float:
        return fixed_s + (full_s - fixed_s - each * held(year)) * times + each * candidates

    return Predicted(
        night(bounded), full(bounded), night(wanted), full(wanted), bounded, each * 1e6, impression * 1e6, history
    )


def a_day(run: Run) -> float:
    """Impressions of a day."""
    return float(run.told["impressions"]) / float(run.told["days_held"])


def all_anew(bench: Benchmark, folder: Path, night: Run) -> dict[str, float]:
    """Seconds of count and build of everything anew, of a folder whose night is measured: see (b) of the module."""
    counted = json.loads((bench.prepared(folder) / "prepare.json").read_text())["seconds"]["count"]
    return {"count": counted, "build": night.told["seconds"]["build"]}


def against_duckdb(bench: Benchmark, folder: Path, night: Run | None = None) -> dict[str, Any]:
    """Everything anew over the folder's days, ours and DuckDB's; `night`: that of the folder, where it is measured."""
    home = bench.out / f"home-{folder.name}"
    if night is None:
        shutil.rmtree(home, ignore_errors=True)
        home.mkdir()
        run, built = bench.ours("whole", folder, home), home / "lake"
        seconds = run.seconds
    else:
        run, built, seconds = night, home / "night", sum(all_anew(bench, folder, night).values())
    theirs, apart = bench.duckdb(folder, home, built)
    return {
        "searches": run.told["searches"], "impressions": run.told["impressions"], "ours_s": round(seconds, 2), "duckdb_s": theirs,
        "mismatches": apart,
    }  # fmt: skip


def measured(bench: Benchmark, per_day: int, days: int, sizes: Sequence[int]) -> dict[str, Any]:
    """Everything that the table shows and `--json` writes."""
    empty = bench.world(SHORT_DAYS, NEARLY_EMPTY)
    year = bench.world(days, per_day)
    short = bench.tail(year, SHORT_DAYS)
    larger, *largest = (bench.world(SHORT_DAYS, size // SHORT_DAYS) for size in sizes)
    bench.ours("cut", larger, bench.prepared(larger))
    nights = {
        name: bench.ours("fewer" if name == "fewer" else "night", folder, bench.prepared(folder), empty)
        for name, folder in (("empty", empty), ("short", short), ("larger", larger), ("fewer", larger), ("long", year))
    }
    against = [against_duckdb(bench, folder, nights[name]) for name, folder in (("short", short), ("larger", larger))]
    against += [against_duckdb(bench, folder) for folder in largest]
    by_family = bench.ours("families", short, bench.prepared(short)).told["seconds"]
    full = all_anew(bench, year, nights["long"])
    full_s, fixed = sum(full.values()), nights["empty"].seconds
    cold_s = float(nights["empty"].told["cold_s"])  # of a JVM that has compiled nothing yet: each child's first night
    start = max(cold_s - fixed, 0.0)
    big = predicted(nights, full_s, fixed, BIG_DAY)
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
        "days": days, "fixed_s": round(fixed, 2), "fixed_cold_s": round(cold_s, 2), "full_s": round(full_s, 2),
        "full": nights["long"].told | {"seconds": full},
        "nights": {n: r.told | {"total_s": round(r.seconds, 2), "peak_gb": round(r.peak / 1e9, 2)} for n, r in nights.items()},
        "predicted": {name: round(value, 2) for name, value in vars(big).items()},
        "us_per_impression": round((full_s - fixed) / nights["long"].told["impressions"] * 1e6, 2),
        "families_s": by_family, "against_duckdb": against,
    }  # fmt: skip


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure, print the table, write the JSON."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.features", description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--per-day", type=int, default=18_400, help="searches a day of (a), about 5.5 impressions each")
    parser.add_argument("--days", type=int, default=365, help="of history in (a), more than 28")
    parser.add_argument(
        "--sizes", default="1000000,2000000,4000000", help="searches in 28 days of (b), by comma, beside (a)'s 28 days"
    )
    parser.add_argument("--memory", type=int, default=8, help="GB for the JVM's heap")
    parser.add_argument(
        "--duckdb-memory",
        type=int,
        default=20,
        help="GB for DuckDB: with 16 its spill can fill 50 GB of disk at 4 million searches",
    )
    parser.add_argument("--timeout", type=int, default=3600, help="seconds for one child")
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
        told = measured(
            Benchmark(out, given.memory, given.timeout, given.duckdb_memory), given.per_day, given.days, sizes
        )
    except ChildFailed as failure:
        print(failure, file=sys.stderr)
        return 1
    print_report(told)
    if given.json is not None:
        given.json.parent.mkdir(parents=True, exist_ok=True)
        given.json.write_text(json.dumps(told, indent=2) + "\n", encoding="utf-8")
    return 1 if told["oracle_mismatches"] else 0


if __name__ == "__main__":
    sys.exit(main())
