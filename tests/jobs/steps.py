"""A lake over made deliveries, night by night: its folders, its steps, and what it then holds."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

from pyspark.sql import SparkSession
from pyspark.sql import functions as F

from jobs import count_engagement, ingest
from lake.io import Lake
from lake.tables.daily import DAILY_ENGAGEMENT
from lake.tables.logs import DELIVERED_FILES, ENGAGEMENT_EVENTS, QUARANTINE, SEARCH_LOG
from night.night import Night
from tests.conftest import NO_BOTS, World
from tests.events.deliveries import FIRST, TRACKS, Delivered, as_set, by_file, written

# equal lakes are compared bit by bit, and a fit of vectors ends with other last digits
FIXED = ("features.vectors=false",)


def night(spark: SparkSession, root: Path, day: int, *overrides: str) -> Night:
    """The night that sees the folders of the first `day` days."""
    world = World(root)
    run_date = f"run_date={FIRST + timedelta(days=day)}"
    places = (f"catalog={root}/catalog.jsonl", "ingest.settle_s=0", "ingest.max_quarantined_share=0.9", run_date)
    return Night(
        world.settings(root / "home", *places, *NO_BOTS, *FIXED, *overrides), Lake(spark, root / "home" / "lake")
    )


def deliver(root: Path, log: list[Delivered], name: str = "part.jsonl") -> None:
    written(root / "logs", by_file(log, name))


def with_catalog(root: Path) -> Path:
    rows = [f'{{"track_id": "{t}", "title": "Song {t}", "artists": ["A {t}"], "genres": []}}' for t in TRACKS]
    (root / "catalog.jsonl").write_text("\n".join(rows) + "\n")
    return root


def counted(lake: Lake) -> set[str]:
    return as_set(lake.read(DAILY_ENGAGEMENT, allow_unvalidated=True))


def exact(lake: Lake) -> None:
    """The account of every file, and that it says what the tables hold."""
    for row in lake.read(DELIVERED_FILES, allow_unvalidated=True).collect():
        assert row["received"] == row["accepted"] + row["duplicate"] + row["quarantined"], row
    sums = lake.read(DELIVERED_FILES, allow_unvalidated=True).agg(
        F.sum("accepted"), F.sum("forgotten"), F.sum("quarantined")
    )
    accepted, forgotten, quarantined = sums.collect()[0]
    held = sum(lake.read(t, allow_unvalidated=True).count() for t in (SEARCH_LOG, ENGAGEMENT_EVENTS))
    assert accepted - forgotten == held and quarantined == lake.read(QUARANTINE, allow_unvalidated=True).count()


def ingested(spark: SparkSession, root: Path, day: int, *overrides: str) -> Lake:
    """The lake after ingest and count of the night that sees `day` days of folders; its account is exact."""
    this = night(spark, root, day, *overrides)
    ingest.run(this)
    count_engagement.run(this)
    exact(this.lake)
    return this.lake


def in_a_batch(spark: SparkSession, root: Path, log: list[Delivered], day: int, *overrides: str) -> set[str]:
    """Counts of the log, delivered and read in one go, on a lake of its own."""
    root.mkdir()
    deliver(with_catalog(root), log)
    return counted(ingested(spark, root, day, *overrides))
