"""The adapters between Ray Tune and our search: what its workers run, where its trials come from, which it stops, what is recorded."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from ranking.ranker import RankerParams
from tuning.halving import Halving, progress
from tuning.ledger import Curve, Ledger, Trial
from tuning.progress import Running, write_running
from tuning.proposals import Proposals
from tuning.trial import TrialPlan, TrialReport, TrialRun

TRIAL = "trial"  # key of a trial's number in Ray's configuration, beside its searched parameters


def trial_of(trial_id: str, params: RankerParams, report: TrialReport | Mapping[str, Any], seconds: float) -> Trial:
    """A ledger row from a trial's last report: `completed` if it ended by itself, else `stopped`."""
    values = report if isinstance(report, Mapping) else asdict(report)
    best = (int(values["best_trees"]), float(values["best_ndcg10"]), float(values["best_se"]))
    state = "completed" if values["ended"] else "stopped"
    return Trial(trial_id, params.to_dict(), *best, round(seconds, 3), state, float(values["comparisons"]))


def searched_of(config: Mapping[str, Any]) -> dict[str, Any]:
    """The searched parameters of a trial's configuration."""
    return {name: value for name, value in config.items() if name != TRIAL}


def ranker_trainable() -> Any:
    """The class that Ray's workers run: one `TrialRun` at a time; a worker takes the next trial without a restart."""
    from ray import tune

    class RankerTrainable(tune.Trainable):
        """One step = `report_every` trees on every fold, then one report."""

        def setup(  # type: ignore[override]  # with_parameters adds these
            self, config: dict[str, Any], plan: TrialPlan, base: dict[str, Any]
        ) -> None:
            """Open the binned datasets."""
            self.plan, self.base = plan, base
            self.run = TrialRun(plan, RankerParams.from_dict({**base, **searched_of(config)}))

        def step(self) -> dict[str, Any]:
            """The report that our scheduler receives; Ray reads `done`, and also sets it on trials that it stops."""
            report = self.run.step()
            return {**asdict(report), "done": report.ended}

        def reset_config(self, new_config: dict[str, Any]) -> bool:
            """Take the next trial's parameters in the same process (`reuse_actors`)."""
            self.run = TrialRun(self.plan, RankerParams.from_dict({**self.base, **searched_of(new_config)}))
            return True

    return RankerTrainable


def searcher(proposals: Proposals, numbers: list[int]) -> Any:
    """Ray's source of trials: the proposals with these numbers, in order."""
    from ray.tune.search import Searcher

    class NumberedSearcher(Searcher):
        """Gives each trial its number, and tells the proposals how it ended."""

        def __init__(self) -> None:
            super().__init__(metric="best_ndcg10", mode="max")
            self.left, self.curves = list(numbers), {}  # type: ignore[var-annotated]
            self.number_of: dict[str, int] = {}

        def suggest(self, trial_id: str) -> Any:
            """The configuration of the next trial."""
            if not self.left or (proposed := proposals.point(number := self.left[0])) is None:
                return Searcher.FINISHED
            self.left.pop(0)
            self.number_of[trial_id] = number
            return {TRIAL: number, **proposed}

        def on_trial_result(self, trial_id: str, result: dict[str, Any]) -> None:
            """Keep the reports: the sampler uses those of stopped trials, too."""
            self.curves.setdefault(trial_id, {})[int(result["trees"])] = float(result["ndcg10"])

        def on_trial_complete(self, trial_id: str, result: dict[str, Any] | None = None, error: bool = False) -> None:
            """Tell the proposals how the trial ended."""
            reports = self.curves.pop(trial_id, {})
            if result:  # Ray gives a searcher no report with which a trial ends
                reports[int(result["trees"])] = float(result["ndcg10"])
            curve: Curve = sorted(reports.items())
            reached = None if error or not result else (float(result["best_ndcg10"]), float(result["comparisons"]))
            proposals.ended(
                str(self.number_of[trial_id]), curve, reached, stopped=not (result or {}).get("ended", False)
            )

        def save(self, checkpoint_path: str) -> None:
            """Nothing: the ledger is what a resumed sweep goes on from."""

        def restore(self, checkpoint_path: str) -> None:
            """Nothing, as for `save`."""

    return NumberedSearcher()


def scheduler(halving: Halving, base: Mapping[str, Any]) -> Any:
    """Ray's scheduler that stops the trials which fall behind (`tuning.halving`); `base` has the parameters that are not searched."""
    from ray.tune.schedulers import FIFOScheduler

    class HalvingScheduler(FIFOScheduler):
        """Starts trials in order, and stops those below the cutoff of their rung."""

        def on_trial_result(self, tune_controller: Any, trial: Any, result: dict[str, Any]) -> str:
            """Whether the trial goes on after this report."""
            rate = float({**base, **trial.config}["learning_rate"])
            reached = progress(int(result["trees"]), rate)
            stops = halving.stops(str(trial.config[TRIAL]), reached, float(result["ndcg10"]))
            return FIFOScheduler.STOP if stops else FIFOScheduler.CONTINUE

    return HalvingScheduler()  # type: ignore[no-untyped-call]


def ledger_callback(
    ledger: Ledger, base: dict[str, Any], running: Path | None = None, on_report: Callable[[], None] = lambda: None
) -> Any:
    """A Tune callback that records each trial as it ends; its `close()` records the trials that the time budget stopped.

    Args:
        ledger: the ledger of the sweep.
        base: the parameters that are not searched.
        running: a file for the state of the running trials (`tuning.progress`); None for none.
        on_report: called when that file is written.
    """
    from ray import tune

    class LedgerCallback(tune.Callback):
        """Writes ledger rows from Ray's trials."""

        def __init__(self) -> None:
            self.reports: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {}
            self.curves: dict[str, dict[int, float]] = {}
            self.parts: dict[str, tuple[float | None, ...]] = {}
            self.started: dict[str, float] = {}
            self.shown = 0.0

        def on_trial_start(self, iteration: int, trials: list[Any], trial: Any, **_: Any) -> None:
            """Remember when the trial began."""
            self.started.setdefault(_id(trial), time.monotonic())

        def on_trial_result(
            self, iteration: int, trials: list[Any], trial: Any, result: dict[str, Any], **_: Any
        ) -> None:
            """Keep the last report, because a trial that the time budget stops gets no other event."""
            name = _id(trial)
            self.reports[name] = (searched_of(trial.config), dict(result))
            self.curves.setdefault(name, {})[int(result["trees"])] = round(float(result["ndcg10"]), 6)
            if parts := result.get("parts"):
                self.parts[name] = tuple(parts)
            if running is not None and time.monotonic() - self.shown > 0.5:
                self.shown = time.monotonic()
                on_report()
                write_running(running, [self._running(name) for name in sorted(self.reports)])

        def on_trial_complete(self, iteration: int, trials: list[Any], trial: Any, **_: Any) -> None:
            """Record a trial that is done or that ASHA stopped."""
            self._record(_id(trial))

        def on_trial_error(self, iteration: int, trials: list[Any], trial: Any, **_: Any) -> None:
            """Record the error in one line; the sweep goes on."""
            self.reports.pop(_id(trial), None)
            ledger.fail(f"{_id(trial)} {searched_of(trial.config)}: {_error_of(trial)}", _id(trial))

        def close(self) -> None:
            """Record the trials that were still running."""
            for name in sorted(self.reports):
                self._record(name)

        def _running(self, name: str) -> Running:
            report = self.reports[name][1]
            seconds = time.monotonic() - self.started.get(name, time.monotonic())
            return Running(name, int(report["trees"]), float(report["best_ndcg10"]), round(seconds, 1))

        def _record(self, name: str) -> None:
            if name in self.reports:
                searched, result = self.reports.pop(name)
                seconds = time.monotonic() - self.started.get(name, time.monotonic())
                trial = trial_of(name, RankerParams.from_dict({**base, **searched}), result, seconds)
                ledger.add(trial, sorted(self.curves.pop(name, {}).items()), self.parts.pop(name, ()))

    return LedgerCallback()


def _error_of(trial: Any) -> str:
    """The last line of the trial's newest error: from Ray's working file, which reaches the storage only after this callback."""
    file = Path(trial.error_file) if getattr(trial, "error_file", None) else None
    text = file.read_text() if file is not None and file.exists() else str(trial.get_error() or "")
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return lines[-1] if lines else "its process died; see sweep.log for why"


def _id(trial: Any) -> str:
    """The trial's number, which is the same in a resumed sweep; Ray's own id is not."""
    return str(trial.config.get(TRIAL, trial.trial_id))
