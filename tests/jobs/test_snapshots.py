"""What makes a snapshot of features anew: the inputs that it reads, and no others."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path

import pytest
from pyspark.sql import SparkSession
from pyspark.sql import functions as F

from features.catalogue import feature_table
from jobs import maintain
from lake.io import Lake
from lake.schema import Table
from lake.tables.daily import DAILY_ENGAGEMENT
from lake.tables.logs import TRACKS
from lake.tables.nightly import CANDIDATES
from night.night import Night
from night.snapshots import PAIRS, pending_snapshots, snapshot_mark
from ranking.examples import teachable, training_dates
from tests.conftest import RUN_DATE, World
from tests.features.rows import filled

D = date.fromisoformat(RUN_DATE)
EARLY, LATE = D - timedelta(days=17), D - timedelta(days=10)  # snapshots of the training set
CATALOG, NEWER = date(2026, 3, 1), date(2026, 3, 12)


def store_catalog(lake: Lake, day: date, popularity: float) -> None:
    rows = lake.spark.createDataFrame([("a", popularity)], "track_id string, popularity double")
    frame = filled(
        rows,
        TRACKS,
        run_date=F.lit(day),
        track_id=F.col("track_id"),
        popularity=F.col("popularity"),
        known_since=F.lit(day),
        release_year=F.lit(2000),
        tempo=F.lit(100.0),
    )
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


def store(lake: Lake, table: Table, day: date, mark: str) -> None:
    """A unit of one row that keeps the table's bounds and says nothing."""
    fit = {
        c.name: F.lit(c.values[0] if c.values else c.low if c.type == "int" else None)
        for c in table.columns
        if c.nullable or c.values or c.type == "int"
    }
    one = lake.spark.range(1).select()
    lake.write(table, filled(one, table, **fit, **{str(table.unit_column): F.lit(day)}), {str(day): mark})


def test_a_day_of_long_ago_that_is_restated_makes_the_snapshots_after_it_anew(
    spark: SparkSession, tmp_path: Path, world: World
) -> None:
    night, old = world.night(spark, tmp_path), D - timedelta(days=200)
    store(night.lake, DAILY_ENGAGEMENT, old, "first")
    before = snapshot_mark(night, D, ())
    store(night.lake, DAILY_ENGAGEMENT, old, "restated")
    assert snapshot_mark(night, D, ()) != before


def test_what_is_not_shown_makes_training_snapshots_anew_and_never_the_night_s_own(
    spark: SparkSession, tmp_path: Path, world: World
) -> None:
    night = world.night(spark, tmp_path)
    more = world.night(spark, tmp_path, "labels.unshown_per_need=7")
    changed = {day for day in (EARLY, LATE, D) if snapshot_mark(night, day, ()) != snapshot_mark(more, day, ())}
    assert changed == {EARLY, LATE}
    before = {day: snapshot_mark(night, day, ()) for day in (EARLY, LATE, D)}
    store(night.lake, CANDIDATES, D, "proposed tonight")
    assert all(snapshot_mark(night, day, ()) != mark for day, mark in before.items())


def test_a_build_of_tonight_that_was_cut_off_between_its_tables_is_made_again(
    spark: SparkSession, tmp_path: Path, world: World
) -> None:
    night = world.night(spark, tmp_path)
    wanted = {str(D): "tonight", str(LATE): "then"}
    for day, mark in wanted.items():
        for grain in ("track", "need", "need_track"):
            store(night.lake, feature_table(grain), date.fromisoformat(day), mark)
    assert pending_snapshots(night, wanted) == {}
    for day in (D, LATE):
        store(night.lake, feature_table("need"), day, "under other settings")
    assert pending_snapshots(night, wanted) == {str(D): "tonight"}
    store(night.lake, PAIRS, LATE, "restated")
    assert pending_snapshots(night, wanted) == wanted


@pytest.fixture
def frozen(spark: SparkSession, tmp_path: Path, world: World) -> Night:
    """A night with a snapshot of EARLY that EARLY's own night built."""
    night = world.night(spark, tmp_path)
    store(night.lake, CANDIDATES, EARLY, "of that night")
    then = replace(night, settings=replace(night.settings, run_date=str(EARLY)))
    store(night.lake, PAIRS, EARLY, snapshot_mark(then, EARLY, ()))
    return night


def test_a_snapshot_that_its_own_night_built_stays_whatever_is_restated(frozen: Night) -> None:
    held = frozen.lake.fingerprint(PAIRS, EARLY)
    store(frozen.lake, DAILY_ENGAGEMENT, EARLY - timedelta(days=1), "restated")
    assert snapshot_mark(frozen, EARLY, ()) == held


def test_it_is_made_anew_where_its_gate_failed(frozen: Night) -> None:
    held, tracks = frozen.lake.fingerprint(PAIRS, EARLY), feature_table("track")
    store(frozen.lake, tracks, EARLY, str(held))
    assert snapshot_mark(frozen, EARLY, ()) == held
    frozen.lake.mark(tracks, EARLY, "failed")
    assert snapshot_mark(frozen, EARLY, ()) != held


def test_a_build_of_some_columns_takes_no_snapshots_place_and_a_later_nights_is_no_frozen_one(frozen: Night) -> None:
    held = frozen.lake.fingerprint(PAIRS, EARLY)
    assert snapshot_mark(frozen, EARLY, ("coec",)) == held
    late = snapshot_mark(frozen, LATE, ())
    store(frozen.lake, PAIRS, LATE, late)
    store(frozen.lake, CANDIDATES, LATE, "of that night")
    assert snapshot_mark(frozen, LATE, ()) == late
    store(frozen.lake, DAILY_ENGAGEMENT, LATE - timedelta(days=1), "restated")
    assert snapshot_mark(frozen, LATE, ()) != late
    fewer = replace(frozen, settings=replace(frozen.settings, ranking=replace(frozen.settings.ranking, max_needs=5)))
    without = replace(
        frozen, settings=replace(frozen.settings, features=replace(frozen.settings.features, vectors=False))
    )
    marks = {snapshot_mark(n, LATE, ()) for n in (frozen, fewer, without)}
    assert len(marks) == 3


def test_it_is_made_anew_where_its_columns_were_made_otherwise_than_tonights(frozen: Night) -> None:
    held = frozen.lake.fingerprint(PAIRS, EARLY)
    store_catalog(frozen.lake, EARLY, 10.0)  # its popularity is null, tonight's is not
    assert snapshot_mark(frozen, EARLY, ()) != held


def test_the_label_days_of_every_snapshot_are_final() -> None:
    dates = training_dates(date(2026, 3, 31), date(2026, 1, 1), 9)
    assert dates == tuple(date(2026, 3, 22) - timedelta(days=7 * i) for i in range(5, -1, -1))
    assert training_dates(date(2026, 3, 23), date(2026, 3, 1), 9) == (date(2026, 3, 7), date(2026, 3, 14))
    assert training_dates(date(2026, 3, 10), date(2026, 3, 1), 9) == ()


def test_a_snapshot_in_a_hole_of_the_logs_is_none() -> None:
    first = date(2026, 3, 1)
    dates = [first + timedelta(days=i) for i in (7, 14, 21, 28)]
    every = {first + timedelta(days=i) for i in range(40)}
    assert teachable(dates, every, 7) == tuple(dates)
    # 13 days are missing from the 8th on: nothing was seen in the week after that day, and enough before all others
    assert teachable(dates, {d for d in every if not 7 <= (d - first).days < 20}, 7) == (dates[1], *dates[2:])
    assert teachable(dates, {d for d in every if not 14 <= (d - first).days < 21}, 7) == (dates[0], *dates[2:])
    # three days before a snapshot are too few, whatever came long ago
    late = {d for d in every if (d - first).days >= 25}
    assert teachable(dates, late, 7) == () and teachable([first + timedelta(days=29)], late, 7) != ()


def test_upkeep_keeps_every_night_that_a_later_training_set_reads(
    spark: SparkSession, tmp_path: Path, world: World
) -> None:
    night = world.night(spark, tmp_path, "ranking.min_history_days=1")
    night.first_day = D - timedelta(days=100)  # long history: six snapshots, a week apart
    night.delivered_days = {D - timedelta(days=i) for i in range(1, 101)}
    oldest = min(night.as_of)
    assert (
        max(night.as_of) == LATE
    )  # its label days end at D - 4, and D - 1 is the last folder that may hold rows of that day
    kept, gone = [oldest + timedelta(days=i) for i in (0, 1, 6, 40)], oldest - timedelta(days=1)
    for day in (gone, *kept):
        store(night.lake, CANDIDATES, day, "made")
    maintain.run(night)
    assert sorted(night.lake.commits(CANDIDATES)) == [str(d) for d in kept]
    for tomorrow in range(1, 8):
        needed = training_dates(D + timedelta(days=tomorrow), night.first_day, 10)
        assert min(needed) > gone
