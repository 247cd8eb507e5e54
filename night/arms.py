"""Arms of the report that are learned: the ranker's own order, and a ranker of its ten best columns."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from pyspark.sql import DataFrame

from evaluation.report import OWN_ORDER, TEN_FEATURES, refit_of
from features.catalogue import feature_table
from night.examples import examples_path
from night.night import Night
from night.rankers import ranker_of
from ranking.dataset import read_examples
from ranking.examples import matrix
from ranking.ranker import Ranker, fit, load
from ranking.scoring import KEYS, feature_list
from ranking.trying import examples_without

if TYPE_CHECKING:
    import pandas as pd

TEN = 10


def with_learned_arms(night: Night, frame: pd.DataFrame, entries: DataFrame) -> pd.DataFrame:
    """The candidates with two more scores, if the night has a ranker: `own_order` and `ten_features`.

    `own_order` is the ranker's score before the re-rank rules. `ten_features` is that of a ranker of ten columns, with the night's
    examples, parameters, number of trees and seed; the ten are those of most split gain in the night's ranker, which saw training
    data alone. With `report.refits`, both are fitted anew that many times on needs drawn with replacement, with other seeds.

    Args:
        night: the night.
        frame: the candidates, as `night.truth.rows_of_arms` gives them.
        entries: (place, need) of the lists.
    """
    folder = ranker_of(night)
    if folder is None:
        return frame
    ranker, features = load(folder, feature_list()), feature_list()
    rows = matrix_of(night, entries)
    values = rows[list(features.names)].to_numpy(dtype="float64")
    few = ten_best(ranker)
    others = [name for name in features.names if name not in few]
    every = read_examples(examples_path(night), features)
    examples = examples_without(every, others)
    small = fit(examples, ranker.params, trees=ranker.trees, seed=ranker.seed, threads=night.settings.tuning.threads)
    kept = [features.names.index(name) for name in examples.features.names]
    of_few = np.ascontiguousarray(values[:, kept])
    scores = {OWN_ORDER: ranker.scores(values), TEN_FEATURES: small.scores(of_few)}
    for number in range(1, night.settings.report.refits + 1):
        for arm, rows_of_arm, columns in ((OWN_ORDER, every, values), (TEN_FEATURES, examples, of_few)):
            sample, seed = rows_of_arm.resampled(number), ranker.seed + number
            again = fit(sample, ranker.params, trees=ranker.trees, seed=seed, threads=night.settings.tuning.threads)
            scores[refit_of(arm, number)] = again.scores(columns)
    return frame.merge(rows[list(KEYS)].assign(**scores), on=list(KEYS), how="left")


def matrix_of(night: Night, entries: DataFrame) -> pd.DataFrame:
    """The night's candidates of some lists with all columns of the catalogue. `entries`: (place, need) of the lists."""
    parts = [night.lake.read(feature_table(g), [night.run_date]) for g in ("need_track", "need", "track")]
    return matrix(*parts).join(entries, ["locale", "need"]).drop("run_date").toPandas()


def ten_best(ranker: Ranker) -> set[str]:
    """The ten columns of most split gain; equal gains by name."""
    gain = dict(zip(ranker.features.names, ranker.booster.feature_importance("gain"), strict=True))
    return set(sorted(gain, key=lambda name: (-float(gain[name]), name))[:TEN])
