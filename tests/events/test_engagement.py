"""Chains, impressions, sessions and bots on rows that fit on a page."""

from __future__ import annotations

from datetime import date, datetime

from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from events.engagement import counted_days
from events.sessions import sessions

DAY = date(2026, 3, 2)
SEARCH_COLUMNS = (
    "search_id string, user_id string, ts timestamp, client string, surface string, locale string, query string, "
    "results array<string>, search_date date"
)


def at(text: str) -> datetime:
    return datetime.fromisoformat(f"2026-03-{text}")


def searches(spark: SparkSession, *rows: tuple[str, str, str, str, str]) -> DataFrame:
    """(id, user, "02T10:00:00", client, query); three results."""
    full = [
        (i, u, at(t), c, "voice" if c == "alexa" else "screen", "en-US", q, ["t1", "t2", "t3"], at(t).date())
        for i, u, t, c, q in rows
    ]
    return spark.createDataFrame(full, SEARCH_COLUMNS)


def events(spark: SparkSession, *rows: tuple[str, str, int, str, int | None]) -> DataFrame:
    """(search, track, position, kind, dwell) of searches of DAY."""
    columns = "search_id string, track_id string, position int, kind string, dwell_ms bigint"
    return spark.createDataFrame(list(rows), columns).withColumn("search_date", F.lit(DAY))


def test_a_chain_counts_once_and_dwell_is_its_maximum(spark: SparkSession) -> None:
    asked = searches(spark, ("s1", "u", "02T10:00:00", "mobile", "hello")).selectExpr(
        "*", "false is_bot", "false is_rephrased"
    )
    reacted = events(
        spark,
        ("s1", "t2", 2, "click", None),
        ("s1", "t2", 2, "play", 0),
        ("s1", "t2", 2, "skip", 20_000),
        ("s1", "t2", 2, "complete", 200_000),
    )
    rows = {r["track_id"]: r for r in counted_days(asked, reacted).daily_engagement.collect()}
    assert set(rows) == {"t1", "t2", "t3"}  # on a screen every entry of the list is an impression
    hit = rows["t2"]
    assert (hit["impressions"], hit["clicks"], hit["plays"], hit["long_plays"], hit["completes"]) == (1, 1, 1, 1, 1)
    assert hit["dwell_ms"] == 200_000 and hit["short_stops"] == 0
    assert hit["clicks_by_position"] == [0, 1] + [0] * 9 and sum(rows["t3"]["impressions_by_position"]) == 1


def test_on_voice_only_what_sounded_is_an_impression(spark: SparkSession) -> None:
    asked = searches(spark, ("s1", "u", "02T10:00:00", "alexa", "hello")).selectExpr(
        "*", "false is_bot", "true is_rephrased"
    )
    reacted = events(spark, ("s1", "t1", 1, "play", 0), ("s1", "t1", 1, "stop", 4_000))
    counts = counted_days(asked, reacted)
    (row,) = counts.daily_engagement.collect()
    assert (row["track_id"], row["clicks"], row["short_stops"], row["rephrases"]) == ("t1", 0, 1, 1)
    (asked_row,) = counts.daily_searches.collect()
    assert (asked_row["searches"], asked_row["satisfied"], asked_row["rephrased"]) == (1, 0, 1)


def test_what_pleased_counts_once_an_impression_and_a_lost_play_is_heard_of(spark: SparkSession) -> None:
    asked = searches(
        spark,
        *[(f"s{i}", "u", f"02T1{i}:00:00", "mobile", "hello") for i in range(3)],
        ("v", "u", "02T15:00:00", "alexa", "hello"),
    ).selectExpr("*", "false is_bot", "false is_rephrased")
    reacted = events(
        spark,
        ("s0", "t1", 1, "play", 0),
        ("s0", "t1", 1, "stop", 40_000),
        ("s0", "t1", 1, "save", None),
        ("s0", "t1", 1, "like", None),
        ("s1", "t2", 2, "like", None),
        ("v", "t1", 1, "stop", 4_000),
        ("v", "t2", 2, "complete", None),
    )
    rows = {(r["client"], r["track_id"]): r for r in counted_days(asked, reacted).daily_engagement.collect()}
    told = {k: (r["impressions"], r["plays"], r["long_plays"], r["satisfied"]) for k, r in rows.items()}
    assert told == {
        ("mobile", "t1"): (3, 1, 1, 1),
        ("mobile", "t2"): (3, 0, 0, 1),
        ("mobile", "t3"): (3, 0, 0, 0),
        ("alexa", "t1"): (1, 1, 0, 0),
        ("alexa", "t2"): (1, 1, 1, 1),
    }
    assert sum(rows["alexa", "t1"]["plays_by_dwell"]) == 1


def test_a_time_that_nobody_told_is_none_and_a_day_is_the_most(spark: SparkSession) -> None:
    asked = searches(spark, ("s1", "u", "02T10:00:00", "mobile", "hello")).selectExpr(
        "*", "false is_bot", "false is_rephrased"
    )
    reacted = events(
        spark,
        ("s1", "t1", 1, "play", None),
        ("s1", "t1", 1, "complete", None),
        ("s1", "t2", 2, "play", 9 * 10**18),
        ("s1", "t3", 3, "play", None),
        ("s1", "t3", 3, "skip", None),
    )
    rows = {r["track_id"]: r for r in counted_days(asked, reacted).daily_engagement.collect()}
    told = {t: (r["plays"], r["long_plays"], r["short_stops"], r["dwell_ms"]) for t, r in rows.items()}
    assert told == {"t1": (1, 1, 0, 0), "t2": (1, 1, 0, 86_400_000), "t3": (1, 0, 1, 0)}
    assert {t: sum(r["plays_by_dwell"]) for t, r in rows.items()} == {"t1": 0, "t2": 1, "t3": 0}
    assert rows["t2"]["plays_by_dwell"][31] == 1


def test_bots_are_counted_apart(spark: SparkSession) -> None:
    asked = searches(
        spark, ("s1", "u", "02T10:00:00", "mobile", "hello"), ("s2", "b", "02T10:00:00", "mobile", "hello")
    )
    tagged = asked.withColumn("is_bot", F.col("user_id") == "b").withColumn("is_rephrased", F.lit(False))
    counts = counted_days(tagged, events(spark, ("s2", "t1", 1, "click", None)))
    assert counts.daily_engagement.agg(F.sum("impressions"), F.sum("clicks")).first()[:] == (3, 0)
    (row,) = counts.daily_searches.collect()
    assert (row["searches"], row["bot_searches"]) == (1, 1)


def test_sessions_cross_midnight_and_a_rephrase_is_another_query_within_two_minutes(spark: SparkSession) -> None:
    asked = searches(
        spark,
        ("a", "u", "02T23:50:00", "mobile", "helo"),
        ("b", "u", "02T23:51:30", "mobile", "hello"),
        ("c", "u", "03T00:10:00", "mobile", "hello"),
        ("d", "u", "03T00:40:00", "mobile", "hello"),
        ("e", "u", "03T00:41:00", "mobile", "hello"),
        ("f", "v", "02T23:52:00", "mobile", "x"),
    )
    rows = {r["search_id"]: r for r in sessions(asked).collect()}
    assert rows["a"]["session_id"] == rows["b"]["session_id"] == rows["c"]["session_id"]
    assert rows["d"]["session_id"] != rows["c"]["session_id"] and rows["d"]["session_id"] == rows["e"]["session_id"]
    assert [i for i, r in sorted(rows.items()) if r["is_rephrased"]] == ["a"]
