"""The VERIFIED stamp: it records that this machine has read every byte, and lets a reader see that nothing changed since."""

import hashlib
import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from serving.errors import ReleaseCorrupt, ReleaseNotVerified, one_line
from serving.files import replace_file
from serving.layout import MANIFEST, VERIFIED
from serving.manifest import Manifest


def full_check(folder: Path, manifest: Manifest) -> dict[str, dict[str, Any]]:
    """Read every byte, compare length and SHA-256 of each file with the manifest, and return the content of the stamp.

    It takes about 1 s per GB. Raises ReleaseCorrupt that names every damaged, missing or foreign file.
    """
    wrong: list[str] = []
    stamp = {MANIFEST: {**_signature(folder / MANIFEST), "sha256": manifest.sha256}}
    for name in manifest.files:
        path, expected = folder / name, manifest.files[name]
        if not path.is_file():
            wrong.append(f"{name}: missing")
            continue
        before = _signature(path)
        if before["bytes"] != expected["bytes"]:
            wrong.append(f"{name}: {before['bytes']} bytes, expected {expected['bytes']}")
            continue
        with path.open("rb") as stream:
            digest = hashlib.file_digest(stream, "sha256").hexdigest()
        if digest != expected["sha256"]:
            wrong.append(f"{name}: SHA-256 {digest[:12]}…, expected {expected['sha256'][:12]}…")
        stamp[name] = {**before, "sha256": digest}
    # Names with a leading dot are a stamp that another process is writing, or deleted files that NFS keeps open.
    expected_names = {MANIFEST, VERIFIED, *manifest.files}
    foreign = (name for name in sorted(os.listdir(folder)) if name not in expected_names and not name.startswith("."))
    wrong += [f"{name}: not part of a release" for name in foreign]
    if wrong:
        raise ReleaseCorrupt(f"release {folder.name} is damaged: {one_line(wrong)}. Roll back, or build it again.")
    return stamp


def write_stamp(folder: Path, stamp: Mapping[str, object]) -> None:
    """Write VERIFIED atomically, unless the file has the same content already."""
    content = json.dumps({"release_id": folder.name, "files": stamp}, sort_keys=True) + "\n"
    path = folder / VERIFIED
    if not path.is_file() or path.read_bytes() != content.encode():
        replace_file(path, content)


def check_stamp(folder: Path, manifest: Manifest) -> None:
    """Compare VERIFIED with the files' size, inode, mtime and with the hashes of the manifest; it takes microseconds.

    Raises ReleaseNotVerified that names each difference.
    """
    try:
        stamp = json.loads((folder / VERIFIED).read_bytes())["files"]
        wrong = [name for name in (MANIFEST, *manifest.files) if not _stands(folder / name, stamp[name], manifest)]
    except FileNotFoundError:
        wrong = [VERIFIED + " is missing"]
    except (ValueError, KeyError, TypeError):
        wrong = [VERIFIED + " is unreadable"]
    if wrong:
        raise ReleaseNotVerified(
            f"release {folder.name} is not verified as it lies here ({one_line(wrong)}). Run serving.release verify."
        )


def _signature(path: Path) -> dict[str, Any]:
    status = path.stat()
    return {"bytes": status.st_size, "inode": status.st_ino, "mtime_ns": status.st_mtime_ns}


def _stands(path: Path, stamp: Mapping[str, object], manifest: Manifest) -> bool:
    digest = manifest.sha256 if path.name == MANIFEST else manifest.files[path.name]["sha256"]
    return path.is_file() and {**_signature(path), "sha256": digest} == stamp
