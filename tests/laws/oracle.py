"""What every feature should be, written a second time: SQL sums from raw logs, then one expression a column.

`p`, `g`, `c`, `q`, `t`, `a` are the sums of the pair, the pair in its language, the alias cluster, the query, the
track and the artist, each over 7 days (`_7`), 28 days (`_28`) and decayed with a half-life of 14 days (`_h14`).
"""

from __future__ import annotations

LEVELS = {
    "p": ("locale", "query", "track_id"), "g": ("language", "query", "track_id"),
    "c": ("language", "cluster_id", "track_id"), "q": ("locale", "query"), "t": ("language", "track_id"),
    "a": ("language", "artist"),
}  # fmt: skip
MEASURES = {
    "n": "1", "clicks": "clicked::INT", "long": "long_play::INT", "ended": "ended::INT", "short": "short_stop::INT",
    "saved": "saved::INT", "again": "rephrased::INT", "dwell": "dwell", "played": "played::INT", "resp": "response::INT",
    "exp": "expected_micro / 1e6", "voice": "voice::INT",
}  # fmt: skip


def sums_sql(level: str) -> str:
    """All sums of a level, one row per key and snapshot."""
    keys = ", ".join(("as_of", *LEVELS[level]))
    own = "" if "locale" in LEVELS[level] else "WHERE locale = language"
    spans = []
    for name, value in MEASURES.items():
        spans += [f"sum(CASE WHEN age <= {d} THEN {value} ELSE 0 END)::DOUBLE AS {level}_{name}_{d}" for d in (7, 28)]
        spans.append(f"sum({value} * pow(2, -(age - 1) / 14.0)) AS {level}_{name}_h14")
    return f"CREATE TEMP TABLE sums_{level} AS SELECT {keys}, {', '.join(spans)} FROM placed {own} GROUP BY {keys}"


def shrunk(hits: str, exposure: str, parent: str) -> str:
    """(3 · parent + hits) / (3 + exposure)."""
    return f"((3.0 * ({parent}) + {hits}) / (3.0 + {exposure}))"


def coec(span: str) -> str:
    """The back-off chain of features/coec.py, from the track up."""
    track = shrunk(f"t_resp_{span}", f"t_exp_{span}", "1.0")
    cluster = shrunk(f"c_resp_{span}", f"c_exp_{span}", track)
    language = shrunk(f"g_resp_{span}", f"g_exp_{span}", cluster)
    return shrunk(f"p_resp_{span}", f"p_exp_{span}", language)


def rate(level: str, name: str, span: int) -> str:
    """A share of impressions, null without any."""
    return f"{level}_{name}_{span} / nullif({level}_n_{span}, 0)"


PAIR = {
    **{f"impressions_log1p_{d}d": f"ln(1 + p_n_{d})" for d in (7, 28)},
    **{f"click_rate_{d}d": rate("p", "clicks", d) for d in (7, 28)},
    **{f"long_play_rate_{d}d": rate("p", "long", d) for d in (7, 28)},
    **{f"short_stop_rate_{d}d": rate("p", "short", d) for d in (7, 28)},
    "complete_rate_28d": rate("p", "ended", 28),
    "save_rate_28d": "least(p_saved_28, p_n_28) / nullif(p_n_28, 0)",
    "rephrase_rate_28d": rate("p", "again", 28),
    "dwell_per_play_s_28d": "p_dwell_28 / nullif(p_played_28 * 1000, 0)",
    "long_plays_log1p_decayed_14d": "ln(1 + p_long_h14)",
    "play_share_28d": "p_long_28 / nullif(q_long_28, 0)",
    "cluster_long_play_rate_28d": rate("c", "long", 28),
    "coec_7d": coec("7"), "coec_28d": coec("28"), "coec_decayed_14d": coec("h14"),
    "coec_cluster_28d": shrunk("c_resp_28", "c_exp_28", shrunk("t_resp_28", "t_exp_28", "1.0")),
    "coec_raw_28d": "least(p_resp_28 / nullif(p_exp_28, 0), 1000)",
    "expected_log1p_28d": "ln(1 + p_exp_28)", "cluster_expected_log1p_28d": "ln(1 + c_exp_28)",
}  # fmt: skip
QUERY = {
    "query_impressions_log1p_7d": "ln(1 + q_n_7)", "query_impressions_log1p_28d": "ln(1 + q_n_28)",
    "query_long_play_rate_28d": rate("q", "long", 28), "query_voice_share_28d": rate("q", "voice", 28),
}  # fmt: skip
TRACK = {
    "track_long_plays_log1p_7d": "ln(1 + t_long_7)", "track_long_plays_log1p_28d": "ln(1 + t_long_28)",
    "track_coec_28d": shrunk("t_resp_28", "t_exp_28", "1.0"), "track_long_play_rate_28d": rate("t", "long", 28),
    "artist_long_plays_log1p_28d": "ln(1 + a_long_28)", "artist_coec_28d": shrunk("a_resp_28", "a_exp_28", "1.0"),
    "track_trend_28d": "t_long_7 / nullif(t_long_28, 0)",
}  # fmt: skip
