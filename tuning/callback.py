"""The adapter between Ray Tune and our trials: the trainable that its workers run, and the callback that writes the ledger."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from ranking.ranker import RankerParams
from tuning.ledger import Ledger, Trial
from tuning.trial import TrialPlan, TrialReport, TrialRun


def trial_of(trial_id: str, params: RankerParams, report: TrialReport | Mapping[str, Any], seconds: float) -> Trial:
    """A ledger row from a trial's last report: `completed` if it ended by itself, else `stopped`."""
    values = report if isinstance(report, Mapping) else asdict(report)
    best = (int(values["best_trees"]), float(values["best_ndcg10"]), float(values["best_se"]))
    return Trial(trial_id, params.to_dict(), *best, round(seconds, 3), "completed" if values["ended"] else "stopped")


def ranker_trainable() -> Any:
    """The class that Ray's workers run: one `TrialRun` at a time; a worker takes the next trial without a restart."""
    from ray import tune

    class RankerTrainable(tune.Trainable):
        """One step = `report_every` trees on every fold, then one report."""

        def setup(  # type: ignore[override]  # with_parameters adds these
            self, config: dict[str, Any], plan: TrialPlan, base: dict[str, Any]
        ) -> None:
            """Open the binned datasets; `config` holds the searched parameters only."""
            self.plan, self.base = plan, base
            self.run = TrialRun(plan, RankerParams.from_dict({**base, **config}))

        def step(self) -> dict[str, Any]:
            """The report that ASHA and Optuna receive; Ray reads `done`, and also sets it on trials that it stops."""
            report = self.run.step()
            return {**asdict(report), "done": report.ended}

        def reset_config(self, new_config: dict[str, Any]) -> bool:
            """Take the next trial's parameters in the same process (`reuse_actors`)."""
            self.run = TrialRun(self.plan, RankerParams.from_dict({**self.base, **new_config}))
            return True

    return RankerTrainable


def ledger_callback(ledger: Ledger, base: dict[str, Any]) -> Any:
    """A Tune callback that records each trial as it ends; its `close()` records the trials that the time budget stopped."""
    from ray import tune

    class LedgerCallback(tune.Callback):
        """Writes ledger rows from Ray's trials."""

        def __init__(self) -> None:
            self.running: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {}
            self.started: dict[str, float] = {}

        def on_trial_start(self, iteration: int, trials: list[Any], trial: Any, **_: Any) -> None:
            """Remember when the trial began."""
            self.started.setdefault(trial.trial_id, time.monotonic())

        def on_trial_result(
            self, iteration: int, trials: list[Any], trial: Any, result: dict[str, Any], **_: Any
        ) -> None:
            """Keep the last report, because a trial that the time budget stops gets no other event."""
            self.running[trial.trial_id] = (dict(trial.config), dict(result))

        def on_trial_complete(self, iteration: int, trials: list[Any], trial: Any, **_: Any) -> None:
            """Record a trial that is done or that ASHA stopped."""
            self._record(trial.trial_id)

        def on_trial_error(self, iteration: int, trials: list[Any], trial: Any, **_: Any) -> None:
            """Record the error in one line; the sweep goes on."""
            self.running.pop(trial.trial_id, None)
            lines = [line for line in str(trial.get_error() or "worker died").splitlines() if line.strip()]
            ledger.fail(f"{trial.trial_id} {dict(trial.config)}: {lines[-1].strip()}")

        def close(self) -> None:
            """Record the trials that were still running."""
            for trial_id in sorted(self.running):
                self._record(trial_id)

        def _record(self, trial_id: str) -> None:
            if trial_id in self.running:
                config, result = self.running.pop(trial_id)
                seconds = time.monotonic() - self.started.get(trial_id, time.monotonic())
                ledger.add(trial_of(trial_id, RankerParams.from_dict({**base, **config}), result, seconds))

    return LedgerCallback()
