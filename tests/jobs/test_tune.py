"""A night does without a sweep that fails; the job alone does not."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path

import pytest
from pyspark.sql import SparkSession

from jobs import tune
from night import sweeps
from tests.conftest import RUN_DATE, World
from tuning.errors import SweepFailed


def test_a_night_goes_on_without_a_sweep_that_fails_and_says_so(
    spark: SparkSession, tmp_path: Path, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    night = world.night(spark, tmp_path)
    night = replace(night, settings=replace(night.settings, nightly=replace(night.settings.nightly, tune="always")))
    night.first_day = date.fromisoformat(RUN_DATE) - timedelta(days=22)

    def broken(*_: object) -> None:
        raise SweepFailed("sweep s: Ray failed: no room")

    monkeypatch.setattr(sweeps, "examples_path", lambda _: tmp_path)
    monkeypatch.setattr(sweeps, "run_search_in_child", broken)
    assert tune.run_if_due(night).skipped
    assert "the next one tries again" in night.notes[-1] and "Ray failed: no room" in night.notes[-1]
    with pytest.raises(SweepFailed):
        tune.run(night)
