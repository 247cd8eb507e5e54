"""Tables of delivered data: searches, reactions, the catalog, and rows that break the input contract."""

from __future__ import annotations

from lake.columns import CLIENT, DELIVERED_DATE, KINDS, LOCALE, RUN_DATE, SEARCH_DATE, SPOKEN, TRACK_ID
from lake.schema import Column, Table, count

SEARCH_LOG = Table(
    "search_log",
    "one row per accepted search",
    ("search_id",),
    "search_date",
    (
        Column("search_id", "string", "id of the request", personal=True),
        Column("user_id", "string", "pseudonym: HMAC-SHA-256 of the logged user id, hex", personal=True),
        Column("ts", "timestamp", "instant of the request, UTC"),
        CLIENT,
        Column("surface", "string", "how results were perceived", values=("voice", "screen")),
        LOCALE,
        SPOKEN,
        Column("raw_query", "string", "request as heard or typed", personal=True),
        Column("results", "array<string>", "track ids in served order"),
        Column("release_id", "string", "the release of ours that answered, if one did", nullable=True),
        Column("variant", "string", "serving policy that answered", nullable=True),
        Column(
            "propensity", "double", "probability with which the policy chose this list", nullable=True, low=0, high=1
        ),
        Column("source_file", "string", "file the row came from, relative to the logs folder"),
        SEARCH_DATE,
        DELIVERED_DATE,
    ),
    "ingest",
    restricted=True,
    sort_by=("locale", "query"),
    write_unit="delivered_date",
    may_be_empty=True,
    gate="validate",
)


ENGAGEMENT_EVENTS = Table(
    "engagement_events",
    "one row per accepted reaction to a search",
    ("event_id",),
    "search_date",
    (
        Column("event_id", "string", "id of the reaction"),
        Column("search_id", "string", "the search it reacts to"),
        TRACK_ID,
        Column("position", "int", "1-based rank in the search's results", low=1),
        Column("ts", "timestamp", "instant of the reaction, UTC"),
        Column("kind", "string", "what the listener did", values=KINDS),
        Column("dwell_ms", "bigint", "heard so far in the chain (cumulative)", "ms", nullable=True, low=0),
        Column("source_file", "string", "file the row came from, relative to the logs folder"),
        Column("search_date", "date", "UTC day of the search reacted to"),
        DELIVERED_DATE,
    ),
    "ingest",
    restricted=True,
    sort_by=("search_id",),
    write_unit="delivered_date",
    may_be_empty=True,
    gate="validate",
)


QUARANTINE = Table(
    "quarantine",
    "one row per delivered row that breaks the contract",
    ("source_file", "line"),
    "delivered_date",
    (
        DELIVERED_DATE,
        Column("source", "string", "what the row claimed to be", values=("search", "event")),
        Column("source_file", "string", "file the row came from, relative to the logs folder"),
        Column("line", "bigint", "1-based line (JSON Lines) or row in reading order (Parquet)", low=1),
        Column("raw_text", "string", "the row as delivered, its user id replaced or masked", personal=True),
        Column("reasons", "array<string>", "every rule it breaks"),
    ),
    "ingest",
    restricted=True,
    may_be_empty=True,
    gate="validate",
    expires="quarantine",
)


DELIVERED_FILES = Table(
    "delivered_files",
    "one row per delivered file: received = accepted + duplicate + quarantined",
    ("source_file",),
    "delivered_date",
    (
        DELIVERED_DATE,
        Column("source", "string", "what the file holds", values=("search", "event")),
        Column("source_file", "string", "path relative to the logs folder"),
        count("received", "rows in the file", "rows"),
        count("accepted", "rows that went to search_log or engagement_events", "rows"),
        count("duplicate", "rows whose id had been accepted before", "rows"),
        count("duplicate_conflict", "of those, rows whose content differs from the row accepted before", "rows"),
        count("quarantined", "rows in quarantine", "rows"),
        count("forgotten", "of the accepted, rows of people who asked to be forgotten: counted, not kept", "rows"),
        count(
            "foreign_fields",
            "values of fields that the contract does not name, left out (JSON Lines: estimated from one row in 16)",
            "values",
        ),
        Column("foreign_names", "array<string>", "names of those fields"),
    ),
    "ingest",
    may_be_empty=True,
    gate="validate",
)


FORGOTTEN_USERS = Table(
    "forgotten_users",
    "one row per person who asked to be forgotten",
    ("user_id",),
    None,
    (
        Column(
            "user_id",
            "string",
            "pseudonym whose delivered rows are dropped and only counted from then on",
            personal=True,
        ),
        Column("asked", "string", "fingerprint of the request that named it"),
    ),
    "forget",
    restricted=True,
    write_unit="asked",
)


TRACKS = Table(
    "tracks",
    "one row per track of the catalog that the night used",
    ("track_id",),
    "run_date",
    (
        RUN_DATE,
        TRACK_ID,
        Column("title", "string", "title as delivered"),
        Column("artists", "array<string>", "credited artists, the main one first"),
        Column("album", "string", "album", nullable=True),
        Column("release_year", "int", "year of release", "year", nullable=True, low=1860, high=2100),
        Column("released_at", "date", "day of release; unknown month or day read as 1", nullable=True),
        Column("genres", "array<string>", "genres, lower case"),
        Column("moods", "array<string>", "moods, lower case"),
        Column("duration_ms", "bigint", "length", "ms", nullable=True, low=0),
        Column("explicit", "boolean", "explicit lyrics", nullable=True),
        Column("popularity", "double", "catalog popularity of that day", "0–100", nullable=True, low=0, high=100),
        *(
            Column(name, "double", f"audio feature {name}", nullable=True, low=low, high=high)
            for name, low, high in (
                ("energy", 0, 1),
                ("valence", 0, 1),
                ("danceability", 0, 1),
                ("tempo", 0, 400),
                ("acousticness", 0, 1),
                ("instrumentalness", 0, 1),
                ("speechiness", 0, 1),
                ("liveness", 0, 1),
                ("loudness", -80, 20),
            )
        ),
        Column("title_normal", "string", "normal form of the title"),
        Column("artists_normal", "array<string>", "normal forms of the artists"),
        Column("work_id", "string", "recordings of one song share it; from title and main artist where not delivered"),
        Column("known_since", "date", "run_date of the first night whose catalog held the track"),
    ),
    "ingest",
    sort_by=("track_id",),
    gate="validate",
)
