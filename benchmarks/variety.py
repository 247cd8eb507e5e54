"""Benchmark: what the costs of `ranking.variety` are worth to listeners, by the simulator's truth.

    python -m benchmarks.variety --arms broad.artist=0.25 broad.artist=0.5,open.artist=0.5 --days 28 --json var/variety.json

A world whose listeners tire of an artist (`simulator/worlds/tiring.yaml`) is simulated, and one night is run over it. Then every arm
orders the same scores with its own costs, and its release serves the same days over HTTP; first of all `none`, in which nothing costs.
Printed is the share of searches with a track that satisfied, and its difference from `none` with a 95 % interval: paired by day, since
all arms face the same sessions. The night has one ranker, so the interval is that of these listeners, not of other rankers.
Exit codes: 0 done, 1 a night or a simulation failed, 2 bad arguments.
"""

from __future__ import annotations

import argparse
import json
import shutil
import sys
from collections.abc import Sequence
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

from evaluation.intervals import paired_t
from evaluation.report import write_json
from ranking.head import Costs, Variety
from tools.loop import HISTORY, Loop, LoopFailed, run_night, serving

NONE = "none"
SIMULATED = (
    "catalog.jsonl.gz",
    "live",
    "live-settings.json",
    "asked.json",
    "shown.parquet",
    f"waiting-{HISTORY}",
    "truth",
)


def released(loop: Loop, costs: str) -> Path:
    """Run the night with these costs (all others 0); the folder of its releases."""
    nothing = [f"ranking.variety.{group.name}.{cost.name}=0" for group in fields(Variety) for cost in fields(Costs)]
    own = [f"ranking.variety.{cost}" for cost in costs.split(",") if cost != NONE]
    return Path(run_night([*loop.night_words(HISTORY), *nothing, *own]).releases)


def listened(loop: Loop, costs: str, releases: Path, days: int) -> list[dict[str, Any]]:
    """What listeners got on each of `days` days that the newest release served."""
    folder = loop.folder.parent / costs
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    for name in SIMULATED:
        if (source := loop.folder / name).is_dir():
            shutil.copytree(source, folder / name)
        elif source.exists():
            shutil.copy2(source, folder / name)
    own = replace(loop, folder=folder)
    with serving(releases) as address:
        own.simulate(HISTORY + days, address)
    return [json.loads(path.read_text()) for path in sorted((folder / "live").glob("*.json"))[HISTORY:]]


def measures(day: dict[str, Any]) -> dict[str, float]:
    """The success of a day: of all searches, of broad needs, and by kind."""
    return {
        "all": day["success"],
        "broad": day["broad"]["success"],
        **{kind: of["success"] for kind, of in day["by_kind"].items()},
    }


def compared(days: list[dict[str, Any]], against: list[dict[str, Any]]) -> dict[str, dict[str, float]]:
    """By measure: the mean, and the difference from the other arm with its 95 % interval over days."""
    ours, theirs = [measures(day) for day in days], [measures(day) for day in against]
    out = {}
    for name in ours[0]:
        difference = [one[name] - other[name] for one, other in zip(ours, theirs, strict=True)]
        mean = sum(one[name] for one in ours) / len(ours)
        interval = paired_t(difference)
        out[name] = {"success": mean, "ahead": interval.mean, "low": interval.low, "high": interval.high}
    return out


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the benchmark; see the module."""
    parser = argparse.ArgumentParser(description=str(__doc__).splitlines()[0])
    parser.add_argument("--arms", nargs="+", required=True, help="costs, by comma: GROUP.NAME=NUMBER")
    parser.add_argument("--days", type=int, default=28, help="days that each arm serves")
    parser.add_argument("--searches-per-day", type=int, default=4000)
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--world", default="tiring")
    parser.add_argument("--out", type=Path, default=Path("var/variety"))
    parser.add_argument("--json", type=Path)
    given = parser.parse_args(arguments)
    folder = (given.out / f"{given.world}-{given.seed}" / "world").resolve()
    folder.mkdir(parents=True, exist_ok=True)
    loop = Loop("still", given.seed, given.days, given.searches_per_day, given.world, folder)
    results: dict[str, Any] = {}
    none: list[dict[str, Any]] = []
    try:
        if loop.days < HISTORY:
            loop.simulate(HISTORY)
        for costs in (NONE, *given.arms):
            days = listened(loop, costs, released(loop, costs), given.days)
            none = none or days
            results[costs] = compared(days, none)
            print(costs, flush=True)
            for name, one in results[costs].items():
                print(
                    f"  {name:<13} {one['success']:.4f}  {one['ahead']:+.4f} [{one['low']:+.4f}, {one['high']:+.4f}]",
                    flush=True,
                )
    except LoopFailed as error:
        print(f"benchmarks.variety: {error}", file=sys.stderr)
        return 1
    if given.json:
        write_json(results, given.json)
    return 0


if __name__ == "__main__":
    sys.exit(main())
