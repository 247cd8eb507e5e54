"""The counting half of `benchmarks.ingest_duckdb`, in SQL: rephrases, chains of events, and the daily counts.

It reads the views `searches` and `events` of accepted rows.
"""

from __future__ import annotations

from benchmarks.big_day import FIRST_DATE
from lake.columns import POSITIONS
from lake.tables.daily import DAILY_ENGAGEMENT

_LAST = POSITIONS + 1  # the cell of all later positions
# the same listener asked another query within two minutes
REPHRASED = """CREATE TEMP TABLE rephrased AS
    SELECT search_id FROM (
        SELECT search_id, query, lead(query) OVER w AS next_query,
            lead(epoch_us(ts) / 1e6) OVER w - epoch_us(ts) / 1e6 AS next_in_s
        FROM searches WINDOW w AS (PARTITION BY user_id ORDER BY ts, search_id)
    ) WHERE next_in_s < 120 AND next_query <> query"""
_KINDS = {
    "tapped": "'click'",
    "started": "'play'",
    "complete": "'complete'",
    "skip": "'skip'",
    "stop": "'stop'",
    "save": "'save', 'add'",
    "like": "'like'",
    "dislike": "'dislike'",
}
# dwell is cumulative in a chain of events, so its maximum is taken and not its sum
CHAINS = f"""CREATE TEMP TABLE chains AS
    SELECT *, started OR dwell_ms > 0 OR complete AS play,
        dwell_ms >= 30000 OR complete AS long_play, (stop OR skip) AND NOT (dwell_ms >= 30000 OR complete) AS short_stop
    FROM (
        SELECT search_id, track_id, position, coalesce(max(CASE WHEN dwell_ms > 86400000 THEN 86400000 ELSE dwell_ms END), 0) AS dwell_ms,
            max(dwell_ms) IS NOT NULL AS timed,
            {", ".join(f"bool_or(kind IN ({kinds})) AS {name}" for name, kinds in _KINDS.items())}
        FROM events GROUP BY ALL
    )"""
_SUMS = {
    "clicks": "surface = 'screen' AND (tapped OR play)",
    "plays": "play",
    "long_plays": "long_play",
    "completes": "complete",
    "skips": "skip",
    "stops": "stop",
    "short_stops": "short_stop",
    "saves": "save",
    "likes": '"like"',
    "dislikes": "dislike",
    "satisfied": 'long_play OR save OR "like"',
    "follow_short_stops": "surface = 'voice' AND position > 1 AND short_stop",
    "dwell_ms": "dwell_ms",
}
# the dwell bin of a play: how many of the 31 bounds from a second to an hour it reached; bounds grow by the thirtieth root of 3,600
_BIN = "CASE WHEN dwell_ms < 1000 THEN 0 ELSE least(31, 1 + floor(30 * ln(dwell_ms / 1000.0) / ln(3600) + 1e-9)) END"
_BINS = {f"d{i}": f"CASE WHEN play AND timed AND {_BIN} = {i} THEN 1 ELSE 0 END" for i in range(32)}
SOUNDED = "true"  # on voice, any reaction shows that the track sounded, even if its `play` was late or in quarantine
_KEYS = "search_date, locale, query, track_id, client"
_MEASURES = ("impressions", "rephrases", *_SUMS)
# Impressions and reactions are stacked and summed by position first. This is faster than joining 20 million impressions with their
# chains, and faster than 33 sums over all of them. It equals the join, because reactions to tracks not served are in quarantine.
SHOWN = f"""CREATE TEMP TABLE shown AS
    WITH asked AS (
        SELECT s.*, r.search_id IS NOT NULL AS again FROM searches AS s LEFT JOIN rephrased AS r ON r.search_id = s.search_id
        WHERE search_date <= DATE '{FIRST_DATE}'
    ), stacked AS (
        SELECT search_date, locale, query, client, unnest(results) AS track_id, unnest(range(1, len(results) + 1)) AS position,
            1::TINYINT AS impressions, again::TINYINT AS rephrases, {", ".join(f"0::TINYINT AS {m}" for m in (*_SUMS, *_BINS))}
        FROM asked WHERE surface = 'screen'
        UNION ALL BY NAME
        SELECT search_date, locale, query, client, track_id, position, (surface = 'voice')::TINYINT AS impressions,
            (surface = 'voice' AND again)::TINYINT AS rephrases,
            {", ".join(f"({is_so})::{'BIGINT' if m == 'dwell_ms' else 'TINYINT'} AS {m}" for m, is_so in (_SUMS | _BINS).items())}
        FROM chains JOIN asked USING (search_id) WHERE surface = 'screen' OR {SOUNDED}
    )
    SELECT {_KEYS}, least(position, {_LAST}) AS cell, {", ".join(f"sum({m}::BIGINT)::BIGINT AS {m}" for m in (*_MEASURES, *_BINS))}
    FROM stacked GROUP BY ALL"""
_ARRAYS = {
    f"{m}_by_position": [
        (f"{m}_{p}", f"sum(CASE WHEN cell = {p} THEN {m} ELSE 0 END)::BIGINT") for p in range(1, _LAST + 1)
    ]
    for m in ("impressions", "clicks", "long_plays")
}
_ARRAYS["plays_by_dwell"] = [(f"sum_{d}", f"sum({d})::BIGINT") for d in _BINS]
# sorted before the arrays are built, since flat rows are cheaper to move
DAILY = f"""SELECT {_KEYS}, {", ".join(_MEASURES)},
        {", ".join(f"[{', '.join(n for n, _ in cells)}] AS {name}" for name, cells in _ARRAYS.items())}
    FROM (SELECT {_KEYS}, {", ".join(f"sum({m})::BIGINT AS {m}" for m in _MEASURES)},
            {", ".join(f"{value} AS {n}" for cells in _ARRAYS.values() for n, value in cells)}
        FROM shown GROUP BY {_KEYS} ORDER BY {", ".join(DAILY_ENGAGEMENT.sort_by)})"""
ASKED = f"""WITH pleased AS (
        SELECT DISTINCT search_id FROM chains JOIN searches USING (search_id)
        WHERE (long_play OR save OR "like") AND (surface = 'screen' OR {SOUNDED})
    )
    SELECT search_date, locale, query, client, count(*) AS searches, count(p.search_id) AS satisfied,
        count(r.search_id) AS rephrased, 0::BIGINT AS bot_searches
    FROM searches AS s LEFT JOIN pleased AS p ON p.search_id = s.search_id LEFT JOIN rephrased AS r ON r.search_id = s.search_id
    WHERE search_date <= DATE '{FIRST_DATE}' GROUP BY ALL"""
