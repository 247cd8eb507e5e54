"""The night's own look at the future: it finds nothing in the catalogue, and names a feature that reads what it must not."""

from __future__ import annotations

from dataclasses import replace

import pytest
from pyspark.sql import functions as F

from features import audit, catalogue, engine
from features.audit import future_dependent
from features.inputs import Window
from features.spec import Feature
from tests.laws.conftest import Laws


def test_no_feature_of_the_catalogue_reads_the_future_and_one_that_does_is_named(
    laws: Laws, monkeypatch: pytest.MonkeyPatch
) -> None:
    early = min(laws.inputs.as_of)
    few = laws.inputs.pairs.where(
        (F.col("as_of") == F.lit(early)) & (F.pmod(F.xxhash64("query"), F.lit(7)) == 0)
    ).persist()
    inputs = replace(laws.inputs, pairs=few, as_of=(early,))

    def clock(window: Window):  # type: ignore[no-untyped-def]
        return F.unix_micros(F.current_timestamp()).cast("double")

    seer = Feature("clock", "text", "query_track", "s", None, None, (), (), 0, None, "real", "The time of day.", clock)

    def with_seer(names):  # type: ignore[no-untyped-def]
        return (*catalogue.chosen(names), *seer.columns())

    monkeypatch.setattr(engine, "chosen", with_seer)
    monkeypatch.setattr(audit, "chosen", with_seer)
    assert few.count() > 20
    assert future_dependent(inputs, early) == ["clock"]
    few.unpersist()
