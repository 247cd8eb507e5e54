"""OpenSearch User Behavior Insights (UBI) documents as rows of the input contract: the second front door.

Source: UBI specification 1.3.0 (o19s/ubi, `schema/1.3.0/*.schema.json`) and the mappings of OpenSearch's plugin. Read
are plain ndjson (one document a line) and the bulk format (an action line, then its document), both indices mixed or
not. Where UBI is silent or its producers differ, `UbiSettings` says what holds.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from events.contract import CORRUPT
from lake.columns import CLIENTS, KINDS
from lake.errors import BadConfiguration

if TYPE_CHECKING:
    from pyspark.sql.types import StructType

ACTIONS = {kind: kind for kind in KINDS} | {
    "click_through": "click",
    "item_click": "click",
    "watch": "play",
    "listen": "play",
    "add_to_playlist": "add",
    "add_to_queue": "add",
    "add_to_cart": "add",
    "favorite": "like",
    "thumbs_up": "like",
    "thumbs_down": "dislike",
}
HEARD = ("play", "skip", "complete", "stop")  # a client's dwell time on any other action is time on a page
BULK_ACTION = r'^\s*\{\s*"(index|create|update|delete)"\s*:\s*\{[^{}]*\}\s*\}\s*$'
IN_UTC = r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,6})?Z$"
EVENT_MARKS = ("action_name", "event_attributes")
QUERY_MARKS = ("user_query", "query_attributes", "query_response_id", "query_response_hit_ids")
ATTRIBUTES = ("client", "locale", "session_id", "release_id", "variant", "propensity")
MAX_MILLIS = 1e14  # the year 5138; no timestamp beyond it, and no overflow on the way


@dataclass
class UbiSettings:
    """What UBI does not log.

    `client` and `locale` hold for searches whose `query_attributes` do not name their own. `actions` (UBI action_name
    -> our kind) adds to ACTIONS and goes before it; kind '' takes a default away. `first_ordinal` is the ordinal of the
    first result, 0 or 1: the schema says "the nth position" with examples from 1, as OpenSearch's Chorus shop logs,
    while its published ESCI sample counts from 0. A wrong choice is loud: events end as bad_position or not_served.
    """

    client: str
    locale: str
    first_ordinal: int
    actions: dict[str, str]

    def __post_init__(self) -> None:
        wrong = {a: k for a, k in self.actions.items() if k and k not in KINDS}
        if self.client not in CLIENTS:
            raise BadConfiguration(f"ubi.client is {self.client!r}, expected one of {', '.join(CLIENTS)}.")
        if wrong:
            raise BadConfiguration(f"ubi.actions has {wrong}, expected kinds among {', '.join(KINDS)} or ''.")
        if self.first_ordinal not in (0, 1):
            raise BadConfiguration(f"ubi.first_ordinal is {self.first_ordinal!r}, expected 0 or 1.")

    def kinds(self) -> dict[str, str]:
        """Action name in lower case -> kind, the defaults with `actions` over them."""
        return {a: k for a, k in (ACTIONS | {a.lower(): k for a, k in self.actions.items()}).items() if k}


def ubi_parsed(raw_text: Column, source: str, settings: UbiSettings) -> dict[str, Column]:
    """Column expressions that make a row of `source` ("searches" or "events") out of one line of UBI text.

    The contract's fields in its types, and: `_corrupt` (boolean: no JSON object, or a value that does not fit),
    `_is_row` (boolean: the line counts as received), `is_foreign` (boolean) and `left_out_as` (its name, else null).
    Action lines of the bulk format and blank lines are neither rows nor foreign. Foreign, so left out and counted
    (`ubi_left_out`), are documents of the other index and events whose action is no reaction to a result (impression,
    product_hover, purchase, … whatever `actions` does not name). All else is a row and meets the ordinary rules.
    """
    if source not in ("searches", "events"):
        raise ValueError(f"source is {source!r}, expected 'searches' or 'events'")
    line = F.coalesce((F.length(F.trim(raw_text)) > 0) & ~raw_text.rlike(BULK_ACTION), F.lit(False))
    # judged without the whole parse: the filter on `_is_row` runs before it
    action = F.trim(F.get_json_object(raw_text, "$.action_name"))
    is_event, is_query = _has_any(raw_text, EVENT_MARKS), _has_any(raw_text, QUERY_MARKS)
    doc = F.from_json(raw_text, _schema(), {"mode": "PERMISSIVE", "columnNameOfCorruptRecord": CORRUPT})
    if source == "searches":
        made, lost = _search(doc, settings)
        foreign, name = is_event, F.lit("ubi_events")
    else:
        made, lost = _event(doc, settings)
        foreign = F.coalesce(~F.lower(action).isin(*settings.kinds(), ""), ~is_event & is_query)
        name = F.coalesce(F.substring(action, 1, 100), F.lit("ubi_queries"))
    is_object = raw_text.rlike(r"^\s*\{") & raw_text.rlike(r"\}\s*$")  # from_json looks past both ends
    unreadable = ~is_object | doc[CORRUPT].isNotNull() | lost
    return made | {
        CORRUPT: F.coalesce(unreadable, F.lit(False)),
        "_is_row": line & ~foreign,
        "is_foreign": line & foreign,
        "left_out_as": F.when(line & foreign, name),
    }


def ubi_left_out(lines: DataFrame, source: str, settings: UbiSettings) -> DataFrame:
    """One row per (delivered_date, source_file, left_out_as) with `document_count`: what is foreign to `source`.

    `lines` holds delivered_date, source_file and raw_text. `left_out_as` is an action name or the other index's name.
    """
    made = ubi_parsed(F.col("raw_text"), source, settings)
    foreign = lines.where(made["is_foreign"]).withColumn("left_out_as", made["left_out_as"])
    return foreign.groupBy("delivered_date", "source_file", "left_out_as").agg(F.count("*").alias("document_count"))


def _search(doc: Column, settings: UbiSettings) -> tuple[dict[str, Column], Column]:
    """Fields of a search, and whether a value was lost. Source: query.request.schema.json; `results` in served order."""
    own = doc["query_attributes"]
    propensity = own["propensity"].try_cast("double")
    made = {
        "search_id": doc["query_id"],
        "user_id": _first_said(doc["client_id"], doc["user_id"]),
        "ts": _iso(doc["timestamp"]),
        "client": _first_said(own["client"], F.lit(settings.client)),
        "locale": _first_said(own["locale"], F.lit(settings.locale)),
        "raw_query": doc["user_query"],
        "results": doc["query_response_hit_ids"],
        "session_id": _first_said(own["session_id"], doc["session_id"]),
        "release_id": own["release_id"],
        "variant": own["variant"],
        "propensity": propensity,
    }
    return made, own["propensity"].isNotNull() & propensity.isNull()


def _event(doc: Column, settings: UbiSettings) -> tuple[dict[str, Column], Column]:
    """Fields of an event, and whether a value was lost. Source: event.schema.json.

    UBI has no event id: ours is the start of the SHA-256 of the fields that are read, so that the same document delivered
    twice is one, however it is spaced; the person is not among them (quarantine masks it, and the event may join from
    there). Nor has it a dwell time: read are `event_attributes.dwell_ms` (milliseconds), else, for what is HEARD,
    `event_attributes.dwell_time` (seconds, as UBI's demo logs it).
    """
    own, kinds = doc["event_attributes"], settings.kinds()
    kind_of = F.create_map(*[F.lit(x) for pair in sorted(kinds.items()) for x in pair])
    kind = F.try_element_at(kind_of, F.lower(F.trim(doc["action_name"])))
    seconds = F.when(kind.isin(*HEARD), own["dwell_time"])
    heard_ms = F.round(seconds.try_cast("double") * 1000).try_cast("bigint")
    dwell_ms = F.coalesce(own["dwell_ms"].try_cast("bigint"), heard_ms)
    read = (
        doc["query_id"],
        doc["action_name"],
        doc["timestamp"],
        own["object"]["object_id"],
        own["position"]["ordinal"],
        own["dwell_ms"],
        own["dwell_time"],
    )
    made = {
        "event_id": F.substring(F.sha2(F.to_json(F.array(*read)), 256), 1, 32),
        "search_id": doc["query_id"],
        "track_id": own["object"]["object_id"],
        "position": F.try_add(own["position"]["ordinal"].try_cast("bigint"), F.lit(1 - settings.first_ordinal)),
        "ts": _iso(doc["timestamp"]),
        "kind": kind,
        "dwell_ms": dwell_ms,
    }
    return made, F.coalesce(own["dwell_ms"], seconds).isNotNull() & dwell_ms.isNull()


def _iso(text: Column) -> Column:
    """ISO-8601 UTC of an ISO string or of epoch milliseconds (OpenSearch reads any number so); else the text itself."""
    number = text.try_cast("double")
    millis = F.when(F.abs(number) < MAX_MILLIS, number).cast("bigint")
    at = F.coalesce(F.timestamp_millis(millis), F.try_to_timestamp(text))
    return F.when(text.rlike(IN_UTC), text).otherwise(
        F.coalesce(F.date_format(at, "yyyy-MM-dd'T'HH:mm:ss.SSSSSS'Z'"), text)
    )


def _has_any(raw_text: Column, names: tuple[str, ...]) -> Column:
    return F.coalesce(*[F.get_json_object(raw_text, f"$.{n}") for n in names]).isNotNull()


def _first_said(*texts: Column) -> Column:
    return F.coalesce(*[F.when(F.trim(t) != "", t) for t in texts])


def _schema() -> StructType:
    """The parts of both kinds of document that are read."""
    from pyspark.sql.types import ArrayType, StringType, StructField, StructType

    def struct(*names: str, **nested: StructType) -> StructType:
        plain = [StructField(n, StringType()) for n in names]
        return StructType([*plain, *[StructField(n, t) for n, t in nested.items()]])

    top = struct(
        "query_id",
        "client_id",
        "user_id",
        "session_id",
        "timestamp",
        "user_query",
        "action_name",
        CORRUPT,
        query_attributes=struct(*ATTRIBUTES),
        event_attributes=struct("dwell_ms", "dwell_time", object=struct("object_id"), position=struct("ordinal")),
    )
    return top.add(StructField("query_response_hit_ids", ArrayType(StringType())))
