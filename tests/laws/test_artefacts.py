"""Fitted and kept inputs of a snapshot are made of the days before it: one made of a week too many is named, the others are not."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta

import pytest
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from events.tiles import history, listener_history
from features.build.audit import CURVE, LISTENER, STRENGTH, TILE, VECTOR
from features.build.inputs import FeatureInputs
from features.build.vectors import fitted_vectors
from labels.exposure import curves, position_counts
from lake.schema import struct
from lake.tables.nightly import EXPOSURE_CURVES
from night import leaks
from night.wordings import mapping
from queries.nightly.by_need import by_need
from ranking.artefacts import mismatched_inputs
from tests.laws.conftest import Laws
from tests.shipped import CURVES

SETTINGS = CURVES
WEEK = timedelta(days=7)


def asked(laws: Laws, inputs: FeatureInputs, as_of: date) -> dict[str, str]:
    stored = laws.inputs.strengths[as_of]
    wordings = mapping(laws.night, [as_of])
    return mismatched_inputs(inputs, inputs.daily, wordings, leaks._listener_days(laws.night), stored, as_of, SETTINGS)


def made(laws: Laws, source: str, as_of: date, until: date) -> FeatureInputs:
    """The inputs with one of them made by the shipped builder from the days before `until`, under the date of `as_of`."""
    inputs, lake = laws.inputs, laws.night.lake

    def dated(frame: DataFrame, day: str = "as_of") -> DataFrame:
        return frame.withColumn(day, F.lit(as_of))

    if source == CURVE:
        days = inputs.daily.where(
            (F.col("search_date") < F.lit(until)) & (F.col("search_date") >= F.lit(until - timedelta(days=28)))
        )
        daily = by_need(dated(days), mapping(laws.night, [as_of]))
        fitted = curves(position_counts(daily, inputs.needs).toPandas(), SETTINGS).assign(run_date=as_of)
        cells = list(fitted[[c.name for c in EXPOSURE_CURVES.columns]].itertuples(index=False, name=None))
        return replace(inputs, curves=laws.night.spark.createDataFrame(cells, struct(EXPOSURE_CURVES)))
    if source == VECTOR:
        leads = inputs.wordings.where(F.col("as_of") == F.lit(as_of)).withColumn("as_of", F.lit(until))
        return replace(inputs, vectors=dated(fitted_vectors(inputs.daily, leads, inputs.needs, until)))
    if source == TILE:
        return replace(inputs, history=dated(history(lake, [until])))
    if source == LISTENER:
        return replace(inputs, listeners=dated(listener_history(lake, [until])))
    return replace(inputs, strengths={as_of: inputs.strengths[max(inputs.strengths)]})


def test_what_a_night_fits_is_of_the_past(laws: Laws) -> None:
    for as_of in laws.inputs.as_of:
        assert asked(laws, laws.inputs, as_of) == {}


@pytest.mark.parametrize("source", [CURVE, VECTOR, TILE, LISTENER, STRENGTH])
def test_an_input_made_of_the_label_week_too_is_named_and_no_other(laws: Laws, source: str) -> None:
    early = min(laws.inputs.as_of)
    if source != STRENGTH:
        assert asked(laws, made(laws, source, early, early), early) == {}
    found = asked(laws, made(laws, source, early, early + WEEK), early)
    assert list(found) == [source] and found[source]
