"""The bad-input catalogue: each kind of broken row with the outcome that the contract states for it.

One place, read by tests/events/test_bad_input.py. An outcome is `accepted`, `duplicate`, `duplicate_conflict`, or the
list of reasons with which the row lies in quarantine; `no row` is a line that counts as nothing.
"""

from __future__ import annotations

import json

DAY = "2024-02-29"  # a leap day
SEARCH = {
    "search_id": "s1",
    "user_id": "u1",
    "ts": f"{DAY}T10:00:00.000Z",
    "client": "mobile",
    "locale": "en-US",
    "raw_query": "play hello",
    "results": ["t1", "t2"],
    "variant": "a",
    "propensity": 0.9,
}
EVENT = {
    "event_id": "e1",
    "search_id": "ok",
    "track_id": "t2",
    "position": 2,
    "ts": f"{DAY}T10:00:05Z",
    "kind": "play",
    "dwell_ms": 0,
}

Kind = tuple[str, object, object]  # name, change to the good row or the raw line itself, outcome
UNREADABLE_SEARCH = [
    "unreadable",
    "no_search_id",
    "no_user_id",
    "bad_ts",
    "unknown_client",
    "bad_locale",
    "no_query",
    "no_results",
]
UNREADABLE_EVENT = [
    "unreadable",
    "no_event_id",
    "no_search_id",
    "no_track_id",
    "bad_position",
    "bad_ts",
    "unknown_kind",
]
GONE = object()  # the field is missing


def line(good: dict[str, object], name: str, change: object, id_field: str) -> bytes:
    """The bytes of one delivered line: the good row with the change, or the raw line."""
    if isinstance(change, bytes):
        return change
    if isinstance(change, str):
        return change.encode()
    assert isinstance(change, dict)
    row = {**good, id_field: name, **change}
    return json.dumps({k: v for k, v in row.items() if v is not GONE}, ensure_ascii=False).encode(
        "utf-8", "surrogatepass"
    )


SEARCHES: list[Kind] = [
    ("ok", {}, "accepted"),
    ("an unknown extra field", {"shoe_size": 43, "nested": {"a": [1]}}, "accepted"),
    ("optional fields missing", {"variant": GONE, "propensity": GONE}, "accepted"),
    ("the last instant of the day after", {"ts": "2024-03-01T23:59:59.999Z"}, "accepted"),
    ("the first instant of the day before", {"ts": "2024-02-28T00:00:00Z"}, "accepted"),
    ("two days after", {"ts": "2024-03-02T00:00:00Z"}, ["ts_out_of_range"]),
    ("two days before", {"ts": "2024-02-27T23:59:59Z"}, ["ts_out_of_range"]),
    ("1970", {"ts": "1970-01-01T00:00:00Z"}, ["ts_out_of_range"]),
    ("the far future", {"ts": "2999-12-31T00:00:00Z"}, ["ts_out_of_range"]),
    ("30 February", {"ts": "2024-02-30T10:00:00Z"}, ["bad_ts"]),
    ("a time zone other than UTC", {"ts": f"{DAY}T12:00:00+02:00"}, "accepted"),
    ("a time that is a word", {"ts": "yesterday"}, ["bad_ts"]),
    ("a time that is null", {"ts": None}, ["bad_ts"]),
    ("a time that is missing", {"ts": GONE}, ["bad_ts"]),
    ("an unknown client", {"client": "toaster"}, ["unknown_client"]),
    ("a client in capitals", {"client": "Alexa"}, ["unknown_client"]),
    ("a null client", {"client": None}, ["unknown_client"]),
    ("a locale that is a word", {"locale": "english"}, ["bad_locale"]),
    ("an underscored locale", {"locale": "en_US"}, ["bad_locale"]),
    ("an empty query", {"raw_query": ""}, ["no_query"]),
    ("a blank query", {"raw_query": " \t "}, ["no_query"]),
    ("a null query", {"raw_query": None}, ["no_query"]),
    ("a query of 10 kB", {"raw_query": "x" * 10_000}, ["query_too_long"]),
    ("a query of 201 characters", {"raw_query": "x" * 201}, ["query_too_long"]),
    ("a query of 200 characters", {"raw_query": "x" * 200}, "accepted"),
    ("a query of 161 three-byte letters", {"raw_query": "日" * 161}, ["query_too_long"]),
    ("a query with NUL", {"raw_query": "play\u0000hello"}, "accepted"),
    ("a right-to-left query", {"raw_query": "شغل مرحبا"}, "accepted"),
    ("a query of signs", {"raw_query": "!!!"}, "accepted"),
    ("an emoji query", {"raw_query": "play 🎵"}, "accepted"),
    ("a query that holds an address", {"raw_query": "call ana@example.org"}, "accepted"),
    ("a query of 5,000 years", {"raw_query": "1999," * 5_000}, ["query_too_long"]),
    ("an address of 5,000 dots", {"raw_query": "a@b" + ".c" * 5_000}, "accepted"),
    ("no results", {"results": []}, ["no_results"]),
    ("null results", {"results": None}, ["no_results"]),
    ("a null among the results", {"results": ["t1", None]}, ["null_in_results"]),
    ("a blank among the results", {"results": ["t1", " "]}, ["null_in_results"]),
    ("results that are a word", {"results": "t1"}, ["unreadable", "no_results"]),
    ("a propensity above 1", {"propensity": 1.5}, ["bad_propensity"]),
    ("a propensity of 0", {"propensity": 0}, ["bad_propensity"]),
    ("a negative propensity", {"propensity": -0.1}, ["bad_propensity"]),
    ("a propensity that is NaN", {"propensity": float("nan")}, ["bad_propensity"]),
    ("an infinite propensity", {"propensity": float("inf")}, ["bad_propensity"]),
    ("a propensity that is a word", {"propensity": "high"}, ["unreadable"]),
    ("a blank user", {"user_id": " "}, ["no_user_id"]),
    ("a null user", {"user_id": None}, ["no_user_id"]),
    ("a user of 20 kB", {"user_id": "x" * 20_000, "client": "?"}, ["unknown_client"]),
    ("a null id", {"search_id": None}, ["no_search_id"]),
    ("an empty id", {"search_id": ""}, ["no_search_id"]),
    (
        "several faults at once",
        {"client": "?", "locale": "?", "results": []},
        ["unknown_client", "bad_locale", "no_results"],
    ),
    ("the same row again", {"search_id": "ok"}, "duplicate"),
    (
        "the same id, other words",
        {"search_id": "ok", "raw_query": "play goodbye", "ts": f"{DAY}T10:00:01Z"},
        "duplicate_conflict",
    ),
    ("a line cut in half", json.dumps(SEARCH)[:60], UNREADABLE_SEARCH),
    ("a line of text", "search_id,user_id", UNREADABLE_SEARCH),
    ("a JSON list", "[1, 2]", UNREADABLE_SEARCH),
    ("a JSON number", "7", UNREADABLE_SEARCH),
    ("two objects on a line", json.dumps(SEARCH) + json.dumps(SEARCH), None),
    ("an object and a tail", json.dumps(SEARCH) + " and more", None),
    ("braces in a query", {"raw_query": 'play }{"x": 1'}, "accepted"),
    ("invalid UTF-8", b'{"search_id": "\xff\xfe", "raw_query": "\xc3\x28"}', None),
    ("UTF-16", json.dumps(SEARCH).encode("utf-16-le"), None),
    ("a blank line", "", "no row"),
    ("a line of blanks", "   ", "no row"),
]

EVENTS: list[Kind] = [
    ("ok", {}, "accepted"),
    ("no dwell", {"dwell_ms": GONE}, "accepted"),
    ("a click before its search", {"ts": f"{DAY}T09:00:00Z", "kind": "click"}, "accepted"),
    ("a reaction two days late", {"ts": "2024-02-27T00:00:00Z"}, "accepted"),
    ("a reaction three days late", {"ts": "2024-02-26T23:59:59Z"}, ["ts_out_of_range"]),
    ("no search", {"search_id": "never"}, ["no_search"]),
    ("a search that was quarantined", {"search_id": "an unknown client"}, ["no_search"]),
    ("a position that was not served", {"position": 9}, ["not_served"]),
    ("another track's position", {"position": 1}, ["not_served"]),
    ("position 0", {"position": 0}, ["bad_position", "not_served"]),
    ("a negative position", {"position": -2}, ["bad_position", "not_served"]),
    ("a null position", {"position": None}, ["bad_position", "not_served"]),
    ("a position of 2^40", {"position": 2**40}, ["bad_position", "not_served"]),
    ("a position with a fraction", {"position": 1.5}, ["unreadable", "bad_position", "not_served"]),
    ("a track that the catalog lost", {"track_id": "t9", "position": 1}, ["unknown_track", "not_served"]),
    ("a retired track that was served", {"search_id": "retired", "track_id": "t9", "position": 1}, ["unknown_track"]),
    ("a null track", {"track_id": None}, ["no_track_id", "not_served"]),
    ("an unknown kind", {"kind": "hum"}, ["unknown_kind"]),
    ("a null kind", {"kind": None}, ["unknown_kind"]),
    ("a negative dwell", {"dwell_ms": -1}, ["negative_dwell"]),
    ("a dwell that is a word", {"dwell_ms": "long"}, ["unreadable"]),
    ("a null id", {"event_id": None}, ["no_event_id"]),
    ("a time that is a word", {"ts": "now"}, ["bad_ts"]),
    ("the same row again", {"event_id": "ok"}, "duplicate"),
    ("the same id, another kind", {"event_id": "ok", "kind": "skip", "ts": f"{DAY}T10:00:09Z"}, "duplicate_conflict"),
    ("a line cut in half", json.dumps(EVENT)[:40], UNREADABLE_EVENT),
    ("invalid UTF-8", b'{"event_id": "\xff", "kind": "\xc3\x28"}', None),
]
