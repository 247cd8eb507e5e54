"""An event that waits in quarantine meets its search in either form of delivery; what cannot join goes on waiting."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import date, datetime

from pyspark.sql import SparkSession

from events.waiting import joined_late, recounted
from lake.schema import struct
from lake.tables.logs import DELIVERED_FILES, QUARANTINE
from tests.shipped import SHIPPED

DAY = date(2026, 3, 2)
SEARCHES = "search_id string, results array<string>, search_date date, delivered_date date"


def held(spark: SparkSession, *rows: tuple[str, int, str, list[str]]):  # type: ignore[no-untyped-def]
    """Quarantine of DAY: (source_file, line, raw_text, reasons)."""
    columns = [c.name for c in QUARANTINE.columns]
    told = [
        {"delivered_date": DAY, "source": "event", "source_file": file, "line": line, "raw_text": text, "reasons": why}
        for file, line, text, why in rows
    ]
    return spark.createDataFrame([tuple(t[c] for c in columns) for t in told], struct(QUARANTINE))


def test_both_forms_join_and_the_rest_stays(spark: SparkSession) -> None:
    own = {
        "event_id": "e1",
        "search_id": "s1",
        "track_id": "t2",
        "position": 2,
        "ts": "2026-03-02T10:00:05Z",
        "kind": "play",
    }
    document = {
        "action_name": "listen",
        "query_id": "s1",
        "client_id": "[masked]",
        "timestamp": "2026-03-02T10:00:07Z",
        "event_attributes": {"object": {"object_id": "t1"}, "position": {"ordinal": 0}, "dwell_ms": 900},
    }
    rows = held(
        spark,
        ("events/date=2026-03-02/a.jsonl", 1, json.dumps(own), ["no_search"]),
        ("events/date=2026-03-02/a.jsonl", 2, json.dumps(own | {"search_id": "never"}), ["no_search"]),
        ("events/date=2026-03-02/a.jsonl", 3, json.dumps(own | {"kind": "hum"}), ["unknown_kind", "no_search"]),
        ("events/date=2026-03-02/b.ndjson", 1, json.dumps(document), ["no_search"]),
    )
    searches = spark.createDataFrame([("s1", ["t1", "t2"], DAY, date(2026, 3, 3))], SEARCHES)
    tracks = spark.createDataFrame([("t1",), ("t2",)], "track_id string")
    found = joined_late(rows, searches, None, tracks, str(DAY), 2, replace(SHIPPED.ubi, first_ordinal=0))
    assert found is not None and found.count == 2
    joined = {(r["track_id"], r["position"], r["kind"], r["dwell_ms"], r["ts"]) for r in found.events.collect()}
    assert joined == {
        ("t2", 2, "play", None, datetime(2026, 3, 2, 10, 0, 5)),
        ("t1", 1, "play", 900, datetime(2026, 3, 2, 10, 0, 7)),
    }
    assert sorted((r["source_file"][-7:], r["line"]) for r in found.quarantine.collect()) == [
        ("a.jsonl", 2),
        ("a.jsonl", 3),
    ]


def test_whole_numbers_that_parquet_holds_as_doubles_stay(spark: SparkSession) -> None:
    """In JSON Lines a fraction, even of nothing, is no whole number: such a row never met the contract."""
    said = {
        "search_id": "s1",
        "track_id": "t2",
        "position": 2.0,
        "ts": "2026-03-02T10:00:05Z",
        "kind": "play",
        "dwell_ms": 45000.0,
    }
    texts = [json.dumps(said | {"event_id": i}) for i in ("e1", "e2")]
    rows = held(
        spark,
        ("events/date=2026-03-02/a.parquet", 1, texts[0], ["no_search"]),
        ("events/date=2026-03-02/b.jsonl", 1, texts[1], ["no_search"]),
    )
    searches = spark.createDataFrame([("s1", ["t1", "t2"], DAY, DAY)], SEARCHES)
    tracks = spark.createDataFrame([("t1",), ("t2",)], "track_id string")
    found = joined_late(rows, searches, None, tracks, str(DAY), 2, SHIPPED.ubi)
    assert found is not None
    assert [(r["event_id"], r["position"], r["dwell_ms"]) for r in found.events.collect()] == [("e1", 2, 45_000)]


def test_the_account_of_a_day_whose_quarantine_has_expired_stands(spark: SparkSession) -> None:
    """10 received: 6 stand, 1 is a copy, 3 were broken, of which quarantine holds two, and then nothing any more."""
    told = (DAY, "event", "events/a.jsonl", 10, 6, 1, 0, 3, 0, 0, [])
    accounts = spark.createDataFrame([told], struct(DELIVERED_FILES))
    kept = spark.createDataFrame([("events/a.jsonl",)] * 7, "source_file string")
    broken = spark.createDataFrame([("events/a.jsonl",)] * 2, "source_file string")
    assert [tuple(r) for r in recounted(accounts, kept, None).collect()] == [told]
    now = recounted(accounts, kept, broken).collect()[0]
    assert (now["accepted"], now["duplicate"], now["quarantined"]) == (7, 1, 2)
