"""Fingerprints: a canonical hash of a step's inputs, by which a step recognises that its result is already stored."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

from lake.store import absolute, version_of, write_file


def fingerprint(content: object) -> str:
    """First 16 hex digits of the SHA-256 of `content` as canonical JSON (sorted keys; dates as text)."""
    text = json.dumps(content, sort_keys=True, separators=(",", ":"), default=str)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def file_hash(path: Path) -> str:
    """SHA-256 of a file's bytes, hex."""
    with path.open("rb") as handle:
        return hashlib.file_digest(handle, "sha256").hexdigest()


class FileHashes:
    """SHA-256 of delivered files, cached in a JSON file with each file's size and modification time (in an object store: etag).

    A file is read again only if one of them has changed. They only decide whether to hash again; they are
    never part of a fingerprint. A cache file that cannot be read counts as empty.
    """

    def __init__(self, store: Path) -> None:
        self._store = store
        self._hashes: dict[str, list[object]] = {}
        self._has_new = False
        try:
            self._hashes = dict(json.loads(store.read_bytes())) if store.exists() else {}
        except (OSError, ValueError, TypeError):
            self._hashes = {}

    def of(self, path: Path) -> str:
        """SHA-256 of the file's bytes, hex; from the cache where size and modification time are unchanged."""
        key, version = str(absolute(path)), version_of(path)
        cached = self._hashes.get(key)
        if isinstance(cached, list) and cached[:2] == version:
            return str(cached[2])
        self._hashes[key] = [*version, file_hash(path)]
        self._has_new = True
        return str(self._hashes[key][2])

    def save(self) -> None:
        """Write new hashes to the cache file, atomically; its folder must exist."""
        if self._has_new:
            write_file(self._store, json.dumps(self._hashes).encode())
            self._has_new = False
