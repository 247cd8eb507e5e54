"""Which searched parameters decided whether a trial was among the best."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import Any

from tuning.ledger import Trial
from tuning.space import Dimension, distributions, point

LEAST_TRIALS = 20  # with fewer, the best tenth is one trial or two


def importance(space: tuple[Dimension, ...], base: dict[str, Any], trials: Sequence[Trial]) -> dict[str, float]:
    """The share of each searched parameter in what sets the best tenth of the trials apart, greatest first; they sum to 1.

    PED-ANOVA (Watanabe et al. 2023, IJCAI), by Optuna. Empty for fewer than `LEAST_TRIALS` trials in the space.

    Args:
        space: the searched parameters.
        base: the parameters that are not searched.
        trials: the finished trials.
    """
    import optuna

    points = [(at, t.valid_ndcg10) for t in trials if (at := point(space, t.params, base)) is not None]
    if len(points) < LEAST_TRIALS:
        return {}
    study = optuna.create_study(direction="maximize")
    spread = distributions(space)
    study.add_trials(
        [optuna.trial.create_trial(params=at, distributions=spread, value=reached) for at, reached in points]
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # Optuna calls the method experimental
        shares = optuna.importance.get_param_importances(
            study, evaluator=optuna.importance.PedAnovaImportanceEvaluator()
        )
    return {name: round(float(share), 4) for name, share in shares.items()}
