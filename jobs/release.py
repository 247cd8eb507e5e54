"""List releases in an object store, roll back, pin and resume: what `python -m serving.release` does in a folder of a disk.

The lake's lock is not taken, so that a rollback does not wait for a night. Both move the pointers by compare-and-set: of a night that
publishes at the same moment and an operator one comes second, ends with exit code 4, and changes nothing.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import hydra
from omegaconf import DictConfig, OmegaConf

from lake.errors import BadConfiguration, PlayfirstError
from night.command import exit_on_error, run_command, settings_of
from night.places import Places
from serving.errors import ReleaseError
from serving.listing import listing
from serving.operate import pin, resume, rollback

HOLDS = "HOLD is set: nights build but do not move it until do=resume"


class ReleaseRefused(PlayfirstError):
    """A release cannot do what it was asked for; the exit code is that of `serving.release`."""

    def __init__(self, error: ReleaseError) -> None:
        """Take over the message and the exit code."""
        super().__init__(str(error))
        self.exit_code = error.exit_code


def _resumed(root: Path) -> str:
    was_set, answers = resume(root)
    return f"{'HOLD is lifted' if was_set else 'there was no HOLD'}; CURRENT is {answers}"


def _pinned(root: Path, release_id: str) -> str:
    pin(root, release_id)
    return f"CURRENT is {release_id}; {HOLDS}"


def operated(places: Places, what: str, release_id: str) -> str:
    """Do one thing with the releases in the store, and say what was done.

    Raises:
        BadConfiguration: `what` is unknown, or a pin has no release.
        ReleaseRefused: there is no such release, or it is damaged; the store is not changed.
        NightLocked: somebody else has moved a pointer meanwhile, or uses the copy; the store is not changed.
    """
    acts: dict[str, Callable[[Path], str]] = {
        "list": lambda root: "\n".join(listing(root)),
        "rollback": lambda root: f"CURRENT moved to {rollback(root)}; {HOLDS}",
        "pin": lambda root: _pinned(root, release_id),
        "resume": _resumed,
    }
    if what not in acts:
        raise BadConfiguration(f"do={what}: expected one of {', '.join(acts)}.")
    if what == "pin" and not release_id:
        raise BadConfiguration("do=pin: expected id=RELEASE as well; do=list shows them.")
    places.pull()
    try:
        words = acts[what](Path(places.settings.releases))
    except ReleaseError as error:
        raise ReleaseRefused(error) from None
    places.push(lambda: None)
    return words


@hydra.main(version_base="1.3", config_path="pkg://conf", config_name="release")
def main(config: DictConfig) -> None:
    """Do what `do` says with the releases of `releases`."""
    with exit_on_error("jobs.release"):
        if OmegaConf.is_missing(config, "run_date"):
            config.run_date = "1970-01-01"  # no data of a night is read
        with closing(Places(settings_of(config), reader=True, only=("releases",))) as places:
            print(operated(places, str(config.do), str(config.id)))


if __name__ == "__main__":
    run_command(main, "jobs.release")
