"""Publish a release: check every byte once, stamp it, move CURRENT unless HOLD is set, and prune old releases."""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from serving.errors import ReleaseInput
from serving.files import folder_lock
from serving.layout import run_date_of
from serving.pointers import (
    answered,
    append_history,
    current_or_none,
    hold,
    move_current,
    note_current,
    pending_releases,
)
from serving.prune import Pruned, prune
from serving.verify import release_folder, stamp_release


@dataclass(frozen=True, slots=True)
class PublishOutcome:
    """The outcome of publish, by `action`.

    `moved`: CURRENT moved to the release. `held`: HOLD kept CURRENT where it was. `older`: CURRENT stays because it is of a later
    night. `already`: CURRENT named the release before.
    """

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
    """Publish a written release: check all SHA-256, write the VERIFIED stamp, move CURRENT, prune old releases.

    CURRENT is not moved while HOLD is set, or if it is of a later night. On any error CURRENT stays as it was.

    Args:
        root: the releases folder.
        release_id: the release to publish.
        keep: number of nights (run_dates) whose releases stay, at least 1.

    Raises:
        ReleaseInput: `keep` is below 1.
        NoRelease: there is no such release.
        ReleaseBusy: another command has locked the folder.
        ReleaseCorrupt: the release is damaged.
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
            note_current(root)
        elif hold(root) is not None:
            action = "held"
            # a release that has answered before was left on purpose, so building it again does not make it pending; one that was built
            # before another is the latest again
            if pending_releases(root)[:1] != [release_id] and release_id not in answered(root):
                append_history(root, "held", release_id)
        elif previous is not None and run_date_of(release_id) < run_date_of(previous):
            action = "older"  # an old night that is run late must not replace the answers of a newer one
        else:
            action = "moved"
            move_current(root, release_id, "publish")
        pruned = prune(root, keep, {release_id})
    return PublishOutcome(release_id, action, previous, current_or_none(root), pruned)
