"""Delete old releases, except CURRENT, those under HOLD, pending ones, and those that a reader has open."""

import fcntl
import os
import secrets
import shutil
import time
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from serving.files import locked
from serving.layout import MANIFEST, TEMPORARY, TRASH, release_ids, run_date_of
from serving.pointers import current_or_none, hold, pending_releases, rollback_path

_STALE_S = 3600.0


@dataclass(frozen=True, slots=True)
class Pruned:
    """The deleted releases, and the old ones that stayed because a reader has them open."""

    deleted: tuple[str, ...] = ()
    in_use: tuple[str, ...] = ()


def prune(root: Path, keep: int, also_keep: Iterable[str] = ()) -> Pruned:
    """Delete the releases of all but the newest `keep` run_dates. The caller has the folder lock.

    These stay at any age: CURRENT, the target of the next rollback, the release of the hold, those built under the hold,
    `also_keep`, and any whose manifest.json a reader has locked (shared flock). Left-over temporary folders are deleted too.
    """
    kept = set(also_keep) | set(pending_releases(root)) | set(rollback_path(root)[:1])
    standing = hold(root)
    kept |= {name for name in (current_or_none(root), standing and standing.release_id) if name}
    nights = sorted({run_date_of(name) for name in release_ids(root)})[-keep:]
    deleted: list[str] = []
    in_use: list[str] = []
    for name in release_ids(root):
        if name in kept or run_date_of(name) in nights:
            continue
        (deleted if _deleted(root / name) else in_use).append(name)
    _sweep(root)
    return Pruned(tuple(deleted), tuple(in_use))


def _deleted(folder: Path) -> bool:
    try:
        lease = os.open(folder / MANIFEST, os.O_RDONLY)
    except FileNotFoundError:
        lease = os.open(folder, os.O_RDONLY)  # a reader locks the manifest, so without one no reader has it open
    try:
        if not locked(lease, fcntl.LOCK_EX):
            return False
        # It is renamed first, because a half-deleted folder must not look like a release.
        aside = folder.with_name(f"{TRASH}{folder.name}-{secrets.token_hex(4)}")
        os.rename(folder, aside)
    finally:
        os.close(lease)
    shutil.rmtree(aside, ignore_errors=True)
    return True


def _sweep(root: Path) -> None:
    """Delete what killed commands left: trash, and temporary folders older than an hour that no writer has locked."""
    for folder in root.iterdir():
        if folder.name.startswith(TRASH):
            shutil.rmtree(folder, ignore_errors=True)
        elif folder.name.startswith(TEMPORARY) and time.time() - folder.stat().st_mtime > _STALE_S:
            lease = os.open(folder, os.O_RDONLY)
            try:
                if locked(lease, fcntl.LOCK_EX):
                    shutil.rmtree(folder, ignore_errors=True)
            finally:
                os.close(lease)
