"""Partitions are replaced whole, checked, and readable only once they passed."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest
from pyspark.sql import SparkSession
from pyspark.sql import functions as F

from lake.commits import commit_infos
from lake.errors import CommitLost, EmptyPartition, MissingPartition, RowsOutOfBounds, SchemaMismatch
from lake.io import Lake
from lake.schema import Column, Table, struct
from lake.tables.nightly import JUDGEMENTS
from lake.upkeep import METADATA, compact
from tests.features.rows import filled

DAY, NEXT = date(2026, 3, 1), date(2026, 3, 2)
TABLE = Table(
    "toys",
    "one row per (day, name)",
    ("name",),
    "day",
    (Column("day", "date", "day"), Column("name", "string", "name"), Column("n", "bigint", "count", low=0)),
    "test",
)


def rows(spark: SparkSession, *values: tuple[date, str, int]):  # type: ignore[no-untyped-def]
    return spark.createDataFrame(list(values), struct(TABLE))


@pytest.fixture
def lake(spark: SparkSession, tmp_path: Path) -> Lake:
    return Lake(spark, tmp_path)


def read(lake: Lake) -> list[tuple[object, ...]]:
    return sorted(tuple(r) for r in Lake(lake.spark, lake.root).read(TABLE, allow_unvalidated=True).collect())


def test_a_write_replaces_its_units_only_and_twice_is_once(lake: Lake) -> None:
    spark = lake.spark
    lake.write(TABLE, rows(spark, (DAY, "a", 1), (NEXT, "b", 2)), {DAY: "f1", NEXT: "f1"})
    for _ in range(2):
        assert lake.write(TABLE, rows(spark, (DAY, "c", 3)), {DAY: "f2"}) == {"2026-03-01": 1}
    assert read(lake) == [(DAY, "c", 3), (NEXT, "b", 2)]
    fresh = Lake(spark, lake.root)
    assert fresh.fingerprint(TABLE, DAY) == "f2" and fresh.fingerprint(TABLE, NEXT) == "f1"


def test_a_write_that_does_not_hold_what_was_counted_leaves_its_unit_to_be_done(lake: Lake) -> None:
    spark = lake.spark
    lake.write(TABLE, rows(spark, (DAY, "a", 1), (NEXT, "b", 2)), {DAY: "f1", NEXT: "f1"})
    with pytest.raises(CommitLost, match="2 rows counted, 1 written"):
        lake.write(TABLE, rows(spark, (DAY, "c", 3)), {DAY: "f2"}, {str(DAY): 2})
    for seen in (lake, Lake(spark, lake.root)):
        assert seen.fingerprint(TABLE, DAY) is None and seen.fingerprint(TABLE, NEXT) == "f1"
    assert read(lake) == [(NEXT, "b", 2)]
    lake.write(TABLE, rows(spark, (DAY, "c", 3)), {DAY: "f2"})
    assert read(lake) == [(DAY, "c", 3), (NEXT, "b", 2)]


def test_a_unit_whose_rows_share_a_file_with_another_unit_can_be_replaced(lake: Lake) -> None:
    """Late rows of another delivery lie in the partition of their search's day; found by `benchmarks.features`."""
    two = Table(
        "toys_by_maker",
        "one row per (day, name)",
        ("name",),
        "day",
        (*TABLE.columns, Column("maker", "string", "maker")),
        "test",
        write_unit="maker",
    )

    def made(*values: tuple[date, str, int, str]):  # type: ignore[no-untyped-def]
        return lake.spark.createDataFrame(list(values), struct(two))

    lake.write(two, made((DAY, "a", 1, "x"), (DAY, "b", 2, "y")), {"x": "f1", "y": "f1"})
    assert lake.write(two, made((DAY, "c", 3, "x")), {"x": "f2"}) == {"x": 1}
    found = lake.read(two, allow_unvalidated=True).collect()
    assert sorted(tuple(r)[1:] for r in found) == [("b", 2, "y"), ("c", 3, "x")]


def test_days_with_rows_are_told_by_the_files_alone(lake: Lake) -> None:
    lake.write(TABLE, rows(lake.spark, (DAY, "a", 1), (NEXT, "b", 2)), {DAY: "f1", NEXT: "f1"})
    assert lake.partitions(TABLE) == [str(DAY), str(NEXT)]
    lake.spark.sql(f"DELETE FROM delta.`{lake.path(TABLE)}` WHERE name = 'b'")
    assert lake.partitions(TABLE) == [str(DAY)]


def test_an_empty_frame_never_wipes_a_day(lake: Lake) -> None:
    lake.write(TABLE, rows(lake.spark, (DAY, "a", 1)), {DAY: "f1"})
    with pytest.raises(EmptyPartition, match="2026-03-01: 0 rows"):
        lake.write(TABLE, rows(lake.spark, (DAY, "a", 1)).limit(0), {DAY: "f2"})
    assert read(lake) == [(DAY, "a", 1)]


def test_a_first_write_that_was_killed_before_its_commit_is_no_table(lake: Lake) -> None:
    """Delta makes the log's folder first; found by `tools.chaos`."""
    (lake.root / TABLE.name / "_delta_log").mkdir(parents=True)
    (lake.root / TABLE.name / "part-0.parquet").write_bytes(b"half a file")
    (lake.root / TABLE.name / "_delta_log" / ".00000000000000000000.json.tmp").write_text("{}")
    assert not lake.exists(TABLE) and lake.commits(TABLE) == {}
    lake.write(TABLE, rows(lake.spark, (DAY, "a", 1)), {DAY: "f1"})
    assert lake.exists(TABLE) and read(lake) == [(DAY, "a", 1)]


def test_rows_of_another_unit_are_refused(lake: Lake) -> None:
    with pytest.raises(SchemaMismatch, match="2026-03-02"):
        lake.write(TABLE, rows(lake.spark, (NEXT, "a", 1)), {DAY: "f1"})
    assert not lake.exists(TABLE)


def test_all_schema_differences_are_named_at_once(lake: Lake) -> None:
    wrong = lake.spark.createDataFrame([("x", 1)], "name string, extra int").withColumn(
        "n", __import__("pyspark").sql.functions.lit("1")
    )
    with pytest.raises(SchemaMismatch, match=r"column n is string, expected bigint; missing: day; not declared: extra"):
        lake.write(TABLE, wrong, {DAY: "f1"})


def test_only_passed_units_are_readable(lake: Lake) -> None:
    lake.write(TABLE, rows(lake.spark, (DAY, "a", 1), (NEXT, "b", 2)), {DAY: "f1", NEXT: "f1"})
    with pytest.raises(MissingPartition, match="built"):
        lake.read(TABLE, [DAY])
    lake.mark(TABLE, DAY, "passed")
    lake.mark(TABLE, NEXT, "failed")
    lake.flush_ledger()
    fresh = Lake(lake.spark, lake.root)
    assert [r["name"] for r in fresh.read(TABLE).collect()] == ["a"]
    with pytest.raises(MissingPartition, match="failed its gate"):
        fresh.read(TABLE, [NEXT])
    # written anew, the unit has to pass again
    fresh.write(TABLE, rows(lake.spark, (DAY, "z", 9)), {DAY: "f2"})
    assert fresh.state(TABLE, DAY) == "built"


def test_a_missing_unit_says_which_job_to_run(lake: Lake) -> None:
    with pytest.raises(MissingPartition, match=r"2026-03-01 \(never written\).*Run jobs.test first"):
        lake.read(TABLE, [DAY])


def test_missing_strings_survive_pandas(spark: SparkSession) -> None:
    """Arrow off would write the text 'nan'."""
    import pandas as pd

    frame = spark.createDataFrame(pd.DataFrame({"a": ["x", None]}))
    assert [r["a"] for r in frame.collect()] == ["x", None]


MEASURED = Table(
    "measured",
    "one row per (day, name)",
    ("name",),
    "day",
    (
        Column("day", "date", "day"),
        Column("name", "string", "who", personal=True),
        Column("share", "double", "a share", "share", nullable=True, low=0),
    ),
    "test",
)


def test_delta_refuses_nan_and_rows_out_of_bounds_and_says_which_column(lake: Lake) -> None:
    def frame(*values: tuple[date, str, float | None]):  # type: ignore[no-untyped-def]
        return lake.spark.createDataFrame(list(values), struct(MEASURED))

    lake.write(MEASURED, frame((DAY, "ana", 0.5), (DAY, "eva", None)), {DAY: "f1"})
    bad = frame((NEXT, "ana", float("nan")), (NEXT, "bob", -1.0), (NEXT, "eva", 0.25))
    with pytest.raises(RowsOutOfBounds, match=r"share: 2 of 3 rows break") as caught:
        lake.write(MEASURED, bad, {NEXT: "f1"})
    assert caught.value.exit_code == 3 and "ana" not in str(caught.value) and caught.value.__cause__ is None
    assert Lake(lake.spark, lake.root).fingerprint(MEASURED, NEXT) is None
    described = {
        r["col_name"]: r["comment"] for r in lake.spark.sql(f"DESCRIBE delta.`{lake.path(MEASURED)}`").collect()
    }
    assert described["share"] == "a share (share)"


def test_the_log_keeps_no_statistics_of_a_personal_column(lake: Lake) -> None:
    frame = lake.spark.createDataFrame([(DAY, "ana", 0.5)], struct(MEASURED))
    lake.write(MEASURED, frame, {DAY: "f1"})
    log = "".join(p.read_text() for p in (lake.root / "measured" / "_delta_log").glob("*.json"))
    assert "share" in log and "ana" not in log


def test_a_table_that_gained_a_column_keeps_its_older_units_and_its_check(lake: Lake) -> None:
    """As on the first night after an upgrade: `is_shown` is new in `judgements`, whose older units stay as they are."""
    spark = lake.spark
    older = replace(JUDGEMENTS, columns=tuple(c for c in JUDGEMENTS.columns if c.name != "is_shown"))
    for day in (DAY, NEXT):
        lake.write(older, filled(spark.range(1).select(), older, run_date=F.lit(day)), {day: "before"})
    upgraded = Lake(spark, lake.root)
    one = filled(spark.range(1).select(), JUDGEMENTS, run_date=F.lit(NEXT), is_shown=F.lit(True))
    upgraded.write(JUDGEMENTS, one, {NEXT: "after"})
    stored = Lake(spark, lake.root).read(JUDGEMENTS, allow_unvalidated=True).select("run_date", "is_shown")
    assert {tuple(r) for r in stored.collect()} == {(DAY, None), (NEXT, True)}
    with pytest.raises(RowsOutOfBounds, match="grade"):
        Lake(spark, lake.root).write(JUDGEMENTS, one.withColumn("grade", F.lit(5)), {NEXT: "wrong"})


@pytest.mark.parametrize(("was", "now", "value", "is_held"), [(5, 9, 7, True), (9, 5, 3, True), (5, 2, 1, False)])
def test_bounds_that_an_upgrade_moved_hold_from_the_next_write_on(
    lake: Lake, was: int, now: int, value: int, is_held: bool
) -> None:
    """Wider ones let their rows in; tighter ones are held as soon as no older row breaks them (an older row is 4), and never before
    nothing would be."""

    def bounded(high: int) -> Table:
        name = Column("name", "string", "name", values=("a", "b"))
        return replace(TABLE, columns=(TABLE.columns[0], name, Column("n", "bigint", "count", low=-1, high=high)))

    def check() -> str:
        detail = lake.spark.sql(f"DESCRIBE DETAIL delta.`{lake.path(TABLE)}`").select("properties").first()
        return str(dict(detail["properties"]).get("delta.constraints.declared", "")) if detail else ""

    lake.write(bounded(was), rows(lake.spark, (DAY, "a", 4)), {DAY: "before"})
    upgraded = Lake(lake.spark, lake.root)
    with pytest.raises(RowsOutOfBounds, match=rf"n: 1 of 1 rows break .*<= {now}"):
        upgraded.write(bounded(now), rows(lake.spark, (NEXT, "b", now + 1)), {NEXT: "wrong"})
    upgraded.write(bounded(now), rows(lake.spark, (NEXT, "b", value)), {NEXT: "after"})
    assert (f"<= {now}" in check()) is is_held and f"<= {was}" not in check()
    # the older row goes; whoever writes next holds it then
    Lake(lake.spark, lake.root).write(bounded(now), rows(lake.spark, (DAY, "a", 1)), {DAY: "mended"})
    assert f"<= {now}" in check()
    assert read(lake) == [(DAY, "a", 1), (NEXT, "b", value)]
    # and from then on it is left alone
    commits = len(list(commit_infos(lake.root / TABLE.name)))
    for mark in ("again", "once more"):
        Lake(lake.spark, lake.root).write(bounded(now), rows(lake.spark, (DAY, "a", 1)), {DAY: mark})
    assert len(list(commit_infos(lake.root / TABLE.name))) == commits + 2


LISTED = Table(
    "listed",
    "one row per name",
    ("name",),
    None,
    (Column("name", "string", "name"), Column("asked", "string", "request")),
    "test",
    write_unit="asked",
)


def test_rows_whose_commit_the_log_has_lost_are_read_all_the_same(lake: Lake) -> None:
    """Delta cuts the log of a table at a checkpoint; who asked to be forgotten stays so."""

    def write(name: str) -> None:
        lake.write(LISTED, lake.spark.createDataFrame([(name, name)], struct(LISTED)), {name: "f1"})

    write("ana")
    lake.spark.sql(f"ALTER TABLE delta.`{lake.path(LISTED)}` SET TBLPROPERTIES ('delta.checkpointInterval' = '2')")
    write("eva")
    log = lake.root / LISTED.name / "_delta_log"
    assert (log / f"{2:020}.checkpoint.parquet").exists()
    for version in (0, 1):
        for file in log.glob(f"*{version:020}.*"):
            file.unlink()
    after = Lake(lake.spark, lake.root)
    assert list(after.commits(LISTED)) == ["eva"]
    assert {r["name"] for r in after.read(LISTED, allow_unvalidated=True).collect()} == {"ana", "eva"}


def test_the_log_of_an_older_table_is_kept_from_the_next_write_or_upkeep_on(lake: Lake) -> None:
    def retention() -> str:
        detail = lake.spark.sql(f"DESCRIBE DETAIL delta.`{lake.path(TABLE)}`").first()
        return str(detail["properties"]["delta.logRetentionDuration"])

    def made_by_an_older_version() -> Lake:
        said = json.dumps({"run_id": "old", "check": "old", "units": {}})
        lake.spark.conf.set(METADATA, said)
        lake.spark.sql(
            f"ALTER TABLE delta.`{lake.path(TABLE)}` SET TBLPROPERTIES ('delta.logRetentionDuration' = 'interval 400 days')"
        )
        lake.spark.conf.unset(METADATA)
        return Lake(lake.spark, lake.root)

    lake.write(TABLE, rows(lake.spark, (DAY, "a", 1)), {DAY: "f1"})
    wanted = retention()
    assert int(wanted.split()[1]) > 30_000
    older = made_by_an_older_version()
    assert retention() == "interval 400 days"
    older.write(TABLE, rows(lake.spark, (NEXT, "b", 2)), {NEXT: "f1"})
    assert retention() == wanted
    compact(made_by_an_older_version(), TABLE, 168)
    assert retention() == wanted
