"""One writer a lake; a dead holder's lock is free."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from lake.errors import NightLocked
from lake.lock import is_held, night_lock

HOLD = """
import pathlib, sys
from lake.lock import night_lock
with night_lock(pathlib.Path(sys.argv[1]), 'other'):
    print('held', flush=True)
    sys.stdin.read()
"""


def test_the_second_run_is_told_who_holds_it_and_a_killed_holder_frees_it(tmp_path: Path) -> None:
    other = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(tmp_path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    try:
        assert other.stdout is not None and other.stdout.readline().strip() == "held"
        assert is_held(tmp_path / "night.lock")
        with pytest.raises(NightLocked, match=rf"run other \(pid {other.pid}") as caught, night_lock(tmp_path, "mine"):
            pass
        assert caught.value.exit_code == 4
    finally:
        other.kill()
        other.communicate(timeout=30)
    assert not is_held(tmp_path / "night.lock")
    with night_lock(tmp_path, "mine"):
        assert is_held(tmp_path / "night.lock")


def test_who_waits_is_told_for_whom_and_gets_in_when_that_run_ends(tmp_path: Path) -> None:
    other = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(tmp_path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    told: list[str] = []

    def end_it(holder: str) -> None:
        told.append(holder)
        other.kill()

    try:
        assert other.stdout is not None and other.stdout.readline().strip() == "held"
        with night_lock(tmp_path, "mine", wait_s=60, on_wait=end_it):
            assert is_held(tmp_path / "night.lock")
    finally:
        other.kill()
        other.communicate(timeout=30)
    assert len(told) == 1 and told[0].startswith(f"run other (pid {other.pid}")
