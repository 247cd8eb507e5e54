"""A delivered day of which nothing is accepted holds the night and is named with its reason; whoever says why goes on."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from pyspark.sql import DataFrame, SparkSession

from jobs import ingest
from lake.errors import IncompleteDelivery, KeyUnusable
from lake.tables.logs import DELIVERED_FILES, SEARCH_LOG
from night import deliveries
from tests.events.deliveries import Delivered, moment, plain_days, reaction, search, written
from tests.jobs.steps import deliver, exact, ingested, night, with_catalog


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return with_catalog(tmp_path)


def held(spark: SparkSession, root: Path, day: int, said: str, *overrides: str) -> None:
    """The night is held with that line, and no log is written."""
    this = night(spark, root, day, *overrides)
    with pytest.raises(IncompleteDelivery, match=said) as caught:
        ingest.run(this)
    assert caught.value.exit_code == 3 and not this.lake.commits(SEARCH_LOG) and not this.lake.commits(DELIVERED_FILES)


def test_a_day_of_broken_searches_is_held_with_the_reason_of_most(spark: SparkSession, root: Path) -> None:
    broken = [
        search(1, f"b{i}", moment(1, "10:00"), client="toaster" if i else "radio", results=[] if i > 2 else ["t1"])
        for i in range(5)
    ]
    deliver(root, [*plain_days(1), *broken])
    written(root / "logs", {(1, "events", "none.jsonl"): []})
    said = r"searches/date=2026-03-03: of 5 rows, none was accepted; most frequent reason: unknown_client \(5 rows\)"
    held(spark, root, 2, said, "ingest.max_quarantined_share=1.0")
    lake = ingested(spark, root, 2, "ingest.max_quarantined_share=1.0", 'ingest.accept_incomplete="a broken client"')
    exact(lake)
    assert lake.read(SEARCH_LOG, allow_unvalidated=True).count() == 1


def test_the_day_before_delivered_once_more_is_held(spark: SparkSession, root: Path) -> None:
    log = plain_days(1)
    deliver(root, [*log, *[Delivered(1, row.source, row.text) for row in log]])
    held(spark, root, 2, r"date=2026-03-03: of 1 rows, none was accepted; most frequent reason: duplicate \(1 rows\)")


def test_reactions_in_words_that_nobody_configured_are_held_by_name(spark: SparkSession, root: Path) -> None:
    deliver(root, plain_days(1)[:1])
    tapped = [
        {
            "action_name": "tapped",
            "query_id": "s0",
            "timestamp": moment(0, "10:01"),
            "event_attributes": {"object": {"object_id": "t0"}, "position": {"ordinal": 1}},
        }
    ] * 3
    written(root / "logs", {(0, "events", "part.ndjson"): [json.dumps(t).encode() for t in tapped]})
    said = r"events/date=2026-03-02: of 1 files .* part\.ndjson, none was accepted; most frequent reason: left out as tapped \(3 documents"
    held(spark, root, 1, said)
    lake = ingested(spark, root, 1, "+ubi.actions={tapped: play}")
    assert {r["accepted"] for r in lake.read(DELIVERED_FILES, allow_unvalidated=True).collect()} == {1}


def test_rows_that_a_step_loses_are_missed(spark: SparkSession, root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What an empty key did: the join with it left no search, and no file to account for."""
    deliver(root, plain_days(1))
    real = deliveries.key_frame

    def no_row(spark: SparkSession, key_file: Path) -> DataFrame:
        return real(spark, key_file).limit(0)

    monkeypatch.setattr(deliveries, "key_frame", no_row)
    held(
        spark,
        root,
        1,
        "searches/date=2026-03-02: of 1 files with content.*rows were lost on the way",
        "ingest.max_quarantined_share=1.0",
    )


def test_an_empty_key_is_refused_before_anything_is_read(spark: SparkSession, root: Path) -> None:
    deliver(root, plain_days(1))
    (root / "home").mkdir()
    (root / "home" / "key").touch()
    with pytest.raises(KeyUnusable, match="home/key holds 0 characters") as caught:
        ingest.run(night(spark, root, 1))
    assert caught.value.exit_code == 2


def test_files_of_white_space_say_that_nobody_reacted(spark: SparkSession, root: Path) -> None:
    deliver(root, plain_days(1)[:1])
    written(
        root / "logs",
        {
            (0, "events", "a.jsonl"): [],
            (0, "events", "b.jsonl"): [b"", b" \t", b"\r"],
            (0, "events", "c.ndjson"): [b'{"index": {}}'],
        },
    )
    (root / "logs" / "events" / "date=2026-03-02" / "d.jsonl").write_bytes(b"\xef\xbb\xbf\n")
    ingested(spark, root, 1)


def test_one_reaction_among_many_that_wait_is_enough(spark: SparkSession, root: Path) -> None:
    waiting = [reaction(0, f"w{i}", f"unknown{i}", moment(0, "10:02")) for i in range(3)]
    deliver(root, [*plain_days(1), *waiting])
    exact(ingested(spark, root, 1))
