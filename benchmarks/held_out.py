"""Benchmark of cold needs: NDCG@10 of needs whose engagement is hidden and that the ranker never saw, against the simulator's truth.

    python -m benchmarks.held_out run_date=2026-10-29 [any key of conf/night.yaml]

A fifth of the needs (by fold) is left out of the training examples; their wordings count for no need at D, so that their features are
those of needs that nobody asked, but for the night's vectors and for what is known of their tracks over all needs; only candidates that
no log proposed are ranked, and needs without any are left out. So it is an upper bound. Beside it: the same needs warm, by the same ranker.
Needs the lake of a simulated night, and changes nothing. Exit code 0.
"""

from __future__ import annotations

import sys
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from evaluation.judge import Judge
from evaluation.metrics import mean_over_groups
from features.build.engine import feature_frames
from features.build.stored import stored_wordings
from lake.tables.nightly import CANDIDATES, NEEDS
from night.command import settings_from_words
from night.examples import examples_path
from night.night import Night, night
from night.snapshots import daily_before, inputs_of
from night.truth import Lookups, lookups, truth_of
from queries.nightly.by_need import distinct_needs
from ranking.dataset import read_examples
from ranking.examples import matrix
from ranking.folds import fold_of
from ranking.ranker import Ranker, RankerParams, fit
from ranking.scoring import feature_list
from ranking.sources import SOURCES

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pandas as pd

    from evaluation.answers import Answers
    from evaluation.truth import NightTruth

PARTS = 5
SEEDS = (1, 2, 3)


def held_out(this: Night) -> dict[str, float]:
    """NDCG@10 of the held-out needs by what is known of them: `cold`, `warm`; and their number and searches."""
    from pyspark.sql import functions as F

    lake, day = this.lake, [this.run_date]
    stored = lake.read(NEEDS, day).select("need", "fold_key").distinct().toPandas()
    out = {n for n, key in zip(stored["need"], stored["fold_key"], strict=True) if fold_of(key, PARTS) == 0}
    features = feature_list()
    examples = read_examples(examples_path(this), features, folds=PARTS)
    taught = examples.only_groups(examples.folds != 0)
    rankers = [fit(taught, RankerParams.from_dict(dict(this.settings.ranker)), seed=s) for s in SEEDS]
    truth = truth_of(this)
    looked_up = lookups(this, truth)
    wanted = looked_up.entries.where(F.col("need").isin(sorted(out)))
    catalog = this.tracks(allow_unvalidated=False).select("track_id", "popularity").toPandas()
    proposed = lake.read(CANDIDATES, day).join(F.broadcast(wanted), ["locale", "need"])
    only_logs = F.size(F.array_except("sources", F.lit([s.name for s in SOURCES if s.reads_logs]))) == 0
    pairs = proposed.select(F.lit(this.run_date).alias("as_of"), "locale", "need", "track_id", only_logs.alias("heard"))
    needs = distinct_needs(lake.read(NEEDS, day))
    inputs = inputs_of(this, pairs.drop("heard"), (this.run_date,), daily_before(this, (this.run_date,)), needs)
    figures: dict[str, float] = {}
    for name in ("warm", "cold"):
        kept = stored_wordings(lake, day)
        rows = pairs
        if name == "cold":
            kept = kept.where(~F.col("need").isin(sorted(out)))
            rows = pairs.where(~F.col("heard"))
        given = replace(inputs, pairs=rows.drop("heard"), wordings=kept)
        with feature_frames(given) as frames:
            renamed = [frames[g].withColumnRenamed("as_of", "run_date") for g in ("need_track", "need", "track")]
            scored = matrix(*renamed).drop("run_date").toPandas()
        figures |= _judged(name, truth, looked_up, scored, catalog, rankers, list(features.names))
    return figures


def _judged(
    name: str,
    truth: NightTruth,
    looked_up: Lookups,
    scored: pd.DataFrame,
    catalog: pd.DataFrame,
    rankers: Sequence[Ranker],
    names: list[str],
) -> dict[str, float]:
    judge = Judge.of(truth, _answers_among(looked_up.answers, scored), scored, catalog)
    values = np.ascontiguousarray(judge.rows[names].to_numpy(dtype="float64"))
    ndcg = np.array([judge.ndcg(ranker.scores(values)) for ranker in rankers]).mean(axis=0)
    return {
        name: mean_over_groups(ndcg, judge.weight),
        f"{name} needs": float((judge.ideal > 0).sum()),
        f"{name} searches": float(judge.weight[judge.ideal > 0].sum()),
    }


def _answers_among(answers: Answers, scored: pd.DataFrame) -> Answers:
    known = set(zip(scored["locale"], scored["need"], strict=True))
    return {key: entry for key, entry in answers.items() if entry in known}


def main(arguments: list[str]) -> int:
    """Print the figures of the night that the settings name."""
    with night(settings_from_words(arguments)) as this:
        for name, value in held_out(this).items():
            print(f"{name}: {value:.4f}" if value < 1 else f"{name}: {value:,.0f}")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
