"""Scores in batches are the ranker's own, also when it was trained again meanwhile."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from pyspark.sql import SparkSession

from features.catalogue import matrix_names
from ranking.dataset import read_examples
from ranking.ranker import Ranker, RankerCorrupt, RankerParams, fit
from ranking.scoring import KEYS, feature_list, scored
from tests.ranking.synthetic import FEATURES, frame, write


@pytest.fixture(scope="module")
def rankers(tmp_path_factory: pytest.TempPathFactory) -> tuple[Ranker, Ranker]:
    """Two over the catalogue's columns, of other depth."""
    rows = frame()
    rng = np.random.default_rng(3)
    told = dict(zip(matrix_names(), FEATURES.names, strict=False))
    of_name = {n: rows[told[n]] if n in told else rng.normal(size=len(rows)) for n in matrix_names()}
    rows = pd.concat([rows.drop(columns=list(FEATURES.names)), pd.DataFrame(of_name)], axis=1)
    examples = read_examples(write(rows, tmp_path_factory.mktemp("examples")), feature_list())
    small, large = RankerParams(min_data_in_leaf=5, num_leaves=3), RankerParams(min_data_in_leaf=5, num_leaves=31)
    return fit(examples, small, trees=4), fit(examples, large, trees=9)


def test_a_ranker_that_was_trained_again_in_the_same_folder_scores_as_it_is_now(
    spark: SparkSession, rankers: tuple[Ranker, Ranker], tmp_path: Path
) -> None:
    values = np.random.default_rng(5).normal(size=(40, len(matrix_names())))
    rows = [("en", f"q{i // 4}", f"t{i % 4}", *map(float, line)) for i, line in enumerate(values)]
    matrix = spark.createDataFrame(
        rows, ", ".join([*[f"{k} string" for k in KEYS], *[f"{n} double" for n in matrix_names()]])
    )
    for ranker in rankers:
        ranker.save(tmp_path / "ranker")
        found = {(r["need"], r["track_id"]): r["model_score"] for r in scored(matrix, tmp_path / "ranker").collect()}
        wanted = ranker.scores(values)
        assert found == {(r[1], r[2]): pytest.approx(w, abs=1e-9) for r, w in zip(rows, wanted, strict=True)}


def test_a_missing_model_is_refused_before_any_row_is_scored(spark: SparkSession, tmp_path: Path) -> None:
    with pytest.raises(RankerCorrupt, match=r"run jobs.train again"):
        scored(spark.range(1), tmp_path / "nothing")
