"""Broken rows end in quarantine with every reason; received = accepted + duplicate + quarantined, exactly."""

from __future__ import annotations

import hmac
import json
from datetime import date
from pathlib import Path

import pytest
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from events.contract import EVENT_FIELDS, SEARCH_FIELDS, instant
from events.ingest import ClassifiedRows, delivered_files, judged_events, judged_searches, quarantine, with_outcome
from events.privacy import UNKNOWN_FORM, ensure_key, key_frame, masked, without_contacts
from events.reading import check_parquet, rows
from lake.errors import InputContractError, KeyMismatch
from queries.nightly.understand import normalised

SEARCH = {
    "search_id": "s1",
    "user_id": "u1",
    "ts": "2026-03-02T10:00:00.000Z",
    "client": "mobile",
    "locale": "en-US",
    "raw_query": "play hello",
    "results": ["t1", "t2"],
    "variant": "a",
    "propensity": 0.9,
}
EVENT = {
    "event_id": "e1",
    "search_id": "s1",
    "track_id": "t2",
    "position": 2,
    "ts": "2026-03-02T10:00:05Z",
    "kind": "play",
    "dwell_ms": 0,
}


def deliver(root: Path, source: str, day: str, lines: list[object]) -> Path:
    folder = root / source / f"date={day}"
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / "part-0.jsonl"
    file.write_text("".join((x if isinstance(x, str) else json.dumps(x)) + "\n" for x in lines))
    return file


def searches(spark: SparkSession, root: Path, lines: list[object], earlier: DataFrame | None = None) -> ClassifiedRows:
    ensure_key(root / "key", root / "lake")
    file = deliver(root, "searches", "2026-03-02", lines)
    parsed = rows(spark, [file], SEARCH_FIELDS, "searches")
    judged = judged_searches(parsed, key_frame(spark, root / "key"), normalised, None)
    return ClassifiedRows(with_outcome(judged, "search", earlier, 2), "search", [file])


def events(
    spark: SparkSession, root: Path, lines: list[object], known: DataFrame, day: str = "2026-03-03"
) -> ClassifiedRows:
    tracks = spark.createDataFrame([("t1",), ("t2",)], "track_id string")
    file = deliver(root, "events", day, lines)
    judged = judged_events(rows(spark, [file], EVENT_FIELDS, "events"), known, tracks, 2)
    return ClassifiedRows(with_outcome(judged, "event", None, 2), "event", [file])


BROKEN = [
    ({"ts": "yesterday"}, ["bad_ts"]),
    ({"ts": "1970-01-01T00:00:00Z"}, ["ts_out_of_range"]),
    ({"client": "toaster", "locale": "english"}, ["unknown_client", "bad_locale"]),
    ({"raw_query": "  "}, ["no_query"]),
    ({"raw_query": "x" * 201}, ["query_too_long"]),
    ({"results": []}, ["no_results"]),
    ({"results": ["t1", None]}, ["null_in_results"]),
    ({"propensity": 1.5, "user_id": ""}, ["no_user_id", "bad_propensity"]),
    ({"search_id": None}, ["no_search_id"]),
]


def test_every_reason_is_kept_and_the_account_is_exact(spark: SparkSession, tmp_path: Path) -> None:
    bad: list[object] = [{**SEARCH, "search_id": f"b{i}", **change} for i, (change, _) in enumerate(BROKEN)]
    cut = json.dumps({**SEARCH, "search_id": "cut"})[:60]
    lines = [SEARCH, *bad, cut, "", SEARCH, {**SEARCH, "raw_query": "play goodbye", "ts": "2026-03-02T10:00:01Z"}]
    side = searches(spark, tmp_path, lines)
    held = {r["line"]: r for r in quarantine(spark, [side]).collect()}
    for i, (_, reasons) in enumerate(BROKEN):
        assert held[2 + i]["reasons"] == reasons, lines[1 + i]
    assert "unreadable" in held[2 + len(BROKEN)]["reasons"]
    (account,) = delivered_files([side]).collect()
    # the blank line is no row; the exact copy and the changed copy of s1 are duplicates
    assert (account["received"], account["accepted"], account["quarantined"]) == (len(lines) - 1, 1, len(BROKEN) + 1)
    assert (account["duplicate"], account["duplicate_conflict"]) == (2, 1)
    assert account["received"] == account["accepted"] + account["duplicate"] + account["quarantined"]
    (accepted,) = side.accepted().collect()
    assert (
        accepted["query"] == "play hello"
        and accepted["surface"] == "screen"
        and accepted["search_date"] == date(2026, 3, 2)
    )


def test_no_user_id_is_stored(spark: SparkSession, tmp_path: Path) -> None:
    named = {**SEARCH, "user_id": "maria.lopez@example.org"}
    side = searches(spark, tmp_path, [named, {**named, "search_id": "x", "client": "?"}, json.dumps(named)[:-30]])
    key = bytes.fromhex((tmp_path / "key").read_text().strip())
    assert side.accepted().first()["user_id"] == hmac.new(key, b"maria.lopez@example.org", "sha256").hexdigest()
    texts = [r["raw_text"] for r in quarantine(spark, [side]).collect()]
    assert len(texts) == 2 and not any("maria" in t for t in texts)
    plan = side.rows._jdf.queryExecution().toString() if hasattr(side.rows, "_jdf") else ""  # type: ignore[operator]
    assert (tmp_path / "key").read_text().strip() not in plan


def test_pseudonyms_equal_hmac_for_any_text(spark: SparkSession, tmp_path: Path) -> None:
    from events.privacy import with_pseudonym

    ensure_key(tmp_path / "key", tmp_path / "lake")
    key = bytes.fromhex((tmp_path / "key").read_text().strip())
    ids = ["u1", "", "ñandú", "日本" * 40, "x" * 300]
    frame = spark.createDataFrame([(i,) for i in ids], "user_id string").withColumn("raw", F.col("user_id"))
    for row in with_pseudonym(frame, key_frame(spark, tmp_path / "key")).collect():
        assert row["user_id"] == hmac.new(key, row["raw"].encode(), "sha256").hexdigest()


def test_another_key_is_refused(tmp_path: Path) -> None:
    assert ensure_key(tmp_path / "key", tmp_path / "lake") and not ensure_key(tmp_path / "key", tmp_path / "lake")
    assert (tmp_path / "key").stat().st_mode & 0o777 == 0o600
    (tmp_path / "key").write_text("00" * 32)
    with pytest.raises(KeyMismatch, match="another key") as caught:
        ensure_key(tmp_path / "key", tmp_path / "lake")
    assert caught.value.exit_code == 2
    (tmp_path / "key").unlink()
    with pytest.raises(KeyMismatch, match="is gone"):
        ensure_key(tmp_path / "key", tmp_path / "lake")


def test_events_need_their_search_and_their_place(spark: SparkSession, tmp_path: Path) -> None:
    known = searches(spark, tmp_path, [SEARCH]).rows
    lines = [
        EVENT,
        {**EVENT, "event_id": "e2", "position": 1},
        {**EVENT, "event_id": "e3", "position": 9},
        {**EVENT, "event_id": "e4", "search_id": "s9"},
        {**EVENT, "event_id": "e5", "track_id": "t7"},
        {**EVENT, "event_id": "e6", "dwell_ms": -1, "kind": "hum"},
        {**EVENT, "event_id": "e7", "position": 0},
        EVENT,
    ]
    side = events(spark, tmp_path, lines, known)
    held = {r["line"]: r["reasons"] for r in quarantine(spark, [side]).collect()}
    assert held == {
        2: ["not_served"],
        3: ["not_served"],
        4: ["no_search"],
        5: ["unknown_track", "not_served"],
        6: ["unknown_kind", "negative_dwell"],
        7: ["bad_position", "not_served"],
    }
    (accepted,) = side.accepted().collect()
    assert accepted["search_date"] == date(2026, 3, 2) and accepted["delivered_date"] == date(2026, 3, 3)


def test_a_copy_of_an_earlier_folder_is_a_duplicate(spark: SparkSession, tmp_path: Path) -> None:
    first = searches(spark, tmp_path, [SEARCH])
    earlier = first.accepted().withColumn("delivered_date", F.lit(date(2026, 3, 1))).localCheckpoint()
    again = searches(spark, tmp_path, [SEARCH, {**SEARCH, "search_id": "s2"}, {**SEARCH, "variant": "b"}], earlier)
    assert [r["search_id"] for r in again.accepted().collect()] == ["s2"]
    outcomes = {r["variant"]: r["outcome"] for r in again.rows.where("search_id = 's1'").collect()}
    assert outcomes == {"a": "duplicate", "b": "duplicate_conflict"}
    # beyond the lateness an id is a new row
    long_ago = earlier.withColumn("delivered_date", F.lit(date(2026, 2, 20)))
    assert searches(spark, tmp_path, [SEARCH], long_ago).accepted().count() == 1


def test_an_event_of_an_id_used_again_is_one_row_of_its_file(spark: SparkSession, tmp_path: Path) -> None:
    """Two searches of one id stand in folders further apart than the lateness: an event may be near to both, or to one."""
    days = [date(2026, 3, d) for d in (2, 5, 9)]
    at = [(SEARCH["search_id"], SEARCH["results"], day, day, False) for day in days]
    known = spark.createDataFrame(
        at, "search_id string, results array<string>, search_date date, delivered_date date, is_forgotten boolean"
    )
    belongs = {
        "2026-03-01": 2,
        "2026-03-03": 2,
        "2026-03-04": 2,
        "2026-03-05": 5,
        "2026-03-07": 5,
        "2026-03-08": 9,
        "2026-03-11": 9,
    }
    for day, search_day in belongs.items():
        side = events(spark, tmp_path / day, [EVENT | {"ts": f"{day}T10:00:05Z"}], known, day)
        (account,) = delivered_files([side]).collect()
        assert (account["received"], account["accepted"]) == (1, 1), day
        assert side.accepted().collect()[0]["search_date"] == date(2026, 3, search_day), day
    lone = events(spark, tmp_path / "lone", [EVENT | {"ts": "2026-03-20T10:00:05Z"}], known, "2026-03-20")
    (account,) = delivered_files([lone]).collect()
    assert (account["received"], account["quarantined"]) == (1, 1)  # far from all three: one row, not three


def test_files_that_are_no_files_are_named(spark: SparkSession, tmp_path: Path) -> None:
    from events.reading import check_gzip, check_parquet

    (tmp_path / "a.parquet").write_bytes(b"not parquet at all")
    with pytest.raises(InputContractError, match=r"a\.parquet is no readable Parquet"):
        check_parquet([tmp_path / "a.parquet"])
    import gzip

    (tmp_path / "b.jsonl.gz").write_bytes(gzip.compress(b"x" * 100_000)[:-20])
    with pytest.raises(InputContractError, match=r"b\.jsonl\.gz is cut"):
        check_gzip([tmp_path / "b.jsonl.gz"])


@pytest.mark.parametrize("name", ["part 1.jsonl", "é+50%.jsonl"])
def test_a_broken_row_is_found_in_a_file_of_any_name(spark: SparkSession, tmp_path: Path, name: str) -> None:
    ensure_key(tmp_path / "key", tmp_path / "lake")
    file = deliver(
        tmp_path, "searches", "2026-03-02", [SEARCH, {**SEARCH, "search_id": "b", "client": "toaster"}]
    ).rename(tmp_path / "searches" / "date=2026-03-02" / name)
    judged = judged_searches(
        rows(spark, [file], SEARCH_FIELDS, "searches"), key_frame(spark, tmp_path / "key"), normalised, None
    )
    side = ClassifiedRows(with_outcome(judged, "search", None, 2), "search", [file])
    account = delivered_files([side]).collect()[0]
    assert account["source_file"] == f"searches/date=2026-03-02/{name}" and account["quarantined"] == 1
    held = quarantine(spark, [side], {account["source_file"]: 1}).collect()
    assert [(r["source_file"], r["line"]) for r in held] == [(account["source_file"], 2)]


def test_contacts_are_masked_and_years_are_none(spark: SparkSession) -> None:
    said = {
        "call +34 600 123 456 now": "call  phone  now",
        "19995551234": " phone ",
        "1999: 5551234567": "1999:  phone ",
        "songs of 1999, 2000, 2001 and 2002": None,
        "2001-2002 hits": None,
        "1999," * 5_000: None,
        "4111 1111 1111 1111": " card ",
        "mail a.b@c.example.org please": "mail  email  please",
        "a@b" + ".c" * 5_000: " email ",
    }
    frame = spark.createDataFrame([(t,) for t in said], "raw string").select(
        "raw", without_contacts("raw").alias("masked")
    )
    assert {r["raw"]: r["masked"] for r in frame.collect()} == {raw: masked or raw for raw, masked in said.items()}


def test_a_user_id_is_masked_whatever_its_length_and_its_signs(spark: SparkSession) -> None:
    texts = {
        '{"user_id": "' + "x" * 20_000 + '", "ts": "1"}': '{"user_id":"p", "ts": "1"}',
        '{"user_id": "' + r"\"\\" * 5_000 + '", "ts": "1"}': '{"user_id":"p", "ts": "1"}',
        '{"client_id" : "cut in ha': '{"client_id":"p"',
        '{"ts": "1", "user_id": 17}': '{"ts": "1", "user_id":"p"}',
        '{"user_id": "ends so \\': '{"user_id":"p"\\',
        # in another form: the whole row goes, since what is left of it may be the person
        '{"message": "{\\"user_id\\": \\"maria\\"}"}': UNKNOWN_FORM,
        "{'user_id': 'maria', 'ts': None}": UNKNOWN_FORM,
        '{"user_id": {"type": "x", "id": "maria"}}': UNKNOWN_FORM,
        '{"client_id": ["maria"]}': UNKNOWN_FORM,
        "user_id=maria": UNKNOWN_FORM,
        "USER_ID: maria": UNKNOWN_FORM,
        '{"user_id_kind": "account", "note": "no client_identity"}': '{"user_id_kind": "account", "note": "no client_identity"}',
    }
    frame = spark.createDataFrame([(t,) for t in texts], "raw string").select(
        "raw", masked(F.col("raw"), F.lit("p")).alias("masked")
    )
    assert {r["raw"]: r["masked"] for r in frame.collect()} == texts


def test_a_time_without_a_date_is_no_timestamp(spark: SparkSession) -> None:
    """Spark would take the date of the machine, another one each night."""
    texts = {
        "10:00:05": None,
        "T10:00:05Z": None,
        "": None,
        "2026-03-02T10:00:05Z": "2026-03-02 10:00:05",
        " 2026-3-2 10:00": "2026-03-02 10:00:00",
    }
    frame = spark.createDataFrame([(t,) for t in texts], "raw string")
    rows = frame.select("raw", instant(F.col("raw")).cast("string").alias("at")).collect()
    assert {r["raw"]: r["at"] for r in rows} == texts


def test_timestamps_in_nanoseconds_are_named_with_their_file_and_column(tmp_path: Path) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    file = tmp_path / "part.parquet"
    pq.write_table(pa.table({"note": pa.array([1], pa.timestamp("ns"))}), file)
    with pytest.raises(InputContractError, match=r"part.parquet: column note has timestamps in nanoseconds"):
        check_parquet([file])


def test_ids_in_parquet_are_those_of_json_whatever_type_they_are_stored_in(spark: SparkSession, tmp_path: Path) -> None:
    """Pandas stores whole numbers with gaps as doubles, other writers store text as bytes; both also where an event waits."""
    import pandas as pd

    from events.raw_text import raw_texts

    folder = tmp_path / "events" / "date=2026-03-02"
    folder.mkdir(parents=True)
    columns = {
        "event_id": [b"e1", b"e2"],
        "search_id": [12345678901.0, None],
        "track_id": [1.5, 7.0],
        "position": [2.0, 1.0],
    }
    pd.DataFrame(columns).to_parquet(folder / "part.parquet")
    files = [folder / "part.parquet"]
    read = rows(spark, files, EVENT_FIELDS, "events")
    ids = [("e1", "12345678901", "1.5"), ("e2", None, "7")]
    assert [tuple(r) for r in read.orderBy("seen").select("event_id", "search_id", "track_id").collect()] == ids
    keys = read.select("source_file", "line_key")
    waiting = raw_texts(spark, keys, files, "events", ["events/date=2026-03-02/part.parquet"]).orderBy("line")
    texts = [json.loads(r["raw_text"]) for r in waiting.collect()]
    assert [(t["event_id"], t.get("search_id"), t["track_id"]) for t in texts] == ids
    assert [t["position"] for t in texts] == [2.0, 1.0]
