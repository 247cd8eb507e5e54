"""A sweep over ranker trials on Ray Tune: our proposals (Optuna's TPE or a fixed design) and halving, in a child process (tuning.child)."""

from __future__ import annotations

import json
import logging
import math
import os
import secrets
import socket
import tempfile
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import replace
from pathlib import Path

from evaluation.stored_scores import FILE, stored_ndcg10, write_scores
from lake.errors import BadConfiguration, PlayfirstError
from lake.store import write_file
from ranking.dataset import FeatureList, load_library
from ranking.ranker import RankerParams
from tuning.callback import trial_of
from tuning.data import prepared, still_used
from tuning.errors import SweepFailed
from tuning.estimates import FACTS, with_estimates
from tuning.halving import Halving
from tuning.ledger import LEDGER, Ledger, Trial
from tuning.nodes import check_nodes
from tuning.progress import RUNNING, Running, write_running
from tuning.proposals import Proposals, taught
from tuning.recommend import recommended
from tuning.settings import SearchSettings
from tuning.space import Dimension, dimensions
from tuning.trial import TrialPlan, TrialRun, run_to
from tuning.winner import DEFAULT_TRIAL, EARLIER_TRIAL, Winner, best_of

_SOCKET_ROOM = 40  # Ray adds about 65 characters to its temporary folder
_LATE = "timed out during startup"  # in the words of ray/_private/node.py
_SAME_NDCG = 1e-6  # between a trial's report, with one thread, and its stored scores, with several
SEED_STEP = 1000  # between the seeds of two fits; fold f of a fit takes its seed + f


def ray_environment(address: str = "") -> dict[str, str]:
    """Environment variables that must be set before Ray is imported: no telemetry, a private token, no file in the home.

    An existing cluster, at `address`, has its own way to know who may join: the variables of the caller stay.
    """
    # without a token in the environment Ray writes one to ~/.ray/auth_token
    private = {} if address else {"RAY_AUTH_MODE": "token", "RAY_AUTH_TOKEN": secrets.token_hex(32)}
    return private | {
        "RAY_USAGE_STATS_ENABLED": "0",
        "TUNE_DISABLE_AUTO_CALLBACK_LOGGERS": "1",  # our ledger records the trials
        "RAY_AIR_NEW_OUTPUT": "0",
        "RAY_DEDUP_LOGS": "0",
        "OMP_WAIT_POLICY": "PASSIVE",  # LightGBM's idle threads would spin against the other trial
    }


def search(
    settings: SearchSettings,
    examples_path: Path,
    work_dir: Path,
    bins: Path,
    features: FeatureList,
    temporary: Path,
) -> Winner:
    """Run (or resume) a sweep and return its winner; its ledger is `work_dir`/NAME/trials.jsonl.

    Ray starts while the data are prepared and the default parameters are judged. A private instance is left running: its shutdown
    takes seconds, and the caller ends all processes that this one started (`tuning.child`).

    The default parameters are the first trial and run alone. The parameters of an earlier winner follow: those of the settings, or
    with `recommend` those that won on the most similar data. The sweep ends after
    `trials` trials; with `prune` also at `time_budget_s`, of which the default may take half. Failed trials are listed in the
    winner. With `resume`, the finished trials of the same name are kept and not run again, and their time counts.

    Args:
        settings: the settings of the sweep.
        examples_path: the training examples on disk.
        work_dir: the folder that holds one folder per sweep.
        bins: the folder with the binned data, which sweeps over the same examples share.
        features: the features that the ranker is trained on.
        temporary: folder for Ray's files; the caller deletes it.

    Raises:
        SweepFailed: no trial finished, or all trials of this run failed, or the disk is full.
        SweepMismatch: the ledger to resume was begun with other examples or settings.
    """
    began = time.monotonic()
    _check_reachable(settings)
    folder = work_dir / settings.name
    space, base = dimensions(settings.space), settings.base_params()
    ledger = Ledger(folder / LEDGER)
    before = len(ledger.trials) + len(ledger.failed) if settings.resume else 0
    ray_started = _ray_starting(settings, temporary) if settings.trials > max(before, 1) else None
    data = prepared(examples_path, features, settings, _max_bins(base, space), bins)
    identity = settings.identity(features, data.fingerprint)
    ledger.begin(identity, settings.resume)
    # for a winner of what is finished, if this is killed
    write_file(folder / FACTS, json.dumps(data.facts(), indent=1).encode())
    advice = recommended(work_dir, data, features.fingerprint, settings.name) if settings.recommend else None
    judged = next((trial.params for trial in ledger.trials if trial.trial_id == EARLIER_TRIAL), None)
    given = judged or settings.earlier or (advice.params if advice else None)
    earlier = RankerParams.from_dict(given) if given else base
    prepared(examples_path, features, settings, {earlier.max_bin}, bins)
    plan = TrialPlan(
        str(data.folder.resolve()),
        data.folds,
        features,
        settings.seed,
        settings.threads,
        settings.report_every,
        settings.max_trees,
        settings.patience,
    )
    presets = {DEFAULT_TRIAL: base} | ({EARLIER_TRIAL: earlier} if earlier != base else {})
    ended = {trial.trial_id for trial in ledger.trials} | ledger.failed
    numbers = [n for n in range(1, settings.trials - len(presets) + 1) if str(n) not in ended]
    is_whole = True
    try:
        if len(ended) < settings.trials:
            spent = sum(t.seconds for t in ledger.trials) / settings.concurrent if settings.resume else 0.0
            budget_s = max(settings.time_budget_s - spent, 1.0) if settings.prune else math.inf
            for trial_id, params in presets.items():
                budget_s -= _judged(trial_id, plan, params, ledger, budget_s / 2)
            if numbers and ray_started is not None:
                is_whole = _sweep(settings, plan, space, ledger, numbers, budget_s, temporary, ray_started)
    finally:
        if settings.address and ray_started is not None:
            _leave_cluster()
    winner = best_of(
        ledger.trials,
        settings.name,
        identity,
        features.fingerprint,
        settings.cheapest_within,
        failures=tuple(ledger.failures),
        is_whole=is_whole,
    )
    _check_seeds(settings, plan, ledger, winner)
    return replace(
        with_estimates(winner, ledger, data.facts(), settings.seed),
        advice=advice.why if advice and advice.params == given else "",
        seconds=round(time.monotonic() - began, 3),
    )


def _check_seeds(settings: SearchSettings, plan: TrialPlan, ledger: Ledger, winner: Winner) -> None:
    """Fit the best and the default parameters with `seeds` seeds each, the sweep's own included, and record what they reach.

    The scores of the best with the sweep's own seed are stored, and their NDCG@10 is computed again from the file.

    Raises:
        SweepFailed: it is not what the trial reported.
    """
    file = ledger.path.with_name(FILE)
    default = next((trial for trial in winner.rows if trial.trial_id == DEFAULT_TRIAL), None)
    checked = {trial.trial_id: trial for trial in (winner.best, default) if trial is not None}
    for trial_id, trial in checked.items() if settings.seeds > 1 else ():
        for seed in range(settings.seed, settings.seed + settings.seeds * SEED_STEP, SEED_STEP):
            is_stored = trial_id == winner.best.trial_id and seed == settings.seed
            if seed in ledger.seeds.get(trial_id, {}) and not (is_stored and not file.exists()):
                continue
            still_used(plan.bins)
            again = replace(plan, seed=seed, threads=settings.threads * settings.concurrent)
            run = run_to(again, RankerParams.from_dict(trial.params), trial.trees)
            ledger.add_seed(trial_id, seed, run.report.ndcg10)
            if is_stored:
                write_scores(
                    file, [(labels.grades, fit.valid_scores(), labels.group_sizes) for fit, labels in run.fits]
                )
                _refuse_other(settings.name, file, trial)


def _refuse_other(name: str, file: Path, trial: Trial) -> None:
    recomputed = stored_ndcg10(file)
    if abs(recomputed - trial.valid_ndcg10) > _SAME_NDCG:
        raise SweepFailed(
            f"sweep {name}: trial {trial.trial_id} reported NDCG@10 {trial.valid_ndcg10:.9f}, its scores in {file.name} have "
            f"{recomputed:.9f}: the sweep's figures are not to be trusted; report this with the sweep's folder"
        )


def _judged(trial_id: str, plan: TrialPlan, params: RankerParams, ledger: Ledger, limit_s: float) -> float:
    """Evaluate parameters in this process, before Ray starts, unless the ledger holds the trial; returns the seconds spent."""
    if any(trial.trial_id == trial_id for trial in ledger.trials):
        return 0.0
    began = time.monotonic()
    run = TrialRun(plan, params)
    report, curve = run.step(), []
    parts: tuple[float | None, ...] = ()
    while True:
        curve.append((report.trees, round(report.ndcg10, 6)))
        parts = report.parts or parts
        spent = time.monotonic() - began
        still_used(plan.bins)
        write_running(ledger.path.with_name(RUNNING), [Running(trial_id, report.trees, report.best_ndcg10, spent)])
        if report.ended or spent >= limit_s:
            ledger.add(trial_of(trial_id, params, report, spent), curve, parts)
            return spent
        report = run.step()


def _check_reachable(settings: SearchSettings) -> None:
    """Raise SweepFailed if nothing listens at `address`: Ray itself would try for minutes."""
    host, _, port = settings.address.partition(":")
    if not port:
        return
    try:
        socket.create_connection((host, int(port)), timeout=10).close()
    except OSError as error:
        raise _no_cluster(settings, error) from error


def _no_cluster(settings: SearchSettings, error: Exception) -> SweepFailed:
    return SweepFailed(
        f"sweep {settings.name}: no Ray cluster at tuning.address={settings.address} that this machine is a node of "
        f"({_one_line(error)}). Start one (`ray start --head`, `ray start --address=…`), or leave tuning.address out"
    )


def _start_ray(settings: SearchSettings, temporary: Path) -> None:
    """Join the cluster of `address`, or start a private Ray instance.

    A private one is started again if a busy machine lets Ray's fixed 30 s pass, while `start_limit_s` lasts.
    """
    import ray

    # else it warns that it does not handle SIGTERM in this thread: `tuning.child` ends what it has started
    logging.getLogger("ray").setLevel(logging.ERROR)
    if settings.address:
        try:
            ray.init(
                address=settings.address, log_to_driver=False, logging_level=logging.ERROR, configure_logging=False
            )
        except (ConnectionError, ValueError) as error:
            raise _no_cluster(settings, error) from error
        return
    until = time.monotonic() + settings.start_limit_s
    while True:
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
            return
        except Exception as error:  # Ray has no class of its own for it
            ray.shutdown()
            if _LATE not in str(error) or time.monotonic() > until:
                raise


def _ray_starting(settings: SearchSettings, temporary: Path) -> Callable[[], None]:
    """Start Ray in a thread; the returned function waits until Ray runs, and raises the error of its start."""
    load_library()  # what both threads import must not be half imported by one when the other needs it
    for key, value in ray_environment(settings.address).items():
        os.environ.setdefault(key, value)
    started: Future[None] = Future()

    def start() -> None:
        try:
            _start_ray(settings, temporary)
            import ray.tune  # noqa: F401  # a second of imports beside the work of the other thread
        except BaseException as error:
            started.set_exception(error)
        else:
            started.set_result(None)
            threading.Event().wait()  # Linux ends Ray's processes when the thread that started them ends (PR_SET_PDEATHSIG)

    threading.Thread(target=start, daemon=True).start()
    return started.result


def _leave_cluster() -> None:
    import ray

    ray.shutdown()


def _sweep(
    settings: SearchSettings,
    plan: TrialPlan,
    space: tuple[Dimension, ...],
    ledger: Ledger,
    numbers: list[int],
    budget_s: float,
    temporary: Path,
    ray_started: Callable[[], None],
) -> bool:
    """Run the trials with these numbers on Ray.

    Returns:
        Whether they came to their end: False if Ray failed before, and the trials that were finished by then are kept.

    Raises:
        SweepFailed: no trial finished; or Ray failed, and without `prune`: what would have finished then depends on the machine.
    """
    before, failed_before = len(ledger.trials), len(ledger.failures)
    try:
        ray_started()
        if settings.address:
            check_nodes(settings.name, plan.bins)
        _tune(settings, plan, space, ledger, numbers, budget_s, temporary)
    except PlayfirstError:
        raise
    except Exception as error:  # Ray raises many classes of error; all mean the same to the operator
        ledger.fail(f"Ray: {_one_line(error)}")
        if settings.prune and len(ledger.trials) > before:
            return False
        raise SweepFailed(f"sweep {settings.name}: Ray failed: {_one_line(error)}; see its sweep.log") from error
    failed = ledger.failures[failed_before:]
    if failed and len(ledger.trials) == before:
        raise SweepFailed(
            f"sweep {settings.name}: all {len(failed)} trials failed, the first: {failed[0]}; "
            "narrow the search space or see sweep.log beside its ledger"
        )
    return True


def _tune(
    settings: SearchSettings,
    plan: TrialPlan,
    space: tuple[Dimension, ...],
    ledger: Ledger,
    numbers: list[int],
    budget_s: float,
    storage: Path,
) -> None:
    from ray import tune
    from ray.tune.logger import JsonLoggerCallback
    from ray.tune.search import ConcurrencyLimiter

    from tuning.callback import ledger_callback, ranker_trainable, scheduler, searcher

    base = settings.base_params().to_dict()
    proposals = taught(
        Proposals(settings.search, space, base, settings.trials, settings.seed, settings.objectives), ledger
    )
    stopping = None
    if settings.prune:
        halving = Halving(min(settings.grace_trees, settings.max_trees), settings.max_trees)
        for trial in ledger.trials:
            curve, rate = ledger.curves.get(trial.trial_id, []), float(trial.params["learning_rate"])
            if trial.state == "completed":  # Ray gives a scheduler no report with which a trial ends by itself
                curve = curve[:-1]
            halving.replay(trial.trial_id, curve, rate)
        stopping = scheduler(halving, base)
    recorder = ledger_callback(ledger, base, ledger.path.with_name(RUNNING), lambda: still_used(plan.bins))
    trainable = tune.with_parameters(ranker_trainable(), plan=plan, base=base)
    tuner = tune.Tuner(
        tune.with_resources(trainable, {"cpu": settings.threads}),
        tune_config=tune.TuneConfig(
            search_alg=ConcurrencyLimiter(searcher(proposals, numbers), max_concurrent=settings.concurrent),
            scheduler=stopping,
            num_samples=len(numbers),
            reuse_actors=True,
            time_budget_s=budget_s if settings.prune else None,
        ),
        run_config=tune.RunConfig(
            name="sweep",
            storage_path=str(storage),
            verbose=0,
            # Tune complains of each trial whose result.json is missing when it ends
            callbacks=[recorder, JsonLoggerCallback()],  # type: ignore[no-untyped-call]
            failure_config=tune.FailureConfig(max_failures=settings.retries, fail_fast=False),
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
