"""A sweep over ranker trials by Ray Tune with Optuna (TPE and ASHA, or a fixed design), in a child process (tuning.child)."""

from __future__ import annotations

import logging
import math
import os
import secrets
import shutil
import tempfile
import time
from pathlib import Path

from lake.errors import BadConfiguration, PlayfirstError
from ranking.dataset import FeatureList, read_examples
from ranking.ranker import RankerParams
from tuning.callback import trial_of
from tuning.errors import SweepFailed
from tuning.ledger import Ledger
from tuning.settings import SearchSettings
from tuning.space import Dimension, design, dimensions, distributions, point
from tuning.trial import TrialPlan, TrialRun, write_bins
from tuning.winner import DEFAULT_TRIAL, EARLIER_TRIAL, Winner, best_of

_SOCKET_ROOM = 40  # Ray adds about 65 characters to its temporary folder
METRIC = "best_ndcg10"


def ray_environment() -> dict[str, str]:
    """Environment variables that must be set before Ray is imported: no telemetry, a private token, no file in the home."""
    return {
        "RAY_USAGE_STATS_ENABLED": "0",
        "RAY_AUTH_MODE": "token",  # without a token in the environment Ray writes one to ~/.ray/auth_token
        "RAY_AUTH_TOKEN": secrets.token_hex(32),
        "TUNE_DISABLE_AUTO_CALLBACK_LOGGERS": "1",  # our ledger records the trials
        "RAY_AIR_NEW_OUTPUT": "0",
        "RAY_DEDUP_LOGS": "0",
        "OMP_WAIT_POLICY": "PASSIVE",  # LightGBM's idle threads would spin against the other trial
    }


def search(
    settings: SearchSettings, examples_path: Path, work_dir: Path, features: FeatureList, temporary: Path | None = None
) -> Winner:
    """Run (or resume) a sweep and return its winner; its ledger is `work_dir`/NAME/trials.jsonl.

    The default parameters are the first trial and run alone; the parameters of an earlier winner follow. The sweep ends after
    `trials` trials; with `prune` also at `time_budget_s`, of which the default may take half. Failed trials are listed in the
    winner. With `resume`, the finished trials of the same name are kept and not run again.

    Args:
        settings: the settings of the sweep.
        examples_path: the training examples on disk.
        work_dir: the folder that holds one folder per sweep.
        features: the features that the ranker is trained on.
        temporary: folder for Ray's files; it is deleted at the end. Default: a new one.

    Raises:
        SweepFailed: no trial finished, or all trials of this run failed.
        SweepMismatch: the ledger to resume was begun with other examples or settings.
    """
    began = time.monotonic()
    folder = work_dir / settings.name
    examples = read_examples(examples_path, features, settings.folds)
    identity = settings.identity(features, examples.fingerprint())
    ledger = Ledger(folder / "trials.jsonl")
    ledger.begin(identity, settings.resume)
    space = dimensions(settings.space)
    bins, own = folder / "bins", temporary or short_temporary_folder()
    try:
        if len(ledger.trials) < settings.trials:
            base = settings.base_params()
            earlier = RankerParams.from_dict(settings.earlier) if settings.earlier else base
            wanted = _max_bins(base, space) | {earlier.max_bin}
            used = write_bins(examples, bins, wanted, settings.folds, settings.concurrent)
            del examples
            plan = TrialPlan(
                str(bins.resolve()),
                used,
                features,
                settings.seed,
                settings.threads,
                settings.report_every,
                settings.max_trees,
                settings.patience,
            )
            budget_s = settings.time_budget_s if settings.prune else math.inf
            spent = _judged(DEFAULT_TRIAL, plan, base, ledger, budget_s / 2)
            if earlier != base:
                spent += _judged(EARLIER_TRIAL, plan, earlier, ledger, (budget_s - spent) / 2)
            _sweep(settings, plan, space, ledger, budget_s - spent, own)
    finally:
        shutil.rmtree(bins, ignore_errors=True)
        shutil.rmtree(own, ignore_errors=True)
    return best_of(
        ledger.trials,
        settings.name,
        identity,
        features.fingerprint,
        failures=tuple(ledger.failures),
        seconds=round(time.monotonic() - began, 3),
    )


def _judged(trial_id: str, plan: TrialPlan, params: RankerParams, ledger: Ledger, limit_s: float) -> float:
    """Evaluate parameters in this process, before Ray starts, unless the ledger holds the trial; returns the seconds spent."""
    if any(trial.trial_id == trial_id for trial in ledger.trials):
        return 0.0
    began = time.monotonic()
    run = TrialRun(plan, params)
    report = run.step()
    while not report.ended and time.monotonic() - began < limit_s:
        report = run.step()
    spent = time.monotonic() - began
    ledger.add(trial_of(trial_id, params, report, spent))
    return spent


def _sweep(
    settings: SearchSettings,
    plan: TrialPlan,
    space: tuple[Dimension, ...],
    ledger: Ledger,
    budget_s: float,
    temporary: Path,
) -> None:
    """Run the remaining trials of the sweep on a private Ray instance, which is always shut down."""
    left = settings.trials - len(ledger.trials)
    if left <= 0:
        return
    for key, value in ray_environment().items():
        os.environ.setdefault(key, value)
    before, failed_before = len(ledger.trials), len(ledger.failures)
    import ray

    try:
        ray.init(
            num_cpus=settings.concurrent * settings.threads,
            num_gpus=0,
            include_dashboard=False,
            object_store_memory=settings.object_store_mb * 2**20,
            _temp_dir=str(temporary),
            log_to_driver=False,
            logging_level=logging.ERROR,
            _node_ip_address="127.0.0.1",
            configure_logging=False,
        )
        _tune(settings, plan, space, ledger, left, budget_s, temporary)
    except PlayfirstError:
        raise
    except Exception as error:  # Ray raises many classes of error; all mean the same to the operator
        ledger.fail(f"Ray: {_one_line(error)}")
        if len(ledger.trials) > before:  # the finished trials are kept
            return
        raise SweepFailed(f"sweep {settings.name}: Ray failed: {_one_line(error)}; see its sweep.log") from error
    finally:
        ray.shutdown()
    failed = ledger.failures[failed_before:]
    if failed and len(ledger.trials) == before:
        raise SweepFailed(
            f"sweep {settings.name}: all {len(failed)} trials failed, the first: {failed[0]}; "
            "narrow the search space or see sweep.log beside its ledger"
        )


def _tune(
    settings: SearchSettings,
    plan: TrialPlan,
    space: tuple[Dimension, ...],
    ledger: Ledger,
    left: int,
    budget_s: float,
    storage: Path,
) -> None:
    import optuna
    from ray import tune
    from ray.tune.schedulers import ASHAScheduler
    from ray.tune.search import ConcurrencyLimiter
    from ray.tune.search.optuna import OptunaSearch

    from tuning.callback import ledger_callback, ranker_trainable

    optuna.logging.set_verbosity(optuna.logging.ERROR)
    base = settings.base_params().to_dict()
    asha = None
    if settings.prune:
        # TPE's default of 10 random points would be all of a small sweep; the seed gives a resumed sweep other points
        sampler = optuna.samplers.TPESampler(
            seed=settings.seed + len(ledger.trials), n_startup_trials=min(10, 2 + settings.trials // 4)
        )
        searcher = OptunaSearch(distributions(space), metric=METRIC, mode="max", sampler=sampler)
        for known in ledger.trials:
            if (at := point(space, known.params, base)) is not None:
                searcher.add_evaluated_point(at, known.valid_ndcg10)
        asha = ASHAScheduler(
            time_attr="trees",
            metric=METRIC,
            mode="max",
            max_t=settings.max_trees,
            reduction_factor=3,
            grace_period=min(settings.grace_trees, settings.max_trees),
        )
    else:
        judged = [trial.params for trial in ledger.trials]
        points = [p for p in design(space, settings.trials, settings.seed) if {**base, **p} not in judged][:left]
        searcher = OptunaSearch(distributions(space), metric=METRIC, mode="max", points_to_evaluate=points)
    recorder = ledger_callback(ledger, base)
    trainable = tune.with_parameters(ranker_trainable(), plan=plan, base=base)
    tuner = tune.Tuner(
        tune.with_resources(trainable, {"cpu": settings.threads}),
        tune_config=tune.TuneConfig(
            search_alg=ConcurrencyLimiter(searcher, max_concurrent=settings.concurrent),
            scheduler=asha,
            num_samples=left,
            reuse_actors=True,
            time_budget_s=budget_s if settings.prune else None,
        ),
        run_config=tune.RunConfig(
            name="sweep",
            storage_path=str(storage),
            verbose=0,
            callbacks=[recorder],
            failure_config=tune.FailureConfig(max_failures=0, fail_fast=False),
            checkpoint_config=tune.CheckpointConfig(checkpoint_at_end=False),
        ),
    )
    tuner.fit()
    recorder.close()


def _max_bins(base: RankerParams, space: tuple[Dimension, ...]) -> set[int]:
    """Every `max_bin` that a trial may use: a binned dataset cannot change it, so it must be fixed or a choice."""
    searched = [dimension for dimension in space if dimension.name == "max_bin"]
    if not searched:
        return {base.max_bin}
    if searched[0].kind != "choice":
        raise BadConfiguration("search_space: max_bin is a range, expected a choice such as [63, 255]: one file each")
    return {base.max_bin} | {int(value) for value in searched[0].values}


def short_temporary_folder() -> Path:
    """A new folder whose path leaves room for Ray's sockets: AF_UNIX paths end at 107 characters."""
    usual = tempfile.gettempdir()
    fits = len(usual) + len("/pf-12345678") <= _SOCKET_ROOM
    return Path(tempfile.mkdtemp(prefix="pf-", dir=usual if fits else "/tmp"))


def _one_line(error: BaseException) -> str:
    lines = [line for line in str(error).splitlines() if line.strip()]
    return f"{type(error).__name__}: {lines[-1].strip() if lines else 'no message'}"
