"""What the log says of commits is what Delta's own history says."""

from __future__ import annotations

import json
from datetime import date, timedelta
from pathlib import Path

from pyspark.sql import SparkSession

from lake.commits import commit_infos, units_written
from lake.io import Lake
from lake.schema import Column, Table, struct
from lake.session import LazySession, SessionSettings
from lake.upkeep import compact, expire

DAY = date(2026, 3, 1)
TABLE = Table(
    "toys",
    "one row per day",
    ("day",),
    "day",
    (Column("day", "date", "day"), Column("n", "bigint", "count", low=0)),
    "test",
)


def test_the_log_is_read_as_delta_tells_its_history(spark: SparkSession, tmp_path: Path) -> None:
    lake = Lake(spark, tmp_path)
    for i in (*range(9), 4, 4):  # past the tenth commit there is a checkpoint, too
        day = DAY + timedelta(days=i)
        lake.write(TABLE, spark.createDataFrame([(day, i)], struct(TABLE)), {day: f"f{i}"})
    expire(lake, TABLE, [str(DAY)])
    compact(lake, TABLE, 168)
    log = tmp_path / "toys" / "_delta_log"
    assert list(log.glob("*.checkpoint*.parquet"))
    (log / f".{99:020}.json.tmp").write_text("half a lin")
    (log / f".{99:020}.json").write_text("half a lin")
    history = spark.sql(f"DESCRIBE HISTORY delta.`{tmp_path}/toys`").collect()
    told = [(r["userMetadata"], r["operationMetrics"]) for r in sorted(history, key=lambda r: int(r["version"]))]
    found = [(i.get("userMetadata"), i.get("operationMetrics", {})) for i in commit_infos(tmp_path / "toys")]
    assert len(told) > 12 and found == told
    newest = [(i.get("userMetadata"), i.get("operationMetrics", {})) for i in commit_infos(tmp_path / "toys", newest=1)]
    assert newest == told[-1:]
    assert units_written(tmp_path, "toys") == {str(DAY + timedelta(days=i)): 1 for i in range(1, 9)}
    assert {u: c.rows for u, c in Lake(spark, tmp_path).commits(TABLE).items()} == units_written(tmp_path, "toys")
    assert list(commit_infos(tmp_path / "nothing")) == [] and units_written(tmp_path, "nothing") == {}


def test_the_newest_unit_by_a_day_is_none_of_later_days(tmp_path: Path) -> None:
    """Read from the log alone: no session is there."""
    log = tmp_path / "toys" / "_delta_log"
    log.mkdir(parents=True)
    for i, day in enumerate(("2026-03-01", "2026-03-08", "2026-03-02", "2026-03-20")):
        metadata = {"run_id": "r", "units": {day: {"fingerprint": "f", "rows": 1}}}
        (log / f"{i:020}.json").write_text(json.dumps({"commitInfo": {"userMetadata": json.dumps(metadata)}}))
    lake = Lake(LazySession(SessionSettings()), tmp_path)
    assert [lake.newest(TABLE, day) for day in (date(2026, 2, 28), date(2026, 3, 8), date(2026, 3, 19))] == [
        None,
        "2026-03-08",
        "2026-03-08",
    ]
    assert lake.started is None
