"""The newest verdict of a partition counts, whichever run judged it, and is on disk before anything else happens."""

import json
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest

from quality import record as room
from quality.engine import write_index
from quality.pages import index_page
from quality.record import FILE, NightRecord
from quality.verdict import Failure, Verdict

BROKEN = Failure("click_rate", "high", "≤ 1", 2, 5)


def verdict(table: str, partition: str, *failures: Failure) -> Verdict:
    return Verdict(table, partition, not failures, 5, failures, Path("index.html"), pd.DataFrame())


@pytest.fixture
def record(tmp_path: Path) -> NightRecord:
    """Three days judged together, another table beside them, as the step `validate` leaves them."""
    made = NightRecord(tmp_path / "2026-03-04")
    made.add(
        verdict("search_log", "2026-03-01 … 2026-03-03"), {f"2026-03-0{i}": f"f{i}" for i in (1, 2, 3)}, "validate", "a"
    )
    made.add(verdict("tracks", "2026-03-04"), {"2026-03-04": "t"}, "validate", "a")
    return made


def partitions(record: NightRecord) -> list[tuple[str, list[str], bool]]:
    return [(e.table, sorted(e.units), e.passed) for e in record.entries]


def test_what_a_run_recorded_the_next_one_reads(record: NightRecord) -> None:
    again = NightRecord(record.folder)
    assert again.entries == record.entries and len(again.entries) == 2
    again.add(verdict("head_rankings", "2026-03-04", BROKEN), {"2026-03-04": "h"}, "publish", "b")
    assert NightRecord(record.folder).entries == again.entries
    assert again.entries[-1].failures == (BROKEN,)


def test_a_day_judged_again_leaves_the_two_that_it_was_judged_with(record: NightRecord) -> None:
    record.link(lambda e: f"validations/{e.table}/a.html")
    record.add(verdict("search_log", "2026-03-02", BROKEN), {"2026-03-02": "new"}, "validate", "b")
    two = ["2026-03-01", "2026-03-03"]
    assert partitions(record) == [
        ("search_log", two, True),
        ("search_log", ["2026-03-02"], False),
        ("tracks", ["2026-03-04"], True),
    ]
    assert record.superseded == []  # the page is still that of the other two
    record.link(lambda e: f"validations/{e.table}/b.html")
    record.add(verdict("search_log", "2026-03-02"), {"2026-03-02": "mended"}, "validate", "c")
    assert partitions(record)[:2] == [("search_log", two, True), ("search_log", ["2026-03-02"], True)]
    assert record.superseded == ["validations/search_log/b.html"]
    assert [e.page for e in record.entries] == ["validations/search_log/a.html", None, "validations/tracks/a.html"]


def test_a_verdict_of_what_the_lake_holds_no_more_is_dropped(record: NightRecord) -> None:
    now = {
        ("search_log", "2026-03-01"): "f1",
        ("search_log", "2026-03-02"): "written again",
        ("tracks", "2026-03-04"): "t",
    }
    record.keep_current(lambda table, unit: now.get((table, unit)))
    assert partitions(record) == [("search_log", ["2026-03-01"], True), ("tracks", ["2026-03-04"], True)]
    assert NightRecord(record.folder).entries == record.entries


def test_a_kill_while_it_is_written_leaves_the_record_before(
    record: NightRecord, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = (record.folder / FILE).read_bytes()

    def killed(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(room.os, "replace", killed)
    with pytest.raises(KeyboardInterrupt):
        record.add(verdict("queries", "2026-03-04"), {"2026-03-04": "q"}, "validate", "a")
    monkeypatch.undo()
    assert (record.folder / FILE).read_bytes() == before
    again = NightRecord(record.folder)
    again.add(verdict("queries", "2026-03-04"), {"2026-03-04": "q"}, "validate", "b")
    assert len(NightRecord(record.folder).entries) == 3


@pytest.mark.parametrize(
    "text",
    [
        '{"format": 1, "verdicts": [',
        '{"format": 99, "verdicts": []}',
        '{"format": 1, "verdicts": [{"table": "x"}]}',
        "[]",
    ],
)
def test_a_record_that_cannot_be_read_is_set_aside(tmp_path: Path, text: str) -> None:
    (tmp_path / FILE).write_text(text)
    record = NightRecord(tmp_path)
    assert record.entries == () and record.unreadable is not None and record.unreadable.read_text() == text
    record.add(verdict("tracks", "2026-03-04"), {"2026-03-04": "t"}, "validate", "a")
    assert NightRecord(tmp_path).unreadable is None and json.loads((tmp_path / FILE).read_text())["format"] == 1


def test_the_index_counts_and_shows_failures_first(record: NightRecord) -> None:
    record.add(verdict("head_rankings", "2026-03-04", BROKEN), {"2026-03-04": "h"}, "publish", "b")
    entries = [replace(e, at=f"2026-03-04T02:{10 + i}:00+00:00") for i, e in enumerate(record.entries)]
    page = index_page("2026-03-04", entries)
    assert "<b>3</b> tables" in page and "<b>5</b> partitions<" in page and '<div class="bad"><b>1</b> failed' in page
    assert "head_rankings failed: the night is held" in page and "all passed" not in page
    rows = page[page.index("<th>partitions</th>") :]
    assert rows.index("head_rankings") < rows.index("search_log") < rows.index("tracks")
    assert "column click_rate breaks high (≤ 1) in 2 of 5 rows" in rows
    assert "2026-03-01 … 2026-03-03" in rows and '<span class="quiet">(3)</span>' in rows
    assert "<td>validate</td>" in page and "2026-03-04 02:10 to 02:11" in page and "2026-03-04 02:12" in page
    passed = index_page("2026-03-04", entries[:2])
    assert "✓ all passed" in passed and "✗" not in passed and "<b>0</b> failed" in passed


def test_an_index_that_stands_is_not_written_again(record: NightRecord) -> None:
    write_index(record)
    index = record.folder / "index.html"
    before = index.stat().st_ino
    write_index(NightRecord(record.folder))
    assert index.stat().st_ino == before
    index.unlink()
    write_index(NightRecord(record.folder))
    assert "search_log" in index.read_text("utf-8")
