"""Spark's temporary folder: what a dead process left goes, what a living one has stays."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

from lake.lock import is_held
from lake.scratch import LEASE, scratch

CHILD = """
import sys, time
from pathlib import Path
from lake.scratch import scratch
mine = scratch(Path(sys.argv[1]))
(mine / "blockmgr").mkdir()
print(mine, flush=True)
time.sleep(60)
"""


def test_folders_of_dead_processes_go_and_those_of_living_ones_stay(tmp_path: Path) -> None:
    killed, alive = (
        subprocess.Popen([sys.executable, "-c", CHILD, str(tmp_path)], stdout=subprocess.PIPE, text=True)
        for _ in range(2)
    )
    try:
        of = [Path(p.stdout.readline().strip()) for p in (killed, alive)]  # type: ignore[union-attr]
        killed.send_signal(signal.SIGKILL)
        killed.wait(timeout=30)
        (tmp_path / "local" / "spark-of-an-older-version").mkdir()
        (tmp_path / "local" / "somebody's").mkdir()
        mine = scratch(tmp_path)
        assert sorted(p.name for p in (tmp_path / "local").iterdir()) == sorted((mine.name, of[1].name, "somebody's"))
        assert is_held(mine / LEASE) and is_held(of[1] / LEASE) and (of[1] / "blockmgr").is_dir()
        assert scratch(tmp_path) == mine
    finally:
        for process in (killed, alive):
            process.kill()
            process.wait(timeout=30)
