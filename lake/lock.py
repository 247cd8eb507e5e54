"""The night's lock: one writer a lake. A kernel lock on an open file, so a dead holder's lock is free at once."""

from __future__ import annotations

import fcntl
import json
import os
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from lake.errors import NightLocked


@contextmanager
def night_lock(
    root: Path, run_id: str, wait_s: float = 0.0, on_wait: Callable[[str], None] | None = None
) -> Iterator[None]:
    """Hold the lake's lock for the block. Raises NightLocked with the holder's pid, host and start if it is taken.

    It is asked for once a second until `wait_s` is over; `on_wait` is told once who holds it.

    `flock` dies with its process, so a kill -9 leaves no lock behind; the file's text only says who held it.
    Local and NFSv4 disks; an object store needs a lock service in this one place.
    """
    root.mkdir(parents=True, exist_ok=True)
    path = root / "night.lock"
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
    try:
        until, told = time.monotonic() + wait_s, False
        while True:
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                left = until - time.monotonic()
                if left <= 0:
                    raise NightLocked(
                        f"{path} is held by {holder(path)}. Wait for that run to end, then run again."
                    ) from None
            if on_wait is not None and not told:
                on_wait(holder(path))
                told = True
            time.sleep(min(1.0, left))
        said = {
            "run_id": run_id,
            "pid": os.getpid(),
            "host": socket.gethostname(),
            "since": datetime.now(UTC).isoformat(timespec="seconds"),
        }
        os.truncate(descriptor, 0)
        os.pwrite(descriptor, json.dumps(said).encode(), 0)
        yield
        os.truncate(descriptor, 0)
    finally:
        os.close(descriptor)


def holder(path: Path) -> str:
    """Who holds (or last held) the lock, for a person."""
    try:
        said = json.loads(path.read_text() or "{}")
    except (OSError, ValueError):
        said = {}
    if not said:
        return "a run that has not said its name yet"
    return f"run {said.get('run_id')} (pid {said.get('pid')} on {said.get('host')}, since {said.get('since')})"


def is_held(path: Path) -> bool:
    """Whether a living process holds the lock right now."""
    try:
        descriptor = os.open(path, os.O_RDWR)
    except FileNotFoundError:
        return False
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(descriptor)
    return False
