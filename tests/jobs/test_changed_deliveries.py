"""Folders that are read again, come in halves or hold nothing: the lake counts as if all had come at once, and its account is exact."""

from __future__ import annotations

import json
import shutil
from datetime import timedelta
from pathlib import Path

import pytest
from pyspark.sql import SparkSession
from pyspark.sql import functions as F

from events import forgetting
from events.bots import TRAILING_DAYS
from events.forgetting import forget
from events.privacy import key_frame, with_pseudonym
from events.tiles import history
from jobs import count_engagement, ingest, understand
from lake.errors import EmptyPartition, IncompleteDelivery
from lake.io import Lake
from lake.tables.daily import DAILY_ENGAGEMENT, ENGAGEMENT_TILES
from lake.tables.logs import DELIVERED_FILES, QUARANTINE, SEARCH_LOG
from lake.tables.nightly import HEARD, WORDINGS
from tests.events.deliveries import FIRST, Delivered, moment, plain_days, reaction, search, written
from tests.jobs.steps import counted, deliver, exact, in_a_batch, ingested, night, with_catalog


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return with_catalog(tmp_path)


def test_reading_a_folder_again_keeps_reactions_that_met_a_search_of_a_later_one(
    spark: SparkSession, root: Path
) -> None:
    """`early` lies in folder 1, its search in folder 2: of folders 0 and 1, read again, that search is unknown."""
    late = search(2, "late", moment(1, "23:50"))
    deliver(root, [*plain_days(3), late, reaction(1, "early", "late", moment(1, "23:51"))])
    in_one_batch = counted(ingested(spark, root, 3, "ingest.days_late=1"))
    deliver(root, [search(0, "s0", moment(0, "10:00"))], "again.jsonl")  # restated: a copy more
    lake = ingested(spark, root, 3, "ingest.days_late=1")
    assert lake.read(QUARANTINE, allow_unvalidated=True).count() == 0 and counted(lake) == in_one_batch
    # its raw files are old, and gone: events are kept for a month, say, and searches for three
    for source in ("events", "searches"):
        shutil.rmtree(root / "logs" / source / f"date={FIRST}")
        ingest.run(night(spark, root, 3, "ingest.days_late=1"))
        assert count_engagement.run(night(spark, root, 3, "ingest.days_late=1")).skipped
        assert lake.read(QUARANTINE, allow_unvalidated=True).count() == 0 and counted(lake) == in_one_batch
    assert ingest.run(night(spark, root, 3, "ingest.days_late=1")).skipped
    exact(lake)


def test_a_day_is_counted_until_its_last_reaction_can_be_there(spark: SparkSession, root: Path) -> None:
    """The search comes a folder after its day, and the reaction as late as it may after that."""
    midnight = search(1, "midnight", moment(0, "23:59"))
    log = [*plain_days(3), midnight, reaction(2, "end", "midnight", moment(1, "00:03"), kind="complete")]
    deliver(root, log)
    for day in (2, 3):
        lake = ingested(spark, root, day, "ingest.days_late=1")
    assert counted(lake) == in_a_batch(spark, root / "batch", log, 3, "ingest.days_late=1")


def test_the_last_day_that_an_old_folder_has_counted_again_hears_the_next_morning(
    spark: SparkSession, root: Path
) -> None:
    """Whoever asks at 23:59 and something else at 00:00 asked again, also where only the evening's day is counted anew."""
    # with folder 0 the two after it are read again, and the counts of a week after each follow from it, for the bots
    last = TRAILING_DAYS + 2
    evening = search(last, "evening", moment(last, "23:59"), user_id="u")
    morning = search(last + 1, "morning", moment(last + 1, "00:00"), user_id="u", raw_query="hello adele")
    deliver(root, [*plain_days(last + 2), evening, morning])
    lake = ingested(spark, root, last + 2)
    once = counted(lake)
    day = str(FIRST + timedelta(days=last))
    assert sum(json.loads(r)["rephrases"] for r in once if json.loads(r)["search_date"] == day) == 4
    marks = {d: c.fingerprint for d, c in lake.commits(DAILY_ENGAGEMENT).items()}
    deliver(root, [search(0, "s0", moment(0, "10:00"))], "again.jsonl")  # restated: a copy more
    lake = ingested(spark, root, last + 2)
    again = {d for d, c in lake.commits(DAILY_ENGAGEMENT).items() if c.fingerprint != marks[d]}
    assert max(again) == day and counted(lake) == once


def test_days_and_folders_without_rows_stop_no_night(spark: SparkSession, root: Path) -> None:
    """A lone request of the evening before to which nothing sounded; a folder of copies; one of empty files; a day that loses all."""
    alone = search(0, "alone", moment(-1, "23:59"), client="alexa")
    first = search(0, "s0", moment(0, "10:00"))
    deliver(root, [alone, first, reaction(0, "e0", "s0", moment(0, "10:01")), Delivered(1, "searches", first.text)])
    written(
        root / "logs",
        {(2, "searches", "part.jsonl"): [], (2, "events", "part.jsonl"): [], (1, "events", "part.jsonl"): []},
    )
    with pytest.raises(IncompleteDelivery, match=r"of 1 rows, none was accepted; most frequent reason: duplicate"):
        ingest.run(night(spark, root, 3))
    lake = ingested(spark, root, 3, "ingest.accept_incomplete='a folder of copies'")
    evening, day, copies, empty = (str(FIRST + timedelta(days=i)) for i in (-1, 0, 1, 2))
    rows = {d: c.rows for d, c in lake.commits(DAILY_ENGAGEMENT).items()}
    assert rows == {evening: 0, day: 4}
    assert lake.commits(SEARCH_LOG)[copies].rows == 0 and lake.commits(DELIVERED_FILES)[empty].rows == 0
    assert lake.commits(ENGAGEMENT_TILES)[f"{evening}+1"].rows == 0
    assert {r["key"] for r in history(lake, [FIRST + timedelta(days=3)]).where("level = 'query'").collect()} == {
        "play hello"
    }
    assert ingest.run(night(spark, root, 3)).skipped and count_engagement.run(night(spark, root, 3)).skipped
    written(root / "logs", {(0, "searches", "part.jsonl"): [alone.text], (1, "searches", "part.jsonl"): []})
    lake = ingested(spark, root, 3, "ingest.accept_incomplete='withdrawn: the reaction has no search now'")
    assert lake.commits(DAILY_ENGAGEMENT)[day].rows == 0 and counted(lake) == set()


def test_a_day_of_bots_alone_and_logs_without_any_event_are_counted(spark: SparkSession, root: Path) -> None:
    deliver(root, [search(0, f"s{i}", moment(0, f"10:0{i}"), user_id="bot") for i in range(3)])
    this = night(spark, root, 1, "bots.burst_searches=3", "bots.burst_s=300")
    ingest.run(this)
    assert "scraper 3" in count_engagement.run(this).note
    assert this.lake.commits(DAILY_ENGAGEMENT)[str(FIRST)].rows == 0
    with pytest.raises(EmptyPartition, match="wordings @"):  # nobody is left who asked for anything
        understand.run(this)


def test_a_wording_that_bots_ask_does_not_become_public(spark: SparkSession, root: Path) -> None:
    """Two people and three scrapers ask the same: it stays theirs alone, and what the scrapers play is heard by nobody."""
    people = [search(0, f"p{i}", moment(0, f"09:0{i}"), raw_query="play song t1") for i in range(2)]
    bots = [
        search(0, f"b{bot}-{i}", moment(0, f"10:0{i}"), user_id=f"bot{bot}", raw_query="play song t1")
        for bot in range(3)
        for i in range(3)
    ]
    plays = [reaction(0, f"e{bot}", f"b{bot}-2", moment(0, "10:03")) for bot in range(3)]
    deliver(root, [*people, *bots, *plays])
    rules = ["bots.burst_searches=99", "bots.burst_searches=3"]
    asked = {}
    for rule in rules:  # at first nobody is a bot: the step runs again where the verdict on an account changes
        this = night(spark, root, 1, rule, "bots.burst_s=300", "privacy.k=3")
        for step in (ingest, count_engagement, understand):
            step.run(this)
        wordings = this.lake.read(WORDINGS, allow_unvalidated=True).where("locale = 'en'")
        [row] = wordings.select("searches_28d", "people_28d", "is_public").collect()
        asked[rule] = (*row, this.lake.commits(HEARD)[this.settings.run_date].rows > 0)
    assert asked == {rules[0]: (11, 5, True, True), rules[1]: (2, 2, False, False)}


def test_a_day_of_events_alone_is_refused_or_accepted_and_waits_for_its_searches(
    spark: SparkSession, root: Path
) -> None:
    log = plain_days(2)
    deliver(root, [r for r in log if (r.folder, r.source) != (0, "searches")])
    with pytest.raises(
        IncompleteDelivery, match=r"events/date=2026-03-02 is there, but searches/date=2026-03-02 is missing"
    ):
        ingest.run(night(spark, root, 2))
    lake = ingested(spark, root, 2, "ingest.accept_incomplete='the searches are lost'")
    assert [r["reasons"] for r in lake.read(QUARANTINE, allow_unvalidated=True).collect()] == [["no_search"]]
    assert ingest.run(night(spark, root, 2)).skipped
    deliver(root, log)  # they were not lost
    lake = ingested(spark, root, 2)
    whole = counted(lake)
    assert len(whole) == 8 and lake.read(QUARANTINE, allow_unvalidated=True).count() == 0
    # old, and gone before its events: the lake keeps the day
    shutil.rmtree(root / "logs" / "searches" / f"date={FIRST}")
    assert counted(ingested(spark, root, 2)) == whole


def test_what_is_forgotten_from_quarantine_moves_in_the_account(
    spark: SparkSession, root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    broken = [
        search(0, "broken", moment(0, "11:00"), user_id="u-s0", client="toaster"),
        reaction(0, "hum", "s0", moment(0, "11:01"), kind="hum"),
    ]
    waiting = reaction(0, "early", "late", moment(0, "12:01"))
    deliver(root, [*plain_days(1), *broken, waiting])
    lake = ingested(spark, root, 1)
    named = with_pseudonym(
        spark.createDataFrame([("u-s0",)], "user_id string"), key_frame(spark, root / "home" / "key")
    )

    def killed(lake: Lake) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(forgetting, "_balance_accounts", killed)
        forget(lake, named.select("user_id"))
    assert forget(lake, named.select("user_id")) == {"search_log": 0, "engagement_events": 0, "quarantine": 0}
    exact(lake)  # the second run has counted what the first had deleted

    def account(source: str) -> tuple[int, ...]:
        row = lake.read(DELIVERED_FILES, [FIRST], allow_unvalidated=True).where(F.col("source") == source).collect()[0]
        return tuple(row[c] for c in ("received", "accepted", "duplicate", "quarantined", "forgotten"))

    assert (account("search"), account("event")) == ((2, 2, 0, 0, 2), (3, 2, 0, 1, 2))
    deliver(root, [search(1, "late", moment(0, "12:00")), reaction(1, "e1", "late", moment(1, "10:01"))])
    lake = ingested(spark, root, 2)  # the day is looked at again for what waits
    assert (account("search"), account("event")) == ((2, 2, 0, 0, 2), (3, 3, 0, 0, 2))
