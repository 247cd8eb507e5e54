"""Publish: check every byte once, stamp, move CURRENT unless held, and prune what no one needs any more."""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from serving.errors import ReleaseInput
from serving.files import folder_lock
from serving.layout import run_date_of
from serving.pointers import answered, current_or_none, hold, move_current, note, waiting
from serving.prune import Pruned, prune
from serving.verify import release_folder, stamp_release


@dataclass(frozen=True, slots=True)
class PublishOutcome:
    """What publish did: `moved` CURRENT, left it because of HOLD (`held`) or since it is of a later night (`older`), or found
    it there (`already`)."""

    release_id: str
    action: Literal["moved", "held", "older", "already"]
    previous: str | None
    current: str | None
    pruned: Pruned

    @property
    def message(self) -> str:
        """One line for the operator."""
        if self.action == "already":
            return f"{self.release_id} is already CURRENT with equal content; nothing to do"
        if self.action == "held":
            return (
                f"{self.release_id} is built and verified, but HOLD keeps CURRENT at {self.current}; "
                "run serving.release resume to let it move"
            )
        if self.action == "older":
            return (
                f"{self.release_id} is built and verified, but CURRENT is of a later night, {self.current}, and stays; "
                f"to answer from the older one: serving.release pin {self.release_id}"
            )
        return f"CURRENT moved from {self.previous or 'nothing'} to {self.release_id}"


def publish(root: Path, release_id: str, keep: int) -> PublishOutcome:
    """Make a written release answer: full SHA-256 check, VERIFIED stamp, CURRENT moved unless HOLD or it is of a later night; then
    prune.

    `keep` is the number of nights (run_dates) whose releases stay, at least 1. Raises ReleaseInput, NoRelease,
    ReleaseBusy, or ReleaseCorrupt; then CURRENT is as it was.
    """
    if keep < 1:
        raise ReleaseInput(f"serving.keep is {keep}, expected at least 1 night.")
    release_folder(root, release_id)
    with folder_lock(root):
        stamp_release(root, release_id)
        previous = current_or_none(root)
        action: Literal["moved", "held", "older", "already"]
        if previous == release_id:
            action = "already"
        elif hold(root) is not None:
            action = "held"
            # one that has answered before was left on purpose: a night that builds it again does not bring it back
            if release_id not in waiting(root) and release_id not in answered(root):
                note(root, "held", release_id)
        elif previous is not None and run_date_of(release_id) < run_date_of(previous):
            action = "older"  # a night mended late must not put yesterday's answers in the place of today's
        else:
            action = "moved"
            move_current(root, release_id, "publish")
        pruned = prune(root, keep, {release_id})
    return PublishOutcome(release_id, action, previous, current_or_none(root), pruned)
