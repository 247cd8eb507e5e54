"""Catalog popularity is read from the catalog of its own time, and from nowhere where there was none."""

from __future__ import annotations

from datetime import date
from pathlib import Path

from pyspark.sql import SparkSession
from pyspark.sql import functions as F

from features.build.popularity import catalogs_known, popularity_by_snapshot
from features.build.stored import catalogs_of
from lake.io import Lake
from lake.tables.logs import TRACKS
from tests.features.rows import filled

FIRST, SECOND, D = date(2026, 1, 30), date(2026, 2, 20), date(2026, 3, 1)


def lake_of(spark: SparkSession, root: Path) -> Lake:
    """Two catalogs: `a` rises from 10 to 30, `b` is new in the second, `c` has no popularity in the first."""
    lake = Lake(spark, root)
    for day, rows in ((FIRST, [("a", 10.0), ("c", None)]), (SECOND, [("a", 30.0), ("b", 5.0), ("c", 7.0)])):
        made = spark.createDataFrame(rows, "track_id string, popularity double")
        frame = filled(
            made,
            TRACKS,
            run_date=F.lit(day),
            track_id=F.col("track_id"),
            popularity=F.col("popularity"),
            known_since=F.lit(day),
            release_year=F.lit(2000),
            tempo=F.lit(100.0),
        )
        lake.write(TRACKS, frame, {str(day): "made"})
    return lake


def test_each_snapshot_reads_the_newest_catalog_by_its_day_and_that_of_28_days_before(
    spark: SparkSession, tmp_path: Path
) -> None:
    lake = lake_of(spark, tmp_path)
    known = catalogs_of(lake, [date(2026, 2, 19), D], backdate=False)
    assert known == {date(2026, 2, 19): (str(FIRST), None), D: (str(SECOND), str(FIRST))}
    found = popularity_by_snapshot(lambda day: lake.read(TRACKS, [day], allow_unvalidated=True), known)
    assert found is not None
    assert sorted(found.collect()) == [
        (date(2026, 2, 19), "a", 10.0, None),
        (date(2026, 2, 19), "c", None, None),
        (D, "a", 30.0, 10.0),
        (D, "b", 5.0, None),
        (D, "c", 7.0, None),
    ]


def test_a_snapshot_before_the_first_catalog_makes_it_unknown_in_all_unless_it_may_be_backdated(
    spark: SparkSession, tmp_path: Path
) -> None:
    lake, early = lake_of(spark, tmp_path), date(2026, 1, 29)
    assert catalogs_of(lake, [early, D], backdate=False) is None
    assert popularity_by_snapshot(lambda day: lake.read(TRACKS, [day]), None) is None
    told = catalogs_of(lake, [early, D], backdate=True)
    assert told == {early: (str(FIRST), None), D: (str(SECOND), str(FIRST))}
    assert catalogs_of(Lake(spark, tmp_path / "empty"), [D], backdate=True) is None


def test_a_catalog_of_later_days_is_never_read() -> None:
    days = ["2026-01-30", "2026-02-20", "2026-03-01", "2026-03-20"]
    known = catalogs_known(days, [date(2026, 2, 19), D], backdate=True)
    assert known == {date(2026, 2, 19): ("2026-01-30", None), D: ("2026-03-01", "2026-01-30")}
