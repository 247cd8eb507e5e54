"""Convert OpenSearch User Behavior Insights (UBI) documents to rows of the input contract, as an alternative input format.

Source: UBI specification 1.3.0 (o19s/ubi, `schema/1.3.0/*.schema.json`) and the mappings of OpenSearch's plugin. Two forms are
read: plain ndjson (one document a line) and the bulk format (an action line, then its document). A file may hold documents of
one index (`ubi_queries`, `ubi_events`) or of both. `UbiSettings` decides what UBI does not specify or producers do differently.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from events.contract import CORRUPT, instant
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
HEARD = ("play", "skip", "complete", "stop")  # with any other kind, `dwell_time` is the time on a page
BULK_ACTION = r'^\s*\{\s*"(index|create|update|delete)"\s*:\s*\{[^{}]*\}\s*\}\s*$'
IN_UTC = r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,6})?Z$"
EVENT_MARKS = ("action_name", "event_attributes")
QUERY_MARKS = ("user_query", "query_attributes", "query_response_id", "query_response_hit_ids")
ATTRIBUTES = ("client", "locale", "session_id", "release_id", "variant", "propensity")
MAX_MILLIS = 1e14  # the year 5138: larger numbers are no timestamps, and could overflow


@dataclass
class UbiSettings:
    """Settings for what UBI does not log.

    Attributes:
        client: Client of searches whose `query_attributes` name none.
        locale: Locale of searches whose `query_attributes` name none.
        first_ordinal: The ordinal of the first result, 0 or 1. UBI's schema says "the nth position" with examples from 1, as
            OpenSearch's Chorus shop logs it, while the published ESCI sample of UBI counts from 0. A wrong choice is noticed,
            because events end in quarantine as bad_position or not_served.
        actions: UBI action_name -> kind, added to ACTIONS and overriding it; the kind '' removes a default.
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
        """Action name in lower case -> kind: the defaults ACTIONS, overridden by `actions`."""
        return {a: k for a, k in (ACTIONS | {a.lower(): k for a, k in self.actions.items()}).items() if k}


def ubi_parsed(raw_text: Column, source: str, settings: UbiSettings) -> dict[str, Column]:
    """Column expressions that parse one line of UBI text into a row of the contract.

    Action lines of the bulk format and blank lines are neither rows nor foreign. Foreign are documents of the other index, and
    events whose action has no kind in the settings because it is no reaction to a result (impression, product_hover, purchase,
    …). They are left out and counted (`ubi_left_out`). Every other line is a row, and the ordinary rules of the contract judge
    it.

    Args:
        raw_text: One line of a UBI file.
        source: "searches" or "events".
        settings: How UBI documents are read.

    Returns:
        Name -> column: the fields of the contract in its types, `_corrupt` (boolean: the line is no JSON object, or a value
        does not fit), `_is_row` (boolean: the line counts as received), `is_foreign` (boolean), and `left_out_as` (of a foreign
        line the action name or the name of the other index, else null).
    """
    if source not in ("searches", "events"):
        raise ValueError(f"source is {source!r}, expected 'searches' or 'events'")
    line = F.coalesce((F.length(F.trim(raw_text)) > 0) & ~raw_text.rlike(BULK_ACTION), F.lit(False))
    # these need no whole parse, since the filter on `_is_row` runs before it
    action = F.trim(F.get_json_object(raw_text, "$.action_name"))
    is_event, is_query = _has_any(raw_text, EVENT_MARKS), _has_any(raw_text, QUERY_MARKS)
    doc = F.from_json(raw_text, _schema(), {"mode": "PERMISSIVE", "columnNameOfCorruptRecord": CORRUPT})
    if source == "searches":
        fields, is_lossy = _search(doc, settings)
        foreign, name = is_event, F.lit("ubi_events")
    else:
        fields, is_lossy = _event(doc, settings)
        foreign = F.coalesce(~F.lower(action).isin(*settings.kinds(), ""), ~is_event & is_query)
        name = F.coalesce(F.substring(action, 1, 100), F.lit("ubi_queries"))
    is_object = raw_text.rlike(r"^\s*\{") & raw_text.rlike(r"\}\s*$")  # from_json ignores text around it
    unreadable = ~is_object | doc[CORRUPT].isNotNull() | is_lossy
    return fields | {
        CORRUPT: F.coalesce(unreadable, F.lit(False)),
        "_is_row": line & ~foreign,
        "is_foreign": line & foreign,
        "left_out_as": F.when(line & foreign, name),
    }


def ubi_left_out(lines: DataFrame, source: str, settings: UbiSettings) -> DataFrame:
    """One row per (delivered_date, source_file, left_out_as) with `document_count`: the documents that are foreign to `source`.

    Args:
        lines: delivered_date, source_file and raw_text of each line.
        source: "searches" or "events".
        settings: How UBI documents are read.

    Returns:
        The counts; `left_out_as` is an action name or the name of the other index.
    """
    parsed = ubi_parsed(F.col("raw_text"), source, settings)
    foreign = lines.where(parsed["is_foreign"]).withColumn("left_out_as", parsed["left_out_as"])
    return foreign.groupBy("delivered_date", "source_file", "left_out_as").agg(F.count("*").alias("document_count"))


def _search(doc: Column, settings: UbiSettings) -> tuple[dict[str, Column], Column]:
    """The fields of a search, and whether a value does not fit its type. `results` are in served order.

    The listener is `user_id`, who has signed in, else `client_id`, the browser or device: several people may share one, and one
    person may use several. Source: query.request.schema.json.
    """
    own = doc["query_attributes"]
    propensity = own["propensity"].try_cast("double")
    fields = {
        "search_id": doc["query_id"],
        "user_id": _first_not_blank(doc["user_id"], doc["client_id"]),
        "ts": _iso(doc["timestamp"]),
        "client": _first_not_blank(own["client"], F.lit(settings.client)),
        "locale": _first_not_blank(own["locale"], F.lit(settings.locale)),
        "raw_query": doc["user_query"],
        "results": doc["query_response_hit_ids"],
        "session_id": _first_not_blank(own["session_id"], doc["session_id"]),
        "release_id": own["release_id"],
        "variant": own["variant"],
        "propensity": propensity,
    }
    return fields, own["propensity"].isNotNull() & propensity.isNull()


def _event(doc: Column, settings: UbiSettings) -> tuple[dict[str, Column], Column]:
    """The fields of an event, and whether a value does not fit its type. Source: event.schema.json.

    UBI has no event id. Ours is the start of the SHA-256 of the fields that are read, so a document delivered twice is one
    event, even with other white space. The person is not among these fields, because quarantine masks it and a waiting event is
    parsed again from its masked text. UBI has no dwell either: it is `event_attributes.dwell_ms` (milliseconds), else, for the
    kinds HEARD, `event_attributes.dwell_time` (seconds, as UBI's demo logs it).
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
    fields = {
        "event_id": F.substring(F.sha2(F.to_json(F.array(*read)), 256), 1, 32),
        "search_id": doc["query_id"],
        "track_id": own["object"]["object_id"],
        "position": F.try_add(own["position"]["ordinal"].try_cast("bigint"), F.lit(1 - settings.first_ordinal)),
        "ts": _iso(doc["timestamp"]),
        "kind": kind,
        "dwell_ms": dwell_ms,
    }
    return fields, F.coalesce(own["dwell_ms"], seconds).isNotNull() & dwell_ms.isNull()


def _iso(text: Column) -> Column:
    """A timestamp as ISO-8601 in UTC, from an ISO string or epoch milliseconds (as OpenSearch does); other text stays."""
    number = text.try_cast("double")
    millis = F.when(F.abs(number) < MAX_MILLIS, number).cast("bigint")
    at = F.coalesce(F.timestamp_millis(millis), instant(text))
    return F.when(text.rlike(IN_UTC), text).otherwise(
        F.coalesce(F.date_format(at, "yyyy-MM-dd'T'HH:mm:ss.SSSSSS'Z'"), text)
    )


def _has_any(raw_text: Column, names: tuple[str, ...]) -> Column:
    """Whether a JSON object has one of the top-level fields, not null."""
    return F.coalesce(*[F.get_json_object(raw_text, f"$.{n}") for n in names]).isNotNull()


def _first_not_blank(*texts: Column) -> Column:
    """The first text that is neither null nor blank."""
    return F.coalesce(*[F.when(F.trim(t) != "", t) for t in texts])


def _schema() -> StructType:
    """The fields that are read, of documents of both indices."""
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
