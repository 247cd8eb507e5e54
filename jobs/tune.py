"""Search the ranker's parameters on the night's training examples, in a child process with Ray."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import date
from pathlib import Path

import hydra
from hydra.core.hydra_config import HydraConfig
from hydra.types import RunMode
from omegaconf import DictConfig

from night.checks import search_settings
from night.command import run_command
from night.night import Done, Night, run_alone
from night.sweeps import EVERY_DAYS, NIGHTS, result_file, run_sweep, sweep_settings, winner_file
from ranking.scoring import feature_list
from tuning.errors import SweepFailed
from tuning.leaderboard import print_side_by_side
from tuning.settings import SearchSettings
from tuning.winner import Winner


def run_if_due(night: Night) -> Done:
    """Run the night's own sweep if `nightly.tune` says so: never, always, or auto (first night, then every seventh run_date).

    The night's sweep is reproducible: a fixed design of parameter points, each trained to its end without pruning. If the sweep
    fails or does not end in time, the night notes it and goes on with the newest earlier winner or the default parameters; the
    next night tries again.
    """
    mode = night.settings.nightly.tune
    sweeps = sorted(Path(night.settings.tuning.sweeps).glob("winner-*.json"))
    usable = [
        f for f in sweeps if json.loads(f.read_text())["winner"]["features_fingerprint"] == feature_list().fingerprint
    ]
    earlier = [date.fromisoformat(f.stem.removeprefix("winner-")) for f in usable]
    earlier = [d for d in earlier if d < night.run_date]
    due = not earlier or (night.run_date - max(earlier)).days >= EVERY_DAYS
    if not night.as_of:
        return Done(skipped=True, note="no training examples")
    if mode == "never" or (mode == "auto" and not due):
        why = "nightly.tune=never" if mode == "never" else f"last sweep {max(earlier)}; every {EVERY_DAYS} days"
        return Done(skipped=True, note=why)
    settings = replace(
        search_settings(night.settings), name=f"{NIGHTS}{night.settings.run_date}", prune=False, resume=False
    )
    try:
        return run_sweep(night, settings, winner_file(night.settings))
    except SweepFailed as failure:
        night.notes.append(f"the night went on without its sweep, which the next one tries again: {failure}")
        return Done(skipped=True, note="failed: see the notes")


def run(night: Night) -> Done:
    """Run a scientist's sweep over the night's examples, in a folder under `tuning.sweeps`; the night's files do not change."""
    settings = sweep_settings(night)
    return run_sweep(night, settings, result_file(night.settings, settings.name))


def swept(night: Night) -> Done:
    """`run` for one combination of a `--multirun`; it keeps the winner for the comparison that is printed after the last one."""
    done = run(night)
    settings = sweep_settings(night)
    stored = json.loads(result_file(night.settings, settings.name).read_text())
    _finished.append((settings, Winner.from_dict(stored["winner"])))
    return done


_finished: list[tuple[SearchSettings, Winner]] = []


@hydra.main(version_base="1.3", config_path="pkg://conf", config_name="night")
def main(config: DictConfig) -> None:
    """Run one named sweep; with `--multirun`, one for each combination of values."""
    running = HydraConfig.get()
    if running.mode == RunMode.MULTIRUN and config.sweep:
        config.sweep = f"{config.sweep}-{running.job.num}"
    run_alone("tune", swept, config)


def main_and_compare() -> None:
    """Run the sweeps, and print their results side by side if there are several."""
    main()
    if len(_finished) > 1:
        print_side_by_side(_finished)


if __name__ == "__main__":
    run_command(main_and_compare, "jobs.tune")
