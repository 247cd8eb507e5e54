"""The shape of the plans that build the features: exchanges, joins and frames in memory, as golden text in `plans/`.

A change that adds an exchange of the pairs shows here, before it shows in a night's time. Where a change is wanted, write the
texts anew with `PLAYFIRST_WRITE_PLANS=1 python -m pytest tests/features/test_plans.py` and read the difference.
"""

from __future__ import annotations

import io
import os
import re
from contextlib import redirect_stdout
from datetime import date
from pathlib import Path

import pytest
from pyspark.sql import DataFrame, SparkSession

from events.engagement import SUMS
from features.build.engine import feature_frames
from features.build.inputs import FeatureInputs
from lake.schema import struct
from lake.tables.daily import DAILY_ENGAGEMENT
from lake.tables.logs import TRACKS
from lake.tables.nightly import EXPOSURE_CURVES, NEEDS, VECTORS

PLANS = Path(__file__).parent / "plans"
# what moves rows or meets them; scans of files, projections, filters and sums are left out
TELLING = (
    "Exchange",
    "BroadcastExchange",
    "SortMergeJoin",
    "ShuffledHashJoin",
    "CartesianProduct",
    "BroadcastNestedLoopJoin",
    "InMemoryTableScan",
    "Checkpoint",  # of the build: its frames have keys of levels, the inputs have none
    "Sort",
)
# planned for tables too large to be sent around unasked, and once for all: an adaptive plan is known only when it has run
STATIC = {"spark.sql.autoBroadcastJoinThreshold": "-1", "spark.sql.adaptive.enabled": "false"}


def shape(frame: DataFrame) -> str:
    """The telling operators of the frame's plan, one a line, indented by depth among themselves; names without their ids.

    What lies in memory is not followed further.
    """
    told = io.StringIO()
    with redirect_stdout(told):
        frame.explain()
    lines: list[str] = []
    above: list[tuple[int, int]] = []  # the operators above this one: where each stands, and how many telling ones
    in_memory: int | None = None
    for line in told.getvalue().splitlines():
        text = re.sub(r"^[\s:+\-]*(\*\(\d+\) )?", "", line)
        depth = len(re.match(r"^[\s:+\-]*", line).group())  # type: ignore[union-attr]
        if in_memory is not None and depth > in_memory:
            continue
        if text.startswith("Scan ExistingRDD") and "_key" in text:
            text = "Checkpoint"
        name, in_memory = text.split(" ")[0], None
        while above and above[-1][0] >= depth:
            above.pop()
        level = above[-1][1] if above else 0
        above.append((depth, level + (name in TELLING)))
        if name not in TELLING:
            continue
        if name == "InMemoryTableScan":
            in_memory = depth
        named = name in ("InMemoryTableScan", "BroadcastExchange")
        text = name if named else re.sub(r"#\d+L?|, ENSURE_REQUIREMENTS|, REPARTITION_\w+|, \[plan_id=\d+\]", "", text)
        lines.append("  " * level + text)
    return "\n".join(lines) + "\n"


@pytest.fixture(scope="module")
def shapes(spark: SparkSession) -> dict[str, str]:
    """The three plans over empty tables; nothing is run."""
    before = {key: spark.conf.get(key) for key in STATIC}
    daily, needs, tracks, curves = [
        spark.createDataFrame([], struct(t)) for t in (DAILY_ENGAGEMENT, NEEDS, TRACKS, EXPOSURE_CURVES)
    ]
    wordings = spark.createDataFrame([], "as_of date, language string, query string, need string")
    pairs = spark.createDataFrame([], "as_of date, locale string, need string, track_id string")
    counts = ", ".join(f"{m} bigint" for m in SUMS)
    history = spark.createDataFrame([], f"as_of date, span_days int, level string, place string, key string, {counts}")
    listeners = spark.createDataFrame([], "as_of date, span_days int, locale string, query string, listeners binary")
    popularity = spark.createDataFrame([], "as_of date, track_id string, popularity double, popularity_before double")
    vectors = spark.createDataFrame([], struct(VECTORS)).withColumnRenamed("run_date", "as_of")
    try:
        for key, value in STATIC.items():
            spark.conf.set(key, value)
        inputs = FeatureInputs(
            pairs,
            daily,
            needs,
            wordings,
            tracks,
            curves,
            (date(2026, 3, 1),),
            popularity=popularity,
            history=history,
            listeners=listeners,
            vectors=vectors,
        )
        with feature_frames(inputs) as frames:
            return {grain: shape(frame) for grain, frame in frames.items()}
    finally:
        for key, value in before.items():
            spark.conf.set(key, str(value))


@pytest.mark.parametrize("grain", ["need_track", "need", "track"])
def test_exchanges_and_joins_are_as_they_were(shapes: dict[str, str], grain: str) -> None:
    golden = PLANS / f"{grain}.txt"
    if os.environ.get("PLAYFIRST_WRITE_PLANS"):
        PLANS.mkdir(exist_ok=True)
        golden.write_text(shapes[grain], encoding="utf-8")
    assert shapes[grain] == golden.read_text(encoding="utf-8"), f"read {golden}: see the head of this file"


def test_the_pairs_stay_where_they_lie(shapes: dict[str, str]) -> None:
    """Down the left side of the plan, from the last join to the checkpointed pairs, nothing is exchanged."""
    left = []
    for line in shapes["need_track"].splitlines():
        name = line.split()[0]
        if len(line) - len(line.lstrip()) == 2 * len(left):
            left.append(name)
        if name == "Checkpoint":
            break
    assert left[-1] == "Checkpoint" and left.count("SortMergeJoin") >= 6 and "Exchange" not in left, left
