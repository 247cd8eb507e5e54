"""What was proposed and not shown: of which requests, how many, and that it has a grade of 0 that says so."""

from __future__ import annotations

from datetime import date

import pytest
from pyspark.sql import DataFrame, SparkSession

from labels.unshown import sampled_negatives, with_negatives

EARLY, LATE = date(2026, 3, 1), date(2026, 3, 8)
PAIRS = "as_of date, locale string, need string, track_id string"
GROUPS = [
    ("en", "hello", "known_item"),
    ("en", "adele", "artist"),
    ("en", "happy music", "broad"),
    ("en", "music", "open"),
    ("en", "nobody asked", "known_item"),
]
PROPOSED = [(EARLY, "en", need, f"t{i}") for _, need, _ in GROUPS for i in range(8)]
SHOWN = [(EARLY, "en", need, track) for _, need, _ in GROUPS[:4] for track in ("t0", "t1", "elsewhere")]


@pytest.fixture
def frames(spark: SparkSession) -> tuple[DataFrame, DataFrame, DataFrame]:
    needs = spark.createDataFrame(GROUPS, "locale string, need string, intent_group string")
    # shown a week later: for EARLY it was not shown
    shown = [*SHOWN, (LATE, "en", "hello", "t2")]
    return spark.createDataFrame(PROPOSED, PAIRS), spark.createDataFrame(shown, PAIRS), needs


def found(frame: DataFrame) -> dict[str, set[str]]:
    told: dict[str, set[str]] = {}
    for row in frame.collect():
        assert row["as_of"] == EARLY and row["locale"] == "en"
        told.setdefault(row["need"], set()).add(row["track_id"])
    return told


def test_only_what_names_something_and_was_asked_that_week_teaches_by_what_it_was_not_shown(
    frames: tuple[DataFrame, DataFrame, DataFrame],
) -> None:
    rest = {f"t{i}" for i in range(2, 8)}
    assert found(sampled_negatives(*frames, per_need=100)) == {"hello": rest, "adele": rest}


def test_at_most_so_many_of_a_request_the_same_each_time_and_others_elsewhere(
    frames: tuple[DataFrame, DataFrame, DataFrame],
) -> None:
    told = found(sampled_negatives(*frames, per_need=3))
    assert {q: len(t) for q, t in told.items()} == {"hello": 3, "adele": 3}
    pairs, shown, needs = frames
    assert found(sampled_negatives(pairs.repartition(3), shown, needs, per_need=3)) == told
    assert told["hello"] != told["adele"]
    assert found(sampled_negatives(*frames, per_need=0)) == {}


def test_the_grade_is_0_and_says_that_it_is_assumed(
    spark: SparkSession, frames: tuple[DataFrame, DataFrame, DataFrame]
) -> None:
    graded = spark.createDataFrame(
        [(EARLY, "en", "hello", "t0", 4.0, 3.0, 0.75, 4)],
        f"{PAIRS}, exposure double, successes double, relevance double, grade int",
    )
    both = with_negatives(graded, sampled_negatives(*frames, per_need=100)).where("need = 'hello'")
    rows = {r["track_id"]: r.asDict() for r in both.collect()}
    said = {
        t: tuple(r[c] for c in ("exposure", "successes", "relevance", "grade", "is_shown")) for t, r in rows.items()
    }
    assert said == {"t0": (4.0, 3.0, 0.75, 4, True)} | {f"t{i}": (0.0, 0.0, 0.0, 0, False) for i in range(2, 8)}
