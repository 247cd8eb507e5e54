"""A sweep beside a bare Optuna loop with `lgb.train` and beside Ray's plain example: the same trials, folds and data in each arm.

python -m benchmarks.tuning [--examples FOLDER] [--trials 30] [--trees 100] [--repeats 3] [--json FILE]
python -m benchmarks.tuning --kills 100       kill -9 at random moments, resume, and compare with an uninterrupted sweep
python -m benchmarks.tuning --halving LEDGER  what rungs by trees and by shrinkage would have cost and lost in a sweep without pruning

Each arm is a process of its own, timed from its start to its end with everything that it needs. Every trial grows `--trees` trees a
fold with one thread and is evaluated every ten trees by the same NDCG@10; the arms must reach the same values, to the last digit
but one. Pruning is off. Without `--examples` the data are made by numpy.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import threading
import time
import uuid
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np

from ranking.dataset import Examples, FeatureList, binning, need_weights, read_examples
from ranking.ranker import DECIMALS, RankerParams, ndcg_of_queries
from tuning.child import parent_of, run_search_in_child, started_by
from tuning.errors import SweepFailed
from tuning.halving import Halving, progress
from tuning.ledger import LEDGER, Ledger
from tuning.progress import RUNNING
from tuning.proposals import Proposals
from tuning.settings import SearchSettings
from tuning.space import dimensions

SPACE = {
    "learning_rate": {"type": "loguniform", "low": 0.02, "high": 0.2},
    "num_leaves": {"type": "logint", "low": 15, "high": 63},
    "min_data_in_leaf": {"type": "logint", "low": 20, "high": 200},
    "feature_fraction": {"type": "uniform", "low": 0.4, "high": 1.0},
}
FOLDS, EVERY = 2, 10
ARMS = ("bare", "bare_two_threads", "two_bare_loops", "one_worker", "two_workers", "plain_ray")
HALVES = ("bare_even", "bare_odd")  # the two processes of two_bare_loops


@dataclass(frozen=True)
class Work:
    """What every arm does: the examples, how many trials and trees."""

    examples: Path
    trials: int
    trees: int

    def settings(self, name: str, workers: int) -> SearchSettings:
        """The sweep of our own arms."""
        return SearchSettings(
            name,
            SPACE,
            RankerParams().to_dict(),
            trials=self.trials,
            time_budget_s=36_000,
            prune=False,
            folds=FOLDS,
            max_trees=self.trees,
            start_limit_s=600,
            patience=self.trees,
            report_every=EVERY,
            concurrent=workers,
            search="random",
        )

    def points(self) -> list[RankerParams]:
        """The parameters of every trial: the default, then what our random search proposes."""
        settings = self.settings("points", 1)
        proposals = Proposals("random", dimensions(SPACE), settings.base, self.trials, settings.seed)
        searched = [proposals.point(number) or {} for number in range(1, self.trials)]
        return [RankerParams(), *(RankerParams.from_dict({**settings.base, **point}) for point in searched)]

    def features(self) -> FeatureList:
        """Every column of the examples that starts with `f_`, or all numeric ones beside the keys of real examples."""
        import pyarrow.dataset as ds

        names = ds.dataset(self.examples, format="parquet").schema.names
        columns = tuple(name for name in names if name.startswith("f_"))
        if columns:
            return FeatureList(columns, (0,) * len(columns), "made by numpy")
        from ranking.scoring import feature_list

        return feature_list()


def made_examples(folder: Path, needs: int = 1500, rows: int = 20, columns: int = 60) -> Path:
    """Examples with a known order, as Parquet: three snapshots, grades that follow a few of the columns."""
    import pandas as pd

    rng = np.random.default_rng(0)
    count = needs * rows * 3
    values = rng.normal(size=(count, columns))
    worth = values[:, :4] @ np.array([1.0, 0.6, -0.5, 0.3]) + values[:, 4] * values[:, 5] + rng.normal(size=count)
    need, span = (np.arange(count) // rows) % needs, np.arange(count) // (rows * needs)
    keys = {
        "as_of": np.array(["2026-10-01", "2026-10-08", "2026-10-15"], dtype="datetime64[D]")[span],
        "track_id": [f"t{i % rows}" for i in range(count)],
        "fold_key": [f"n{n}" for n in need],
        "qid": span * needs + need,
        "split": np.where(span == 2, "valid", "train"),
        "grade": np.clip(np.floor(worth), 0, 4).astype(np.int32),
        "relevance": 1 / (1 + np.exp(-worth)),
        "weight": rng.gamma(1, 5, size=count),
    }
    frame = pd.concat([pd.DataFrame(keys), pd.DataFrame(values, columns=[f"f_{i}" for i in range(columns)])], axis=1)
    folder.mkdir(parents=True, exist_ok=True)
    frame.to_parquet(folder / "examples.parquet", index=False)
    return folder


def folds_of(examples: Examples) -> list[tuple[Examples, Examples]]:
    """(known, held out) of each fold, as our own trials split them."""
    train, valid = examples.halves()
    return [
        (train.only_groups(train.folds != fold), valid.only_groups(valid.folds == fold))
        for fold in sorted(set(valid.folds.tolist()))
    ]


def grown(params: RankerParams, features: FeatureList, data: Sequence[Any], trees: int, threads: int) -> float:
    """Grow one trial by `lgb.train` on Datasets that exist, evaluate it every ten trees; its best pooled NDCG@10.

    Args:
        params: the parameters.
        features: the feature columns.
        data: (train Dataset, valid Dataset, held-out examples) of each fold.
        trees: trees of each fold.
        threads: LightGBM's threads.
    """
    import lightgbm as lgb

    curves: list[list[Any]] = []
    for fold, (train, valid, held_out) in enumerate(data):
        curve: list[Any] = []

        def evaluate(env: Any, curve: list[Any] = curve, held_out: Examples = held_out) -> None:
            def ndcg(scores: Any, _: Any) -> tuple[str, float, bool]:
                rounded = np.round(scores, DECIMALS)
                curve.append(ndcg_of_queries(held_out.grades, rounded, held_out.group_sizes))
                return "ndcg", 0.0, True

            if (env.iteration + 1) % EVERY == 0:
                env.model.eval_valid(feval=ndcg)

        settings = params.for_lightgbm(features, 1 + fold, threads)
        lgb.train(settings, train, trees, valid_sets=[valid], valid_names=["valid"], callbacks=[evaluate])
        curves.append(curve)
    return max(float(np.nanmean(np.concatenate(step))) for step in zip(*curves, strict=True))


def datasets(folds: Sequence[tuple[Examples, Examples]], threads: int) -> list[Any]:
    """LightGBM's Datasets of each fold, built from the matrix, with the weights that our trials have."""
    import lightgbm as lgb

    built = []
    for known, held_out in folds:
        bins = binning(RankerParams().max_bin, threads)
        weight = need_weights(known.weights, known.group_sizes)
        train = lgb.Dataset(
            known.matrix, known.grades, group=known.group_sizes, weight=weight, params=bins, free_raw_data=False
        )
        valid = lgb.Dataset(
            held_out.matrix,
            held_out.grades,
            group=held_out.group_sizes,
            reference=train,
            params=bins,
            free_raw_data=False,
        )
        built.append((train, valid, held_out))
    return built


def bare(work: Work, threads: int, which: slice = slice(None)) -> list[float]:
    """An Optuna study over `lgb.train`, in one process: what a scientist writes in half an hour. `which` of the trials it runs."""
    import optuna

    optuna.logging.set_verbosity(optuna.logging.ERROR)
    features, points = work.features(), work.points()[which]
    data = datasets(folds_of(read_examples(work.examples, features, FOLDS)), threads)
    study = optuna.create_study(direction="maximize", sampler=optuna.samplers.RandomSampler(seed=1))
    for params in points:
        study.enqueue_trial({name: params.to_dict()[name] for name in SPACE})

    def objective(trial: Any) -> float:
        names = {
            "learning_rate": trial.suggest_float("learning_rate", 0.02, 0.2, log=True),
            "num_leaves": trial.suggest_int("num_leaves", 15, 63, log=True),
            "min_data_in_leaf": trial.suggest_int("min_data_in_leaf", 20, 200, log=True),
            "feature_fraction": trial.suggest_float("feature_fraction", 0.4, 1.0),
        }
        return grown(replace(RankerParams(), **names), features, data, work.trees, threads)

    study.optimize(objective, n_trials=len(points))
    return [float(trial.value or 0.0) for trial in study.trials]


def two_bare_loops(work: Work, home: Path) -> list[float]:
    """Two bare loops at once, each over every second trial and with one thread: what this machine gives two workers at best."""
    outs = [home / f"{half}.json" for half in HALVES]
    common = ["--examples", work.examples, "--trials", work.trials, "--trees", work.trees, "--home", home]
    commands = [
        [sys.executable, "-m", "benchmarks.tuning", "--arm", half, "--out", str(out), *map(str, common)]
        for half, out in zip(HALVES, outs, strict=True)
    ]
    started = [subprocess.Popen(command, stdin=subprocess.DEVNULL) for command in commands]
    if any(process.wait() for process in started):
        raise SystemExit("benchmarks.tuning: a half of two_bare_loops failed")
    reached = [0.0] * work.trials
    for first, out in enumerate(outs):
        reached[first::2] = json.loads(out.read_text())
    return reached


def plain_ray(work: Work) -> list[float]:
    """Ray's LightGBM example: a function a trial, which gets the frame by `with_parameters` and builds its own Datasets."""
    from tuning.search import ray_environment, short_temporary_folder

    os.environ.update(ray_environment())
    import ray
    from ray import tune

    features, points = work.features(), work.points()
    folds = folds_of(read_examples(work.examples, features, FOLDS))
    storage = short_temporary_folder()
    ray.init(
        num_cpus=2, include_dashboard=False, _temp_dir=str(storage), log_to_driver=False, _node_ip_address="127.0.0.1"
    )

    def trainable(config: dict[str, Any], folds: Any) -> None:
        reached = grown(RankerParams.from_dict(config["params"]), features, datasets(folds, 1), work.trees, 1)
        tune.report({"ndcg10": reached})

    tuner = tune.Tuner(
        tune.with_resources(tune.with_parameters(trainable, folds=folds), {"cpu": 1}),
        param_space={"params": tune.grid_search([params.to_dict() for params in points])},
        run_config=tune.RunConfig(storage_path=str(storage), verbose=0),
    )
    results = tuner.fit()
    reached = [float((results[place].metrics or {})["ndcg10"]) for place in range(len(results))]
    ray.shutdown()
    return reached


def ours(work: Work, workers: int, home: Path) -> list[float]:
    """Our sweep, in its child process; the data are prepared anew if `home` is empty."""
    winner = run_search_in_child(work.settings(f"w{workers}", workers), work.examples, home, work.features())
    if winner.failures:
        raise SweepFailed(f"benchmark: {winner.failures[0]}")
    by_id = {row.trial_id: row.valid_ndcg10 for row in winner.rows}
    return [by_id["default"], *(by_id[str(number)] for number in range(1, work.trials))]


def run_arm(arm: str, work: Work, home: Path) -> list[float]:
    """The NDCG@10 of every trial, in order."""
    if arm in HALVES:
        return bare(work, 1, slice(HALVES.index(arm), None, 2))
    if arm == "two_bare_loops":
        return two_bare_loops(work, home)
    if arm.startswith("bare"):
        return bare(work, 2 if arm == "bare_two_threads" else 1)
    return plain_ray(work) if arm == "plain_ray" else ours(work, 1 if arm == "one_worker" else 2, home)


class Memory(threading.Thread):
    """Samples the proportional memory (Pss: pages that processes share are counted once) of every process with a mark."""

    def __init__(self, mark: str) -> None:
        super().__init__(daemon=True)
        self.mark, self.peak, self.ended = f"PLAYFIRST_BENCHMARK={mark}".encode(), 0, threading.Event()

    def run(self) -> None:
        """Sample until `ended` is set."""
        while not self.ended.wait(0.5):
            total = 0
            for entry in Path("/proc").glob("[0-9]*"):
                try:
                    if self.mark in (entry / "environ").read_bytes():
                        lines = (entry / "smaps_rollup").read_text().splitlines()
                        total += next(int(line.split()[1]) for line in lines if line.startswith("Pss:")) * 1024
                except (OSError, StopIteration):  # ended meanwhile
                    continue
            self.peak = max(self.peak, total)


def timed(arm: str, work: Work, home: Path) -> dict[str, Any]:
    """One run of an arm in a process of its own: its seconds, peak memory, values, and seconds to the first report of our arms."""
    mark, out = uuid.uuid4().hex, home / f"{uuid.uuid4().hex}.json"
    running = home / ("w1" if arm == "one_worker" else "w2") / RUNNING
    running.unlink(missing_ok=True)
    memory = Memory(mark)
    memory.start()
    began, first = time.monotonic(), None
    words = ["--arm", arm, "--examples", work.examples, "--trials", work.trials, "--trees", work.trees, "--out", out]
    command = [sys.executable, "-m", "benchmarks.tuning", *map(str, words), "--home", str(home)]
    with (home / f"{arm}.log").open("ab") as log:
        process = subprocess.Popen(command, env={**os.environ, "PLAYFIRST_BENCHMARK": mark}, stdout=log, stderr=log)
        while process.poll() is None:
            if first is None and running.exists():
                first = time.monotonic() - began
            time.sleep(0.02)
    seconds = time.monotonic() - began
    memory.ended.set()
    memory.join()
    if process.returncode:
        lines = [row for row in (home / f"{arm}.log").read_text().splitlines() if row.strip()]
        raise SystemExit(
            f"benchmarks.tuning: arm {arm} ended with {process.returncode}: {lines[-1] if lines else 'no output'}"
        )
    return {"seconds": seconds, "peak": memory.peak, "values": json.loads(out.read_text()), "first": first}


def compare_arms(work: Work, repeats: int, home: Path) -> dict[str, Any]:
    """Run every arm `repeats` times in turn, check that all reach the same, and give the figures."""
    runs: dict[str, list[dict[str, Any]]] = {arm: [] for arm in ARMS}
    for repeat in range(repeats):
        for arm in ARMS:
            fresh = home / f"{arm}-{repeat}"  # nothing of an earlier run is reused: start-up is included
            fresh.mkdir(parents=True)
            runs[arm].append(timed(arm, work, fresh))
            print(f"  {repeat + 1}/{repeats} {arm}: {runs[arm][-1]['seconds']:.1f} s", flush=True)
    second = timed("one_worker", replace(work, trials=2), home / "one_worker-0")
    reference = np.array(runs["bare"][0]["values"])
    for arm, of in runs.items():
        off = max(float(np.abs(np.array(run["values"]) - reference).max()) for run in of)
        if off > 1e-8:
            raise SystemExit(f"benchmarks.tuning: {arm} reached other values than the bare loop, by up to {off:.2g}")
    seconds = {arm: median(run["seconds"] for run in of) for arm, of in runs.items()}
    peak = {arm: median(run["peak"] for run in of) for arm, of in runs.items()}
    examples = read_examples(work.examples, work.features(), FOLDS)
    size = examples.matrix.nbytes
    extra = (peak["two_workers"] - peak["one_worker"]) / size
    return {
        **{f"{arm}_s": round(value, 1) for arm, value in seconds.items()},
        "one_worker_over_bare": round(seconds["one_worker"] / seconds["bare"], 3),
        "two_workers_over_bare": round(seconds["two_workers"] / seconds["bare"], 3),
        "two_workers_over_two_bare_loops": round(seconds["two_workers"] / seconds["two_bare_loops"], 3),
        "over_plain_ray": round(seconds["two_workers"] / seconds["plain_ray"], 3),
        "overhead_ms_per_trial": round((seconds["one_worker"] - seconds["bare"]) / work.trials * 1000, 1),
        "extra_trial_memory_share": round(extra, 3),
        "extra_trial_memory_mb": round(extra * size / 2**20, 1),
        "data_mb": round(size / 2**20, 1),
        "second_sweep_start_s": round(second["first"], 2),
        "trials": work.trials,
        "trees": work.trees,
        "rows": len(examples.grades),
        "load_average": round(os.getloadavg()[0], 1),
    }


def kills(work: Work, count: int, home: Path) -> dict[str, Any]:
    """Kill processes of a sweep with pruning at random moments, `count` in all; resume it each time, and compare its trials with an
    uninterrupted one. When a sweep has come to its end, the next begins.

    A victim is the process that started the sweep (as a machine dies: nothing is tidied up), the sweep's own process, or one of Ray's,
    a worker among them.
    """
    asked = replace(work.settings("whole", 1), prune=True, search="tpe", patience=30, grace_trees=EVERY, retries=count)
    features = work.features()
    whole = run_search_in_child(asked, work.examples, home, features)
    rng, lost, sweeps, same = random.Random(1), 0, 0, 0
    done: Counter[str] = Counter()
    while done.total() < count:
        sweeps += 1
        name, known, resumed = f"cut-{sweeps}", dict[str, Any](), False
        ledger = home / name / LEDGER
        while done.total() < count and len(known) < work.trials:
            sweep = replace(asked, name=name, resume=resumed)
            done += _killed(sweep, work.examples, home, features, rng, whole.seconds / 2, count - done.total())
            resumed = ledger.exists()
            now = {trial.trial_id: trial for trial in Ledger(ledger).trials} if resumed else {}
            lost += sum(now.get(trial_id) != trial for trial_id, trial in known.items())
            known = now
            print(f"  {done.total()}/{count} kills, {name}: {len(known)}/{work.trials} trials", flush=True)
        ended = run_search_in_child(replace(asked, name=name, resume=resumed), work.examples, home, features)
        same += _judged(ended.rows) == _judged(whole.rows)
    return {
        "kills": done.total(),
        **{f"kills_of_{what}": n for what, n in sorted(done.items())},
        "finished_trials_lost": lost,
        "trials": work.trials,
        "sweeps": sweeps,
        "sweeps_with_the_same_final_set": same,
    }


def _judged(rows: Sequence[Any]) -> list[tuple[Any, ...]]:
    return sorted((r.trial_id, str(r.params), r.trees, r.valid_ndcg10, r.state) for r in rows)


def _killed(
    sweep: SearchSettings,
    examples: Path,
    home: Path,
    features: FeatureList,
    rng: random.Random,
    longest_s: float,
    most: int,
) -> Counter[str]:
    """Start a sweep and kill its processes, each after a random time of at most `longest_s`, until it has ended; what was killed."""
    done: Counter[str] = Counter()
    starter = os.fork()
    if starter == 0:
        try:
            run_search_in_child(sweep, examples, home, features)
        except SweepFailed as error:
            print(f"  {sweep.name}: {str(error)[:150]}", flush=True)
            os._exit(1)
        os._exit(0)
    while done.total() < most:
        until = time.monotonic() + rng.uniform(1.0, max(longest_s, 2.0))
        while time.monotonic() < until:
            if os.waitpid(starter, os.WNOHANG)[0]:
                return done
            time.sleep(0.05)
        what = rng.choice(("starter", "sweep", "ray"))
        parents = _parents()
        own = [pid for pid, parent in parents.items() if parent == starter]
        victims = {"starter": [starter], "sweep": own, "ray": sorted(started_by(own, parents))}[what]
        if victims:  # the sweep's own processes come and go
            done[what] += 1
            with contextlib.suppress(ProcessLookupError):
                os.kill(rng.choice(victims), signal.SIGKILL)
        if what == "starter":
            break
    with contextlib.suppress(ProcessLookupError):
        os.kill(starter, signal.SIGKILL)
    os.waitpid(starter, 0)
    return done  # what is left of it ends by itself, and the next run of the sweep waits for that


def _parents() -> dict[int, int]:
    """Process id -> its parent's, of all running processes."""
    parents = {}
    for entry in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError, ValueError):
            parents[int(entry.name)] = parent_of(entry)
    return parents


def halving(file: Path, orders: int = 200) -> dict[str, dict[str, float]]:
    """What ASHA would have kept of a sweep without pruning, over random orders of its trials, one at a time.

    Args:
        file: the ledger of the sweep.
        orders: how many orders.

    Returns:
        For rungs `by_trees` and `by_shrinkage`: the share of orders that keep the best trial, the mean loss of NDCG@10, and the
        share of the trees that are grown.
    """
    ledger = Ledger(file)
    curves = [(t.trial_id, float(t.params["learning_rate"]), ledger.curves[t.trial_id]) for t in ledger.trials]
    best = max(value for _, _, curve in curves for _, value in curve)
    last = max(trees for _, _, curve in curves for trees, _ in curve)
    every = sum(len(curve) for _, _, curve in curves)
    figures = {}
    for name in ("by_trees", "by_shrinkage"):
        rng, kept, loss, grown_steps = np.random.default_rng(0), 0, 0.0, 0
        for _ in range(orders):
            rungs, top = Halving(40, last), -1.0
            for place in rng.permutation(len(curves)):
                trial_id, rate, curve = curves[place]
                for trees, value in curve:
                    top, grown_steps = max(top, value), grown_steps + 1
                    if rungs.stops(trial_id, trees if name == "by_trees" else progress(trees, rate), value):
                        break
            kept, loss = kept + (top >= best), loss + best - top
        figures[name] = {
            "keeps_best": kept / orders,
            "mean_loss": round(loss / orders, 6),
            "trees_share": round(grown_steps / orders / every, 3),
        }
    return figures


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the figures as JSON, and write them to `--json`."""
    words = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    words.add_argument("--examples", type=Path)
    words.add_argument("--trials", type=int, default=30)
    words.add_argument("--trees", type=int, default=100)
    words.add_argument("--repeats", type=int, default=3)
    words.add_argument("--json", type=Path)
    words.add_argument("--kills", type=int, default=0)
    words.add_argument("--halving", type=Path)
    words.add_argument("--arm", choices=(*ARMS, *HALVES), help=argparse.SUPPRESS)
    words.add_argument("--out", type=Path, help=argparse.SUPPRESS)
    words.add_argument("--home", type=Path, help=argparse.SUPPRESS)
    given = words.parse_args(arguments)
    if given.arm:
        reached = run_arm(given.arm, Work(given.examples, given.trials, given.trees), given.home)
        given.out.write_text(json.dumps(reached))
        return 0
    with tempfile.TemporaryDirectory(prefix="playfirst-tuning-") as folder:
        home = Path(folder)
        if given.halving:
            figures: dict[str, Any] = halving(given.halving)
        else:
            examples = given.examples or made_examples(home / "examples")
            work = Work(examples.resolve(), given.trials, given.trees)
            figures = kills(work, given.kills, home) if given.kills else compare_arms(work, given.repeats, home)
    text = json.dumps(figures, indent=1)
    print(text)
    if given.json:
        given.json.write_text(text + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
