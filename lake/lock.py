"""The night's lock: a lake has one writer at a time.

On a disk it is a kernel lock (`flock`) on an open file, so the kernel frees it as soon as the process that holds it ends. In an
object store it is a lease (`lake.lease`).
"""

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
from lake.lease import Lease
from lake.store import is_local

LOCK = "night.lock"


@contextmanager
def night_lock(
    root: Path, run_id: str, wait_s: float = 0.0, on_wait: Callable[[str], None] | None = None
) -> Iterator[Callable[[], None]]:
    """Hold the lake's lock while the block runs; yields a function that raises NightLocked if the lock was lost meanwhile.

    `flock` ends with its process, so even a kill -9 leaves no lock behind; the file's text only records who holds it. This
    works on local and NFSv4 disks, where a lock is never lost.

    Args:
        root: The lake's folder, created if missing; the lock file in it is named "night.lock".
        run_id: The run's id, written to the lock file.
        wait_s: Seconds to wait for a lock that is taken; the lock is tried once a second.
        on_wait: Called once, with the description of the holder, when the wait begins.

    Raises:
        NightLocked: The lock is still taken after `wait_s`; the message gives the holder's pid, host and start time.
    """
    owner = {
        "run_id": run_id,
        "pid": os.getpid(),
        "host": socket.gethostname(),
        "since": datetime.now(UTC).isoformat(timespec="seconds"),
    }
    path = root / LOCK
    if not is_local(root):
        lease = Lease(path, owner)
        lease.acquire(wait_s, lambda: holder(path), on_wait)
        try:
            yield lease.check
        finally:
            lease.release()
        return
    root.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
    try:
        deadline, is_wait_reported = time.monotonic() + wait_s, False
        while True:
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                remaining_s = deadline - time.monotonic()
                if remaining_s <= 0:
                    raise NightLocked(
                        f"{path} is held by {holder(path)}. Wait for that run to end, then run again."
                    ) from None
            if on_wait is not None and not is_wait_reported:
                on_wait(holder(path))
                is_wait_reported = True
            time.sleep(min(1.0, remaining_s))
        os.truncate(descriptor, 0)
        os.pwrite(descriptor, json.dumps(owner).encode(), 0)
        yield lambda: None
        os.truncate(descriptor, 0)
    finally:
        os.close(descriptor)


def flocked(descriptor: int, wait_s: float = 0.0) -> bool:
    """Whether an open file is locked for its descriptor now; tried for `wait_s` seconds. The lock ends with the last copy of it."""
    until = time.monotonic() + wait_s
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return True
        except BlockingIOError:
            if time.monotonic() >= until:
                return False
        time.sleep(0.1)


def holder(path: Path) -> str:
    """One readable phrase that names the run which holds the lock, or which held it last."""
    try:
        owner = json.loads(path.read_bytes() or b"{}") if path.exists() else {}
    except (OSError, ValueError):
        owner = {}
    if not owner:
        return "a run that has not said its name yet"
    return f"run {owner.get('run_id')} (pid {owner.get('pid')} on {owner.get('host')}, since {owner.get('since')})"


def is_held(path: Path) -> bool:
    """Whether a living process holds the lock right now; of a lease, whether its time of expiry is still to come."""
    if not is_local(path):
        if not path.exists():  # obstore prints an error of its own when a file that is not there is opened
            return False
        try:
            return float(json.loads(path.read_bytes() or b"{}").get("until", 0)) > time.time()
        except (OSError, ValueError):
            return False
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
