"""List the sweeps, newest first; with `sweep=A,B` those side by side. Reads files alone: no Spark and no lock.

`tuning.optuna=URL` and `tuning.mlflow=URL` copy those that have ended to other tools (`tuning.tracking`).
"""

from __future__ import annotations

import difflib
from pathlib import Path

import hydra
from omegaconf import DictConfig, OmegaConf
from rich.console import Console

from lake.errors import BadConfiguration
from night.command import exit_on_error, run_command, settings_of
from night.night import reading_night
from night.settings import Settings
from night.sweeps import copies_of
from tuning.listing import Sweep, print_comparison, print_sweeps, sweeps_of
from tuning.tracking import copied


def chosen_sweeps(settings: Settings, names: list[str]) -> list[Sweep]:
    """The sweeps with these names, in that order; all of them without a name.

    Raises BadConfiguration for an unknown name, with the nearest one.
    """
    known = sweeps_of(Path(settings.tuning.sweeps))
    by_name = {sweep.name: sweep for sweep in known}
    if unknown := [name for name in names if name not in by_name]:
        nearest = (difflib.get_close_matches(unknown[0], by_name, 1, 0.0) or ["none"])[0]
        raise BadConfiguration(f"sweep={unknown[0]}: no such sweep in {settings.tuning.sweeps} (nearest: {nearest})")
    return [by_name[name] for name in names] or known


@hydra.main(version_base="1.3", config_path="pkg://conf", config_name="night")
def main(config: DictConfig) -> None:
    """Print the list, or the comparison."""
    with exit_on_error("jobs.sweeps"):
        if OmegaConf.is_missing(config, "run_date"):
            config.run_date = "1970-01-01"  # no data of a night is read
        names = [name.strip() for name in str(config.sweep).split(",") if name.strip()]
        config.sweep = ""  # a list of names is not one name
        settings = reading_night(settings_of(config)).settings
        sweeps, plain = chosen_sweeps(settings, names), Console()
        console = plain if plain.is_terminal else Console(width=180)
        if not sweeps:
            print(f"no sweeps in {settings.tuning.sweeps} yet. Start one: python -m jobs.tune run_date=… sweep=NAME")
        elif names:
            print_comparison(sweeps, console)
        else:
            print_sweeps(sweeps, console)
        for sweep in sweeps:
            if sweep.winner:
                folder = Path(settings.tuning.sweeps) / sweep.name
                for line in copied(copies_of(settings), folder, sweep.settings, sweep.winner):
                    print(line)


if __name__ == "__main__":
    run_command(main, "jobs.sweeps")
