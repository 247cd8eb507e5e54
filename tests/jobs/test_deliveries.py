"""Folders that come late, again, or changed; two runs at once; people who are forgotten: on a lake, step by step."""

from __future__ import annotations

import hmac
from datetime import timedelta
from pathlib import Path

import pytest
from pyspark.sql import SparkSession
from pyspark.sql import functions as F

from events.forgetting import forget, pseudonyms, remember_forgotten
from events.privacy import key_frame
from jobs import count_engagement, ingest, maintain
from jobs.night import Night
from lake.errors import NightLocked
from lake.io import Lake
from lake.lock import night_lock
from lake.tables import DAILY_ENGAGEMENT, DELIVERED_FILES, ENGAGEMENT_EVENTS, FORGOTTEN_USERS, QUARANTINE, SEARCH_LOG
from lake.upkeep import files_holding, vacuum
from tests.conftest import NO_BOTS, World
from tests.events.deliveries import FIRST, TRACKS, Delivered, as_set, by_file, made_log, written

LOG = made_log(seed=4, searches=60, days=3)


def night(spark: SparkSession, root: Path, day: int, *overrides: str) -> Night:
    """The night that sees the folders of the first `day` days."""
    world = World(root)
    run_date = f"run_date={FIRST + timedelta(days=day)}"
    places = (f"catalog={root}/catalog.jsonl", "ingest.settle_s=0", "ingest.max_quarantined_share=0.9", run_date)
    return Night(
        world.settings(root / "home", *places, *NO_BOTS, *overrides), spark, Lake(spark, root / "home" / "lake")
    )


def deliver(root: Path, log: list[Delivered], name: str = "part.jsonl") -> None:
    written(root / "logs", by_file(log, name))


@pytest.fixture
def root(tmp_path: Path) -> Path:
    rows = [f'{{"track_id": "{t}", "title": "Song {t}", "artists": ["A {t}"], "genres": []}}' for t in TRACKS]
    (tmp_path / "catalog.jsonl").write_text("\n".join(rows) + "\n")
    return tmp_path


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


def test_night_by_night_equals_one_batch_and_a_waiting_event_meets_its_search(spark: SparkSession, root: Path) -> None:
    """Half of a day's searches come a folder after their events: these wait, and then count as if all had come together."""
    late = [
        Delivered(r.folder + (r.source == "searches" and r.folder == 1 and i % 2), r.source, r.text)
        for i, r in enumerate(LOG)
    ]
    deliver(root, [r for r in late if r.folder < 2])
    first = night(spark, root, 2)
    ingest.run(first)
    waiting = (
        first.lake.read(QUARANTINE, allow_unvalidated=True).where(F.array_contains("reasons", "no_search")).count()
    )
    assert waiting > 5
    deliver(root, [r for r in late if r.folder == 2])
    second = night(spark, root, 3)
    done = ingest.run(second)
    assert f"{waiting} events met their search" in done.note
    assert second.lake.read(QUARANTINE, allow_unvalidated=True).count() == 0
    exact(second.lake)
    count_engagement.run(second)
    again = night(spark, root, 3)
    assert ingest.run(again).skipped and count_engagement.run(again).skipped
    # the same log, delivered as it should be, in one batch
    other = root / "other"
    other.mkdir()
    (other / "catalog.jsonl").write_text((root / "catalog.jsonl").read_text())
    deliver(other, LOG)
    batch = night(spark, other, 3)
    ingest.run(batch)
    count_engagement.run(batch)
    assert counted(batch.lake) == counted(second.lake)


def test_a_restated_folder_corrects_its_day_and_a_person_can_be_forgotten(spark: SparkSession, root: Path) -> None:
    deliver(root, LOG)
    first = night(spark, root, 3)
    ingest.run(first)
    count_engagement.run(first)
    before = counted(first.lake)
    gone = [r for r in LOG if r.folder == 0][:20]
    deliver(root, [r for r in LOG if r.folder == 0 and r not in gone])
    second = night(spark, root, 3)
    assert not ingest.run(second).skipped and not count_engagement.run(second).skipped
    assert counted(second.lake) != before
    exact(second.lake)
    deliver(root, LOG)  # and back again
    third = night(spark, root, 3)
    ingest.run(third)
    count_engagement.run(third)
    assert counted(third.lake) == before

    # forgetting u3: rows leave, files are purged, a later delivery resurrects nobody
    lake, user = third.lake, "u3"
    key = bytes.fromhex((root / "home" / "key").read_text().strip())
    pseudonym = hmac.new(key, user.encode(), "sha256").hexdigest()
    assert lake.read(SEARCH_LOG, allow_unvalidated=True).where(F.col("user_id") == pseudonym).count() > 0
    (root / "people.txt").write_text(f"{user}\n\n")
    named = pseudonyms(lake, root / "people.txt", key_frame(spark, root / "home" / "key"))
    assert remember_forgotten(lake, named) == 1 and remember_forgotten(lake, named) == 0
    took = forget(lake, named)
    assert took["search_log"] > 0 and took["engagement_events"] > 0
    exact(lake)
    assert files_holding(lake.root, [pseudonym], but=("forgotten_users",))  # still in the files that nothing names
    for table in (SEARCH_LOG, ENGAGEMENT_EVENTS, QUARANTINE):
        vacuum(lake, table, 0)
    assert files_holding(lake.root, [pseudonym], but=("forgotten_users",)) == []
    assert sum(forget(lake, named).values()) == 0
    assert not count_engagement.run(third).skipped
    without = counted(lake)
    assert without != before
    deliver(root, LOG, "again.jsonl")  # the owner delivers everything once more
    fourth = night(spark, root, 3)
    assert "of forgotten people" in ingest.run(fourth).note
    count_engagement.run(fourth)
    exact(fourth.lake)
    assert counted(fourth.lake) == without
    assert files_holding(lake.root, [user.join(['"', '"'])], but=()) == []
    assert fourth.lake.read(FORGOTTEN_USERS, allow_unvalidated=True).count() == 1
    done = maintain.run(fourth)
    assert "tables compacted" in done.note and counted(fourth.lake) == without


def test_two_runs_at_once(tmp_path: Path) -> None:
    with (
        night_lock(tmp_path, "first"),
        pytest.raises(NightLocked, match="run first") as caught,
        night_lock(tmp_path, "second"),
    ):
        pass
    assert caught.value.exit_code == 4
