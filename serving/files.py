"""Atomic file writes, and the lock of the releases folder."""

import contextlib
import fcntl
import os
import secrets
import time
from collections.abc import Iterator
from pathlib import Path

from serving.errors import ReleaseBusy
from serving.layout import LOCK


def sync(path: Path) -> None:
    """fsync a file or a folder (a rename is durable only after its folder is synced)."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def write_file(path: Path, content: bytes) -> None:
    """Write a new file and fsync it."""
    with path.open("xb") as stream:
        stream.write(content)
        stream.flush()
        os.fsync(stream.fileno())


def replace_file(path: Path, content: str) -> None:
    """Replace `path` atomically: a reader sees the whole old text or the whole new one."""
    beside = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    try:
        write_file(beside, content.encode())
        os.replace(beside, path)
    finally:
        beside.unlink(missing_ok=True)
    sync(path.parent)


@contextlib.contextmanager
def folder_lock(root: Path, wait_s: float = 10.0) -> Iterator[None]:
    """Lock the releases folder against other writers; readers do not need the lock.

    Raises ReleaseBusy when another command still has the lock after `wait_s` seconds.
    """
    root.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(root / LOCK, os.O_RDWR | os.O_CREAT, 0o644)
    try:
        give_up_at = time.monotonic() + wait_s
        while not locked(descriptor, fcntl.LOCK_EX):
            if time.monotonic() > give_up_at:
                raise ReleaseBusy(f"{root}: {LOCK} is held by another command. Try again when it ends.")
            time.sleep(0.02)
        yield
    finally:
        os.close(descriptor)


def locked(descriptor: int, kind: int) -> bool:
    """Take the flock of an open file without waiting and return whether it was taken; closing the descriptor frees it."""
    try:
        fcntl.flock(descriptor, kind | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
