"""What makes a snapshot of features anew: the inputs that it reads, and no others."""

from __future__ import annotations

from datetime import date
from pathlib import Path

from pyspark.sql import SparkSession
from pyspark.sql import functions as F

from jobs.build_features import snapshot_mark
from lake.io import Lake
from lake.tables import TRACKS
from tests.conftest import RUN_DATE, World
from tests.features.rows import filled

D = date.fromisoformat(RUN_DATE)
EARLY, LATE, CATALOG, NEWER = date(2026, 3, 9), date(2026, 3, 16), date(2026, 3, 1), date(2026, 3, 12)


def store_catalog(lake: Lake, day: date, popularity: float) -> None:
    rows = lake.spark.createDataFrame([("a", popularity)], "track_id string, popularity double")
    frame = filled(rows, TRACKS, run_date=F.lit(day), track_id=F.col("track_id"), popularity=F.col("popularity"),
                   known_since=F.lit(day), release_year=F.lit(2000), tempo=F.lit(100.0))  # fmt: skip
    lake.write(TRACKS, frame, {str(day): f"popularity {popularity}"})


def test_a_restated_catalog_makes_the_snapshots_anew_that_read_popularity_from_it(
    spark: SparkSession, tmp_path: Path, world: World
) -> None:
    night = world.night(spark, tmp_path)
    for day in (CATALOG, NEWER, D):
        store_catalog(night.lake, day, 10.0)

    def marks() -> dict[date, str]:
        return {day: snapshot_mark(night, day, ()) for day in (EARLY, LATE, D)}

    before = marks()
    store_catalog(night.lake, NEWER, 20.0)
    after = marks()
    # at EARLY the newer one was not there; D has one of its own, and 28 days before D there was none
    assert {day for day in before if before[day] != after[day]} == {LATE}
