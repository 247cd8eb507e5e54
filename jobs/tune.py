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
from night.sweeps import EVERY_DAYS, NIGHTS, named, result_file, searched, winner_file
from ranking.scoring import feature_list
from tuning.errors import SweepFailed
from tuning.leaderboard import print_side_by_side
from tuning.settings import SearchSettings
from tuning.winner import Winner


def run_if_due(night: Night) -> Done:
    """`nightly.tune`: never; always; auto is the first night and then every seventh run_date.

    The night's sweep is repeatable: a fixed design of points, each grown to its end. A night goes on without a sweep that fails or
    does not end in time, with the newest winner there is or the default parameters, and notes it; the next night tries again.
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
        return searched(night, settings, winner_file(night.settings))
    except SweepFailed as failure:
        night.notes.append(f"the night went on without its sweep, which the next one tries again: {failure}")
        return Done(skipped=True, note="failed: see the notes")


def run(night: Night) -> Done:
    """A scientist's sweep over the night's training examples: a folder of its own under `tuning.sweeps`; nothing of the night's changes."""
    settings = named(night)
    return searched(night, settings, result_file(night.settings, settings.name))


def swept(night: Night) -> Done:
    """`run`, whose result is printed side by side with the others' when `--multirun` has run them all."""
    done = run(night)
    settings = named(night)
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
    """The sweeps, then their results side by side if there are several."""
    main()
    if len(_finished) > 1:
        print_side_by_side(_finished)


if __name__ == "__main__":
    run_command(main_and_compare, "jobs.tune")
