"""Folders that come late, again, or changed; two runs at once; people who are forgotten: on a lake, step by step."""

from __future__ import annotations

import hmac
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from pyspark.sql import SparkSession
from pyspark.sql import functions as F

from jobs import count_engagement, forget, ingest, maintain
from lake.errors import IncompleteDelivery, NightLocked
from lake.io import Lake
from lake.lock import night_lock
from lake.tables.daily import DAILY_ENGAGEMENT
from lake.tables.logs import ENGAGEMENT_EVENTS, FORGOTTEN_USERS, QUARANTINE, SEARCH_LOG
from lake.upkeep import files_containing
from tests.events.deliveries import FIRST, Delivered, as_set, made_log, moment, plain_days, reaction, search
from tests.jobs.steps import counted, deliver, exact, ingested, night, with_catalog

LOG = made_log(seed=4, searches=60, days=3)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return with_catalog(tmp_path)


@pytest.fixture(scope="module")
def in_one_batch(spark: SparkSession, tmp_path_factory: pytest.TempPathFactory) -> set[str]:
    """Counts of LOG delivered as it should be, in one batch."""
    root = with_catalog(tmp_path_factory.mktemp("batch"))
    deliver(root, LOG)
    batch = night(spark, root, 3)
    ingest.run(batch)
    count_engagement.run(batch)
    return counted(batch.lake)


def test_night_by_night_equals_one_batch_and_a_waiting_event_meets_its_search(
    spark: SparkSession, root: Path, in_one_batch: set[str]
) -> None:
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
    assert counted(second.lake) == in_one_batch


def test_a_night_that_is_run_again_after_a_later_one_counts_what_it_knew_then(spark: SparkSession, root: Path) -> None:
    """Held on D and mended on D + 1: what the folder of D brought, late searches of the day before among it, is not the night's."""
    late = [
        Delivered(r.folder + (r.source == "searches" and r.folder == 1 and i % 2), r.source, r.text)
        for i, r in enumerate(LOG)
    ]
    deliver(root, late)

    def counts_of_two_days(lake: Lake) -> set[str]:
        rows = lake.read(DAILY_ENGAGEMENT, allow_unvalidated=True)
        return as_set(rows.where(F.col("search_date") < F.lit(FIRST + timedelta(days=2))))

    then = counts_of_two_days(ingested(spark, root, 2))
    assert counts_of_two_days(ingested(spark, root, 3)) != then
    assert not count_engagement.run(night(spark, root, 2)).skipped
    assert counts_of_two_days(night(spark, root, 2).lake) == then


def test_half_a_catalog_is_refused_and_the_whole_one_stays(spark: SparkSession, root: Path) -> None:
    deliver(root, LOG)
    ingest.run(night(spark, root, 2))
    whole = (root / "catalog.jsonl").read_text().splitlines(keepends=True)
    (root / "catalog.jsonl").write_text("".join(whole[: len(whole) // 2]))
    third = night(spark, root, 3)
    with pytest.raises(IncompleteDelivery, match=rf"holds {len(whole) // 2} tracks, the one of .* held {len(whole)}"):
        ingest.run(third)
    assert third.tracks_unit == str(FIRST + timedelta(days=2))
    ingest.run(night(spark, root, 3, "ingest.accept_incomplete=the label left"))
    assert night(spark, root, 3).tracks_unit == str(FIRST + timedelta(days=3))


def test_a_restated_folder_corrects_its_day_and_a_person_can_be_forgotten(
    spark: SparkSession, root: Path, in_one_batch: set[str]
) -> None:
    missing = [r for r in LOG if r.folder == 0][:20]
    deliver(root, [r for r in LOG if r not in missing])
    first = night(spark, root, 3)
    ingest.run(first)
    count_engagement.run(first)
    assert counted(first.lake) != in_one_batch
    deliver(root, LOG)
    third = night(spark, root, 3)
    assert not ingest.run(third).skipped and not count_engagement.run(third).skipped
    exact(third.lake)
    assert counted(third.lake) == in_one_batch

    # forgetting u3: rows leave, files are purged, a later delivery resurrects nobody
    lake, user = third.lake, "u3"
    key = bytes.fromhex((root / "home" / "key").read_text().strip())
    pseudonym = hmac.new(key, user.encode(), "sha256").hexdigest()
    assert lake.read(SEARCH_LOG, allow_unvalidated=True).where(F.col("user_id") == pseudonym).count() > 0
    (root / "people.txt").write_text(f"{user}\n\n")
    asked = replace(third, settings=replace(third.settings, user_ids=str(root / "people.txt")), notes=[])
    done = forget.run(asked)
    assert "1 people (1 new)" in done.note and done.rows_out > 0
    assert any("raw folders" in note for note in asked.notes)
    exact(lake)
    assert files_containing(lake.root, [pseudonym], exclude=("forgotten_users",)) == []
    assert count_engagement.run(
        third
    ).skipped  # the lake's own counts are without them already, also where no night is there
    without = counted(lake)
    assert without != in_one_batch
    deliver(root, LOG, "again.jsonl")  # the owner delivers everything once more
    fourth = night(spark, root, 3)
    assert "of forgotten people" in ingest.run(fourth).note
    count_engagement.run(fourth)
    exact(fourth.lake)
    assert counted(fourth.lake) == without
    assert files_containing(lake.root, [user.join(['"', '"'])], exclude=()) == []
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


def test_who_shares_a_search_id_with_a_forgotten_person_stays(spark: SparkSession, root: Path) -> None:
    """An id stands once within the lateness; some days later it may name another person's search."""
    log = plain_days(5)
    for day, user in ((0, "leaves"), (4, "stays")):
        log += [
            search(day, "shared", moment(day, "12:00"), user_id=user),
            reaction(day, f"r-{user}", "shared", moment(day, "12:01")),
        ]
    deliver(root, [*log, reaction(0, "liked", "shared", moment(0, "12:02"), kind="like")])
    lake = ingested(spark, root, 5)
    sums = lake.read(DAILY_ENGAGEMENT, allow_unvalidated=True).groupBy("search_date").agg(F.sum("likes"))
    likes = {(r[0] - FIRST).days: r[1] for r in sums.collect()}
    assert likes == {0: 1, 1: 0, 2: 0, 3: 0, 4: 0}  # read in one batch, each search has its own reactions
    (root / "people.txt").write_text("leaves\n")
    this = night(spark, root, 5)
    forget.run(replace(this, settings=replace(this.settings, user_ids=str(root / "people.txt")), notes=[]))
    left = {
        table.name: [
            str(r[0])
            for r in lake.read(table, allow_unvalidated=True)
            .where("search_id = 'shared'")
            .select("search_date")
            .collect()
        ]
        for table in (SEARCH_LOG, ENGAGEMENT_EVENTS)
    }
    day = str(FIRST + timedelta(days=4))
    assert left == {SEARCH_LOG.name: [day], ENGAGEMENT_EVENTS.name: [day]}
    exact(night(spark, root, 5).lake)
