"""Set-up on machines that are not as one would like: a half-made environment, a Java behind links."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from tools import setup_machine


@pytest.mark.parametrize(
    ("python", "whole"), [(None, False), ("exit 1", False), (f'exec "{sys.executable}" "$@"', True)]
)
def test_an_environment_that_was_cut_off_is_not_taken_for_one(
    python: str | None, whole: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(setup_machine, "PYTHON", tmp_path / "python")
    if python is not None:
        (tmp_path / "python").write_text(f"#!/bin/sh\n{python}\n")
        (tmp_path / "python").chmod(0o755)
    assert setup_machine.has_pip() is whole


def test_the_home_of_a_java_is_where_its_link_leads(tmp_path: Path) -> None:
    (tmp_path / "jdk" / "bin").mkdir(parents=True)
    (tmp_path / "jdk" / "bin" / "java").touch()
    (tmp_path / "java").symlink_to(tmp_path / "jdk" / "bin" / "java")
    assert setup_machine.home_of(str(tmp_path / "java")) == str(tmp_path / "jdk")
