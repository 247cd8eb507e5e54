"""The same seed gives the same bytes in every process; another seed gives others."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]


def _tree(out: Path) -> dict[str, str]:
    return {
        str(p.relative_to(out)): hashlib.sha256(p.read_bytes()).hexdigest()
        for p in sorted(out.rglob("*"))
        if p.is_file()
    }


def _made(out: Path, seed: int, salt: str) -> dict[str, str]:
    words = [f"out={out}", "days=2", "searches_per_day=400", "jsonl_days=1", "world=drift", f"seed={seed}"]
    subprocess.run(
        [sys.executable, "-m", "simulator.generate", *words],
        check=True,
        cwd=ROOT,
        timeout=120,
        capture_output=True,
        env=os.environ | {"PYTHONHASHSEED": salt},
    )
    return _tree(out)


def test_same_seed_same_bytes_other_seed_other_bytes(tmp_path):
    first = _made(tmp_path / "a", 3, "1")
    other = _made(tmp_path / "b", 4, "1")
    assert first == _made(tmp_path / "b", 3, "2"), "another process, and over the files of another simulation"
    assert other.keys() == first.keys()
    empty = hashlib.sha256(b"").hexdigest()
    assert all(other[k] != first[k] for k in first if first[k] != empty)
