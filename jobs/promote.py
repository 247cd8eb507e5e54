"""Let the nights use the winner of a sweep, if it is better than what they use on a later snapshot that it never read."""

from __future__ import annotations

import hydra
from omegaconf import DictConfig

from night.command import run_command
from night.night import Done, Night, run_alone
from night.promotion import promote
from night.sweeps import winner_file


def run(night: Night) -> Done:
    """Compare the winner of `sweep=NAME` with the parameters in use; "no better" is a normal answer, and changes nothing."""
    name = night.settings.sweep
    verdict = promote(night, name)
    where = f"; in {winner_file(night.settings)}. Next: jobs.train or the next night" if verdict.is_promoted else ""
    return Done(0, int(verdict.is_promoted), f"{name}: {verdict.words}{where}", skipped=verdict.was_known)


@hydra.main(version_base="1.3", config_path="pkg://conf", config_name="night")
def main(config: DictConfig) -> None:
    """Run this command alone."""
    run_alone("promote", run, config)


if __name__ == "__main__":
    run_command(main, "jobs.promote")
