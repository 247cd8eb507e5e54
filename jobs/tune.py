"""Search the ranker's parameters on the night's training examples, in a child process with Ray."""

from __future__ import annotations

from dataclasses import replace

import hydra
from hydra.core.hydra_config import HydraConfig
from hydra.types import RunMode
from omegaconf import DictConfig

from night.checks import search_settings
from night.command import exit_on_error, run_command, settings_of
from night.night import Done, Night
from night.promotion import promote, to_be_judged, use_first_winner
from night.sweeps import (
    EVERY_DAYS,
    NIGHTS,
    has_result,
    result_file,
    run_sweep,
    run_sweep_alone,
    sweep_dates,
    sweep_settings,
)
from tuning.errors import SweepFailed
from tuning.leaderboard import print_side_by_side
from tuning.settings import SearchSettings
from tuning.winner import Winner


def _not_due(night: Night) -> str:
    """Why the night runs no sweep of its own, in words; "" if one is due."""
    if not night.as_of:
        return "no training examples"
    mode = night.settings.nightly.tune
    if mode == "never":
        return "nightly.tune=never"
    earlier = [day for day in sweep_dates(night) if day < night.run_date]
    is_due = mode == "always" or not earlier or (night.run_date - max(earlier)).days >= EVERY_DAYS
    return "" if is_due else f"last sweep {max(earlier)}; every {EVERY_DAYS} days"


def _nights_own(night: Night) -> SearchSettings:
    """The settings of the night's own sweep: reproducible, and over all its examples."""
    return replace(
        search_settings(night.settings),
        name=f"{NIGHTS}{night.settings.run_date}",
        search="design",
        objectives=("ndcg10",),
        prune=False,
        resume=False,
        seeds=1,
        hold_back=False,
        permute_labels=False,
    )


def to_do(night: Night) -> str:
    """Why the night's own sweep would run, in words; "" if it is not due, or has run on these examples."""
    if earlier := to_be_judged(night):
        return f"the winner of {earlier} can be compared with the one in use"
    own = _nights_own(night)
    if _not_due(night) or has_result(night, own, result_file(night.settings, own.name)):
        return ""
    return "no sweep on these examples, settings and code"


def run_if_due(night: Night) -> Done:
    """Run the night's own sweep if `nightly.tune` says so: never, always, or auto (first night, then every seventh run_date).

    The night's sweep is reproducible: a fixed design of parameter points, each trained to its end without pruning. If the sweep
    fails or does not end in time, the night notes it and goes on with the newest earlier winner or the default parameters; the
    next night tries again. Its winner is used at once where no earlier one is in use; otherwise a later night compares the two on a
    snapshot that the sweep never read (`night.promotion.promote`).
    """
    if earlier := to_be_judged(night):
        night.notes.append(f"{earlier}: {promote(night, earlier).words}")
    if why := _not_due(night):
        return Done(skipped=True, note=why)
    try:
        own = _nights_own(night)
        done = run_sweep(night, own, result_file(night.settings, own.name))
        use_first_winner(night, own.name)
        return done
    except SweepFailed as failure:
        night.notes.append(f"the night went on without its sweep, which the next one tries again: {failure}")
        return Done(skipped=True, note="failed: see the notes")


def run(night: Night) -> Done:
    """Run a scientist's sweep over the night's examples, in a folder under `tuning.sweeps`; the night's files do not change."""
    settings = sweep_settings(night)
    return run_sweep(night, settings, result_file(night.settings, settings.name))


_finished: list[tuple[SearchSettings, Winner]] = []


@hydra.main(version_base="1.3", config_path="pkg://conf", config_name="night")
def main(config: DictConfig) -> None:
    """Run one named sweep; with `--multirun`, one for each combination of values."""
    running = HydraConfig.get()
    if running.mode == RunMode.MULTIRUN and config.sweep:
        config.sweep = f"{config.sweep}-{running.job.num}"
    with exit_on_error("jobs.tune"):
        words = {word.partition("=")[0].lstrip("+") for word in running.overrides.task}
        settings, winner, note = run_sweep_alone(settings_of(config), words)
        print(f"tune @ {config.run_date}: {note}")
        _finished.append((settings, winner))


def main_and_compare() -> None:
    """Run the sweeps, and print their results side by side if there are several."""
    main()
    if len(_finished) > 1:
        print_side_by_side(_finished)


if __name__ == "__main__":
    run_command(main_and_compare, "jobs.tune")
