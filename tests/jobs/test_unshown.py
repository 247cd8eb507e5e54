"""Of which pairs a night may say that they were not shown: of what a snapshot held, words proposed, and the catalog has."""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path

import pytest
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from features.catalogue import feature_table
from lake.schema import Table
from lake.tables.daily import DAILY_ENGAGEMENT
from lake.tables.logs import TRACKS
from lake.tables.nightly import CANDIDATES
from night.judged import known_pairs
from night.night import Night
from night.snapshots import wanted_pairs
from tests.conftest import RUN_DATE, World
from tests.features.rows import as_said, filled, sparse

D = date.fromisoformat(RUN_DATE)
PAIRS = feature_table("need_track")
SOURCES = {
    "words": ["text"],
    "heard": ["engagement", "text"],
    "likely": ["engagement"],
    "tag": ["constraint"],
    "gone": ["text"],
    "new": ["text"],
}
RELEASED = {"new": D - timedelta(days=2), "words": None}


def write(night: Night, table: Table, day: date, frame: DataFrame, **told: object) -> None:
    night.lake.write(table, sparse(frame, table, **({"run_date": F.lit(day)} | told)), {str(day): "made"})
    night.lake.mark(table, str(day), "passed")


@pytest.fixture
def night(spark: SparkSession, tmp_path: Path, world: World) -> Night:
    """Six tracks were proposed for "hello": each night's candidates; all but "gone" are in the catalog."""
    night = world.night(spark, tmp_path)
    night.first_day = D - timedelta(days=22)
    rows = [
        ("en", "hello", track, list(of), RELEASED.get(track, D - timedelta(days=900))) for track, of in SOURCES.items()
    ]
    proposed = spark.createDataFrame(
        rows, "locale string, need string, track_id string, sources array<string>, released_at date"
    )
    for day in (*night.as_of, D):
        write(night, CANDIDATES, day, proposed, source_rank=F.lit(1))
    catalog = proposed.where("track_id != 'gone'").select("track_id", "released_at")
    write(night, TRACKS, D, catalog, known_since=F.lit(D))
    return night


def found(frame: DataFrame) -> dict[date, set[str]]:
    told: dict[date, set[str]] = {}
    for row in frame.collect():
        told.setdefault(row["as_of"], set()).add(row["track_id"])
    return told


def test_a_snapshot_that_its_own_night_built_says_it_of_what_no_log_proposed_and_the_catalog_still_has(
    night: Night,
) -> None:
    held = night.lake.read(CANDIDATES, [D]).select("locale", "need", "track_id")
    for day in night.as_of:
        write(night, PAIRS, day, held)
    assert len(night.as_of) == 2
    assert found(known_pairs(night)) == {day: {"words", "tag", "new"} for day in night.as_of}


def test_a_snapshot_of_the_past_takes_tonights_candidates_of_tracks_that_were_out_by_then(night: Night) -> None:
    shown = night.spark.createDataFrame([("en", "hello", "heard")], "locale string, query string, track_id string")
    day = night.as_of[0]
    counted = {"search_date": F.lit(day), "client": F.lit("web")} | {c: F.col(c) for c in shown.columns}
    daily = filled(shown, DAILY_ENGAGEMENT, **counted)
    head = night.spark.createDataFrame(
        [("en", "hello", "known_item")], "locale string, need string, intent_group string"
    )
    leads = as_said(daily, day, D)
    assert found(wanted_pairs(night, day, daily, leads, head)) == {day: {"heard", "words", "tag"}}
    assert found(wanted_pairs(night, D, daily, leads, head)) == {D: set(SOURCES)}
