"""Ingest and count survive kill -9 at two fixed points: tables as of an undisturbed run, no lock left."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.conftest import JAVA_OPTIONS
from tools.chaos import main


def test_killed_after_a_commit_inside_each_step(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code = main(["--at", "search_log,daily_searches", "--out", str(tmp_path), f"--java-options={JAVA_OPTIONS}"])
    said = capsys.readouterr().out
    assert code == 0, said
    assert "killed after the commit of search_log, killed after the commit of daily_searches: equal" in said, said
