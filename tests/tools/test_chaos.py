"""Ingest and count survive kill -9 at two fixed points; the pseudonym key shows in no log, plan or event of a run."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.conftest import SHORT_JAVA_OPTIONS
from tools.chaos import KEY, main


def test_killed_after_a_commit_inside_each_step(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code = main(["--at", "search_log,daily_searches", "--out", str(tmp_path), f"--java-options={SHORT_JAVA_OPTIONS}"])
    said = capsys.readouterr().out
    assert code == 0, said
    assert "killed after the commit of search_log, killed after the commit of daily_searches: equal" in said, said

    calm = tmp_path / "calm"
    logs = [
        p for part in ("events", "spark") for p in (calm / part).rglob("*") if p.is_file() and "local" not in p.parts
    ]
    told = "".join(p.read_text(errors="replace") for p in [*logs, calm / "run.log"])
    assert "SparkListenerSQLExecutionStart" in told and "sha2" in told  # the plans of the keyed hash are there
    pads = [bytes(b ^ pad for b in bytes.fromhex(KEY)).hex() for pad in (0x36, 0x5C)]
    assert not [secret for secret in (KEY, *pads) if secret in told.lower()]
