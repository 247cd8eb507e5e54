"""Each rule meets its bot on rows that fit on a page, and spares a fan, a household speaker and a quiet person."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

from pyspark.sql import DataFrame, SparkSession

from events.bots import BotRules, LeftOut, bot_days, chosen_artists, excluded_days, left_out
from tests.shipped import SHIPPED

RULES = SHIPPED.bots
FIRST = datetime(2026, 3, 2)
Asked = tuple[str, datetime, str, str | None]  # user, when, query, the artist chosen (or none)


def at(day: int, hour: float) -> datetime:
    """A moment of the day-th day (0 is the first)."""
    return FIRST + timedelta(days=day, hours=hour)


def verdicts(spark: SparkSession, rows: list[Asked], rules: BotRules = RULES) -> dict[tuple[str, int], str]:
    """(user, day) -> rule."""
    searches = [(f"s{i}", user, ts, "web", query, ts.date()) for i, (user, ts, query, _) in enumerate(rows)]
    chosen = [(f"s{i}", ts.date(), artist) for i, (_, ts, _, artist) in enumerate(rows) if artist]
    found = bot_days(
        spark.createDataFrame(
            searches,
            "search_id string, user_id string, ts timestamp, client string, query string, search_date date",
        ),
        spark.createDataFrame(chosen, "search_id string, search_date date, artist string"),
        rules,
    )
    return {(r["user_id"], (r["search_date"] - FIRST.date()).days): r["rule"] for r in found.collect()}


def crowd(artist: str, devoted: int, others: int, day: int = 0) -> list[Asked]:
    """Accounts that choose the artist in answer to two queries; the `others` choose one more artist as well."""
    rows: list[Asked] = []
    for i in range(devoted + others):
        user = f"{artist}-{'devoted' if i < devoted else 'other'}{i}"
        rows += [(user, at(day, 8 + i / 7), artist, artist), (user, at(day, 15.3 + i / 9), f"{artist} songs", artist)]
        if i >= devoted:
            rows.append((user, at(day, 20.1 + i / 50), "else", f"else{i % 5}"))
    return rows


def usual_lake(day: int = 0) -> list[Asked]:
    """Forty listeners of four artists, one in ten of them devoted."""
    return [row for k in range(4) for row in crowd(f"usual{k}", 1, 9, day)]


def test_a_scraper_asks_faster_than_anyone_listens(spark: SparkSession) -> None:
    fast: list[Asked] = [("fast", at(0, 23.9) + timedelta(seconds=i * i / 3), f"q{i}", None) for i in range(25)]
    fast += [("fast", at(2, 9), "hello", None)]
    eager: list[Asked] = [("eager", at(0, 9) + timedelta(seconds=20 * i + i % 3), f"q{i}", None) for i in range(9)]
    assert verdicts(spark, fast + eager) == {("fast", 0): "scraper"}  # a rate condemns its own day only


def test_a_clock_is_even_and_people_are_not(spark: SparkSession) -> None:
    clock: list[Asked] = [("clock", at(0, 1.2 * i + 0.05 * (i % 2)), f"q{i}", None) for i in range(14)]
    person: list[Asked] = [("person", at(0, 8 + 4 * (i // 5) + 0.04 * (i % 5) ** 2), f"q{i}", None) for i in range(15)]
    assert verdicts(spark, clock + person) == {("clock", 0): "clockwork"}


def test_a_replay_is_one_request_over_and_over_in_the_trailing_week(spark: SparkSession) -> None:
    def bursts(user: str, day: int, n: int, query: str) -> list[Asked]:
        return [(user, at(day, 7 + 6 * (i // 4) + 0.1 * (i % 4)), query, None) for i in range(n)]

    rows = [row for day in range(4) for row in bursts("again", day, 9, "same")] + bursts("again", 3, 3, "other")
    rows += bursts("again", 9, 9, "same")  # the week of that day holds 21 searches
    rows += [row for day in range(4) for k in range(3) for row in bursts("varied", day, 3, f"song {k}")]
    assert verdicts(spark, rows) == {("again", 3): "replay"}


def test_a_farm_falls_as_a_crowd_and_a_fan_of_the_usual_artists_stays(spark: SparkSession) -> None:
    rows = usual_lake() + crowd("pushed", 14, 1)
    rows += [("pushed-once", at(0, 12), "pushed", "pushed")]  # weak alone, but the artist has next to no fans
    found = verdicts(spark, rows)
    assert found == {(f"pushed-devoted{i}", 0): "farm" for i in range(14)} | {("pushed-once", 0): "farm"}


def test_a_fandom_stays_while_its_artist_has_other_listeners_too(spark: SparkSession) -> None:
    assert verdicts(spark, usual_lake() + crowd("loved", 14, 16)) == {}


def test_few_accounts_or_a_lake_without_others_prove_nothing(spark: SparkSession) -> None:
    assert verdicts(spark, usual_lake() + crowd("small", 9, 0)) == {}
    assert verdicts(spark, crowd("only", 14, 0)) == {}


def test_one_request_for_one_artist_is_a_bedroom_speaker(spark: SparkSession) -> None:
    lullaby: list[Asked] = [(f"bed{i}", at(day, 19 + i / 10), "rain", "rain") for i in range(14) for day in (0, 1)]
    assert verdicts(spark, usual_lake(1) + lullaby) == {}


def test_a_verdict_looks_back_seven_days_and_never_ahead(spark: SparkSession) -> None:
    later = [row for day in (1, 6, 8) for row in usual_lake(day)]
    rows = later + crowd("pushed", 14, 0, day=1)
    quiet: list[Asked] = [(f"pushed-devoted{i}", at(day, 10), "hello", None) for i in range(14) for day in (0, 6, 8)]
    found = verdicts(spark, rows + quiet)
    assert {day for _, day in found} == {1, 6} and set(found.values()) == {"farm"}
    ahead = [row for row in rows + quiet if row[1] < at(2, 0)]
    assert verdicts(spark, ahead) == {key: rule for key, rule in found.items() if key[1] < 2}


def test_a_fan_a_household_and_a_quiet_person_stay(spark: SparkSession) -> None:
    rows = usual_lake() + crowd("pushed", 14, 0)
    rows += [("fan", at(0, 8 + 0.3 * i + 0.02 * i * i), f"usual0 {i % 4}", "usual0") for i in range(24)]
    rows += [  # 120 searches in fourteen hours, some a minute apart, of many artists
        ("home", at(0, 7 + i // 8 + 0.02 * (i % 8) + 0.3 * (i % 8 > 4)), f"h{i % 31}", f"artist{i % 17}")
        for i in range(120)
    ]
    rows += [("quiet", at(0, 21), "hello", "usual1")]
    assert {user for user, _ in verdicts(spark, rows)} == {f"pushed-devoted{i}" for i in range(14)}


def test_thresholds_switch_the_rules_off(spark: SparkSession) -> None:
    fast: list[Asked] = [("fast", at(0, 9) + timedelta(seconds=i), "same", None) for i in range(60)]
    never = 1_000_000
    off = replace(RULES, burst_searches=never, min_gaps=never, min_replays=never, min_crowd=never)
    assert verdicts(spark, fast + usual_lake() + crowd("pushed", 14, 0), off) == {}


def test_what_was_skipped_was_not_chosen(spark: SparkSession) -> None:
    events: DataFrame = spark.createDataFrame(
        [
            ("s1", FIRST.date(), "t1", "skip", 1_500),
            ("s1", FIRST.date(), "t2", "play", 0),
            ("s1", FIRST.date(), "t2", "complete", 200_000),
            ("s2", FIRST.date(), "t1", "stop", 30_000),
            ("s2", FIRST.date(), "t1", "play", None),
            ("s3", FIRST.date(), "t3", "like", None),
        ],
        "search_id string, search_date date, track_id string, kind string, dwell_ms bigint",
    )
    artists = spark.createDataFrame([("t1", "a"), ("t2", "b"), ("t3", None)], "track_id string, artist string")
    assert {r[:] for r in chosen_artists(events, artists).collect()} == {
        ("s1", FIRST.date(), "b"),
        ("s2", FIRST.date(), "a"),
    }


def test_the_table_of_excluded_days_and_its_examples_name_the_rule_and_nobody(spark: SparkSession) -> None:
    rows = [
        ("u1", at(0, 9), "q1", "scraper"),
        ("u1", at(0, 9.5), "q2", "scraper"),
        ("u1", at(0, 9.25), "q2", "scraper"),
        ("u1", at(1, 9), "q1", "replay"),
        ("u2", at(0, 9), "q9", "scraper"),
        ("u3", at(0, 9), "q1", None),
    ]
    tagged = spark.createDataFrame(
        [(user, ts, query, rule, ts.date()) for user, ts, query, rule in rows],
        "user_id string, ts timestamp, query string, rule string, search_date date",
    )
    days = excluded_days(tagged)
    found = {(r["user_id"], r["rule"], r["searches"], r["queries"], r["span_s"]) for r in days.collect()}
    assert found == {("u1", "scraper", 3, 2, 1800.0), ("u1", "replay", 1, 1, 0.0), ("u2", "scraper", 1, 1, 0.0)}
    assert left_out(days) == [
        LeftOut("replay", 1, "account-days 1; the busiest: searches 1, distinct 1, within 0 min, on 2026-03-03"),
        LeftOut("scraper", 4, "account-days 2; the busiest: searches 3, distinct 2, within 30 min, on 2026-03-02"),
    ]
