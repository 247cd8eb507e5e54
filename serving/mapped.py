"""Read-only memory maps of rankings.lmdb, one per file and process, without LMDB's locks."""

import os
import threading
import time
import weakref
from pathlib import Path
from typing import TYPE_CHECKING, Any

import lmdb

from serving.content import TrackInfo
from serving.errors import ReleaseCorrupt
from serving.layout import ADDED_LATER, MAX_KEY_BYTES, SUB_DATABASES
from serving.values import track, track_key

if TYPE_CHECKING:
    Txn = lmdb.Transaction[memoryview]  # of buffers=True: values are views into the map

_TRIES = 50
_MOST_TABLES = max(map(len, SUB_DATABASES.values()))


class _StillClosing(Exception):
    """Another thread is closing the last map of this file; it can be opened in a moment."""


class MappedRankings:
    """One open rankings.lmdb; it is closed with the last reference, so that no running request loses its pages.

    `tables` are its sub-databases by name, `format` is the format version that has them.
    """

    broken = lmdb.Error  # what reading a damaged page raises

    def __init__(self, path: Path) -> None:
        """Map a file whose length and hash are verified: LMDB 0.9 has no checksums, and a truncated file kills the process."""
        # Our own descriptor, because the name of the mapped file may later belong to another file.
        self._descriptor = os.open(path, os.O_RDONLY)
        weakref.finalize(self, os.close, self._descriptor)
        try:
            self.env = lmdb.open(str(path), subdir=False, readonly=True, lock=False, create=False, max_dbs=_MOST_TABLES)
            with self.env.begin() as txn:
                names = tuple(key.decode() for key, _ in txn.cursor())
            self.format = next((v for v, tables in SUB_DATABASES.items() if _is_complete(names, tables)), 0)
            if not self.format:
                raise ReleaseCorrupt(f"{path}: has the tables {', '.join(names) or 'none'}. Build it again.")
            self.tables = {name: self.env.open_db(name.encode(), create=False) for name in names}
        except lmdb.Error as error:
            if "already open" in str(error):
                raise _StillClosing from None
            raise ReleaseCorrupt(f"{path}: not a rankings file of this format: {error}. Build it again.") from None

    def is_at(self, path: Path) -> bool:
        """Whether the file at `path` is the mapped one."""
        return os.path.samestat(os.fstat(self._descriptor), os.stat(path))

    def signature(self) -> tuple[int, int, int]:
        """(size, inode, mtime in ns) of the mapped file."""
        status = os.fstat(self._descriptor)
        return status.st_size, status.st_ino, status.st_mtime_ns


def _is_complete(names: tuple[str, ...], tables: tuple[str, ...]) -> bool:
    """Whether a file with sub-databases `names` is of the format that has `tables`."""
    return names == tables or names == tuple(name for name in tables if name not in ADDED_LATER)


# LMDB forbids to open one file twice in a process, so readers, verify and dump share maps by (device, inode).
_open: "weakref.WeakValueDictionary[tuple[int, int], MappedRankings]" = weakref.WeakValueDictionary()
_opening = threading.Lock()


def mapped(path: Path) -> MappedRankings:
    """The map of `path`, which all callers in this process share."""
    with _opening:
        status = os.stat(path)
        identity = (status.st_dev, status.st_ino)
        for _ in range(_TRIES):
            rankings = _open.get(identity)
            if rankings is not None:
                return rankings
            try:
                rankings = _open[identity] = MappedRankings(path)
                return rankings
            except _StillClosing:
                time.sleep(0.01)
        raise ReleaseCorrupt(f"{path}: opened by other code of this process too. Use serving.mapped.mapped there.")


def stored_track(txn: "Txn", table: Any, ordinal: int) -> TrackInfo:
    """The track with this ordinal in sub-database `tracks`. Raises ReleaseCorrupt if it is not stored, or its CRC32 does not match."""
    key = track_key(ordinal)
    value = txn.get(key, db=table)
    if value is None:
        raise ReleaseCorrupt(f"track {ordinal} is not stored. Run release verify.")
    return track(key, value)


def value_of(txn: "Txn", table: Any, key: bytes) -> memoryview | None:
    """The value of a key in a sub-database; None if there is none, or if LMDB allows no key of this length."""
    return txn.get(key, db=table) if 0 < len(key) <= MAX_KEY_BYTES else None
