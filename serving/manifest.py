"""manifest.json: canonical JSON that contains its own SHA-256, so that a single changed byte is detected."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from serving.errors import NoRelease, ReleaseCorrupt, ReleaseFormatUnknown, ReleaseInput
from serving.layout import DATA_FILES, DEFAULT_MAX_AGE_H, FORMAT_VERSION, MANIFEST, OLDEST_FORMAT_READ

_SELF = "manifest_sha256"


@dataclass(frozen=True, slots=True)
class Manifest:
    """The fields of manifest.json that a reader needs; `content` is the whole file, `sha256` the hash of its bytes.

    `max_age_h` is the age in hours from which the release counts as stale, unless the reader is given another limit.
    """

    release_id: str
    run_date: str
    built_at_s: float
    max_age_h: float
    content_sha256: str
    normal_form_version: int
    counts: Mapping[str, int]
    files: Mapping[str, Mapping[str, Any]]
    format_version: int
    content: Mapping[str, Any]
    sha256: str


def manifest_bytes(content: Mapping[str, object]) -> bytes:
    """The bytes of manifest.json for `content`: sorted keys, indent 2, with `manifest_sha256` over the rest.

    Raises ReleaseInput if `content` has a value that JSON cannot represent (NaN, a date, an object).
    """
    try:
        rest = {key: value for key, value in content.items() if key != _SELF}
        digest = hashlib.sha256(_canonical(rest)).hexdigest()
        return _canonical({**rest, _SELF: digest})
    except (TypeError, ValueError) as error:
        raise ReleaseInput(f"{MANIFEST}: {error}. Give plain strings, numbers, lists and mappings.") from None


def _canonical(content: Mapping[str, object]) -> bytes:
    return (json.dumps(content, sort_keys=True, indent=2, ensure_ascii=False, allow_nan=False) + "\n").encode()


def instant(text: object) -> float:
    """Seconds since 1970 of an ISO-8601 instant in UTC, `2026-11-22T02:14:03Z`. Raises ValueError otherwise."""
    moment = datetime.fromisoformat(str(text))
    if moment.tzinfo is None or moment.utcoffset() != UTC.utcoffset(None):
        raise ValueError(f"{text!r} is not an instant in UTC such as 2026-11-22T02:14:03Z")
    return moment.timestamp()


def read_manifest(folder: Path) -> Manifest:
    """Read and check manifest.json of the release in `folder`.

    Raises:
        NoRelease: there is no such release.
        ReleaseFormatUnknown: this reader does not read the format of the release.
        ReleaseCorrupt: the bytes are not those that the writer wrote.
    """
    path = folder / MANIFEST
    try:
        raw = path.read_bytes()
    except FileNotFoundError:
        if folder.is_dir():
            raise ReleaseCorrupt(f"{path}: missing. Build the release again, or roll back.") from None
        raise NoRelease(f"no release {folder.name} in {folder.parent}. See serving.release list.") from None
    try:
        content = json.loads(raw)
        version = int(content["format_version"])
        if not OLDEST_FORMAT_READ <= version <= FORMAT_VERSION:
            raise ReleaseFormatUnknown(
                f"{path}: format {version}, this reader reads {OLDEST_FORMAT_READ} to {FORMAT_VERSION}. Update it."
            )
        if manifest_bytes(content) != raw:
            raise ReleaseCorrupt(f"{path}: its SHA-256 does not fit its bytes. Roll back, or build it again.")
        return Manifest(
            release_id=folder.name if folder.name == content["release_id"] else str(content["release_id"]),
            run_date=content["run_date"],
            built_at_s=instant(content["built"]["at"]),
            max_age_h=float(content["built"].get("max_age_h", DEFAULT_MAX_AGE_H)),
            content_sha256=content["content_sha256"],
            normal_form_version=int(content["normal_form_version"]),
            counts=content["counts"],
            files={name: content["files"][name] for name in DATA_FILES[version]},
            format_version=version,
            content=content,
            sha256=hashlib.sha256(raw).hexdigest(),
        )
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError, ReleaseInput) as error:
        raise ReleaseCorrupt(f"{path}: not a manifest ({error}). Roll back, or build it again.") from None
