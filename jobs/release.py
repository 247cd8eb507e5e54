"""Operate releases in an object store: what `python -m serving.release` does in a folder of a disk, on a copy that is written back.

The lake's lock is not taken, so that a rollback does not wait for a night. Both move the pointers by compare-and-set: of a night that
publishes at the same moment and an operator one comes second, ends with exit code 4, and changes nothing.
"""

from __future__ import annotations

from contextlib import closing

import hydra
from omegaconf import DictConfig, OmegaConf

from night.command import exit_on_error, run_command, settings_of
from night.places import Places
from serving import release


@hydra.main(version_base="1.3", config_path="pkg://conf", config_name="release")
def main(config: DictConfig) -> None:
    """Do what `do` says with the releases of `releases`; the exit code is that of `serving.release`, 4 if somebody else came first."""
    with exit_on_error("jobs.release"):
        if OmegaConf.is_missing(config, "run_date"):
            config.run_date = "1970-01-01"  # no data of a night is read
        words = [str(config.do), *([str(config.id)] if config.id else [])]
        with closing(Places(settings_of(config), reader=True, only=("releases",))) as places:
            places.pull()
            if code := release.main([*words, "--releases", places.settings.releases]):
                raise SystemExit(code)
            places.push(lambda: None)


if __name__ == "__main__":
    run_command(main, "jobs.release")
