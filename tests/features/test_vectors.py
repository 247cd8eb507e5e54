"""Vectors of queries and tracks: like is near like, the future is not read, and what nobody played twice has none."""

from __future__ import annotations

from datetime import date, timedelta

import numpy as np
import pytest
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from features.build.vectors import fitted_vectors
from features.expressions import VECTOR_RANK
from tests.features.rows import as_said

AS_OF = date(2026, 3, 1)
SCHEMA = "search_date date, locale string, query string, track_id string, long_plays bigint"


def plays(spark: SparkSession, *extra: tuple[date, str, str, str, int]) -> DataFrame:
    """Two tastes of six queries and six tracks each; every query plays four of its taste's tracks, ten times each."""
    rows = [
        (AS_OF - timedelta(days=1 + q), "en-US", f"{taste} {q}", f"{taste}-{(q + i) % 6}", 10)
        for taste in ("rock", "jazz")
        for q in range(6)
        for i in range(4)
    ]
    return spark.createDataFrame([*rows, *extra], SCHEMA)


def vectors(daily: DataFrame) -> dict[tuple[str, str, str], np.ndarray]:
    fitted = fitted_vectors(daily, as_said(daily, AS_OF), broad_needs(daily), AS_OF)
    return {(r.kind, r.language, r.key): np.array(r.vector) for r in fitted.collect()}


def broad_needs(daily: DataFrame, group: str = "broad") -> DataFrame:
    return daily.select(F.col("query").alias("need"), F.lit(group).alias("intent_group")).distinct()


@pytest.fixture(scope="module")
def fitted(spark: SparkSession) -> dict[tuple[str, str, str], np.ndarray]:
    return vectors(plays(spark))


def cosine(a: np.ndarray, b: np.ndarray) -> float:
    return float(a @ b / np.linalg.norm(a) / np.linalg.norm(b))


def test_a_query_is_near_tracks_of_its_taste_also_those_it_never_played(
    fitted: dict[tuple[str, str, str], np.ndarray],
) -> None:
    assert len(fitted) == 24 and all(len(v) == VECTOR_RANK for v in fitted.values())
    for q in range(6):
        query = fitted["need", "en", f"rock {q}"]
        unplayed = [fitted["track", "*", f"rock-{(q + i) % 6}"] for i in (4, 5)]
        others = [fitted["track", "*", f"jazz-{i}"] for i in range(6)]
        assert min(cosine(query, t) for t in unplayed) > max(cosine(query, t) for t in others)


def test_days_from_the_snapshot_on_teach_nothing(
    spark: SparkSession, fitted: dict[tuple[str, str, str], np.ndarray]
) -> None:
    later = [(AS_OF + timedelta(days=i), "en-US", "rock 1", "jazz-1", 100_000) for i in (0, 1, 5)]
    told = vectors(plays(spark, *later))
    assert told.keys() == fitted.keys()
    for key, vector in fitted.items():
        np.testing.assert_allclose(told[key], vector, atol=1e-4)


def test_vectors_are_the_same_to_the_last_digit_however_the_plays_lie(spark: SparkSession) -> None:
    """A machine with more task slots cuts the plays and the shuffles otherwise; the sums must not follow."""
    changed = ("spark.sql.shuffle.partitions", "spark.sql.adaptive.enabled")
    before = {key: spark.conf.get(key) for key in changed}
    ways = []
    try:
        spark.conf.set("spark.sql.adaptive.enabled", "false")
        for slots in (1, 2, 4, 8):
            spark.conf.set("spark.sql.shuffle.partitions", str(slots))
            daily = plays(spark).repartition(slots, "track_id")
            rows = fitted_vectors(daily, as_said(daily, AS_OF), broad_needs(daily), AS_OF).collect()
            ways.append(sorted((r.kind, r.language, r.key, r.vector, r.company, r.company_weight) for r in rows))
    finally:
        for key, value in before.items():
            spark.conf.set(key, str(value))
    assert ways[0] == ways[1] == ways[2] == ways[3] and len(ways[0]) == 24


def test_one_play_alone_makes_no_vector_and_none_at_all_no_row(spark: SparkSession) -> None:
    yesterday = AS_OF - timedelta(days=1)
    told = vectors(plays(spark, (yesterday, "es-ES", "sola", "unica", 1)))
    assert not {k for k in told if k[2] in ("sola", "unica")}
    assert vectors(plays(spark).where("long_plays > 10")) == {}


def test_a_need_that_names_something_has_one_vector_for_all_languages(spark: SparkSession) -> None:
    yesterday = AS_OF - timedelta(days=1)
    daily = plays(spark, *[(yesterday, "es-ES", "rock 1", f"rock-{i}", 10) for i in range(4)])
    for group, languages in (("artist", {"*"}), ("broad", {"en", "es"})):
        rows = fitted_vectors(daily, as_said(daily, AS_OF), broad_needs(daily, group), AS_OF).collect()
        assert {r.language for r in rows if r.key == "rock 1"} == languages, group
