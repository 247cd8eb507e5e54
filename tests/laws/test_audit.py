"""The night's own look at the future names what reads what it must not, and nothing else. Each test breaks the shipped path once.

That it names no column of the catalogue as it is, tests/jobs/test_night.py shows on a whole night.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from features import catalogue
from features.build import audit, backoff, engine
from features.build.audit import (
    CURVE,
    LISTENER,
    POPULARITY,
    STRENGTH,
    TILE,
    VECTOR,
    future_dependent,
    sample,
    sources_of,
)
from features.build.inputs import FeatureInputs
from features.spec import Feature
from features.window import Window
from tests.laws.conftest import Laws

COUNTED, WORDS, EXPECTED = "impressions_log1p_28d", "title_equal", "coec_28d"
OTHERS = (COUNTED, WORDS)


def reading(source: str) -> str:
    """A column that reads the input and as little else as there is."""
    return min((c for c in catalogue.columns() if source in sources_of(c)), key=lambda c: len(sources_of(c))).name


@pytest.fixture(scope="module")
def few(laws: Laws) -> FeatureInputs:
    """The inputs of the early snapshot, cut to some queries as the night cuts them."""
    early = min(laws.inputs.as_of)
    cut = sample(replace(laws.inputs, popularity=laws.inputs.popularity), early, 60)
    assert cut.pairs.count() > 20
    return cut


def test_every_input_has_a_reader(spark: SparkSession) -> None:
    assert {s for c in catalogue.columns() for s in sources_of(c)} == {
        CURVE,
        STRENGTH,
        VECTOR,
        TILE,
        LISTENER,
        POPULARITY,
    }


def test_one_that_is_another_each_time_is_named(few: FeatureInputs, monkeypatch: pytest.MonkeyPatch) -> None:
    def whim(window: Window):  # type: ignore[no-untyped-def]
        return F.rand()

    odd = Feature("whim", "text", "need_track", "1", None, None, (), (), 0, None, "real", "Another each time.", whim)
    shipped = catalogue.chosen
    for module in (engine, audit):
        monkeypatch.setattr(module, "chosen", lambda names: (*shipped(names), *odd.columns()))
    assert list(future_dependent(few, few.as_of[0], OTHERS)) == ["whim"]


def seen_ahead(days: int) -> Callable[..., DataFrame]:
    """Sums that take `days` days too many."""
    sums = engine.sums_per_pair

    def ahead(given: FeatureInputs, asked: Any, near: DataFrame) -> DataFrame:
        return sums(
            replace(given, daily=given.daily.withColumn("search_date", F.date_sub("search_date", days))), asked, near
        )

    return ahead


@pytest.mark.parametrize("days", [1, 3, 7])
def test_days_after_the_snapshot(few: FeatureInputs, monkeypatch: pytest.MonkeyPatch, days: int) -> None:
    monkeypatch.setattr(engine, "sums_per_pair", seen_ahead(days))
    assert list(future_dependent(few, few.as_of[0], OTHERS)) == [COUNTED]


def of_the_week_after(frame: DataFrame, day: str) -> DataFrame:
    """What is stored a week later in the place of a snapshot's own; the own where there is none."""
    keys = [
        c
        for c in frame.columns
        if c in ("client", "intent_group", "position", "kind", "language", "key", "level", "span_days", "place")
    ]
    later = frame.withColumn(day, F.date_sub(day, 7))
    return later.unionByName(frame.join(later.select(day, *keys), [day, *keys], "left_anti"))


def of_the_newest(frame: DataFrame, day: str) -> DataFrame:
    """What is stored last, for every snapshot."""
    days = [r[0] for r in frame.select(day).distinct().collect()]
    last = frame.where(F.col(day) == F.lit(max(days))).drop(day)
    return last.crossJoin(frame.select(day).distinct())


@pytest.mark.parametrize("taken", [of_the_week_after, of_the_newest])
@pytest.mark.parametrize(
    ("source", "field", "day"),
    [
        (CURVE, "curves", "run_date"),
        (VECTOR, "vectors", "as_of"),
        (TILE, "history", "as_of"),
    ],
)
def test_another_snapshots_curve_vector_or_tile(
    few: FeatureInputs,
    monkeypatch: pytest.MonkeyPatch,
    source: str,
    field: str,
    day: str,
    taken: Callable[[DataFrame, str], DataFrame],
) -> None:
    """The engine joins what a later snapshot's night has stored."""
    broken = {CURVE: "sums_per_pair", VECTOR: "with_vectors", TILE: "with_long_sums"}[source]
    shipped = getattr(engine, broken)

    def later(*given: Any) -> DataFrame:
        if source == CURVE:
            return shipped(replace(given[0], curves=taken(given[0].curves, day)), *given[1:])
        if source == TILE:
            return shipped(given[0], replace(given[1], history=taken(given[1].history, day)), *given[2:])
        return shipped(given[0], taken(given[1], day), *given[2:])

    monkeypatch.setattr(engine, broken, later)
    assert list(future_dependent(few, few.as_of[0], [*OTHERS, reading(source)])) == [reading(source)]


@pytest.mark.parametrize("newest", [False, True])
def test_another_snapshots_strength(few: FeatureInputs, monkeypatch: pytest.MonkeyPatch, newest: bool) -> None:
    shipped = engine._strengths

    def later(inputs: FeatureInputs):  # type: ignore[no-untyped-def]
        known = dict(inputs.strengths)
        of = {d: known[max(known)] if newest else known.get(d + timedelta(days=7), v) for d, v in known.items()}
        return shipped(replace(inputs, strengths=of))

    monkeypatch.setattr(engine, "_strengths", later)
    assert list(future_dependent(few, few.as_of[0], [*OTHERS, EXPECTED])) == [EXPECTED]


def test_a_strength_fitted_with_the_label_week(few: FeatureInputs, monkeypatch: pytest.MonkeyPatch) -> None:
    """The sums that the strengths are fitted on hold a week too many; those that the columns read do not."""
    shipped = backoff.fitted

    def ahead(sums: engine.Prepared, most_rows: int) -> Any:
        moved = sums.inputs.daily.withColumn("search_date", F.date_sub("search_date", 7))
        with engine.prepared(replace(sums.inputs, daily=moved), [EXPECTED]) as others:
            return shipped(others, most_rows)

    monkeypatch.setattr(backoff, "LEAST_UNITS", 10)
    assert future_dependent(few, few.as_of[0], [*OTHERS, EXPECTED]) == {}
    monkeypatch.setattr(backoff, "fitted", ahead)
    found = future_dependent(few, few.as_of[0], [*OTHERS, EXPECTED])
    assert list(found) == [EXPECTED] and "fitted with days after its snapshot" in found[EXPECTED]
