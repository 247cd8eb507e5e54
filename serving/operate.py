"""The operator's commands on releases: roll back, pin, resume. Each takes well under a second."""

from pathlib import Path

from serving.errors import NoRelease, ReleaseCorrupt, ReleaseError, ReleaseNotVerified
from serving.files import folder_lock, sync
from serving.layout import HOLD, release_ids, run_date_of
from serving.manifest import read_manifest
from serving.pointers import (
    answered,
    append_history,
    current_id,
    current_or_none,
    hold,
    move_current,
    pending_releases,
    rollback_path,
    set_hold,
)
from serving.stamp import check_stamp
from serving.verify import release_folder, stamp_release


def rollback(root: Path) -> str:
    """Move CURRENT to the release it named before, set HOLD, and return that release's id.

    Damaged releases are skipped. With HISTORY, a release that was rolled back or never answered is no target; without HISTORY,
    the target is the newest release that was built before the current one.

    Raises:
        NoRelease: there is no release to go back to.
        ReleaseBusy: another command has locked the folder.
    """
    with folder_lock(root):
        left = current_id(root)
        refused: list[str] = []
        for release_id in rollback_path(root) or ([] if answered(root) else _older(root, left)):
            try:
                _make_sure(root, release_id)
            except ReleaseError as error:
                refused.append(str(error))
                continue
            set_hold(root, "rollback", release_id)
            move_current(root, release_id, "rollback")
            return release_id
    why = f" ({'; '.join(refused)})" if refused else ""
    raise NoRelease(f"nothing to roll back to from {left} in {root}{why}. CURRENT stays; run make nightly.")


def pin(root: Path, release_id: str) -> None:
    """Move CURRENT to `release_id` and set HOLD. Raises NoRelease or ReleaseCorrupt without any change."""
    release_folder(root, release_id)
    with folder_lock(root):
        _make_sure(root, release_id)
        set_hold(root, "pin", release_id)
        move_current(root, release_id, "pin")


def resume(root: Path) -> tuple[bool, str]:
    """Remove HOLD and move CURRENT to the newest release that was built under it.

    CURRENT stays if all pending releases are of earlier nights than its own. A release that was rolled back is not restored.

    Returns:
        Whether there was a hold, and the release that answers now.

    Raises:
        ReleaseCorrupt: the pending release is damaged; then HOLD stays.
    """
    with folder_lock(root):
        standing = hold(root)
        at = current_or_none(root)
        ready = [one for one in pending_releases(root) if (root / one).is_dir()] if standing else []
        ready = [one for one in ready if at is None or run_date_of(one) >= run_date_of(at)]
        ready.sort(key=run_date_of, reverse=True)  # of the releases of one night, the latest built comes first
        if ready:
            _make_sure(root, ready[0])
            move_current(root, ready[0], "resume")
        elif standing is not None and at is not None:
            append_history(root, "resume", at)  # what was built under this hold is not pending any more
        (root / HOLD).unlink(missing_ok=True)
        sync(root)
        return standing is not None, current_id(root)


def _make_sure(root: Path, release_id: str) -> None:
    """Check the stamp, which takes microseconds; without a valid one check every SHA-256 and stamp the release."""
    folder = release_folder(root, release_id)
    try:
        check_stamp(folder, read_manifest(folder))
    except ReleaseNotVerified:
        stamp_release(root, release_id)


def _older(root: Path, than: str) -> list[str]:
    """Releases built before `than`, latest first, without unreadable ones, which could not answer."""
    built: dict[str, tuple[str, float]] = {}
    for release_id in release_ids(root):
        try:
            manifest = read_manifest(root / release_id)
        except (ReleaseCorrupt, NoRelease):
            continue
        built[release_id] = (manifest.run_date, manifest.built_at_s)
    limit = built.get(than, (run_date_of(than), float("inf")))
    return sorted((one for one in built if one != than and built[one] < limit), key=built.__getitem__, reverse=True)
