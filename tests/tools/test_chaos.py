"""Ingest and count survive kill -9 at two fixed points; the pseudonym key shows in no log, plan or event of a run."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from tests.conftest import SHORT_JAVA_OPTIONS
from tools import chaos
from tools.chaos import KEY, main


def test_killed_after_a_commit_inside_each_step(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "chaos"
    code = main(["--at", "search_log,daily_searches", "--out", str(out), f"--java-options={SHORT_JAVA_OPTIONS}"])
    said = capsys.readouterr().out
    assert code == 0, said
    assert "killed after the commit of search_log, killed after the commit of daily_searches: equal" in said, said
    assert said.endswith("1 of 1 lakes have the tables of the undisturbed one; 1 of them were killed\n"), said

    calm = out / "calm"
    logs = [
        p for part in ("events", "spark") for p in (calm / part).rglob("*") if p.is_file() and "local" not in p.parts
    ]
    told = "".join(p.read_text(errors="replace") for p in [*logs, calm / "run.log"])
    assert "SparkListenerSQLExecutionStart" in told and "sha2" in told  # the plans of the keyed hash are there
    pads = [bytes(b ^ pad for b in bytes.fromhex(KEY)).hex() for pad in (0x36, 0x5C)]
    assert not [secret for secret in (KEY, *pads) if secret in told.lower()]


@pytest.mark.parametrize("words", [["--at", "serch_log"], ["--times", "0"], ["--at", "search_log"]])
def test_it_empties_no_folder_but_its_own_and_knows_its_tables(
    words: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "lake").mkdir()
    with pytest.raises(SystemExit):
        main([*words, "--out", str(tmp_path)])
    assert (tmp_path / "lake").is_dir() and [p.name for p in tmp_path.iterdir()] == ["lake"]
    said = capsys.readouterr().err
    assert (
        "holds what is not of an earlier chaos" if words[1] == "search_log" else "--at: tables of search_log"
    ) in said


def test_a_chaos_that_killed_nothing_shows_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name, stand_in in (
        ("_start", lambda world, home, *a: home.mkdir(parents=True, exist_ok=True)),
        ("_finish", lambda *a: None),
        ("_contents", lambda *a: {}),
        ("_killed", lambda process, come: False),
    ):
        monkeypatch.setattr(chaos, name, stand_in)
    monkeypatch.setattr(subprocess, "run", lambda *a, **k: None)
    assert main(["--times", "2", "--out", str(tmp_path / "chaos")]) == 1
    said = capsys.readouterr().out
    assert "ended before the kill after" in said and "; 0 of them were killed" in said
    assert main(["--times", "2", "--out", str(tmp_path / "chaos")]) == 1  # its own folder is emptied again
