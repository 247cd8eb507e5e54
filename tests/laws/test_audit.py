"""The night's own look at the future names a feature that reads what it must not. (tests/jobs/test_night.py: none of ours does.)"""

from __future__ import annotations

from dataclasses import replace

import pytest
from pyspark.sql import functions as F

from features import audit, catalogue, engine
from features.audit import future_dependent
from features.inputs import Window
from features.spec import Feature
from tests.laws.conftest import Laws

HEARD, DEAF = "impressions_log1p_28d", "title_equal"


def test_a_feature_that_reads_the_future_or_is_another_each_time_is_named_and_no_other(
    laws: Laws, monkeypatch: pytest.MonkeyPatch
) -> None:
    early = min(laws.inputs.as_of)
    few = laws.inputs.pairs.where(
        (F.col("as_of") == F.lit(early)) & (F.pmod(F.xxhash64("query"), F.lit(7)) == 0)
    ).persist()
    inputs = replace(laws.inputs, pairs=few, as_of=(early,))

    def whim(window: Window):  # type: ignore[no-untyped-def]
        return F.rand()

    odd = Feature("whim", "text", "query_track", "1", None, None, (), (), 0, None, "real", "Another each time.", whim)

    def with_odd(names):  # type: ignore[no-untyped-def]
        return (*catalogue.chosen(names), *odd.columns())

    monkeypatch.setattr(engine, "chosen", with_odd)
    monkeypatch.setattr(audit, "chosen", with_odd)
    assert few.count() > 20
    assert future_dependent(inputs, early, [HEARD, DEAF]) == ["whim"]
    monkeypatch.undo()
    sums = engine.sums_per_pair

    def seeing_a_week_ahead(given, asked, near):  # type: ignore[no-untyped-def]
        days = given.daily.withColumn("search_date", F.date_sub("search_date", 7))
        return sums(replace(given, daily=days), asked, near)

    monkeypatch.setattr(engine, "sums_per_pair", seeing_a_week_ahead)
    assert future_dependent(inputs, early, [HEARD, DEAF]) == [HEARD]
    few.unpersist()
