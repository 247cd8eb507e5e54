"""The gate judges what tonight reads: another night's partition neither holds it, nor passes unseen."""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path

import pandas as pd
import pytest
from pyspark.sql import SparkSession
from pyspark.sql import functions as F

from features.catalogue import chosen, matrix_names
from lake.errors import QualityGateFailed
from lake.io import Lake
from lake.tables.nightly import EXPOSURE_CURVES
from night.gate import gate
from night.night import Night
from night.tables import all_tables, as_built
from quality.suite import rules
from ranking.examples import training_examples_table
from tests.conftest import RUN_DATE, World
from tests.features.rows import filled, sparse

D = date.fromisoformat(RUN_DATE)
BEFORE = D - timedelta(days=1)
EXAMPLES = training_examples_table()


def curves(lake: Lake, day: date, clients: list[str]) -> None:
    """Curves of the day; a client twice breaks the key."""
    rows = lake.spark.createDataFrame([(c,) for c in clients], "client string")
    told = {"run_date": F.lit(day), "client": F.col("client"), "intent_group": F.lit("open"), "position": F.lit(1)}
    doubles = {c.name: F.lit(0.5) for c in EXPOSURE_CURVES.columns if c.type == "double"}
    lake.write(EXPOSURE_CURVES, filled(rows, EXPOSURE_CURVES, **(doubles | told)), {str(day): f"{clients}"})


@pytest.fixture
def night(spark: SparkSession, tmp_path: Path, world: World) -> Night:
    night = world.night(spark, tmp_path)
    night.first_day = D - timedelta(days=22)
    return night


def test_a_partition_of_the_night_before_that_fails_does_not_hold_tonight(night: Night) -> None:
    curves(night.lake, BEFORE, ["web", "web"])
    curves(night.lake, D, ["web", "mobile"])
    gate(night, [EXPOSURE_CURVES], "validate")
    assert (night.lake.state(EXPOSURE_CURVES, D), night.lake.state(EXPOSURE_CURVES, BEFORE)) == ("passed", "built")


def test_a_training_snapshot_of_tonight_that_fails_does(night: Night) -> None:
    assert night.as_of
    curves(night.lake, night.as_of[0], ["web", "web"])
    curves(night.lake, D, ["web", "mobile"])
    with pytest.raises(QualityGateFailed, match=rf"exposure_curves @ {night.as_of[0]}"):
        gate(night, [EXPOSURE_CURVES], "validate")
    assert night.lake.state(EXPOSURE_CURVES, D) == "passed"


def test_what_an_audit_failed_on_another_night_is_not_passed_by_this_ones_gate(night: Night) -> None:
    for day in (BEFORE, D):
        rows = night.spark.createDataFrame([("a", 0), ("b", 1)], "track_id string, grade int")
        made = sparse(rows, EXAMPLES, run_date=F.lit(day), split=F.lit("train"))
        night.lake.write(EXAMPLES, made, {str(day): "examples"})
    night.lake.mark(EXAMPLES, BEFORE, "failed")
    gate(night, [EXAMPLES], "publish")
    assert (night.lake.state(EXAMPLES, D), night.lake.state(EXAMPLES, BEFORE)) == ("passed", "failed")


def test_a_profile_that_was_cut_off_holds_nothing_and_is_told(night: Night, monkeypatch: pytest.MonkeyPatch) -> None:
    from night import gate as room

    folder = Path(night.settings.reports) / "profiles" / "need_features"
    folder.mkdir(parents=True)
    (folder / f"{BEFORE}.parquet").write_bytes(b"PAR1 cut off")

    class Judged:
        passed = True

        profile = pd.DataFrame([{"column": "x", "bins": '{"0": 3}', "null_count": 0}])

    class Named:
        name = "need_features"

    notes = room._drift(night, Named, Judged)  # type: ignore[arg-type]
    assert len(notes) == 1 and "passed over" in notes[0] and str(BEFORE) in notes[0]
    assert sorted(p.name for p in folder.iterdir()) == [f"{BEFORE}.parquet", f"{D}.parquet"]
    assert list(pd.read_parquet(folder / f"{D}.parquet")["nights_before"]) == [0]


def test_columns_that_features_only_leaves_out_may_be_null_and_no_others() -> None:
    for table in all_tables():
        own = [rules(as_built(table, names)) for names in ((), ("track_coec", "click_rate"))]
        assert own[0] == rules(table)
        left_out = {r.column for r in set(own[0]) - set(own[1])}
        assert all(r.name == "not_null" for r in set(own[0]) - set(own[1]))
        features = set(matrix_names()) if table.name.endswith("_features") else set()
        never_null = {r.column for r in own[0] if r.name == "not_null"} & features
        assert left_out == never_null - {c.name for c in chosen(("track_coec", "click_rate"))}
