"""The second implementation of every counted feature: SQL sums over the raw logs, then one SQL expression per column.

The tests in `tests/laws` compare the engine with it, and `benchmarks.features` times it.

The name of a sum is level_measure_span. The levels `p`, `g`, `c`, `w`, `q`, `t`, `a`, `k` are the pair, the pair in its language,
the broader need, the need's works, the need, the track, the artist and the work. The spans are 1, 7, 28, 90 and 365 days
(`_7`), all time (`_all`), and the last 90 days decayed with a half-life of 3, 14 or 60 days (`_h14`). `newest` is the age of the
latest row, in days.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path

LEVELS = {
    "p": ("locale", "need", "track_id"),
    "g": ("language", "need", "track_id"),
    "c": ("language", "broader", "track_id"),
    "q": ("locale", "need"),
    "t": ("language", "track_id"),
    "a": ("language", "artist"),
    "w": ("language", "need", "work_id"),
    "k": ("language", "work_id"),
}
OF_GRAIN = {"need_track": "pgcwqt", "need": "q", "track": "tak"}
DAYS, HALF_LIVES = (1, 7, 28, 90), (3, 14, 60)
LONG = {"365": "age <= 365", "all": "true"}  # the long spans, which features of needs, artists and works use
SPANS = (*map(str, DAYS), *LONG, *(f"h{h}" for h in HALF_LIVES))
# bins of dwell; their names are letters only, like those of all measures
BINS = [f"d{chr(97 + i // 16)}{chr(97 + i % 16)}" for i in range(32)]
MEASURES = {
    "n": "1",
    "clicks": "clicked::INT",
    "long": "long_play::INT",
    "ended": "ended::INT",
    "short": "short_stop::INT",
    "saved": "saved::INT",
    "again": "rephrased::INT",
    "dwell": "dwell",
    "played": "played::INT",
    "resp": "response::INT",
    "exp": "expected_micro / 1e6",
    "voice": "voice::INT",
    "skipped": "skipped::INT",
    "stopped": "stopped::INT",
    "liked": "liked::INT",
    "vlong": "(voice AND long_play)::INT",
    "vexp": "voice::INT * expected_micro / 1e6",
    "aftershort": "(voice AND cell > 1 AND short_stop)::INT",
    **{name: f"coalesce(played AND bin = {i}, false)::INT" for i, name in enumerate(BINS)},
    "after": "(voice AND cell > 1)::INT",
    "afterlong": "(voice AND cell > 1 AND long_play)::INT",
}


WHOLE = {"exp": "expected_micro", "vexp": "voice::INT * expected_micro"}  # the decayed sums of these are in millionths
COARSE = ("exp", "vexp", "dwell")  # their weights are multiples of 2^-18, those of all other measures of 2^-32


def weight(half_life: int, name: str) -> str:
    """SQL for a day's weight as an integer, in units of 2^-18 or 2^-32 (see COARSE)."""
    return f"round(pow(2, {18 if name in COARSE else 32} - (age - 1) / {half_life}.0))::BIGINT"


def unit(name: str) -> str:
    """SQL for the divisor that turns a decayed integer sum into the measure's unit."""
    return f"{2 ** (18 if name in COARSE else 32)}.0" + (" / 1e6" if name in WHOLE else "")


# further sums of a need. Over its tracks with n long plays in 28 days: the largest n (top); Σ n·log2 n, each term rounded to 1e-6
# (spread); Σ min(n, 4 · the long plays of the last week) (steady). Over its searches: distinct listeners (people). Among all needs of
# its place: how many had more impressions (ahead).
OF_TRACKS = {
    "q": ("q_top_28", "q_spread_28", "q_steady_28", "q_people_28", "q_people_365", "q_people_all", "q_ahead_28")
}
RANK_SQL = """
  SELECT as_of, locale, need, (rank() OVER (PARTITION BY as_of, locale ORDER BY n DESC) - 1)::DOUBLE AS q_ahead_28
  FROM (SELECT as_of, locale, need, count(*) AS n FROM placed WHERE age <= 28 AND need IS NOT NULL GROUP BY ALL)"""
SPREAD_SQL = """
  SELECT as_of, locale, need, max(n)::DOUBLE AS q_top_28, sum(round(n * log2(n) * 1e6)) / 1e6 AS q_spread_28,
    sum(least(n, 4 * week))::DOUBLE AS q_steady_28
  FROM (
    SELECT as_of, locale, need, track_id, sum(CASE WHEN age <= 28 THEN long_play::INT ELSE 0 END)::DOUBLE AS n,
      sum(CASE WHEN age <= 7 THEN long_play::INT ELSE 0 END) AS week
    FROM placed GROUP BY ALL
  ) WHERE n > 0 GROUP BY ALL"""
PEOPLE_SQL = """
  SELECT as_of, place AS locale, need, count(DISTINCT CASE WHEN age <= 28 THEN user_id END) AS q_people_28,
    count(DISTINCT CASE WHEN age <= 365 THEN user_id END) AS q_people_365, count(DISTINCT user_id) AS q_people_all
  FROM (
    SELECT as_of, need, user_id, datediff('day', CAST(ts AS DATE), as_of) AS age, unnest([locale, locale[1:2], '*']) AS place
    FROM asked CROSS JOIN snapshots JOIN wordings USING (as_of, query) WHERE wordings.language = locale[1:2]
  ) WHERE age >= 1 GROUP BY ALL"""

_SUM = re.compile(r"\b[pgcwqtak]_[a-z]+(?:_[a-z0-9]+)?\b")


def sums_sql(level: str, only: frozenset[str] | None = None) -> str:
    """SQL that creates the table sums_<level>: one row per key of the level and snapshot.

    Args:
        level: one of LEVELS.
        only: the names of the sums to compute; all if None.
    """
    keys = ", ".join(("as_of", *LEVELS[level]))
    own = "" if "locale" in LEVELS[level] else "WHERE locale = language"
    spans = []
    for name, value in MEASURES.items():
        spans += [f"sum(CASE WHEN age <= {d} THEN {value} ELSE 0 END)::DOUBLE AS {level}_{name}_{d}" for d in DAYS]
        spans += [
            f"sum(CASE WHEN age <= 90 THEN ({WHOLE.get(name, value)}) * {weight(h, name)} ELSE 0 END)::DOUBLE / "
            f"{unit(name)} AS {level}_{name}_h{h}"
            for h in HALF_LIVES
        ]
        spans += [f"sum(CASE WHEN {c} THEN {value} ELSE 0 END)::DOUBLE AS {level}_{name}_{s}" for s, c in LONG.items()]
    spans.append(f"min(CASE WHEN age <= 90 THEN age END) AS {level}_newest")
    spans = [s for s in spans if only is None or s.rsplit(" AS ", 1)[1] in only]
    summed = f"SELECT {keys}, {', '.join(spans)} FROM placed {own} GROUP BY {keys}"
    if level == "q":
        summed = (
            f"SELECT * FROM ({summed}) LEFT JOIN ({SPREAD_SQL}) USING ({keys}) LEFT JOIN ({PEOPLE_SQL}) USING ({keys}) "
            f"LEFT JOIN ({RANK_SQL}) USING ({keys})"
        )
    return f"CREATE TEMP TABLE sums_{level} AS {summed}"


def statements() -> list[str]:
    """The SQL statements of feature_oracle.sql, which create `placed`: one row per impression, snapshot and place."""
    text = Path(__file__).with_suffix(".sql").read_text(encoding="utf-8")
    return [s for s in text.split(";") if s.strip()]


def sums_named(wanted: Mapping[str, str]) -> frozenset[str]:
    """The names of the sums that the expressions of the wanted columns use."""
    return frozenset(name for sql in wanted.values() for name in _SUM.findall(sql))


def columns_sql(grain: str, keys: Sequence[str], wanted: Mapping[str, str], only: frozenset[str] | None = None) -> str:
    """SQL that selects `as_of`, the keys and the wanted columns for each row of the table `rows`.

    `rows` has every key of the grain's levels. The table `strengths` (as_of, s_t, s_c, s_g, s_p) has the shrinkage strengths of
    track, broader need, language and pair.

    Args:
        grain: one of OF_GRAIN.
        keys: the names of the grain's key columns.
        wanted: column -> its SQL expression.
        only: the names of the sums that exist; all if None.
    """
    levels = OF_GRAIN[grain]
    joins = " ".join(
        f"LEFT JOIN sums_{x} ON sums_{x}.as_of = r.as_of AND "
        + " AND ".join(f"sums_{x}.{k} = r.{k}" for k in LEVELS[x])
        for x in levels
    )
    names = [f"{x}_{m}_{s}" for x in levels for m in MEASURES for s in SPANS]
    names += [n for x in levels for n in OF_TRACKS.get(x, ())]
    # a sum over nothing is 0
    zeros = [f"coalesce({n}, 0) AS {n}" for n in names if only is None or n in only]
    zeros += [f"{x}_newest" for x in levels if only is None or f"{x}_newest" in only]
    selected = ", ".join(f"({sql}) AS {name}" for name, sql in wanted.items())
    summed = f"SELECT r.*, s_t, s_c, s_g, s_p, {', '.join(zeros)} FROM rows r JOIN strengths USING (as_of) {joins}"
    return f"SELECT as_of, {', '.join(keys)}, {selected} FROM ({summed})"


def shrunk(hits: str, exposure: str, parent: str, strength: str = "3.0") -> str:
    """SQL for a shrunk ratio: (strength · parent + hits) / (strength + exposure)."""
    return f"(({strength} * ({parent}) + {hits}) / ({strength} + {exposure}))"


def coec(span: str, level: str = "p") -> str:
    """SQL for the back-off chain of features/coec.py down to a level, with the snapshot's strengths (`s_t` to `s_p`)."""
    parent = "1.0" if level == "t" else coec(span, {"p": "g", "g": "c", "c": "t"}[level])
    return shrunk(f"{level}_resp_{span}", f"{level}_exp_{span}", parent, f"s_{level}")


def known(ratio: str, expected: str) -> str:
    """SQL for a ratio that is null where nothing was expected."""
    return f"CASE WHEN {expected} > 0 THEN {ratio} END"


def rate(level: str, name: str, span: int | str) -> str:
    """SQL for a measure divided by the impressions of the same level and span; null without impressions."""
    return f"{level}_{name}_{span} / nullif({level}_n_{span}, 0)"


# bounds grow from a second to an hour by the thirtieth root of 3,600; the value of a bin is its geometric middle, in seconds
EDGES = [-int(-round(1000 * 3600 ** (i / 30), 6) // 1) for i in range(31)]  # in whole ms, rounded up
MIDDLES = [0.5, *(round((EDGES[i] * EDGES[i + 1]) ** 0.5 / 1000, 3) for i in range(30)), 3600.0]


def dwell(level: str, percent: int) -> str:
    """SQL for a quantile of dwell: the middle, in seconds, of the first bin at which `percent` of the plays are reached."""
    names = [f"{level}_{name}_28" for name in BINS]
    whole = f"({' + '.join(names)})"
    upto = [f"WHEN 100 * ({' + '.join(names[: i + 1])}) >= {percent} * {whole} THEN {m}" for i, m in enumerate(MIDDLES)]
    return f"CASE WHEN {whole} > 0 THEN CASE {' '.join(upto)} END END"


FOLLOWS = "((5.0 + t_afterlong_28) / (10.0 + t_after_28))"
PAIR = {
    "follow_long_play_rate_28d": f"(10.0 * {FOLLOWS} + p_afterlong_28) / (10.0 + p_after_28)",
    "track_follow_long_play_rate_28d": FOLLOWS,
    "follow_short_stop_rate_28d": "p_aftershort_28 / nullif(p_after_28, 0)",
    **{f"dwell_p{q}_s_28d": dwell("p", q) for q in (50, 90)},
    "follow_lift_28d": f"CASE WHEN t_vlong_28 > 0 THEN least({FOLLOWS} / (t_vlong_28 / t_voice_28), 1000) END",
    **{f"impressions_log1p_{d}d": f"ln(1 + p_n_{d})" for d in DAYS},
    **{f"click_rate_{d}d": rate("p", "clicks", d) for d in (7, 28, 90)},
    **{f"long_play_rate_{d}d": rate("p", "long", d) for d in DAYS},
    **{f"long_play_rate_decayed_{h}d": rate("p", "long", f"h{h}") for h in HALF_LIVES},
    "skip_rate_28d": rate("p", "skipped", 28),
    "stop_rate_28d": rate("p", "stopped", 28),
    "like_rate_28d": rate("p", "liked", 28),
    "voice_impression_share_28d": rate("p", "voice", 28),
    "voice_long_play_rate_28d": "p_vlong_28 / nullif(p_voice_28, 0)",
    "screen_click_rate_28d": "p_clicks_28 / nullif(p_n_28 - p_voice_28, 0)",
    "language_long_play_rate_28d": rate("g", "long", 28),
    "locale_play_share_28d": "p_long_28 / nullif(g_long_28, 0)",
    "work_pair_long_play_rate_28d": rate("w", "long", 28),
    **{f"short_stop_rate_{d}d": rate("p", "short", d) for d in (7, 28)},
    "complete_rate_28d": rate("p", "ended", 28),
    "save_rate_28d": "least(p_saved_28, p_n_28) / nullif(p_n_28, 0)",
    "rephrase_rate_28d": rate("p", "again", 28),
    "dwell_per_play_s_28d": f"p_dwell_28 / nullif(({' + '.join(f'p_{name}_28' for name in BINS)}) * 1000, 0)",
    "long_plays_log1p_decayed_14d": "ln(1 + p_long_h14)",
    "play_share_28d": "p_long_28 / nullif(q_long_28, 0)",
    "broader_long_play_rate_28d": rate("c", "long", 28),
    **{f"coec_{d}d": known(coec(str(d)), f"p_exp_{d}") for d in (7, 28)},
    **{f"coec_decayed_{h}d": known(coec(f"h{h}"), f"p_exp_h{h}") for h in HALF_LIVES},
    "is_shown_28d": "CAST(p_n_28 > 0 AS DOUBLE)",
    "voice_success_28d": known(shrunk("p_vlong_28", "p_vexp_28", "1.0"), "p_vexp_28"),
    "screen_coec_28d": known(shrunk("p_clicks_28", "(p_exp_28 - p_vexp_28)", "1.0"), "p_exp_28 - p_vexp_28"),
    **{f"long_play_trend_{d}d": f"p_long_7 / nullif(p_long_{d}, 0)" for d in (28, 90)},
    "long_play_volatility_90d": "CASE WHEN p_long_90 > 0 THEN (abs(p_long_7 / p_long_90 - 7 / 90.0) + "
    "abs((p_long_28 - p_long_7) / p_long_90 - 21 / 90.0) + abs((p_long_90 - p_long_28) / p_long_90 - 62 / 90.0)) / 2 END",
    "impression_trend_28d": "p_n_7 / nullif(p_n_28, 0)",
    "long_play_rate_lift_28d": "(10.0 * (p_long_28 / p_n_28) + p_long_7) / (10.0 + p_n_7) / nullif(p_long_28 / nullif(p_n_28, 0), 0)",
    "long_plays_against_need_trend_28d": shrunk("p_long_7", "p_long_28", shrunk("q_long_7", "q_long_28", "0.25")),
    "last_seen_days_90d": "p_newest",
    "coec_broader_28d": known(coec("28", "c"), "c_exp_28"),
    "coec_raw_28d": "CASE WHEN p_exp_28 > 0 THEN least(p_resp_28 / p_exp_28, 1000) END",
    "expected_log1p_28d": "ln(1 + p_exp_28)",
    "broader_expected_log1p_28d": "ln(1 + c_exp_28)",
}
NEED = {
    **{f"need_impressions_log1p_{d}d": f"ln(1 + q_n_{d})" for d in (*DAYS, 365)},
    "need_impressions_log1p_all": "ln(1 + q_n_all)",
    "need_head_rank_log1p_28d": "CASE WHEN q_n_28 > 0 THEN ln(1 + q_ahead_28) END",
    "need_long_plays_log1p_28d": "ln(1 + q_long_28)",
    "need_long_plays_log1p_decayed_14d": "ln(1 + q_long_h14)",
    "need_click_rate_28d": rate("q", "clicks", 28),
    "need_short_stop_rate_28d": rate("q", "short", 28),
    "need_play_entropy_28d": "CASE WHEN q_long_28 > 0 THEN greatest(log2(q_long_28) - q_spread_28 / q_long_28, 0) END",
    "need_play_shift_28d": "CASE WHEN q_long_28 > 0 THEN 1 - q_steady_28 / (q_long_28 + 4 * q_long_7 - q_steady_28) END",
    **{f"need_listeners_log1p_{d}d": f"ln(1 + q_people_{d})" for d in (28, 365)},
    "need_listeners_log1p_all": "ln(1 + q_people_all)",
    "need_impressions_per_listener_28d": "q_n_28 / nullif(q_people_28, 0)",
    "need_top_track_share_28d": "q_top_28 / nullif(q_long_28, 0)",
    "need_rephrase_rate_28d": rate("q", "again", 28),
    "need_coec_28d": shrunk("q_resp_28", "q_exp_28", "1.0"),
    **{f"need_impression_trend_{d}d": f"q_n_7 / nullif(q_n_{d}, 0)" for d in (28, 365)},
    **{f"need_long_play_rate_{d}d": rate("q", "long", d) for d in (28, 365)},
    "need_voice_share_28d": rate("q", "voice", 28),
}
TRACK = {
    "track_dwell_p50_s_28d": dwell("t", 50),
    "track_long_plays_log1p_7d": "ln(1 + t_long_7)",
    "track_long_plays_log1p_28d": "ln(1 + t_long_28)",
    "track_coec_28d": coec("28", "t"),
    "track_long_play_rate_28d": rate("t", "long", 28),
    **{f"artist_long_plays_log1p_{d}d": f"ln(1 + a_long_{d})" for d in (28, 365)},
    "artist_long_plays_log1p_all": "ln(1 + a_long_all)",
    "artist_coec_28d": shrunk("a_resp_28", "a_exp_28", "1.0"),
    "track_trend_28d": "t_long_7 / nullif(t_long_28, 0)",
    "track_long_plays_log1p_decayed_14d": "ln(1 + t_long_h14)",
    **{f"track_impressions_log1p_{d}d": f"ln(1 + t_n_{d})" for d in (28, 90)},
    "track_short_stop_rate_28d": rate("t", "short", 28),
    "track_complete_rate_28d": rate("t", "ended", 28),
    **{f"work_long_plays_log1p_{d}d": f"ln(1 + k_long_{d})" for d in (28, 90, 365)},
    "work_long_plays_log1p_all": "ln(1 + k_long_all)",
    "work_play_share_28d": "t_long_28 / nullif(k_long_28, 0)",
    **{f"artist_long_play_rate_{d}d": rate("a", "long", d) for d in (28, 365)},
    "artist_play_share_28d": "t_long_28 / nullif(a_long_28, 0)",
    **{f"artist_trend_{d}d": f"a_long_7 / nullif(a_long_{d}, 0)" for d in (28, 365)},
}
