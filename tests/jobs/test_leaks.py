"""A feature that knows the label holds the night each time, until it is mended."""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path

import pytest
from pyspark.sql import SparkSession
from pyspark.sql import functions as F

from jobs import assemble, publish
from jobs.assemble import EXAMPLES
from jobs.night import Night
from jobs.tune import examples_path
from lake.errors import LeakageFound
from ranking.examples import label_auc
from tests.conftest import RUN_DATE, World
from tests.features.rows import sparse

D = date.fromisoformat(RUN_DATE)


def written(night: Night, knows: bool) -> None:
    """Forty examples; click_rate_28d is the label, or as good as none."""
    rows = [(f"t{i:02}", i % 2, float(i % 2 if knows else i // 2 % 2)) for i in range(40)]
    frame = night.spark.createDataFrame(rows, "track_id string, grade int, click_rate_28d double")
    mark = night.lake.fingerprint(EXAMPLES, D) or "to be found"
    night.lake.write(EXAMPLES, sparse(frame, EXAMPLES, run_date=F.lit(D), split=F.lit("train")), {str(D): mark})


@pytest.fixture
def night(spark: SparkSession, tmp_path: Path, world: World, monkeypatch: pytest.MonkeyPatch) -> Night:
    """A night whose examples were written before: what it would write has the mark that they have."""
    night = world.night(spark, tmp_path)
    night.first_day = D - timedelta(days=22)
    monkeypatch.setattr(Night, "pending", lambda self, table, wanted: {})
    monkeypatch.setattr(assemble, "_seers", lambda night: [])
    return night


def test_it_holds_the_night_the_second_time_too_and_nobody_reads_what_failed(night: Night) -> None:
    written(night, knows=True)
    for _ in range(2):
        with pytest.raises(LeakageFound, match=r"click_rate_28d \(AUC 1.0000\) separates"):
            assemble.run(night)
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


def test_the_auc_is_of_ranks_with_ties_averaged_and_of_either_direction(night: Night) -> None:
    """Grades 0 1 0 1; x = 1 2 2 3: of the four pairs of a 1 with a 0, three are won and one is tied. y falls with the grade."""
    rows = night.spark.createDataFrame(
        [("a", 0, 1.0, 9.0), ("b", 1, 2.0, 2.0), ("c", 0, 2.0, 8.0), ("d", 1, 3.0, 1.0)],
        "track_id string, grade int, click_rate_7d double, click_rate_28d double",
    )
    found = label_auc(sparse(rows, EXAMPLES))
    assert (found["click_rate_7d"], found["click_rate_28d"]) == (3.5 / 4, 1.0)


def test_what_tells_the_clicks_or_what_was_shown_is_found_whichever_hides_the_other(night: Night) -> None:
    """x tells the grade of the two shown, and nothing of all four; y tells who was shown and nothing of the shown."""
    rows = night.spark.createDataFrame(
        [("a", 0, True, 1.0, 5.0), ("b", 1, True, 2.0, 5.0), ("c", 0, False, 9.0, 0.0), ("d", 0, False, 9.0, 0.0)],
        "track_id string, grade int, is_shown boolean, click_rate_7d double, click_rate_28d double",
    )
    found = label_auc(sparse(rows, EXAMPLES))
    assert (found["click_rate_7d"], found["click_rate_28d"]) == (1.0, 2.5 / 3)
