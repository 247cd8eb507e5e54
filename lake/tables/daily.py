"""Tables of daily counts: sums that can be added up over days, and the listeners excluded from them as bots."""

from __future__ import annotations

from lake.columns import CLIENT, LOCALE, QUERY, SEARCH_DATE, TRACK_ID
from lake.schema import Column, Table, count

BOT_RULES = ("scraper", "clockwork", "replay", "farm")
ENGAGEMENT_MEASURES = (
    count("impressions", "times shown on a screen, or played on voice", "impressions"),
    count("clicks", "impressions tapped or chosen (screens)", "clicks"),
    count(
        "plays",
        "impressions that started playing, also where the `play` was lost and only a time heard or the end is logged",
    ),
    count("long_plays", "plays heard for 30 s or to the end", "plays"),
    count("completes", "plays heard to the end"),
    count("skips", "impressions skipped"),
    count("stops", "impressions after which the listener stopped"),
    count("short_stops", "stops or skips within 30 s, or after a time that is not logged"),
    count("saves", "saves and adds to a list"),
    count("likes", "likes"),
    count("dislikes", "dislikes"),
    count("satisfied", "impressions heard long, saved or liked, each once", "impressions"),
    count(
        "rephrases", "impressions whose listener made another request within 2 minutes, mostly the same in other words"
    ),
    count("follow_short_stops", "stops or skips within 30 s at a rank beyond the first (voice)"),
    count(
        "dwell_ms",
        "time heard: the sum over chains of each one's maximum (a day at most); 0 where none is logged",
        "ms",
    ),
)
POSITION_ARRAYS = (
    Column("impressions_by_position", "array<bigint>", "impressions at ranks 1–10, then the tail", "impressions"),
    Column("clicks_by_position", "array<bigint>", "clicks at ranks 1–10, then the tail", "clicks"),
    Column("long_plays_by_position", "array<bigint>", "long plays at ranks 1–10, then the tail", "plays"),
)
PLAYS_BY_DWELL = Column(
    "plays_by_dwell",
    "array<bigint>",
    "plays with a logged time heard, by that time in the 32 bins of events/dwell.py",
    "plays",
)

DAILY_ENGAGEMENT = Table(
    "daily_engagement",
    "one row per (search_date, locale, query, track, client) with an impression",
    ("locale", "query", "track_id", "client"),
    "search_date",
    (SEARCH_DATE, LOCALE, QUERY, TRACK_ID, CLIENT, *ENGAGEMENT_MEASURES, *POSITION_ARRAYS, PLAYS_BY_DWELL),
    "count_engagement",
    restricted=True,
    sort_by=("locale", "query"),
    may_be_empty=True,
    gate="validate",
)

ENGAGEMENT_TILES = Table(
    "engagement_tiles",
    "one row per (tile, query or track) with an impression in those days",
    ("level", "place", "key"),
    "tile",
    (
        Column("tile", "string", "first day and length: `2026-09-24+8` is the eight days from the 24th on"),
        Column("level", "string", "what the key is", values=("query", "track")),
        Column("place", "string", "locale of the query; language in which the track was asked for"),
        Column("key", "string", "the query, or the track_id"),
        *ENGAGEMENT_MEASURES,
    ),
    "count_engagement",
    restricted=True,
    sort_by=("level", "place", "key"),
    may_be_empty=True,
    gate="validate",
)

LISTENER_TILES = Table(
    "listener_tiles",
    "one row per (tile, locale, query) asked in those days",
    ("locale", "query"),
    "tile",
    (
        Column("tile", "string", "first day and length, as in engagement_tiles"),
        LOCALE,
        QUERY,
        Column(
            "listeners", "binary", "HyperLogLog sketch of the accounts that asked (Apache DataSketches, 2^10 registers)"
        ),
    ),
    "count_engagement",
    restricted=True,
    sort_by=("locale", "query"),
    may_be_empty=True,
    gate="validate",
)

DAILY_SEARCHES = Table(
    "daily_searches",
    "one row per (search_date, locale, query, client) asked by people",
    ("locale", "query", "client"),
    "search_date",
    (
        SEARCH_DATE,
        LOCALE,
        QUERY,
        CLIENT,
        count("searches", "searches by people", "searches"),
        count("satisfied", "searches with a long play, save or like", "searches"),
        count("rephrased", "searches whose listener made another request within 2 minutes", "searches"),
        count("bot_searches", "searches excluded as bots (not in the other counts)", "searches"),
    ),
    "count_engagement",
    restricted=True,
    sort_by=("locale", "query"),
    may_be_empty=True,
    gate="validate",
)

BOT_DAYS = Table(
    "bot_days",
    "one row per (search_date, account) excluded as a bot, with the reason",
    ("user_id",),
    "search_date",
    (
        SEARCH_DATE,
        Column("user_id", "string", "pseudonym of the account", personal=True),
        Column("rule", "string", "the first rule it breaks (events/bots.py)", values=BOT_RULES),
        count("searches", "its searches of the day, which no other count includes", "searches"),
        count("queries", "distinct queries among them", "queries"),
        Column("span_s", "double", "from its first search of the day to its last", "s", low=0),
    ),
    "count_engagement",
    restricted=True,
    may_be_empty=True,
    gate="validate",
)
