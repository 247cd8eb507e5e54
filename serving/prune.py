"""Delete old releases: never CURRENT, a held or waiting one, nor one that a reader still has open."""

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
from serving.pointers import current_or_none, hold, waiting, way_back

_STALE_S = 3600.0


@dataclass(frozen=True, slots=True)
class Pruned:
    """Which releases went, and which old ones stayed because a reader has them open."""

    deleted: tuple[str, ...] = ()
    in_use: tuple[str, ...] = ()


def prune(root: Path, keep: int, also_keep: Iterable[str] = ()) -> Pruned:
    """Delete the releases of all but the newest `keep` run_dates. The caller holds the folder lock.

    Kept whatever their age: CURRENT, the release one rollback away, the held one, those built under the hold,
    `also_keep`, and any whose manifest.json a reader holds a shared flock on. Left-over temporary folders go too.
    """
    kept = set(also_keep) | set(waiting(root)) | set(way_back(root)[:1])
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
        lease = os.open(folder, os.O_RDONLY)  # without a manifest no reader can have it open
    try:
        if not locked(lease, fcntl.LOCK_EX):
            return False
        # Renamed first: a folder half deleted must never look like a release.
        aside = folder.with_name(f"{TRASH}{folder.name}-{secrets.token_hex(4)}")
        os.rename(folder, aside)
    finally:
        os.close(lease)
    shutil.rmtree(aside, ignore_errors=True)
    return True


def _sweep(root: Path) -> None:
    """Delete what killed writers left: trash, and temporary folders of over an hour that no writer has open."""
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
