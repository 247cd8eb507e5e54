"""One index a night, whatever runs it took: every gate's verdicts, the newest of each partition, every page within reach."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import date
from pathlib import Path

import pytest
from pyspark.sql import SparkSession
from pyspark.sql import functions as F

from lake.errors import QualityGateFailed
from lake.io import Lake
from lake.schema import Table
from lake.tables.logs import QUARANTINE
from lake.tables.nightly import BACKOFF_STRENGTHS, EXPOSURE_CURVES
from night import gate as room
from night.gate import gate
from night.night import Night
from tests.conftest import RUN_DATE, World
from tests.features.rows import filled

CURVES, STRENGTHS = EXPOSURE_CURVES, BACKOFF_STRENGTHS
DAYS = ("2026-03-06", "2026-03-13", RUN_DATE)


def write(lake: Lake, table: Table, days: Sequence[str], clients: Sequence[str], *, twice: str = "") -> None:
    """One row per day and client; on the day `twice` each row stands twice, which breaks the keys."""
    for day in days:
        rows = lake.spark.createDataFrame([(c,) for c in clients] * (2 if day == twice else 1), "client string")
        keys = {"run_date": F.lit(date.fromisoformat(day)), "client": F.col("client"), "position": F.lit(1)}
        texts = {c.name: F.lit((c.values or ("open",))[0]) for c in table.columns if c.type == "string"}
        doubles = {c.name: F.lit(0.5) for c in table.columns if c.type == "double"}
        given = {k: v for k, v in (texts | doubles | keys).items() if k in {c.name for c in table.columns}}
        lake.write(table, filled(rows, table, **given), {day: f"{clients}{twice}"})


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return tmp_path


def a_night(spark: SparkSession, world: World, home: Path) -> Night:
    """A run of the night of RUN_DATE, whose training snapshots are DAYS: another process than the one before, as it were."""
    night = world.night(spark, home)
    night.__dict__.update(first_day=date(2026, 3, 1))
    assert {*DAYS} <= {RUN_DATE, *map(str, night.as_of)}, night.as_of
    return night


@pytest.fixture
def night(spark: SparkSession, world: World, home: Path) -> Night:
    return a_night(spark, world, home)


def index(night: Night) -> Path:
    return Path(night.settings.quality.docs_dir) / RUN_DATE / "index.html"


def rows(night: Night) -> list[tuple[str, str, str, str]]:
    """(table, partitions, state, step) of the index's verdicts, as a person reads them; every link of the page leads to a page."""
    text = index(night).read_text("utf-8")
    for link in re.findall(r'href="([^"]+)"', text):
        assert (index(night).parent / link).is_file(), link
    body = text[text.index("<th>partitions</th><th>state</th>") :]
    cells = [re.findall(r"<td[^>]*>(.*?)</td>", row) for row in re.findall(r"<tr>(<td>.*?)</tr>", body)]
    plain = [[re.sub(r"<[^>]+>", "", c) for c in row] for row in cells]
    return [(row[0], row[1], row[2], row[4]) for row in plain if len(row) == 6]


def pages(night: Night) -> list[str]:
    """The folders of the partitions that have a page."""
    return sorted(p.parents[1].name for p in index(night).parent.glob("validations/*/*/*/*.html"))


def test_the_second_gate_of_a_night_does_not_take_the_first_ones_place(night: Night) -> None:
    write(night.lake, CURVES, [RUN_DATE], ["web", "alexa"])
    write(night.lake, STRENGTHS, [RUN_DATE], ["web"])
    gate(night, [CURVES], "validate")
    gate(night, [STRENGTHS], "publish")
    assert rows(night) == [
        ("exposure_curves", RUN_DATE, "✓ passed", "validate"),
        ("backoff_strengths", RUN_DATE, "✓ passed", "publish"),
    ]
    assert index(night).read_text("utf-8").count('href="') == 2


def test_a_partition_that_failed_is_shown_until_it_is_mended_and_no_longer(
    spark: SparkSession, world: World, home: Path
) -> None:
    first = a_night(spark, world, home)
    write(first.lake, STRENGTHS, [RUN_DATE], ["web"])
    gate(first, [STRENGTHS], "validate")
    write(first.lake, CURVES, DAYS, ["web"], twice=DAYS[1])
    with pytest.raises(QualityGateFailed):
        gate(first, [CURVES], "validate")
    assert rows(first) == [
        ("exposure_curves", DAYS[1], "✗ failed", "validate"),
        ("backoff_strengths", RUN_DATE, "✓ passed", "validate"),
        ("exposure_curves", DAYS[0], "✓ passed", "validate"),
        ("exposure_curves", RUN_DATE, "✓ passed", "validate"),
    ]
    assert "exposure_curves failed: the night is held" in index(first).read_text("utf-8")
    assert pages(first) == [DAYS[0], DAYS[1], RUN_DATE, RUN_DATE]  # none of the three that failed together
    (failed,) = index(first).parent.glob(f"validations/exposure_curves/{DAYS[1]}/*/*.html")
    first.lake.flush_ledger()

    mended = a_night(spark, world, home)
    write(mended.lake, CURVES, [DAYS[1]], ["web"])
    gate(mended, [CURVES], "validate")
    assert {row[2] for row in rows(mended)} == {"✓ passed"} and len(rows(mended)) == 4
    assert not failed.exists() and pages(mended) == [DAYS[0], DAYS[1], RUN_DATE, RUN_DATE]
    assert "failed: the night is held" not in index(mended).read_text("utf-8")


def test_a_few_partitions_judged_anew_leave_the_others_their_verdict(
    spark: SparkSession, world: World, home: Path
) -> None:
    first = a_night(spark, world, home)
    write(first.lake, CURVES, DAYS, ["web"])
    gate(first, [CURVES], "validate")
    assert rows(first) == [("exposure_curves", f"{DAYS[0]} … {RUN_DATE} (3)", "✓ passed", "validate")]
    first.lake.flush_ledger()
    again = a_night(spark, world, home)
    write(again.lake, CURVES, [DAYS[0]], ["web", "mobile"])
    gate(again, [CURVES], "validate")
    two = f"{DAYS[1]} … {RUN_DATE} (2 of 3; the rows are of all)"
    assert rows(again) == [
        ("exposure_curves", two, "✓ passed", "validate"),
        ("exposure_curves", DAYS[0], "✓ passed", "validate"),
    ]
    assert index(again).read_text("utf-8").count('href="') == 2


def test_a_gate_that_was_ended_in_its_midst_is_whole_after_the_next_run(
    spark: SparkSession, world: World, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What the ledger says has passed is not judged again: its verdict must have been on disk before."""
    first = a_night(spark, world, home)
    write(first.lake, CURVES, [RUN_DATE], ["web"])
    write(first.lake, STRENGTHS, [RUN_DATE], ["web"])
    judge = room.judge

    def stopped_at_the_second(frame: object, table: Table, *given: object) -> object:
        if table is STRENGTHS:
            raise KeyboardInterrupt
        return judge(frame, table, *given)  # type: ignore[arg-type]

    monkeypatch.setattr(room, "judge", stopped_at_the_second)
    with pytest.raises(KeyboardInterrupt):
        gate(first, [CURVES, STRENGTHS], "validate")
    first.lake.flush_ledger()  # as night.night does however the night ends
    monkeypatch.undo()
    second = a_night(spark, world, home)
    assert second.lake.state(CURVES, RUN_DATE) == "passed"
    gate(second, [CURVES, STRENGTHS], "validate")
    assert [row[:3] for row in rows(second)] == [
        ("exposure_curves", RUN_DATE, "✓ passed"),
        ("backoff_strengths", RUN_DATE, "✓ passed"),
    ]


def test_pages_that_could_not_be_written_do_not_cost_the_index(
    spark: SparkSession, world: World, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> Path:
        raise OSError(28, "No space left on device")

    first = a_night(spark, world, home)
    write(first.lake, CURVES, [RUN_DATE], ["web"])
    monkeypatch.setattr(room, "write_data_docs", full)
    with pytest.raises(OSError, match="No space"):
        gate(first, [CURVES], "validate")
    first.lake.flush_ledger()
    monkeypatch.undo()
    second = a_night(spark, world, home)
    assert gate(second, [CURVES], "validate").skipped
    assert rows(second) == [("exposure_curves", RUN_DATE, "✓ passed", "validate")]


def test_another_lake_under_the_same_folder_of_pages_begins_its_own_index(
    spark: SparkSession, world: World, home: Path
) -> None:
    first = a_night(spark, world, home)
    write(first.lake, CURVES, [RUN_DATE], ["web"], twice=RUN_DATE)
    with pytest.raises(QualityGateFailed):
        gate(first, [CURVES], "validate")
    other = Night(first.settings, Lake(spark, home / "other-lake"))
    other.__dict__.update(first_day=date(2026, 3, 1))
    write(other.lake, STRENGTHS, [RUN_DATE], ["web"])
    gate(other, [STRENGTHS], "validate")
    assert [row[0] for row in rows(other)] == ["backoff_strengths"]


def test_a_partition_without_rows_has_its_verdict_too(night: Night) -> None:
    lake = night.lake
    lake.write(QUARANTINE, filled(lake.spark.range(0), QUARANTINE), {"2026-03-20": "nothing"})
    gate(night, [QUARANTINE], "validate")
    assert rows(night) == [("quarantine", "2026-03-20 (empty)", "✓ passed", "validate")]


def test_verdicts_that_cannot_be_read_are_named(night: Night) -> None:
    index(night).parent.mkdir(parents=True)
    (index(night).parent / "verdicts.json").write_text("{cut off")
    write(night.lake, CURVES, [RUN_DATE], ["web"])
    gate(night, [CURVES], "validate")
    assert any("could not be read" in note and "verdicts.unreadable.json" in note for note in night.notes)
    assert len(rows(night)) == 1
