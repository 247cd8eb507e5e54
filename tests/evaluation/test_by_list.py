"""The Spark form of every measure equals the form in memory, whatever the partitions and the order of the rows."""

from __future__ import annotations

import math

import numpy as np
import pytest
from pyspark.sql import SparkSession

from evaluation import metrics, variety
from evaluation.by_list import by_list
from evaluation.measure import KINDS, Measure

RANKED = {"grades": "grade", "scores": "score"}
MEASURES = {
    "ndcg": Measure(metrics.ndcg_by_group, RANKED, 5),
    "hashed": Measure(metrics.ndcg_by_group, RANKED | {"tie_keys": "key"}, 5, {"ties": "hash", "gain": "linear"}),
    "recall": Measure(metrics.recall_by_group, RANKED, 5, {"empty": "zero"}),
    "mrr": Measure(metrics.reciprocal_rank_by_group, RANKED, None, {"min_grade": 2}),
    "success": Measure(metrics.success_by_group, RANKED, 1),
    "map": Measure(metrics.average_precision_by_group, RANKED, 5, {"over": "reachable"}),
    "rbp": Measure(metrics.rbp_by_group, RANKED, None, {"p": 0.5}),
    "err": Measure(metrics.err_by_group, RANKED, 5),
    "diversity": Measure(
        variety.intra_list_diversity_by_group, {"vectors": "sound", "scores": "score", "tie_keys": "key"}, 5
    ),
    "entropy": Measure(variety.artist_entropy_by_group, {"artists": "artist", "scores": "score", "tie_keys": "key"}, 5),
    "new": Measure(
        variety.new_release_share_by_group, {"ages_days": "age", "scores": "score", "tie_keys": "key"}, 5, {"days": 30}
    ),
    "gini": Measure(variety.gini_by_group, {"amounts": "grade"}),
    "rbo": Measure(variety.rbo_by_group, {"ranks": "rank", "other_ranks": "other"}, 5),
}


def rows(seed: int = 1) -> tuple[list[tuple[object, ...]], np.ndarray]:
    """Thirty lists of 1–12 rows, with tied scores, unknown ages and a second order; and the lists' sizes."""
    rng, out = np.random.default_rng(seed), []
    sizes = rng.integers(1, 13, 30)
    for number, size in enumerate(sizes):
        other = [int(r) if r <= size // 2 + 1 else None for r in rng.permutation(size) + 1]
        for i in range(size):
            age = None if i % 5 == 4 else float(rng.integers(0, 60))
            named = (f"list {number}", int(rng.integers(0, 5)), float(rng.integers(0, 4)), number * 100 + i)
            sound = [float(v) for v in rng.integers(0, 3, 2)]
            out.append((*named, f"artist {rng.integers(0, 3)}", sound, age, float(i + 1), other[i]))
    return out, sizes


def test_every_measure_has_its_spark_form(spark: SparkSession) -> None:
    assert {m.function for m in MEASURES.values()} == {kind.function for kind in KINDS.values()}
    listed, sizes = rows()
    names = ("name", "grade", "score", "key", "artist", "sound", "age", "rank", "other")
    columns = {name: [row[i] for row in listed] for i, name in enumerate(names)}
    for name in ("age", "other"):
        columns[name] = [math.nan if value is None else value for value in columns[name]]
    wanted = {name: m.by_group(columns, sizes) for name, m in MEASURES.items()}

    types = "name string, grade int, score double, key bigint, artist string, sound array<double>, age double, rank double, other int"
    frame = spark.createDataFrame(listed, types).repartition(3, "key")
    found = {r["name"]: r for r in by_list(frame, ["name"], MEASURES).collect()}
    assert len(found) == len(sizes)
    for name, values in wanted.items():
        spark_values = [found[f"list {i}"][name] for i in range(len(sizes))]
        assert [math.nan if v is None else v for v in spark_values] == pytest.approx(
            values.tolist(), abs=1e-12, nan_ok=True
        ), name
        assert np.isnan(values).sum() == sum(v is None for v in spark_values), name
