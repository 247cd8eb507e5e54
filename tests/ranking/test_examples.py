"""How features meet grades, and which of them judge: one page of rows, by hand."""

from __future__ import annotations

from datetime import date, timedelta
from itertools import pairwise
from typing import TYPE_CHECKING

import pytest
from pyspark.sql import functions as F

from features.catalogue import columns
from ranking.examples import SPACING_DAYS, examples, training_dates

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession

EARLY, LATE = date(2026, 3, 1), date(2026, 3, 8)
NAME = columns()[0].name
# as_of, locale, query, track -> the value of the one feature that is told
VALUES = {
    (EARLY, "en", "hello", "a"): 1.0,
    (EARLY, "en", "hello", "b"): 2.0,
    (LATE, "en", "hello", "a"): 3.0,
    (LATE, "en", "hello", "b"): 4.0,
    (EARLY, "en-US", "play hello", "a"): 5.0,
    (EARLY, "en-US", "play hello", "b"): 6.0,
    (EARLY, "en", "nobody", "a"): 7.0,
    (EARLY, "en", "nobody", "b"): 8.0,
    (EARLY, "en", "single", "a"): 9.0,
}
GRADES = {key: (3 if key[3] == "a" else 0) for key in VALUES} | {(EARLY, "en", "nobody", "a"): 0}
CLUSTERS = {("en", "hello"): "c1", ("en-US", "play hello"): "c1", ("en", "nobody"): "c2", ("en", "single"): "c3"}


@pytest.fixture
def frames(spark: SparkSession) -> tuple[DataFrame, DataFrame, DataFrame]:
    """Matrix, judgements, queries; a grade of a track without features and features without a grade are among them."""
    rows = [(*key, value) for key, value in VALUES.items()] + [(LATE, "en", "hello", "c", 10.0)]
    matrix = spark.createDataFrame(rows, f"run_date date, locale string, need string, track_id string, {NAME} double")
    graded = [(*key, grade, 0.5, 2.0, True) for key, grade in GRADES.items() if key[3] == "a" or key[2] == "nobody"]
    # "b" was not shown
    graded += [(*key, 0, 0.0, 0.0, False) for key in GRADES if key[3] == "b" and key[2] != "nobody"]
    graded += [(EARLY, "en", "hello", "d", 4, 0.9, 1.0, True)]
    schema = "as_of date, locale string, need string, track_id string, grade int, relevance double, exposure double, is_shown boolean"
    named = [(*key, cluster) for key, cluster in CLUSTERS.items()]
    needs = spark.createDataFrame(named, "locale string, need string, fold_key string")
    return matrix, spark.createDataFrame(graded, schema), needs


def test_features_of_a_snapshot_meet_its_own_grades_and_the_newest_judges(
    frames: tuple[DataFrame, DataFrame, DataFrame],
) -> None:
    found = examples(*frames, LATE).collect()
    told = {(r["as_of"], r["locale"], r["need"], r["track_id"]): (r[NAME], r["grade"], r["split"]) for r in found}
    # "nobody" pleased nobody and "single" has one track: they teach no order
    taught = {key for key in VALUES if key[2] in ("hello", "play hello")}
    assert told == {k: (VALUES[k], GRADES[k], "valid" if k[0] == LATE else "train") for k in taught}
    assert {(r["track_id"], r["is_shown"], r["weight"]) for r in found} == {("a", True, 2.0), ("b", False, 0.0)}
    groups = {(r["as_of"], r["locale"], r["need"]): r["qid"] for r in found}
    assert len(set(groups.values())) == len(groups) == 3
    assert {r["qid"] for r in found} == set(groups.values())


def test_with_one_snapshot_no_need_stands_on_both_sides(spark: SparkSession) -> None:
    """Two versions of each of 60 needs, in two locales: about a fifth of the needs is held out, whole."""
    named = [
        (place, f"{way} {i}", f"c{i}") for i in range(60) for place, way in (("en", "hello"), ("en-US", "play hello"))
    ]
    needs = spark.createDataFrame(named, "locale string, need string, fold_key string")
    pairs = needs.withColumn("track_id", F.explode(F.array(F.lit("a"), F.lit("b")))).withColumn("as_of", F.lit(EARLY))
    grades = pairs.select(
        "as_of",
        "locale",
        "need",
        "track_id",
        (F.col("track_id") == "a").cast("int").alias("grade"),
        F.lit(0.5).alias("relevance"),
        F.lit(1.0).alias("exposure"),
        F.lit(True).alias("is_shown"),
    )
    matrix = pairs.select(F.col("as_of").alias("run_date"), "locale", "need", "track_id", F.lit(1.0).alias(NAME))
    found = examples(matrix, grades, needs, None).select("fold_key", "split").distinct().collect()
    assert len(found) == 60
    assert 4 <= sum(r["split"] == "valid" for r in found) <= 20


@pytest.mark.parametrize("label_days", [1, SPACING_DAYS])
def test_no_day_of_labels_belongs_to_two_snapshots(label_days: int) -> None:
    dates = training_dates(date(2026, 3, 31), date(2026, 1, 1), label_days + 3)
    assert len(dates) == 6
    assert all(b - a >= timedelta(days=label_days) for a, b in pairwise(dates))
