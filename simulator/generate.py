"""Simulate voice and screen music-search logs with known truth: `python -m simulator.generate out=DIR seed=7 …`."""

from __future__ import annotations

import sys
import time
from collections.abc import Sequence

from simulator.catalog_file import write_catalog
from simulator.day import simulated_day
from simulator.logs import searches_table
from simulator.settings import BadSimulation, Settings, settings_from
from simulator.world import built_world
from simulator.writing import LogWriter, TruthWriter, cleared


def simulate(settings: Settings) -> dict[str, int]:
    """Write `logs/`, `catalog.jsonl.gz` and `truth/` under `settings.out`, day by day; returns the rows written of each kind."""
    world = built_world(settings)
    out = cleared(settings)
    write_catalog(world.rows, out / "catalog.jsonl.gz")
    world.rows.clear()
    logs, truth = LogWriter(settings, out), TruthWriter(world, out)
    truth.write_world()
    for day in range(settings.days + 1):
        batch, plays = simulated_day(world, day)
        truth.add(batch, day)
        table = searches_table(world, batch, day)
        if day == settings.days:  # the day after the last log
            truth.write_unseen(batch, day, table)
            break
        logs.write_day(world, batch, plays, table, day)
    truth.close()
    return logs.rows | {"tracks": len(world.tracks), "needs": len(world.listed), "requests": len(world.texts.texts)}


def main(words: Sequence[str]) -> int:
    """Run the command; returns exit code 0, or 2 with one line on stderr that says what to do."""
    begun = time.perf_counter()
    try:
        settings = settings_from(words)
        rows = simulate(settings)
    except BadSimulation as error:
        print(f"simulator: {error}", file=sys.stderr)
        return 2
    counts = ", ".join(f"{n:,} {what}" for what, n in rows.items())
    seconds = time.perf_counter() - begun
    print(f"simulated {settings.world} seed {settings.seed}: {counts}; {settings.out}; {seconds:.1f} s")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
