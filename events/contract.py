"""The input contract: the schemas of delivered rows and every rule a row can break, as data."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from pyspark.sql import Column
from pyspark.sql import functions as F

from lake.columns import CLIENTS, KINDS
from lake.schema import spark_type

if TYPE_CHECKING:
    from pyspark.sql.types import StructType

CONTRACT_VERSION = 3  # raise it when a rule changes, so that delivered folders are read again
CORRUPT = "_corrupt"
SURFACE_OF = {"alexa": "voice", "mobile": "screen", "web": "screen", "firetv": "screen"}

SEARCH_FIELDS = {
    "search_id": "string",
    "user_id": "string",
    "ts": "string",
    "client": "string",
    "locale": "string",
    "raw_query": "string",
    "results": "array<string>",
    "session_id": "string",
    "release_id": "string",
    "variant": "string",
    "propensity": "double",
}
EVENT_FIELDS = {
    "event_id": "string",
    "search_id": "string",
    "track_id": "string",
    "position": "bigint",
    "ts": "string",
    "kind": "string",
    "dwell_ms": "bigint",
}
AUDIO = (
    "energy",
    "valence",
    "danceability",
    "tempo",
    "acousticness",
    "instrumentalness",
    "speechiness",
    "liveness",
    "loudness",
)
TRACK_FIELDS = {
    "track_id": "string",
    "title": "string",
    "artists": "array<string>",
    "album": "string",
    "release_date": "string",
    "genres": "array<string>",
    "duration_ms": "bigint",
    "explicit": "boolean",
    "popularity": "double",
    "moods": "array<string>",
    "work_id": "string",
}

Rules = dict[str, Callable[[], "Column"]]  # reason -> condition under which a row breaks the rule; null counts as false


def row_schema(fields: dict[str, str], *, audio: bool = False) -> StructType:
    """Spark schema of one delivered row, with the column CORRUPT for rows that could not be read.

    Args:
        fields: Field name -> Spark type, such as SEARCH_FIELDS.
        audio: Whether to add the struct `audio` of the features AUDIO (catalog rows).
    """
    from pyspark.sql.types import StringType, StructField, StructType

    columns = [StructField(n, spark_type(t)) for n, t in fields.items()]
    if audio:
        columns.append(StructField("audio", StructType([StructField(n, spark_type("double")) for n in AUDIO])))
    return StructType([*columns, StructField(CORRUPT, StringType())])


def instant(text: Column) -> Column:
    """A text as a timestamp; null if it is none. A time of day without a date is none: Spark would give it the machine's date."""
    return F.when(text.rlike(r"^\s*\d{4}-\d{1,2}-\d{1,2}"), F.try_to_timestamp(text))


def search_rules() -> Rules:
    """Every way in which a search breaks the contract.

    The rules need the delivered fields, CORRUPT, `at` (the parsed `ts`), `delivered_date` (the date of the row's folder),
    `query` and `is_too_long` (both from the normaliser).
    """
    return {
        "unreadable": lambda: F.col(CORRUPT),
        "no_search_id": lambda: blank(F.col("search_id")),
        "no_user_id": lambda: blank(F.col("user_id")),
        "bad_ts": lambda: F.col("at").isNull(),
        "ts_out_of_range": lambda: _out_of_range(1),
        "unknown_client": lambda: ~F.coalesce(F.col("client").isin(*CLIENTS), F.lit(False)),
        "bad_locale": lambda: ~F.coalesce(F.col("locale").rlike(r"^[a-z]{2}(-[A-Z]{2})?$"), F.lit(False)),
        "no_query": lambda: blank(F.col("raw_query")) | (F.col("query") == ""),
        "query_too_long": lambda: F.coalesce(F.col("is_too_long"), F.lit(False)),
        "no_results": lambda: F.col("results").isNull() | (F.size("results") == 0),
        "null_in_results": lambda: F.exists("results", blank),
        "bad_propensity": lambda: F.isnan("propensity") | (F.col("propensity") <= 0) | (F.col("propensity") > 1),
    }


def event_rules(days_late: int) -> Rules:
    """Every way in which an event breaks the contract by itself; `ingest.judged_events` adds the rules that need other rows.

    The rules need the delivered fields, CORRUPT, `at` (the parsed `ts`) and `delivered_date` (the date of the row's folder).

    Args:
        days_late: How many days an event may be older than its folder; at least one day is allowed.
    """
    return {
        "unreadable": lambda: F.col(CORRUPT),
        "no_event_id": lambda: blank(F.col("event_id")),
        "no_search_id": lambda: blank(F.col("search_id")),
        "no_track_id": lambda: blank(F.col("track_id")),
        "bad_position": lambda: F.col("position").isNull() | (F.col("position") < 1) | (F.col("position") > 10_000),
        "bad_ts": lambda: F.col("at").isNull(),
        "ts_out_of_range": lambda: _out_of_range(max(1, days_late)),
        "unknown_kind": lambda: ~F.coalesce(F.col("kind").isin(*KINDS), F.lit(False)),
        "negative_dwell": lambda: F.col("dwell_ms") < 0,
    }


def reasons(rules: Rules) -> Column:
    """Array of the names of all rules that the row breaks, in the order of the rules; empty for a good row."""
    broken = [F.when(F.coalesce(is_broken(), F.lit(False)), F.lit(name)) for name, is_broken in rules.items()]
    return F.array_compact(F.array(*broken))


def blank(text: Column) -> Column:
    """Whether a text is null or only ASCII white space (Spark's trim removes spaces only, not tabs)."""
    # a text that begins with a character above the space is not blank, which spares nearly every row the regular expression
    return text.isNull() | ((text < "!") & ~text.rlike(r"\S"))


def _out_of_range(days_back: int) -> Column:
    """Whether `at` is more than `days_back` days before the folder's date, or two days or more after it.

    Input contract: a search lies in [date − 1, date + 2), both at 00:00 UTC, because the local clocks of all time zones fall
    inside. An event may be as old as the lateness within which it can still join its search.
    """
    days = F.datediff(F.to_date("at"), F.col("delivered_date"))
    return (days < -days_back) | (days > 1)
