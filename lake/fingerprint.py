"""Fingerprints: the canonical hash of what a step was given, so that equal inputs are recognised as done."""

from __future__ import annotations

import hashlib
import json
import os
from pathlib import Path


def fingerprint(content: object) -> str:
    """First 16 hex digits of the SHA-256 of `content` as canonical JSON (sorted keys; dates as text)."""
    text = json.dumps(content, sort_keys=True, separators=(",", ":"), default=str)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def file_hash(path: Path) -> str:
    """SHA-256 of a file's bytes, hex."""
    with path.open("rb") as handle:
        return hashlib.file_digest(handle, "sha256").hexdigest()


class FileHashes:
    """SHA-256 of delivered files, remembered in `store` with size and time of change: only another size or time has a file read again.

    Size and time are never a part of a mark: they decide alone whether to hash anew. A `store` that cannot be read is as an empty one.
    """

    def __init__(self, store: Path) -> None:
        self._store = store
        self._known: dict[str, list[object]] = {}
        self._has_new = False
        try:
            self._known = dict(json.loads(store.read_text(encoding="utf-8")))
        except (OSError, ValueError, TypeError):
            self._known = {}

    def of(self, path: Path) -> str:
        """Hex SHA-256 of the file's bytes."""
        key, stat = str(path.resolve()), path.stat()
        known = self._known.get(key)
        if isinstance(known, list) and known[:2] == [stat.st_size, stat.st_mtime_ns]:
            return str(known[2])
        self._known[key] = [stat.st_size, stat.st_mtime_ns, file_hash(path)]
        self._has_new = True
        return str(self._known[key][2])

    def save(self) -> None:
        """Write what was hashed anew, atomically; the folder of the store exists."""
        if self._has_new:
            partial = self._store.with_name(f"{self._store.name}.{os.getpid()}")
            partial.write_text(json.dumps(self._known), encoding="utf-8")
            partial.replace(self._store)
            self._has_new = False
