"""Where Spark spills and shuffles: a folder of its own for each process, and none that a dead one left."""

from __future__ import annotations

import fcntl
import os
import secrets
import shutil
from functools import cache
from pathlib import Path

from lake.lock import is_held

OURS = ("run-", "spark-", "blockmgr-")  # names of this module's folders, and of those that Spark makes itself
LEASE = "lease"  # locked for as long as the folder's process lives


@cache
def scratch(work: Path) -> Path:
    """This process's folder under `work/local`; folders there whose process is gone are removed first.

    Spark removes its files when its JVM ends in peace; of one that was killed they stay, and hold what was being read. The lock dies
    with its process, as the night's does (`lake.lock`).
    """
    base = work / "local"
    base.mkdir(parents=True, exist_ok=True)
    for old in base.iterdir():
        if old.is_dir() and old.name.startswith(OURS) and not is_held(old / LEASE):
            shutil.rmtree(old, ignore_errors=True)
    name = f"run-{os.getpid()}-{secrets.token_hex(4)}"
    unnamed = base / f".{name}"  # nobody else looks at it before it is locked
    unnamed.mkdir()
    descriptor = os.open(unnamed / LEASE, os.O_RDWR | os.O_CREAT, 0o600)  # never closed: the process's end does
    fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    return unnamed.rename(base / name)
