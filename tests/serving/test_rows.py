"""Rows are written in order and once; what the executors found broken is said in one line."""

from __future__ import annotations

from pathlib import Path

import pytest

from serving.errors import ReleaseInput
from serving.layout import SUB_DATABASES
from serving.mapped import mapped
from serving.rows import Row, cut_row, digest_of, problem_row, room_of, stored_rows, write_rows

TABLES = SUB_DATABASES[2]
ROWS = [Row("names", b"a", b"1"), Row("names", b"b", b"22"), Row("needs", b"a", b"3")]


def written(path: Path, rows: list[Row]):
    return write_rows(path, rows, sum(map(room_of, rows)), TABLES)


def test_what_is_written_is_read_back(tmp_path: Path) -> None:
    result = written(tmp_path / "r", [*ROWS, cut_row("names", 2), cut_row("titles"), cut_row("names", 3)])
    stored = mapped(tmp_path / "r")
    assert list(stored_rows(stored.env, stored.tables)) == ROWS
    assert result.digest == digest_of(ROWS) != digest_of(ROWS[::-1])
    assert result.counts == {"names": 2, "needs": 1} and result.cut == {"names": 5, "titles": 1}


def test_commits_in_the_middle_do_not_show(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    rows = [Row("names", b"%06d" % n, b"x" * 500) for n in range(3000)]
    for name, size in (("one", 1 << 30), ("many", 10_000), ("again", 10_000)):
        monkeypatch.setattr("serving.rows._COMMIT_BYTES", size)
        written(tmp_path / name, rows)
        stored = mapped(tmp_path / name)
        assert list(stored_rows(stored.env, stored.tables)) == rows
    assert (tmp_path / "many").read_bytes() == (tmp_path / "again").read_bytes()


def test_all_that_is_wrong_is_named_at_once(tmp_path: Path) -> None:
    rows = [*ROWS, Row("needs", b"a", b"4"), problem_row("no tracks"), problem_row("too long")]
    with pytest.raises(ReleaseInput, match=r"3 broken rules: needs: b'a' is given twice; no tracks; too long"):
        written(tmp_path / "r", rows)


def test_a_row_out_of_order_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ReleaseInput, match=r"names: b'a' comes after a greater key"):
        written(tmp_path / "r", [ROWS[1], ROWS[0]])


def test_a_value_that_does_not_fit_into_a_page_is_refused_but_of_trigrams(tmp_path: Path) -> None:
    written(tmp_path / "r", [*ROWS, Row("trigrams", b"a", b"x" * 9000)])
    with pytest.raises(ReleaseInput, match="2000 bytes"):
        written(tmp_path / "s", [Row("names", b"a", b"x" * 2000)])
