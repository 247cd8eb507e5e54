"""rankings.lmdb mapped into memory, once per file and process, read-only and without locks."""

import os
import threading
import time
import weakref
from pathlib import Path

import lmdb

from serving.errors import ReleaseCorrupt
from serving.layout import SUB_DATABASES

_TRIES = 50


class _StillClosing(Exception):
    """Another thread is just letting go of the last mapping of this file; it will be free in a moment."""


class MappedRankings:
    """One open rankings.lmdb. Closed when the last holder lets go, so no request ever loses its pages."""

    broken = lmdb.Error  # what reading a damaged page raises

    def __init__(self, path: Path) -> None:
        """Map `path`. The caller has checked its length and hash: LMDB 0.9 has no checksums, a cut file kills."""
        # Our own descriptor: it tells of the mapped file itself, whatever its name points to by then.
        self._descriptor = os.open(path, os.O_RDONLY)
        weakref.finalize(self, os.close, self._descriptor)
        try:
            self.env = lmdb.open(
                str(path), subdir=False, readonly=True, lock=False, create=False, max_dbs=len(SUB_DATABASES)
            )
            self.aliases, self.rankings, self.reasons, self.tracks = (
                self.env.open_db(name.encode(), create=False) for name in SUB_DATABASES
            )
        except lmdb.Error as error:
            if "already open" in str(error):
                raise _StillClosing from None
            raise ReleaseCorrupt(f"{path}: not a rankings file of this format: {error}. Build it again.") from None

    def is_at(self, path: Path) -> bool:
        """Whether the file of that name is the one that is mapped."""
        return os.path.samestat(os.fstat(self._descriptor), os.stat(path))

    def signature(self) -> tuple[int, int, int]:
        """(size, inode, mtime in ns) of the file that is mapped."""
        status = os.fstat(self._descriptor)
        return status.st_size, status.st_ino, status.st_mtime_ns


# LMDB must not open one file twice in a process (its own rule): readers, verify and dump share by (device, inode).
_open: "weakref.WeakValueDictionary[tuple[int, int], MappedRankings]" = weakref.WeakValueDictionary()
_opening = threading.Lock()


def mapped(path: Path) -> MappedRankings:
    """The mapping of `path`, shared by all who ask for the same file in this process."""
    with _opening:
        status = os.stat(path)
        identity = (status.st_dev, status.st_ino)
        for _ in range(_TRIES):
            found = _open.get(identity)
            if found is not None:
                return found
            try:
                found = _open[identity] = MappedRankings(path)
                return found
            except _StillClosing:
                time.sleep(0.01)
        raise ReleaseCorrupt(f"{path}: opened by other code of this process too. Use serving.mapped.mapped there.")
