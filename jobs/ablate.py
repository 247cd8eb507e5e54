"""Measure what each feature family contributes, by the simulator's truth: fit the ranker with and without it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import hydra
import numpy as np
from omegaconf import DictConfig

from evaluation.ablation import ablation, print_ablation, write_ablation
from evaluation.judge import Judge
from features.catalogue import FAMILIES, columns
from lake.errors import BadConfiguration
from night.arms import matrix_of
from night.command import run_command
from night.examples import examples_path
from night.night import Done, Night, run_alone
from night.truth import ablation_file, judged_mark, lookups, truth_of
from ranking.dataset import read_examples
from ranking.ranker import RankerParams, fit
from ranking.scoring import feature_list
from ranking.trying import examples_without

if TYPE_CHECKING:
    from numpy.typing import NDArray

SEEDS = (1, 2, 3)


def run(night: Night) -> Done:
    """Fit with all families and without each, and score the night's candidates with every fit; writes reports/ablation.json."""
    truth = truth_of(night)
    features, threads = feature_list(), night.settings.tuning.threads
    params = RankerParams.from_dict(dict(night.settings.ranker))
    examples = read_examples(examples_path(night), features)
    looked_up = lookups(night, truth)
    candidates = matrix_of(night, looked_up.entries)
    catalog = night.tracks(allow_unvalidated=False).select("track_id", "popularity").toPandas()
    judge = Judge.of(truth, looked_up.answers, candidates, catalog)
    values = judge.rows[list(features.names)].to_numpy(dtype="float64")
    scores: dict[str, list[NDArray[np.float64]]] = {}
    family_of = {c.name: c.feature.family for c in columns()}
    gain = dict.fromkeys(FAMILIES, 0.0)
    for left_out in ("", *FAMILIES):
        kept = np.array([family_of[n] != left_out for n in features.names])
        if not kept.any():
            raise BadConfiguration(f"the catalogue has no family beside {left_out}: nothing is left to train with.")
        fewer = examples_without(examples, [n for n in features.names if family_of[n] == left_out])
        rankers = [fit(fewer, params, seed=s, threads=threads) for s in SEEDS]
        scores[left_out] = [r.scores(np.ascontiguousarray(values[:, kept])) for r in rankers]
        if not left_out:
            for name, part in zip(features.names, rankers[0].booster.feature_importance("gain"), strict=True):
                gain[family_of[name]] += float(part)
    total = max(sum(gain.values()), 1e-300)
    per_family = {f: sum(of == f for of in family_of.values()) for f in FAMILIES}
    result = ablation(
        judge, night.run_date, judged_mark(night), scores, per_family, {f: g / total for f, g in gain.items()}
    )
    out = ablation_file(night.settings)
    write_ablation(result, out)
    print_ablation(result)
    return Done(len(examples.grades), len(FAMILIES), f"NDCG@10 {result.ndcg10:.4f} with all; {out}")


@hydra.main(version_base="1.3", config_path="pkg://conf", config_name="night")
def main(config: DictConfig) -> None:
    """Run this step alone."""
    run_alone("ablate", run, config)


if __name__ == "__main__":
    run_command(main, "jobs.ablate")
