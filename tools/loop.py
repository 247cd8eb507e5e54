"""`make loop`: serve a simulated world from our own releases for some weeks, night after night, with and without exploration.

    python -m tools.loop --nights 28 --seeds 7,8,9 --arms explore,still,policy --out var/loop

For each arm and seed: the simulator's own policy serves HISTORY days; then every night is run over the logs so far, its release is served
over HTTP, and the simulator asks that service for each request of the next day (`simulator/live.py`; the two sides share no code and no
memory). The arms are `explore` (the shipped settings), `still` (no variants) and `policy` (the simulator's policy serves on; no night is
run). A cut-off loop goes on where it stopped; `--so-far` prints what there is, over the whole weeks that all loops have. At the end:
weekly means of what listeners got, by the simulator's truth, and the differences between arms, paired by seed.
Exit codes: 0 done, 1 a night or a simulation failed, 2 bad arguments.
"""

from __future__ import annotations

import argparse
import json
import math
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from evaluation.intervals import paired_t
from night.command import words_under
from serving.http import RankingService
from serving.reader import ReleaseReader

if TYPE_CHECKING:
    from night.settings import Settings

HISTORY = 22  # days that the policy serves first: enough for two training snapshots
FIRST_DATE = date(2026, 1, 5)
WEEK = 7
ARMS = {"explore": (), "still": ("ranking.explore_variants=0",), "policy": None}
FIGURES = (("success", "success"), ("ndcg10", "NDCG@10"), ("new_good", "new good"), ("gini", "Gini"))
SIMULATION_LIMIT_S = 600
NIGHT_LIMIT_S = 3600
ALARM = 0.02  # rise of the Gini coefficient from the first week to the last


class LoopFailed(Exception):
    """A simulation or a night failed; the message names it and its log."""


@dataclass(frozen=True)
class Loop:
    """One arm with one seed: its folder, and how long it goes on."""

    arm: str
    seed: int
    nights: int
    searches_per_day: int
    world: str
    folder: Path

    def simulate(self, until: int, service: str = "") -> None:
        """Simulate the days that are missing up to `until`. Raises LoopFailed."""
        words = [f"out={self.folder}", f"until={until}", f"days={HISTORY + self.nights}", f"seed={self.seed}"]
        words += [
            f"history={HISTORY}",
            f"world={self.world}",
            f"searches_per_day={self.searches_per_day}",
            f"first_date={FIRST_DATE}",
        ]
        command = [sys.executable, "-m", "simulator.live", *words, *([f"service={service}"] if service else [])]
        done = subprocess.run(
            command, capture_output=True, text=True, timeout=SIMULATION_LIMIT_S, check=False, stdin=subprocess.DEVNULL
        )
        if done.returncode:
            raise LoopFailed(f"{self.folder}: the simulation of day {until} failed: {done.stderr.strip()[-400:]}")

    @property
    def days(self) -> int:
        """How many days are simulated."""
        return len(list((self.folder / "live").glob("*.json")))

    def night_words(self, day: int) -> list[str]:
        """The settings of the night after `day` days."""
        home = self.folder
        return [
            *words_under(home, home / "logs", home / "catalog.jsonl.gz", str(FIRST_DATE + timedelta(days=day))),
            "nightly.tune=never",
            "nightly.until=publish",
            "ranking.max_needs=5000",
            *(ARMS[self.arm] or ()),
        ]


@contextmanager
def serving(releases: Path) -> Iterator[str]:
    """The address of a service over the releases."""
    with RankingService(ReleaseReader(releases), 0) as service:
        thread = threading.Thread(target=service.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        try:
            yield f"http://127.0.0.1:{service.server_port}"
        finally:
            service.shutdown()
            thread.join(timeout=30)


def run(loop: Loop) -> None:
    """Run what is missing of a loop. Raises LoopFailed."""
    loop.folder.mkdir(parents=True, exist_ok=True)
    if loop.days < HISTORY:
        loop.simulate(HISTORY)
    if ARMS[loop.arm] is None:
        loop.simulate(HISTORY + loop.nights)
        return
    if loop.days == HISTORY + loop.nights:
        return
    # one process for all nights: only the first pays for a JVM that has just started
    first = [sys.executable, "-m", "tools.loop", "--continue", str(loop.folder), "--arms", loop.arm]
    command = [*first, "--seeds", str(loop.seed), "--nights", str(loop.nights), "--world", loop.world]
    command += ["--searches-per-day", str(loop.searches_per_day)]
    with (loop.folder / "nights.log").open("a", encoding="utf-8") as log:
        left = HISTORY + loop.nights - loop.days
        code = subprocess.run(
            command, stdout=log, stderr=log, timeout=NIGHT_LIMIT_S * left, check=False, stdin=subprocess.DEVNULL
        ).returncode
    if code:
        raise LoopFailed(f"{loop.folder}: a night failed (exit code {code}); see {loop.folder / 'nights.log'}")


def go_on(loop: Loop) -> None:
    """Run the nights that are missing, in this process, and after each the day that its release serves."""
    while (day := loop.days) < HISTORY + loop.nights:
        begun = time.monotonic()
        settings = run_night(loop.night_words(day))
        ran = time.monotonic() - begun
        with serving(Path(settings.releases)) as address:
            loop.simulate(day + 1, address)
        print(f"{settings.run_date}: night {ran:.0f} s, day {time.monotonic() - begun - ran:.0f} s", flush=True)


def run_night(words: Sequence[str]) -> Settings:
    """Run the steps of a night with these settings, in this process; returns the settings."""
    from jobs.graph import GRAPH
    from night.command import settings_from_words
    from night.night import night
    from night.step import chosen_steps, run_steps

    settings = settings_from_words(words)
    with night(settings) as this:
        run_steps(this, chosen_steps(GRAPH, settings.nightly.until, settings.nightly.only))
    return settings


def days_of(loop: Loop) -> list[dict[str, Any]]:
    """The figures of the days that were served, oldest first, with those of broad needs beside."""
    rows = [json.loads(path.read_text(encoding="utf-8")) for path in sorted((loop.folder / "live").glob("*.json"))]
    served = [row for row in rows if row["day"] >= HISTORY]
    return [{**row, "new_good": row["broad"]["new_good"], "broad_success": row["broad"]["success"]} for row in served]


def print_table(loops: Sequence[Loop]) -> dict[str, Any]:
    """Print weekly means of each arm, and the paired differences of the last week; returns the same as JSON.

    Raises LoopFailed if there is no week that all loops have whole.
    """
    import numpy as np
    from rich.console import Console
    from rich.table import Table

    console = Console(width=None if sys.stdout.isatty() else 160)
    by_arm: dict[str, list[list[dict[str, Any]]]] = {}
    weeks = min(len(days_of(loop)) for loop in loops) // WEEK
    if not weeks:
        raise LoopFailed(f"there is no whole week of all {len(loops)} loops yet")
    for loop in loops:
        by_arm.setdefault(loop.arm, []).append(days_of(loop)[: weeks * WEEK])
    table = Table(title="What listeners got, by the simulator's truth (means over seeds)", title_justify="left")
    for column in ("arm", "week", *[name for _, name in FIGURES], "broad success", "explored"):
        table.add_column(column, justify="left" if column == "arm" else "right")
    result: dict[str, Any] = {"weeks": {}, "differences": {}}
    for arm, seeds in by_arm.items():
        for week in range(weeks):
            part = [day for days in seeds for day in days[week * WEEK : (week + 1) * WEEK]]
            keys = [*[key for key, _ in FIGURES], "broad_success", "explored"]
            mean = {key: float(np.mean([day[key] for day in part])) for key in keys}
            result["weeks"][f"{arm} {week + 1}"] = mean
            table.add_row(arm, str(week + 1), *[f"{mean[key]:.4f}" for key in keys])
        table.add_section()
    console.print(table)
    for one, other in (("explore", "still"), ("explore", "policy"), ("still", "policy")):
        if one in by_arm and other in by_arm:
            for key in ("success", "ndcg10", "new_good"):
                line = difference(by_arm[one], by_arm[other], key)
                result["differences"][f"{one} - {other}: {key}"] = line
                console.print(
                    f"last week, {one} − {other}, {key}: {line['mean']:+.4f} [{line['low']:+.4f}, {line['high']:+.4f}]"
                )
    for arm, seeds in by_arm.items():
        rise = result["weeks"][f"{arm} {weeks}"]["gini"] - result["weeks"][f"{arm} 1"]["gini"]
        if rise > ALARM:
            console.print(f"ALARM: {arm}: lists concentrate on fewer tracks: the Gini coefficient rose by {rise:.3f}")
        line = change(seeds, "success")
        result["differences"][f"{arm}: last week - first"] = line
        console.print(
            f"{arm}: success, last week − first: {line['mean']:+.4f} [{line['low']:+.4f}, {line['high']:+.4f}]"
        )
    return result


def difference(
    ours: Sequence[list[dict[str, Any]]], theirs: Sequence[list[dict[str, Any]]], key: str
) -> dict[str, float]:
    """The mean difference of the last week with its 95 % interval, paired by seed.

    A seed gives one number, since the days of its week share a world and nearly a ranker.
    """
    return interval([_mean(x[-WEEK:], key) - _mean(y[-WEEK:], key) for x, y in zip(ours, theirs, strict=True)])


def change(seeds: Sequence[list[dict[str, Any]]], key: str) -> dict[str, float]:
    """The change from the first week to the last, one number a seed."""
    return interval([_mean(days[-WEEK:], key) - _mean(days[:WEEK], key) for days in seeds])


def _mean(days: Sequence[dict[str, Any]], key: str) -> float:
    return sum(float(day[key]) for day in days) / len(days)


def interval(values: Sequence[float]) -> dict[str, float]:
    """Mean and 95 % interval of independent values, by Student's t; of a single value the interval is unbounded."""
    if len(values) < 2:
        return {"mean": values[0], "low": -math.inf, "high": math.inf, "n": 1}
    of = paired_t(values)
    return {"mean": of.mean, "low": of.low, "high": of.high, "n": of.n}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run what is missing of the asked loops, print the table, and write all figures as JSON if `--json` is given."""
    parser = argparse.ArgumentParser(prog="python -m tools.loop", description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--nights", type=int, default=28)
    parser.add_argument("--seeds", default="7,8,9", help="whole numbers, by comma")
    parser.add_argument("--arms", default="explore,still,policy", help=f"by comma, of {', '.join(ARMS)}")
    parser.add_argument("--searches-per-day", type=int, default=2000)
    parser.add_argument("--world", default="tiring")
    parser.add_argument("--out", type=Path, default=Path("var/loop"), help="one folder for each arm and seed")
    parser.add_argument("--json", type=Path, help="write every figure into this file")
    parser.add_argument("--so-far", action="store_true", help="run nothing, print the weeks that there are")
    parser.add_argument("--continue", dest="folder", type=Path, help=argparse.SUPPRESS)
    given = parser.parse_args(arguments)
    arms = [arm.strip() for arm in given.arms.split(",") if arm.strip()]
    if unknown := [arm for arm in arms if arm not in ARMS]:
        parser.error(f"--arms: {', '.join(unknown)}; known are {', '.join(ARMS)}")
    if given.nights < WEEK:
        parser.error(f"--nights {given.nights}: expected {WEEK} or more")
    try:
        seeds = [int(seed) for seed in given.seeds.split(",")]
    except ValueError:
        parser.error(f"--seeds: {given.seeds!r} is not a list of whole numbers such as 7,8")

    def loop_of(arm: str, seed: int) -> Loop:
        folder = given.folder or given.out.resolve() / f"{arm}-{seed}"
        return Loop(arm, seed, given.nights, given.searches_per_day, given.world, folder)

    if given.folder:
        go_on(loop_of(arms[0], seeds[0]))
        return 0
    loops = [loop_of(arm, seed) for seed in seeds for arm in arms]
    try:
        for loop in () if given.so_far else loops:
            run(loop)
        result = print_table(loops)
    except LoopFailed as failure:
        print(f"tools.loop: {failure}", file=sys.stderr)
        return 1
    if given.json is not None:
        given.json.parent.mkdir(parents=True, exist_ok=True)
        given.json.write_text(json.dumps(result, indent=2) + "\n", encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
