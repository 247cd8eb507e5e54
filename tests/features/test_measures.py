"""What a measure is of one row of daily counts; a derived one is one declaration."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date

import pytest
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from features.measures import LONG_PLAYS, MEASURES, Measure, derived
from features.window import Window

SUNDAY, MONDAY = date(2026, 3, 8), date(2026, 3, 9)
COLUMNS = (
    "search_date date, client string, impressions bigint, clicks bigint, long_plays bigint, "
    "impressions_by_position array<bigint>, long_plays_by_position array<bigint>, rates_micro array<bigint>"
)


@pytest.fixture
def days(spark: SparkSession) -> DataFrame:
    first, third = [1] + [0] * 10, [0, 0, 1] + [0] * 8
    rates = [500_000, 0, 250_000] + [0] * 8
    return spark.createDataFrame(
        [
            (SUNDAY, "alexa", 2, 0, 2, [a + b for a, b in zip(first, third, strict=True)], first, rates),
            (MONDAY, "mobile", 1, 1, 0, third, [0] * 11, rates),
            (MONDAY, "web", 1, 0, 0, first, [0] * 11, None),
        ],
        COLUMNS,
    )


@pytest.fixture
def sunday() -> Iterator[Measure]:
    yield derived("sunday_long_plays", LONG_PLAYS, lambda: F.dayofweek("search_date").isin(1))
    del MEASURES["sunday_long_plays"]


def values(days: DataFrame, name: str) -> list[int]:
    return [r[0] for r in days.orderBy("search_date", "client").select(MEASURES[name].value()).collect()]


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("impressions", [2, 1, 1]),
        ("responses", [2, 1, 0]),  # long plays on voice, clicks on screens
        ("expected_micro", [750_000, 250_000, 0]),  # nothing is expected where no curve is known
        ("voice_impressions", [2, 0, 0]),
        ("voice_long_plays", [2, 0, 0]),
        ("voice_expected_micro", [750_000, 0, 0]),
        ("voice_follows", [1, 0, 0]),  # the one at rank 3
        ("voice_follow_long_plays", [1, 0, 0]),
    ],
)
def test_a_measure_of_each_row(days: DataFrame, name: str, expected: list[int]) -> None:
    assert values(days, name) == expected


def test_a_derived_measure_is_one_declaration(days: DataFrame, sunday: Measure) -> None:
    assert values(days, sunday.name) == [2, 0, 0]
    window = Window(28)
    window.sum(sunday.name, "track")
    assert {s.column for s in window.asked} == {"sunday_long_plays__28d"}
    with pytest.raises(KeyError, match="beyond 90 days only counts"):
        Window(365).sum(sunday.name, "track")
    with pytest.raises(ValueError, match="declared twice"):
        derived("sunday_long_plays", LONG_PLAYS, lambda: F.lit(True))
