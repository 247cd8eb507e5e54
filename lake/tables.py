"""Every table of the lake that is not derived from the feature catalogue: grain, keys, partition, columns.

The schema check, `docs/tables.md`, the Great Expectations suites and the tests read these declarations;
nothing repeats them. Feature tables are declared by `features.catalogue` in the same form.
"""

from __future__ import annotations

from lake.columns import CLIENT, DELIVERED_DATE, KINDS, LEVEL, LOCALE, QUERY, RUN_DATE, SEARCH_DATE, SPOKEN, TRACK_ID
from lake.daily_tables import BOT_DAYS as BOT_DAYS
from lake.daily_tables import DAILY_ENGAGEMENT as DAILY_ENGAGEMENT
from lake.daily_tables import DAILY_SEARCHES as DAILY_SEARCHES
from lake.daily_tables import ENGAGEMENT_TILES as ENGAGEMENT_TILES
from lake.daily_tables import LISTENER_TILES as LISTENER_TILES
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
        count("duplicate_conflict", "of those, rows whose content differs from the one that stands", "rows"),
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
)

FORGOTTEN_USERS = Table(
    "forgotten_users",
    "one row per person who asked to be forgotten",
    ("user_id",),
    None,
    (
        Column("user_id", "string", "pseudonym whose rows are dropped and counted ever after", personal=True),
        Column("asked", "string", "fingerprint of the request that named it"),
    ),
    "forget",
    restricted=True,
    write_unit="asked",
)

TRACKS = Table(
    "tracks",
    "one row per track of the catalog as the night saw it",
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
)

QUERIES = Table(
    "queries",
    "one row per (locale or roll-up, query) asked in the 28 days before D",
    ("locale", "query"),
    "run_date",
    (
        RUN_DATE,
        LEVEL,
        QUERY,
        Column("stripped", "string", "the query without wake word, politeness and carrier phrase"),
        Column("language", "string", "language of the locale", values=("en", "es", "*")),
        Column("is_music", "boolean", "whether it asks for music at all"),
        Column(
            "intent",
            "string",
            "what kind of thing is asked for",
            values=(
                "title",
                "artist",
                "title_artist",
                "album",
                "playlist",
                "genre",
                "mood",
                "activity",
                "era",
                "mixed",
                "open",
                "other",
                "not_music",
            ),
        ),
        Column(
            "intent_group",
            "string",
            "intents that share an exposure curve",
            values=("known_item", "artist", "broad", "open"),
        ),
        Column("constraint_key", "string", "canonical constraints shared by wordings and languages; '' if none"),
        Column("genre", "array<string>", "genres asked for"),
        Column("decade", "array<int>", "decades asked for, first year"),
        Column("mood", "string", "mood asked for", nullable=True),
        Column("activity", "string", "activity asked for", nullable=True),
        Column("sort_by", "string", "order asked for", nullable=True),
        Column("artist_name", "string", "folded artist asked for", nullable=True),
        Column("title_name", "string", "folded title or album asked for", nullable=True),
        Column("answers_as", "string", "which form is meant", values=("full", "stripped")),
        Column("cluster_id", "string", "alias cluster: wordings that ask for the same"),
        Column(
            "text_cluster_id",
            "string",
            "the cluster that wording and catalog alone make: it knows nothing of the logs' aliases",
        ),
        Column("reasons", "array<string>", "why it was read so"),
        count("searches_28d", "searches in the 28 days before D", "searches"),
        count("people_28d", "distinct pseudonyms in the 28 days before D", "people"),
        Column("is_public", "boolean", "asked by at least privacy.k people: may leave the restricted tables"),
        Column(
            "traffic_tier",
            "string",
            "part of the locale's traffic that it belongs to, with hysteresis",
            values=("head", "torso", "tail"),
        ),
        Column(
            "play_entropy",
            "double",
            "how many answers it has: entropy of the tracks played long",
            "bits",
            nullable=True,
            low=0,
        ),
        Column(
            "play_volatility",
            "double",
            "how much its answers change: Jensen-Shannon divergence of the last 7 days of plays from those before",
            nullable=True,
            low=0,
            high=1,
        ),
    ),
    "understand",
    restricted=True,
    sort_by=("locale", "query"),
)

ALIAS_PAIRS = Table(
    "alias_pairs",
    "one row per (language, query, other, evidence): wordings that listeners treat alike",
    ("language", "query", "other", "evidence"),
    "run_date",
    (
        RUN_DATE,
        Column("language", "string", "language of the locales asked in"),
        QUERY,
        Column("other", "string", "the other wording, in normal form"),
        Column(
            "evidence",
            "string",
            "asked again in other words and then played, or played alike",
            values=("asked_again", "played_alike"),
        ),
        Column("people", "bigint", "distinct pseudonyms behind it", "people", low=1),
        Column("strength", "double", "share of those who asked again, or cosine of the plays", low=0, high=1.000000001),
        Column("is_served", "boolean", "our own release made this rewrite: shown, not learned from again"),
    ),
    "understand",
    restricted=True,
    sort_by=("language", "query"),
    may_be_empty=True,
)

EXPOSURE_CURVES = Table(
    "exposure_curves",
    "one row per (client, intent group, position)",
    ("client", "intent_group", "position"),
    "run_date",
    (
        RUN_DATE,
        CLIENT,
        Column(
            "intent_group",
            "string",
            "intent group, or `all` pooled",
            values=("known_item", "artist", "broad", "open", "all"),
        ),
        Column("position", "int", "rank 1–10, 11 is the tail", low=1, high=11),
        count("impressions", "impressions at the position", "impressions"),
        count("clicks", "clicks (screens) or long plays (voice) at the position"),
        Column(
            "propensity",
            "double",
            "probability of being examined (screens) or reached (voice), rank 1 = 1",
            low=0,
            high=1,
        ),
        Column(
            "expected_rate",
            "double",
            "expected clicks (screens) or long plays (voice) of one impression there",
            "events/impression",
            low=0,
            high=1,
        ),
    ),
    "fit_exposure",
)

BACKOFF_STRENGTHS = Table(
    "backoff_strengths",
    "one row per level of the COEC back-off",
    ("level",),
    "run_date",
    (
        RUN_DATE,
        Column(
            "level",
            "string",
            "the level that is shrunk to the one above it",
            values=("track", "cluster_pair", "language_pair", "pair"),
        ),
        Column(
            "strength",
            "double",
            "expected responses at which its own data weigh as much as the level above, by maximum likelihood",
            "responses",
            low=0,
        ),
        count("units", "units of the level it was fitted on; 0 where they were too few, and the default stands"),
    ),
    "build_features",
)

VECTORS = Table(
    "vectors",
    "one row per query of a language, or track, with two long plays in the 28 days before",
    ("kind", "language", "key"),
    "run_date",
    (
        RUN_DATE,
        Column("kind", "string", "what the key is", values=("query", "track")),
        Column("language", "string", "language of the query; tracks are shared by all (`*`)", values=("en", "es", "*")),
        Column("key", "string", "the query, or the track_id"),
        Column(
            "vector",
            "array<double>",
            "its place among the others, by alternating least squares (features/build/vectors.py)",
        ),
        Column(
            "company", "array<double>", "Σ ln(1 + long plays) · direction, of what it was played with", nullable=True
        ),
        Column("company_weight", "double", "Σ ln(1 + long plays) of those", "plays", nullable=True, low=0),
    ),
    "build_features",
    restricted=True,
    sort_by=("kind", "language", "key"),
    may_be_empty=True,
)

CANDIDATES = Table(
    "candidates",
    "one row per (locale, query, track) considered",
    ("locale", "query", "track_id"),
    "run_date",
    (
        RUN_DATE,
        LEVEL,
        QUERY,
        TRACK_ID,
        Column(
            "sources", "array<string>", "generators that proposed it: engagement, cluster, text, constraint, popular"
        ),
        Column("source_rank", "int", "best rank any generator gave it, after which the cap cuts", low=1),
    ),
    "candidates",
    sort_by=("locale", "query"),
)

JUDGEMENTS = Table(
    "judgements",
    "one row per (as_of, locale, query, track) shown in the 7 days from as_of, and some that were not",
    ("as_of", "locale", "query", "track_id"),
    "run_date",
    (
        RUN_DATE,
        Column("as_of", "date", "snapshot the label belongs to: reactions of [as_of, as_of + 7)"),
        LEVEL,
        QUERY,
        TRACK_ID,
        Column(
            "exposure",
            "double",
            "examined impressions: Σ propensity (screens) + tracks heard (voice)",
            "impressions",
            low=0,
        ),
        Column("successes", "double", "long plays, saves and likes", "events", low=0),
        Column(
            "is_shown",
            "boolean",
            "false: proposed for a named song or artist and not shown; grade 0 is assumed",
            nullable=True,
        ),
        Column("relevance", "double", "exposure-corrected success rate, shrunk to the query's mean", low=0, high=1),
        Column("grade", "int", "label 0–4", low=0, high=4),
    ),
    "grade",
    sort_by=("locale", "query"),
)

HEAD_RANKINGS = Table(
    "head_rankings",
    "one row per (locale, query, rank)",
    ("locale", "query", "rank"),
    "run_date",
    (
        RUN_DATE,
        LEVEL,
        QUERY,
        Column("rank", "int", "1-based place in the answer", low=1),
        TRACK_ID,
        Column("score", "double", "the ranker's score after re-ranking, rounded to 1e-9"),
        Column("model_score", "double", "the ranker's score, rounded to 1e-9"),
        Column("propensity", "double", "probability of this list among those the release could hold", low=0, high=1),
        Column("reason", "string", "the generators that proposed it, and the model's rank where re-ranking moved it"),
    ),
    "rank_head",
    sort_by=("locale", "query", "rank"),
)

TRIALS = Table(
    "trials",
    "one row per finished trial of a sweep",
    ("sweep", "trial_id"),
    None,
    (
        Column("sweep", "string", "name of the sweep"),
        Column("trial_id", "string", "Ray's id of the trial"),
        RUN_DATE,
        Column("params", "string", "LightGBM parameters, canonical JSON"),
        Column("trees", "int", "trees at the best iteration", low=1),
        Column("valid_ndcg10", "double", "validation NDCG@10 over queries with a positive", low=0, high=1),
        Column("seconds", "double", "wall time", "s", low=0),
        Column("state", "string", "how it ended", values=("completed", "stopped", "failed")),
    ),
    "tune",
    write_unit="sweep",
)

FEATURE_AUDITS = Table(
    "feature_audits",
    "one row per audit and column of the matrix, of the newest code",
    ("audit", "column_name"),
    None,
    (
        Column("audit", "string", "what was asked", values=("future",)),
        Column("column_name", "string", "column of the matrix"),
        Column("reads", "string", "the fitted and kept inputs that it reads beside daily counts, by comma"),
        Column("verdict", "string", "what was found"),
        RUN_DATE,
        Column("as_of", "date", "the snapshot that was built in several worlds"),
    ),
    "assemble",
    write_unit="audit",
)

LEDGER = Table(
    "ledger",
    "one row per state change of a table's partition",
    ("table_name", "part", "state", "at"),
    None,
    (
        Column("table_name", "string", "table"),
        Column("part", "string", "partition value, or * for an unpartitioned table"),
        Column("fingerprint", "string", "fingerprint of the commit the state is about"),
        Column("state", "string", "built by a step, then judged by the gate", values=("built", "passed", "failed")),
        Column("rows", "bigint", "rows of the partition", "rows", low=0),
        Column("run_id", "string", "the run that said so"),
        Column("at", "timestamp", "when, UTC"),
    ),
    "every step",
)

LOG_TABLES: tuple[Table, ...] = (
    SEARCH_LOG,
    ENGAGEMENT_EVENTS,
    QUARANTINE,
    DELIVERED_FILES,
    FORGOTTEN_USERS,
    TRACKS,
    QUERIES,
    ALIAS_PAIRS,
    DAILY_ENGAGEMENT,
    ENGAGEMENT_TILES,
    LISTENER_TILES,
    DAILY_SEARCHES,
    BOT_DAYS,
    EXPOSURE_CURVES,
    BACKOFF_STRENGTHS,
    VECTORS,
    CANDIDATES,
    JUDGEMENTS,
    HEAD_RANKINGS,
    TRIALS,
    FEATURE_AUDITS,
    LEDGER,
)
