"""The parameters of the next trial: a fixed design, random points, or Optuna's TPE; trial n depends on what has ended, not on the clock."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal

from tuning.ledger import Ledger
from tuning.space import Dimension, Value, design, distributions, point

if TYPE_CHECKING:
    from optuna.samplers import BaseSampler
    from optuna.trial import Trial as Asked

SEARCHES = ("design", "tpe", "random")
OBJECTIVES = ("ndcg10", "comparisons")
_DIRECTIONS: dict[str, Literal["maximize", "minimize"]] = {"ndcg10": "maximize", "comparisons": "minimize"}


class Proposals:
    """Proposes the points of one sweep, one numbered trial after another, and learns from the trials that have ended.

    The random numbers of trial n are seeded by (seed, n) alone. One trial at a time, the points are therefore the same whether or
    not the sweep was interrupted and resumed; with several at a time they also depend on which trials had ended before.

    Args:
        search: one of `SEARCHES`. `design` knows all its points before the first trial. `tpe` is Optuna's multivariate
            tree-structured Parzen estimator (Bergstra et al. 2011; Falkner et al. 2018); points that are still running count as
            bad ones (constant liar, Ginsbourger et al. 2010), so that workers do not try the same point at once.
        space: the searched parameters.
        base: the parameters that are not searched.
        trials: number of trials of the whole sweep.
        seed: seed of the sweep.
        objectives: of `OBJECTIVES`; with both, TPE looks for the trials that reach much and cost little (its multi-objective form, Ozaki et
            al. 2022). It knows no stopped trials then: each counts with its best report.
    """

    def __init__(
        self,
        search: str,
        space: tuple[Dimension, ...],
        base: dict[str, Any],
        trials: int,
        seed: int,
        objectives: Sequence[str] = OBJECTIVES[:1],
    ) -> None:
        import optuna

        optuna.logging.set_verbosity(optuna.logging.ERROR)
        self.search, self.space, self.base, self.seed = search, space, base, seed
        self.startup = min(10, 2 + trials // 4)
        self._points = design(space, trials, seed) if search == "design" else []
        self._objectives = tuple(objectives)
        directions = [_DIRECTIONS[name] for name in self._objectives]
        self._study = optuna.create_study(directions=directions)
        self._running: dict[str, Asked] = {}

    def learn(
        self,
        params: Mapping[str, Any],
        curve: Sequence[tuple[int, float]],
        reached: tuple[float, float],
        stopped: bool,
    ) -> None:
        """Add a trial of an earlier run, or one that was not proposed here; a point outside of the space is left out.

        Args:
            params: the ranker parameters of the trial.
            curve: its reports as (trees, NDCG@10).
            reached: its best NDCG@10, and the comparisons of that model.
            stopped: whether it was stopped before its own end.
        """
        import optuna

        if self.search == "design" or (at := point(self.space, params, self.base)) is None:
            return
        is_single = len(self._objectives) == 1
        state = optuna.trial.TrialState.PRUNED if stopped and curve and is_single else optuna.trial.TrialState.COMPLETE
        self._study.add_trial(
            optuna.trial.create_trial(
                state=state,
                values=self._values(reached),
                params=at,
                distributions=distributions(self.space),
                intermediate_values=dict(curve) if is_single else {},
            )
        )

    def point(self, number: int) -> dict[str, Value] | None:
        """The searched parameters of trial `number` (1, 2, …); None if the design has no such point."""
        if self.search == "design":
            return self._points[number - 1] if number <= len(self._points) else None
        self._study.sampler = self._sampler(number)
        asked = self._study.ask(distributions(self.space))
        self._running[str(number)] = asked
        return dict(asked.params)

    def ended(
        self, number: str, curve: Sequence[tuple[int, float]], reached: tuple[float, float] | None, stopped: bool
    ) -> None:
        """Learn the outcome of a proposed trial: its best NDCG@10 and the comparisons of that model; None if it failed."""
        import optuna

        if (asked := self._running.pop(number, None)) is None:
            return
        if reached is None:
            self._study.tell(asked, state=optuna.trial.TrialState.FAIL)
            return
        is_single = len(self._objectives) == 1
        for trees, ndcg10 in curve if is_single else ():
            asked.report(ndcg10, trees)
        if stopped and is_single:
            self._study.tell(asked, state=optuna.trial.TrialState.PRUNED)
        else:
            self._study.tell(asked, self._values(reached))

    def _values(self, reached: tuple[float, float]) -> list[float]:
        of = dict(zip(OBJECTIVES, reached, strict=True))
        return [of[name] for name in self._objectives]

    def _sampler(self, number: int) -> BaseSampler:
        import warnings

        import optuna

        seed = int.from_bytes(hashlib.sha256(f"{self.seed}:{number}".encode()).digest()[:4], "big")
        if self.search == "random":
            return optuna.samplers.RandomSampler(seed=seed)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)  # of `multivariate`
            return optuna.samplers.TPESampler(
                seed=seed, n_startup_trials=self.startup, multivariate=True, constant_liar=True
            )


def taught(proposals: Proposals, ledger: Ledger) -> Proposals:
    """The proposals after they have learned every trial of a ledger, in its order."""
    for trial in ledger.trials:
        curve = ledger.curves.get(trial.trial_id, [])
        proposals.learn(trial.params, curve, (trial.valid_ndcg10, trial.comparisons), trial.state == "stopped")
    return proposals
