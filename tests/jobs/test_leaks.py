"""A feature that knows the label, or the future, holds the night each time, until it is mended."""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path

import pytest
from pyspark.sql import SparkSession
from pyspark.sql import functions as F

from features.catalogue import columns
from jobs import assemble, publish
from lake.commits import units_written
from lake.errors import LeakageFound
from lake.tables.models import FEATURE_AUDITS
from lake.tables.nightly import JUDGEMENTS
from night import leaks
from night.examples import EXAMPLES, examples_path
from night.night import Night
from tests.conftest import RUN_DATE, World
from tests.features.rows import sparse

D = date.fromisoformat(RUN_DATE)


def written(night: Night, knows: bool) -> None:
    """Forty examples and their judgements; click_rate_28d is the label, or as good as none."""
    rows = [(f"t{i:02}", i % 2, float(i % 2 if knows else i // 2 % 2)) for i in range(40)]
    frame = night.spark.createDataFrame(rows, "track_id string, grade int, click_rate_28d double")
    mark = night.lake.fingerprint(EXAMPLES, D) or "to be found"
    night.lake.write(EXAMPLES, sparse(frame, EXAMPLES, run_date=F.lit(D), split=F.lit("train")), {str(D): mark})
    judged = sparse(frame.drop("click_rate_28d"), JUDGEMENTS, run_date=F.lit(D), exposure=F.lit(1.0))
    night.lake.write(JUDGEMENTS, judged, {str(D): "judged"})


@pytest.fixture
def night(spark: SparkSession, tmp_path: Path, world: World, monkeypatch: pytest.MonkeyPatch) -> Night:
    """A night whose examples were written before, and whose columns read nothing after their snapshot."""
    night = world.night(spark, tmp_path)
    night.first_day = D - timedelta(days=22)
    wanted = Night.pending
    monkeypatch.setattr(
        Night, "pending", lambda self, table, marks: wanted(self, table, marks) if table is FEATURE_AUDITS else {}
    )
    monkeypatch.setattr(leaks, "future_leaks", lambda night, as_of: {})
    return night


def test_it_holds_the_night_the_second_time_too_and_nobody_reads_what_failed(night: Night) -> None:
    written(night, knows=True)
    for _ in range(2):
        with pytest.raises(
            LeakageFound, match=r"click_rate_28d \(AUC of grade ≥ 1 .* 1, limit 0.995\): a feature that knows"
        ) as caught:
            assemble.run(night)
        assert (
            "\n" not in str(caught.value) and caught.value.exit_code == 3 and "jobs.nightly again" in str(caught.value)
        )
    for reads in (examples_path, publish.run):
        with pytest.raises(LeakageFound, match="failed when last judged"):
            reads(night)


def test_what_was_mended_is_judged_anew_and_passes(night: Night) -> None:
    written(night, knows=True)
    with pytest.raises(LeakageFound):
        assemble.run(night)
    written(night, knows=False)
    assemble.run(night)
    assert night.lake.state(EXAMPLES, D) == "built" and examples_path(night).is_dir()


def test_the_future_is_asked_for_once_a_code_and_the_verdict_lies_in_the_lake(
    night: Night, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A leak is kept nowhere: it is found again until it is mended. A verdict is read from the table's log, without Spark."""
    written(night, knows=False)
    asked: list[date] = []

    def looked(found: dict[str, str]):  # type: ignore[no-untyped-def]
        return lambda night, as_of: asked.append(as_of) or found

    monkeypatch.setattr(
        leaks, "future_leaks", looked({"coec_28d": "reads the exposure curve of another snapshot than its own"})
    )
    for _ in range(2):
        with pytest.raises(
            LeakageFound, match=r"coec_28d reads the exposure curve of another snapshot than its own: the future\."
        ):
            assemble.run(night)
        assert night.lake.state(EXAMPLES, D) == "failed"
    assert units_written(night.lake.root, FEATURE_AUDITS.name) == {}
    monkeypatch.setattr(leaks, "future_leaks", looked({}))
    assemble.run(night)
    assemble.run(night)
    assert len(asked) == 3 and units_written(night.lake.root, FEATURE_AUDITS.name) == {"future": len(columns())}
    monkeypatch.setattr(leaks, "code_fingerprint", lambda *rooms: "mended")
    assemble.run(night)
    assert len(asked) == 4
