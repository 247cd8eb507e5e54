"""Fingerprints: the canonical hash of what a step was given, so that equal inputs are recognised as done."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
CODE_SUFFIXES = (".py", ".json", ".yaml")


def fingerprint(content: object) -> str:
    """First 16 hex digits of the SHA-256 of `content` as canonical JSON (sorted keys; dates as text)."""
    text = json.dumps(content, sort_keys=True, separators=(",", ":"), default=str)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def file_hash(path: Path) -> str:
    """SHA-256 of a file's bytes, hex."""
    with path.open("rb") as handle:
        return hashlib.file_digest(handle, "sha256").hexdigest()


@cache
def code_fingerprint(*rooms: str) -> str:
    """Fingerprint of the source of the named rooms: a night recomputes what was made by other code.

    Only steps whose history is cheap to redo use it. Log tables carry an explicit version instead, so that
    an upgrade does not read a year of logs again.
    """
    sources: Mapping[str, str] = {
        path.relative_to(ROOT).as_posix(): file_hash(path) for room in rooms for path in _sources(ROOT / room)
    }
    return fingerprint(sources)


def _sources(room: Path) -> Iterable[Path]:
    return sorted(p for p in room.rglob("*") if p.suffix in CODE_SUFFIXES and "__pycache__" not in p.parts)
