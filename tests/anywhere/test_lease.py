"""The lock of a lake in an object store: one holder, and none for ever."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from lake.errors import NightLocked
from lake.lease import Lease
from lake.lock import LOCK, is_held, night_lock
from lake.store import place
from tests.anywhere.conftest import ROOT, S3

HOLDER = """
import sys
from pathlib import Path
from lake import lease
from lake.errors import NightLocked
from lake.lock import night_lock
from lake.store import place, write_file

lease.Lease.__dataclass_fields__["lease_s"].default = lease.Lease.lease_s = 2.0
lease.Lease.__init__.__defaults__ = (2.0, 0.4, *lease.Lease.__init__.__defaults__[2:])
root = place(sys.argv[1])
try:
    with night_lock(root, "first") as check:
        print("held", flush=True)
        sys.stdin.readline()
        check()
        write_file(root / "committed", b"first")
except NightLocked as error:
    print(error)
    sys.exit(error.exit_code)
"""


@pytest.fixture
def root(s3: S3, tmp_path: Path) -> Path:
    return place(f"s3://{s3.bucket}/{tmp_path.name}/lake")


def holder(root: Path) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", HOLDER, str(root)]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=ROOT)
    assert process.stdout is not None and process.stdout.readline() == "held\n"
    return process


def taken(root: Path, wait_s: float) -> Lease:
    lease = Lease(root / LOCK, {"run_id": "second"}, lease_s=2.0, renew_s=0.4)
    lease.acquire(wait_s, lambda: "the first", None)
    return lease


def test_a_second_run_is_refused_until_the_first_ends(root: Path) -> None:
    with night_lock(root, "first") as check:
        check()
        assert is_held(root / LOCK)
        with pytest.raises(NightLocked, match=r"held by run first .* Wait for that run"), night_lock(root, "second"):
            pass
    assert not is_held(root / LOCK)
    with night_lock(root, "second"):
        pass


def test_a_lake_without_a_lock_is_free_and_its_reader_prints_nothing(root: Path) -> None:
    """The store's library prints an error of its own if a file that is not there is opened."""
    program = (
        "import sys; from lake.lock import is_held; from lake.store import place; print(is_held(place(sys.argv[1])))"
    )
    command = [sys.executable, "-c", program, str(root / LOCK)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True, cwd=ROOT)
    assert (done.stdout, done.stderr) == ("False\n", "")


def test_a_lease_is_renewed_while_its_holder_lives(root: Path) -> None:
    process = holder(root)
    with pytest.raises(NightLocked):
        taken(root, 5.0)  # more than two leases
    process.communicate("\n", timeout=30)
    assert process.returncode == 0 and (root / "committed").read_bytes() == b"first"


def test_a_killed_holder_loses_it(root: Path) -> None:
    process = holder(root)
    process.kill()
    process.wait(timeout=30)
    begun = time.monotonic()
    taken(root, 20.0).release()
    assert time.monotonic() - begun > 1.0


def test_a_stopped_holder_wakes_and_changes_nothing(root: Path) -> None:
    process = holder(root)
    os.kill(process.pid, signal.SIGSTOP)
    second = taken(root, 20.0)
    second.check()
    os.kill(process.pid, signal.SIGCONT)
    out, _ = process.communicate("\n", timeout=30)
    assert process.returncode == 4 and "has lost its lease" in out
    assert not (root / "committed").exists()
    second.check()  # the first has not taken it back
    second.release()
