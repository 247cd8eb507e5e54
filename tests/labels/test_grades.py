"""Where clicks become grades: a page of rows, with exposure, successes and grade by hand."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from typing import Any

import pytest
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from labels.grades import RATIO_STRENGTH, GradeSettings, judgements, surface_ratios
from lake.tables.nightly import EXPOSURE_CURVES
from tests.features.rows import DAILY_BY_NEED, filled
from tests.shipped import GRADES

T = date(2026, 3, 1)
PLAIN = replace(GRADES, strength=0.0)


def day(spark: SparkSession, *rows: tuple[str, str, str, str, int, int, int]) -> DataFrame:
    """(place, need, track, client, position, impressions at it, satisfied)."""
    names = (
        "locale string, need string, track_id string, client string, position int, impressions bigint, satisfied bigint"
    )
    frame = spark.createDataFrame(list(rows), names)
    cells = F.array(*[F.when(F.col("position") == p, F.col("impressions")).otherwise(F.lit(0)) for p in range(1, 12)])
    kept = {n: F.col(n) for n in ("locale", "need", "track_id", "client", "impressions", "satisfied")}
    made = filled(frame, DAILY_BY_NEED, search_date=F.lit(T), impressions_by_position=cells, **kept)
    return made.withColumn("as_of", F.lit(T))


def curves(spark: SparkSession, second: float = 0.5) -> DataFrame:
    """Rank 1 is looked at for certain, rank 2 with `second`; all others never."""
    rows = [
        (c, g, p, {1: 1.0, 2: second}.get(p, 0.0))
        for c in ("mobile", "alexa")
        for g in ("known_item", "open")
        for p in range(1, 12)
    ]
    frame = spark.createDataFrame(rows, "client string, intent_group string, position int, propensity double")
    kept = {n: F.col(n) for n in ("client", "intent_group", "position", "propensity")}
    return filled(frame, EXPOSURE_CURVES, run_date=F.lit(T), **kept)


def judged(spark: SparkSession, daily: DataFrame, settings: GradeSettings = PLAIN) -> dict[tuple[str, str, str], Any]:
    needs = spark.createDataFrame([("hello", "known_item")], "need string, intent_group string")
    found = judgements(daily, curves(spark), needs, settings).collect()
    return {(r["locale"], r["need"], r["track_id"]): r for r in found}


def test_exposure_is_what_was_looked_at_and_counts_in_the_locale_its_language_and_everywhere(
    spark: SparkSession,
) -> None:
    found = judged(
        spark,
        day(
            spark,
            ("en-US", "hello", "a", "mobile", 2, 4, 1),
            ("en-GB", "hello", "a", "mobile", 1, 1, 1),
            ("es-ES", "hello", "a", "mobile", 1, 2, 0),
        ),
    )
    told = {place: (row["exposure"], row["successes"]) for (place, _, _), row in found.items()}
    assert told == {"en-US": (2, 1), "en-GB": (1, 1), "es-ES": (2, 0), "en": (3, 2), "es": (2, 0), "*": (5, 2)}


def test_a_request_that_came_with_a_language_alone_counts_once_for_it(spark: SparkSession) -> None:
    found = judged(spark, day(spark, ("en", "hello", "a", "mobile", 1, 4, 1)))
    assert {p: (r["exposure"], r["successes"]) for (p, _, _), r in found.items()} == {"en": (4, 1), "*": (4, 1)}


def test_on_voice_what_sounded_was_noticed_whatever_its_rank(spark: SparkSession) -> None:
    found = judged(spark, day(spark, ("en-US", "hello", "a", "alexa", 7, 4, 3)))
    assert (found["en-US", "hello", "a"]["exposure"], found["en-US", "hello", "a"]["grade"]) == (4, 4)


def test_a_success_on_voice_counts_for_less_where_the_same_tracks_succeed_more_often_there(spark: SparkSession) -> None:
    """Tracks a and b were shown on both surfaces, 1,000 times each: 300 and 100 successes on screens, 600 and 200 on voice."""
    daily = day(
        spark,
        ("en-US", "hello", "a", "mobile", 1, 1000, 300),
        ("en-US", "hello", "a", "alexa", 1, 1000, 600),
        ("en-US", "hello", "b", "mobile", 1, 1000, 100),
        ("en-US", "hello", "b", "alexa", 1, 1000, 200),
        ("en-US", "hello", "voice", "alexa", 1, 1000, 600),
        ("en-US", "hello", "screen", "mobile", 1, 1000, 300),
        ("en-US", "another need", "voice", "alexa", 1, 1000, 600),  # its group has no track on both surfaces
    )
    found = judged(spark, daily)
    # Σ b·s/(s+v) = (600 + 200) / 2 and Σ a·v/(s+v) = (300 + 100) / 2, each with 30 successes added
    ratio = (400 + RATIO_STRENGTH) / (200 + RATIO_STRENGTH)
    on_voice, on_screen = found["en-US", "hello", "voice"], found["en-US", "hello", "screen"]
    assert on_voice["exposure"] == pytest.approx(1000 * ratio, abs=1e-2)
    assert on_voice["relevance"] == pytest.approx(0.6 / ratio, abs=1e-6)
    assert (on_voice["grade"], on_screen["grade"]) == (2, 2)
    assert found["en-US", "hello", "a"]["exposure"] == pytest.approx(1000 + 1000 * ratio, abs=1e-2)
    assert found["en-US", "another need", "voice"]["exposure"] == 1000


def test_surfaces_are_compared_on_the_same_track_and_weighed_by_the_other(spark: SparkSession) -> None:
    """Twice the success on voice for both tracks, though the good one was shown mostly on screens and the bad one on voice."""
    rows = [("a", 900, 270, 100, 60), ("b", 100, 10, 900, 180)]
    frame = spark.createDataFrame(
        [("known_item", *r) for r in rows],
        "intent_group string, track_id string, screen_micro int, screen_successes int, voice_micro int, voice_successes int",
    )
    on_voice, on_screens = 60 * 0.9 + 180 * 0.1, 270 * 0.1 + 10 * 0.9
    assert on_voice == 2 * on_screens
    [row] = surface_ratios(frame).collect()
    assert row["ratio"] == pytest.approx((on_voice + RATIO_STRENGTH) / (on_screens + RATIO_STRENGTH), abs=1e-5)


@pytest.mark.parametrize(("satisfied", "grade"), [(0, 0), (1, 1), (2, 1), (3, 2), (4, 3), (6, 4), (10, 4)])
def test_grades_are_cut_where_the_settings_say(spark: SparkSession, satisfied: int, grade: int) -> None:
    row = judged(spark, day(spark, ("en-US", "hello", "a", "mobile", 1, 10, satisfied)))["en-US", "hello", "a"]
    assert (row["relevance"], row["grade"]) == (satisfied / 10, grade)


def test_thin_evidence_leans_on_a_share_of_the_rate_of_the_need(spark: SparkSession) -> None:
    daily = day(spark, ("en-US", "hello", "a", "mobile", 1, 1, 1), ("en-US", "hello", "b", "mobile", 1, 99, 9))
    found = judged(spark, daily, replace(GRADES, strength=2.0, prior_share=0.5))
    prior = 0.5 * (10 + 0.5) / (100 + 2.0)
    assert found["en-US", "hello", "a"]["relevance"] == pytest.approx((1 + 2 * prior) / (1 + 2), abs=1e-9)
    assert found["en-US", "hello", "b"]["relevance"] == pytest.approx((9 + 2 * prior) / (99 + 2), abs=1e-9)


def test_what_was_hardly_looked_at_has_the_prior(spark: SparkSession) -> None:
    """Rank 5 is never looked at here. As shipped, a track of a good need that nobody looked at has grade 0 all the same."""
    daily = day(spark, ("en-US", "hello", "a", "mobile", 5, 9, 0), ("en-US", "hello", "b", "mobile", 1, 1000, 350))
    never = judged(spark, daily, replace(GRADES, strength=1.0, prior_share=0.25))["en-US", "hello", "a"]
    assert (never["exposure"], never["grade"]) == (0, 0)
    assert never["relevance"] == pytest.approx(0.25 * 350.5 / 1002, abs=1e-9)
    without_prior = judged(spark, daily, replace(GRADES, strength=0.0, prior_share=0.25))["en-US", "hello", "a"]
    assert without_prior["relevance"] == never["relevance"]
