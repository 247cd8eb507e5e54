"""UBI documents become contract rows: both line formats, both kinds of time, what is left out and what is broken."""

from __future__ import annotations

import hashlib
import json
import os
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from pyspark.sql import DataFrame, Row, SparkSession
from pyspark.sql import functions as F

from events.contract import EVENT_FIELDS, SEARCH_FIELDS
from events.ubi import UbiSettings, ubi_left_out, ubi_parsed
from lake.errors import BadConfiguration
from tests.shipped import SHIPPED

QUERY = {
    "application": "player",
    "query_id": "q1",
    "client_id": "c1",
    "user_query": "hello",
    "timestamp": "2026-03-02T10:00:00.5Z",
    "query_response_hit_ids": ["t1", "t2"],
    "query_attributes": {},
}
EVENT = {
    "application": "player",
    "action_name": "click",
    "query_id": "q1",
    "client_id": "c1",
    "user_query": "hello",
    "timestamp": "2026-03-02T10:00:05Z",
    "event_attributes": {"object": {"object_id": "t2", "object_id_field": "track_id"}, "position": {"ordinal": 2}},
}
FIELDS = {"searches": SEARCH_FIELDS, "events": EVENT_FIELDS}
EVENT_ACTION, QUERY_ACTION = '{"index": {"_index": "ubi_events", "_id": "x"}}', '{"create":{}}'


def lines(spark: SparkSession, *given: object) -> DataFrame:
    texts = [g if isinstance(g, str) else json.dumps(g) for g in given]
    place = (date(2026, 3, 2), "events/date=2026-03-02/a.ndjson")
    return spark.createDataFrame(
        [(*place, t) for t in texts], "delivered_date date, source_file string, raw_text string"
    )


def parsed(spark: SparkSession, source: str, *given: object, settings: UbiSettings | None = None) -> list[Row]:
    made = ubi_parsed(F.col("raw_text"), source, settings or SHIPPED.ubi)
    return lines(spark, *given).select(*[c.alias(n) for n, c in made.items()]).collect()


def event(**changes: Any) -> dict[str, Any]:
    return EVENT | changes


def attributes(**changes: Any) -> dict[str, Any]:
    return event(event_attributes=EVENT["event_attributes"] | changes)  # type: ignore[operator]


@pytest.mark.parametrize("source", ["searches", "events"])
def test_columns_have_the_contract_s_names_and_types(spark: SparkSession, source: str) -> None:
    made = ubi_parsed(F.col("raw_text"), source, SHIPPED.ubi)
    types = dict(lines(spark, QUERY).select(*[c.alias(n) for n, c in made.items()]).dtypes)
    extra = {"_corrupt": "boolean", "_is_row": "boolean", "is_foreign": "boolean", "left_out_as": "string"}
    assert types == FIELDS[source] | extra


def test_a_query_becomes_a_search(spark: SparkSession) -> None:
    (row,) = parsed(spark, "searches", QUERY)
    assert row.asDict() == {
        "search_id": "q1",
        "user_id": "c1",
        "ts": "2026-03-02T10:00:00.5Z",
        "client": "web",
        "locale": "en-US",
        "raw_query": "hello",
        "results": ["t1", "t2"],
        "session_id": None,
        "release_id": None,
        "variant": None,
        "propensity": None,
        "_corrupt": False,
        "_is_row": True,
        "is_foreign": False,
        "left_out_as": None,
    }


def test_query_attributes_go_before_the_settings(spark: SparkSession) -> None:
    own = {"client": "alexa", "session_id": "v9", "variant": "b", "propensity": 0.25, "filter": {"genre": ["pop"]}}
    settings = replace(SHIPPED.ubi, client="mobile", locale="es-ES")
    (row,) = parsed(
        spark, "searches", QUERY | {"query_attributes": own, "client_id": " ", "user_id": "u7"}, settings=settings
    )
    assert (row.client, row.locale, row.session_id, row.variant) == ("alexa", "es-ES", "v9", "b")
    assert (row.propensity, row.user_id, row["_corrupt"]) == (0.25, "u7", False)


def test_who_has_signed_in_is_the_listener_whatever_the_browser(spark: SparkSession) -> None:
    documents = [QUERY | {"user_id": "u7"}, QUERY | {"user_id": ""}, QUERY]
    assert [row.user_id for row in parsed(spark, "searches", *documents)] == ["u7", "c1", "c1"]


def test_an_event_becomes_a_reaction(spark: SparkSession) -> None:
    (row,) = parsed(spark, "events", EVENT)
    said = b'["q1","click","2026-03-02T10:00:05Z","t2","2",null,null]'  # what is read of it; nobody's name
    assert row.asDict() == {
        "event_id": hashlib.sha256(said).hexdigest()[:32],
        "search_id": "q1",
        "track_id": "t2",
        "position": 2,
        "ts": "2026-03-02T10:00:05Z",
        "kind": "click",
        "dwell_ms": None,
        "_corrupt": False,
        "_is_row": True,
        "is_foreign": False,
        "left_out_as": None,
    }


def test_the_same_document_twice_has_one_id(spark: SparkSession) -> None:
    spaced = json.dumps(event(client_id="masked"), indent=None, separators=(" , ", " : "), sort_keys=True) + "  "
    one, again, other = parsed(spark, "events", EVENT, spaced, event(query_id="q2"))
    assert one.event_id == again.event_id != other.event_id


@pytest.mark.parametrize(
    ("logged", "ts"),
    [
        ("2026-03-02T10:00:05+0000", "2026-03-02T10:00:05.000000Z"),
        ("2026-03-02T10:00:05.25+02:00", "2026-03-02T08:00:05.250000Z"),
        (1772445605250, "2026-03-02T10:00:05.250000Z"),
        ("1772445605250", "2026-03-02T10:00:05.250000Z"),
        (1.77244560525e12, "2026-03-02T10:00:05.250000Z"),
        ("yesterday", "yesterday"),  # bad_ts, in quarantine, as it came
        (10**30, str(10**30)),
        (None, None),
    ],
)
def test_times(spark: SparkSession, logged: object, ts: str | None) -> None:
    (row,) = parsed(spark, "events", event(timestamp=logged))
    assert row.ts == ts


def test_ordinals_count_from_one_or_from_zero(spark: SparkSession) -> None:
    docs = [attributes(position={"ordinal": n}) for n in (0, 1, "3", 2**63 - 1)] + [attributes(position=None)]
    assert [r.position for r in parsed(spark, "events", *docs)] == [0, 1, 3, 2**63 - 1, None]
    from_zero = parsed(spark, "events", *docs, settings=replace(SHIPPED.ubi, first_ordinal=0))
    assert [r.position for r in from_zero] == [1, 2, 4, None, None]  # null is bad_position


@pytest.mark.parametrize(
    ("action", "logged", "dwell_ms", "corrupt"),
    [
        ("play", {"dwell_time": 31.7906}, 31791, False),
        ("play", {"dwell_ms": 900, "dwell_time": 31.7}, 900, False),
        ("click", {"dwell_time": 31.7}, None, False),  # time on a page, not time heard
        ("click", {"dwell_ms": 12}, 12, False),
        ("stop", {"dwell_time": "long"}, None, True),
        ("stop", {"dwell_ms": "NaN"}, None, True),
    ],
)
def test_dwell(spark: SparkSession, action: str, logged: dict[str, Any], dwell_ms: int | None, corrupt: bool) -> None:
    (row,) = parsed(spark, "events", attributes(**logged) | {"action_name": action})
    assert (row.dwell_ms, row["_corrupt"]) == (dwell_ms, corrupt)


def test_actions_are_ours_configured_or_foreign(spark: SparkSession) -> None:
    names = ["Item_Click", "impression", "heart", "add_to_cart", "purchase", " "]
    settings = replace(SHIPPED.ubi, actions={"Heart": "like", "add_to_cart": ""})
    rows = parsed(spark, "events", *[event(action_name=n) for n in names], settings=settings)
    assert [r.kind for r in rows] == ["click", None, "like", None, None, None]
    assert [r["_is_row"] for r in rows] == [True, False, True, False, False, True]  # a blank action: unknown_kind
    assert [r.left_out_as for r in rows] == [None, "impression", None, "add_to_cart", "purchase", None]


def test_one_bulk_file_serves_both_sources(spark: SparkSession) -> None:
    mixed = [QUERY_ACTION, QUERY, EVENT_ACTION, EVENT, "", EVENT_ACTION, event(action_name="impression")]
    searches, events = (parsed(spark, s, *mixed) for s in ("searches", "events"))
    assert [r["_is_row"] for r in searches] == [False, True, False, False, False, False, False]
    assert [r["_is_row"] for r in events] == [False, False, False, True, False, False, False]
    counted = {
        r.left_out_as: r.document_count for r in ubi_left_out(lines(spark, *mixed), "events", SHIPPED.ubi).collect()
    }
    assert counted == {"ubi_queries": 1, "impression": 1}
    (foreign,) = ubi_left_out(lines(spark, *mixed), "searches", SHIPPED.ubi).collect()
    assert (foreign.left_out_as, foreign.document_count) == ("ubi_events", 2)


@pytest.mark.parametrize(
    "text", ['{"action_name": "impression", "query_', "[1]", "{}x", '"click"', "null", json.dumps(attributes(object=7))]
)
def test_what_cannot_be_read_is_a_row_and_corrupt(spark: SparkSession, text: str) -> None:
    (row,) = parsed(spark, "events", text)
    assert (row["_is_row"], row["_corrupt"], row.is_foreign) == (True, True, False)


def test_a_document_of_neither_kind_is_a_row_without_ids(spark: SparkSession) -> None:
    for source in ("searches", "events"):
        (row,) = parsed(spark, source, {"hello": 1})
        assert (row["_is_row"], row.search_id) == (True, None)  # no_search_id, and every other rule it breaks


@pytest.mark.parametrize("wrong", [{"client": "toaster"}, {"actions": {"a": "dance"}}, {"first_ordinal": 2}])
def test_wrong_settings_name_the_key(wrong: dict[str, Any]) -> None:
    with pytest.raises(BadConfiguration, match=f"ubi.{next(iter(wrong))}"):
        replace(SHIPPED.ubi, **wrong)


def test_the_published_sample(spark: SparkSession) -> None:
    if "PLAYFIRST_DATA" not in os.environ:
        pytest.skip("PLAYFIRST_DATA (folder with clicks/ubi_queries_events.ndjson.gz) is not set")
    sample = Path(os.environ["PLAYFIRST_DATA"]) / "clicks" / "ubi_queries_events.ndjson.gz"
    text = spark.read.text(str(sample)).withColumnRenamed("value", "raw_text")
    for source, foreign, rows in (("searches", 3448, 473), ("events", 473 + 2916, 532)):
        made = ubi_parsed(F.col("raw_text"), source, SHIPPED.ubi)
        frame = text.select(*[c.alias(n) for n, c in made.items()])
        assert frame.where("is_foreign").count() == foreign
        good = frame.where("_is_row").collect()
        assert len(good) == rows
        assert not any(r["_corrupt"] for r in good)
        assert all(r.ts.endswith("Z") and r.search_id for r in good)
