"""Folder for Spark's spill and shuffle files: one per process; folders that ended processes left behind are removed."""

from __future__ import annotations

import fcntl
import os
import secrets
import shutil
from functools import cache
from pathlib import Path

from lake.lock import is_held

PREFIXES = (
    "run-",
    "spark-",
    "blockmgr-",
)  # of the folders that this module creates, and of those that Spark creates itself
LEASE = "lease"  # the file that the folder's process keeps locked while it lives


@cache
def scratch(work: Path) -> Path:
    """Create and return this process's folder under `work/local`; folders there whose process has ended are removed first.

    Spark removes its files only when its JVM ends normally. If the JVM is killed they stay, with the data that was being read.
    A lock on a file in the folder shows whether its process still lives: it ends with the process, as the night's lock does
    (`lake.lock`).
    """
    base = work / "local"
    base.mkdir(parents=True, exist_ok=True)
    for old in base.iterdir():
        if old.is_dir() and old.name.startswith(PREFIXES) and not is_held(old / LEASE):
            shutil.rmtree(old, ignore_errors=True)
    name = f"run-{os.getpid()}-{secrets.token_hex(4)}"
    hidden = base / f".{name}"  # without a known prefix: no other process removes it before it is locked
    hidden.mkdir()
    descriptor = os.open(
        hidden / LEASE, os.O_RDWR | os.O_CREAT, 0o600
    )  # stays open: the lock is to last until the process ends
    fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    return hidden.rename(base / name)
