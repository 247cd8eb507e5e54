"""Run one side of a benchmark as a child process, with a log and a time limit, and measure its peak memory."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
import threading
from collections.abc import Sequence
from pathlib import Path

EVERY_S = 0.25
_PAGE = os.sysconf("SC_PAGE_SIZE")


class ChildFailed(Exception):
    """A child process failed or timed out; the message names it, the reason, and its log."""


def peak_rss_of(module: str, words: Sequence[object], log: Path, timeout_s: int) -> int:
    """Run `python -m module words` to its end, and return its peak memory in bytes.

    The peak is the largest sum of resident bytes of the process and its descendants, sampled every quarter of a second; pages
    that processes share are counted once for each of them.

    Args:
        module: the module to run.
        words: its command-line arguments.
        log: the file that its output goes to.
        timeout_s: after so many seconds the process is killed.

    Raises:
        ChildFailed: the process timed out, or ended with another exit code than 0.
    """
    log.parent.mkdir(parents=True, exist_ok=True)
    peak, ended = 0, threading.Event()
    with log.open("w", encoding="utf-8") as lines:
        command = [sys.executable, "-m", module, *map(str, words)]
        child = subprocess.Popen(
            command, stdout=lines, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL, start_new_session=True
        )

        def watch() -> None:
            nonlocal peak
            while not ended.wait(EVERY_S):
                peak = max(peak, _resident_bytes(child.pid))

        watcher = threading.Thread(target=watch, daemon=True)
        watcher.start()
        try:
            code = child.wait(timeout_s)
        except subprocess.TimeoutExpired as late:
            raise ChildFailed(f"{module} was not done after {timeout_s} s; see {log}, or give --timeout") from late
        finally:
            ended.set()
            watcher.join()
            if child.poll() is None:
                _end(child)
    if code:
        output = [line for line in log.read_text(encoding="utf-8", errors="replace").splitlines() if line.strip()]
        raise ChildFailed(
            f"{module} ended with exit code {code}: {output[-1] if output else 'it said nothing'} (see {log})"
        )
    return peak


def on_two_cores() -> None:
    """Pin this process and its future children to the first two of its cores."""
    if sys.platform == "linux":
        os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:2])


def _end(child: subprocess.Popen[bytes]) -> None:
    """Kill the child with its JVM and workers, which form a process group."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(child.pid, 9)
    child.wait()


def _resident_bytes(root: int) -> int:
    """Resident bytes of a process and its descendants now; 0 on a system without /proc.

    A child between vfork and exec still uses its parent's memory (the JVM starts one for each chmod), so it is left out.
    """
    seen: dict[int, tuple[int, int, int]] = {}  # pid -> parent, virtual bytes, resident bytes
    for folder in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError, ValueError, IndexError):
            # the process name, in brackets, may contain blanks
            fields = (folder / "stat").read_text().rsplit(")", 1)[1].split()
            seen[int(folder.name)] = (int(fields[1]), int(fields[20]), int(fields[21]) * _PAGE)
    family, new, total = {root}, {root}, seen.get(root, (0, 0, 0))[2]
    while new:
        new = {pid for pid, (parent, _, _) in seen.items() if parent in new} - family
        family |= new
        for pid in new:
            parent, size, resident = seen[pid]
            _, parent_size, parent_resident = seen.get(parent, (0, 0, 0))
            in_parent = abs(size - parent_size) <= 0.01 * parent_size and resident >= 0.9 * parent_resident
            total += 0 if in_parent else resident
    return total
