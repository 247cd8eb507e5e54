"""LightGBM's own ranking example through our reading, fit, sweep and metrics: published figures, and what a sweep adds to them.

    PLAYFIRST_DATA=DIR python -m benchmarks.ltr [--trials 60] [--seeds 10] [--out var/ltr] [--json FILE]

`DIR/ltr` has the 201 + 50 queries of LightGBM's examples/lambdarank. First the published configuration: our fit with LightGBM's default
seeds must give the published NDCG of the test queries to six digits. Then a sweep by five-fold cross-validation inside the training
queries, and the default and the winner on the test queries, each with several seeds; intervals are over the queries, paired. The
test queries are scored once, after the sweep. 50 queries cannot tell such arms apart: the interval says by how much.
"""

from __future__ import annotations

import argparse
import gzip
import json
import os
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from evaluation.intervals import paired_t
from evaluation.metrics import ndcg_by_group
from ranking.dataset import Examples, FeatureList, Floats, in_memory, read_examples
from ranking.ranker import Boosting, RankerParams, fit
from tuning.child import run_search_in_child
from tuning.settings import SearchSettings

CUTS = (1, 3, 5, 10)
PUBLISHED = {1: 0.577524, 3: 0.618958, 5: 0.654573}  # README of LightGBM's examples/lambdarank: its one seed, 100 trees
CONFIGURATION = RankerParams(
    learning_rate=0.1,
    num_leaves=31,
    min_data_in_leaf=50,
    min_sum_hessian_in_leaf=5.0,
    feature_fraction=1.0,
    bagging_fraction=0.9,
    lambda_l2=0.0,
    lambdarank_truncation_level=30,
    monotone=False,
)
TREES, FOLDS = 100, 5
SPACE: dict[str, Any] = {
    "objective": {"type": "choice", "values": ["lambdarank", "rank_xendcg"]},
    "learning_rate": {"type": "loguniform", "low": 0.02, "high": 0.2},
    "num_leaves": {"type": "logint", "low": 7, "high": 63},
    "min_data_in_leaf": {"type": "logint", "low": 5, "high": 100},
    "min_sum_hessian_in_leaf": {"type": "loguniform", "low": 0.001, "high": 10.0},
    "feature_fraction": {"type": "uniform", "low": 0.2, "high": 1.0},
    "bagging_fraction": {"type": "uniform", "low": 0.5, "high": 1.0},
    "bagging_by_query": {"type": "choice", "values": [False, True]},
    "lambda_l2": {"type": "loguniform", "low": 0.001, "high": 30.0},
    "extra_trees": {"type": "choice", "values": [False, True]},
    "lambdarank_truncation_level": {"type": "int", "low": 8, "high": 30},
    "max_bin": {"type": "choice", "values": [63, 255]},
}


def written(data: Path, part: str, copies: Sequence[str], out: Path) -> tuple[Path, FeatureList]:
    """A part of the example as our training examples: a Parquet file, and its features.

    Args:
        data: the folder with rank.<part>.gz (LIBSVM rows, absent features are 0) and rank.<part>.query (rows of each query).
        part: train or test.
        copies: the splits that each query is in: for cross-validation by query both, so that a fold is trained on the copies in
            `train` of the other folds and judged on its own in `valid`.
        out: the folder to write to.
    """
    import pandas as pd

    rows: list[dict[int, float]] = []
    grades: list[int] = []
    with gzip.open(data / f"rank.{part}.gz", "rt") as lines:
        for line in lines:
            grade, *pairs = line.split()
            grades.append(int(float(grade)))
            rows.append({int(key): float(value) for key, value in (pair.split(":") for pair in pairs)})
    sizes = [int(line) for line in (data / f"rank.{part}.query").read_text().split()]
    if sum(sizes) != len(rows):
        raise SystemExit(
            f"{data}: {len(rows)} rows in rank.{part}.gz, {sum(sizes)} in rank.{part}.query; expected as many"
        )
    features = FeatureList(tuple(f"f_{i}" for i in range(1, 301)), (0,) * 300, "LightGBM's examples/lambdarank")
    matrix = np.zeros((len(rows), 300))
    for at, row in enumerate(rows):
        for key, value in row.items():
            matrix[at, key - 1] = value
    query = np.repeat(np.arange(len(sizes)), sizes)
    frames = []
    for number, split in enumerate(copies):
        keys = {
            "track_id": [f"d{at:05}" for at in range(len(rows))],
            "fold_key": [f"q{q}" for q in query],
            "qid": query + number * len(sizes),
            "split": split,
            "grade": np.array(grades, dtype=np.int32),
            "relevance": np.array(grades) / 4,
            "weight": np.zeros(len(rows)),  # all queries alike, as LightGBM has it
        }
        frames.append(pd.concat([pd.DataFrame(keys), pd.DataFrame(matrix, columns=list(features.names))], axis=1))
    out.mkdir(parents=True, exist_ok=True)
    pd.concat(frames).to_parquet(out / f"{part}.parquet", index=False)
    return out / f"{part}.parquet", features


def ndcg(examples: Examples, scores: Floats) -> dict[int, Floats]:
    """NDCG of each query at each cut, by LightGBM's conventions: gain 2^grade − 1, a query without a relevant row is 1."""
    return {k: ndcg_by_group(examples.grades, scores, examples.group_sizes, k, gain="exp2", empty="one") for k in CUTS}


def as_published(data: Path, features: FeatureList) -> dict[int, float]:
    """The published configuration by our fit, with the rows in the file's order and LightGBM's default seeds."""
    train, test = (in_file_order(data, part, features) for part in ("train", "test"))
    settings = CONFIGURATION.for_lightgbm(features, 1, 1)
    del settings["seed"]  # LightGBM's own default seeds, as the example has them
    run = Boosting(in_memory(train, CONFIGURATION.objective, CONFIGURATION.max_bin, 1), settings)
    run.grow(TREES)
    scores = np.asarray(run.booster.predict(test.matrix), dtype=np.float64)
    return {k: float(values.mean()) for k, values in ndcg(test, scores).items()}


def in_file_order(data: Path, part: str, features: FeatureList) -> Examples:
    """The rows of a part in the order of its file; `read_examples` orders rows by a hash, which bagging sees."""
    from sklearn.datasets import load_svmlight_file

    with gzip.open(data / f"rank.{part}.gz", "rb") as file:
        matrix, grades = load_svmlight_file(file, n_features=len(features.names), zero_based=False)
    sizes = np.array([int(line) for line in (data / f"rank.{part}.query").read_text().split()], dtype=np.int64)
    ids = np.arange(len(sizes), dtype=np.int64)
    zero = np.zeros(len(grades))
    return Examples(
        features,
        np.asarray(matrix.todense(), dtype=np.float64),
        grades.astype(np.int32),
        grades / 4,
        zero,
        sizes,
        ids,
        ids,
        np.zeros(len(sizes), dtype=np.bool_),
        ids,
    )


def by_seeds(train: Examples, test: Examples, params: RankerParams, trees: int, seeds: int) -> dict[int, Floats]:
    """NDCG of each test query at each cut, [seeds, queries]."""
    reached: dict[int, list[Floats]] = {k: [] for k in CUTS}
    for seed in range(1, seeds + 1):
        ranker = fit(train, params, trees=trees, seed=seed)
        for k, values in ndcg(test, ranker.scores(test.matrix)).items():
            reached[k].append(values)
    return {k: np.stack(values) for k, values in reached.items()}


def cross_validated(examples: Examples, params: RankerParams, trees: int, seeds: int) -> dict[int, float]:
    """Mean NDCG of the held-out queries over folds and seeds, at each cut."""
    train, valid = examples.halves()
    reached: dict[int, list[Floats]] = {k: [] for k in CUTS}
    for fold in range(FOLDS):
        known, held_out = train.only_groups(train.folds != fold), valid.only_groups(valid.folds == fold)
        for k, values in by_seeds(known, held_out, params, trees, seeds).items():
            reached[k].append(values.ravel())
    return {k: float(np.concatenate(values).mean()) for k, values in reached.items()}


def paired(ours: Floats, theirs: Floats) -> dict[str, float]:
    """The mean difference over the queries (seeds averaged) with its 95 % interval by Student's t."""
    of = paired_t(ours.mean(axis=0) - theirs.mean(axis=0))
    return {"mean": of.mean, "low": of.low, "high": of.high}


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the table, and write all figures as JSON if `--json` is given; 1 if the published figures are not reached."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.ltr", description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--trials", type=int, default=60)
    parser.add_argument("--seeds", type=int, default=10)
    parser.add_argument("--max-trees", type=int, default=400)
    parser.add_argument("--out", type=Path, default=Path("var/ltr"), help="examples and sweeps go here")
    parser.add_argument("--json", type=Path, help="write every figure into this file")
    given = parser.parse_args(arguments)
    root = os.environ.get("PLAYFIRST_DATA")
    if not root or not (Path(root) / "ltr").is_dir():
        parser.error("PLAYFIRST_DATA names no folder with ltr/ (LightGBM's examples/lambdarank)")
    data = Path(root) / "ltr"
    train_file, features = written(data, "train", ("train", "valid"), given.out.resolve())
    test_file, _ = written(data, "test", ("train",), given.out.resolve())
    published = as_published(data, features)
    off = max(abs(published[k] - value) for k, value in PUBLISHED.items())
    settings = SearchSettings(
        f"ltr-{given.trials}",
        SPACE,
        replace(CONFIGURATION, monotone=True).to_dict(),
        trials=given.trials,
        time_budget_s=36_000,
        prune=True,
        folds=FOLDS,
        max_trees=given.max_trees,
        start_limit_s=600,
        concurrent=2,
        search="tpe",
        recommend=False,
    )
    winner = run_search_in_child(settings, train_file, given.out.resolve() / "sweeps", features)
    examples, test = read_examples(train_file, features, FOLDS), read_examples(test_file, features)
    train = examples.only_groups(~examples.is_valid)
    tuned = RankerParams.from_dict(winner.params)
    arms = {"published configuration": (CONFIGURATION, TREES), "winner of the sweep": (tuned, winner.trees)}
    reached = {name: by_seeds(train, test, *of, given.seeds) for name, of in arms.items()}
    crossed = {name: cross_validated(examples, *of, 2) for name, of in arms.items()}
    first, second = (reached[name] for name in arms)
    result: dict[str, Any] = {
        "published": {str(k): round(v, 6) for k, v in published.items()},
        "published_off_by": off,
        "winner": {
            "params": winner.params,
            "trees": winner.trees,
            "seconds": winner.seconds,
            "trials": len(winner.rows),
        },
        "arms": {
            name: {
                "cv": {str(k): round(v, 4) for k, v in crossed[name].items()},
                "test": {str(k): round(float(v.mean()), 4) for k, v in reached[name].items()},
                "seed_sd": {str(k): round(float(v.mean(axis=1).std(ddof=1)), 4) for k, v in reached[name].items()},
            }
            for name in arms
        },
        "gain": {str(k): paired(second[k], first[k]) for k in CUTS},
    }
    print_table(result)
    if given.json is not None:
        given.json.parent.mkdir(parents=True, exist_ok=True)
        given.json.write_text(json.dumps(result, indent=2) + "\n", encoding="utf-8")
    return 0 if off < 5e-7 else 1


def print_table(result: dict[str, Any]) -> None:
    """Print the figures as a table, and what 50 queries can tell."""
    from rich.console import Console
    from rich.table import Table

    console = Console(width=None if sys.stdout.isatty() else 140)
    table = Table(title="LightGBM's examples/lambdarank: NDCG", title_justify="left")
    table.add_column("")
    for k in CUTS:
        table.add_column(f"@{k}", justify="right")
    table.add_row("published configuration, its one seed", *[f"{result['published'][str(k)]:.6f}" for k in CUTS])
    for name, arm in result["arms"].items():
        table.add_row(f"{name}, cross-validated", *[f"{arm['cv'][str(k)]:.4f}" for k in CUTS])
        table.add_row(f"{name}, test", *[f"{arm['test'][str(k)]:.4f} ± {arm['seed_sd'][str(k)]:.3f}" for k in CUTS])
    gains = [result["gain"][str(k)] for k in CUTS]
    table.add_row("gain, test", *[f"{g['mean']:+.3f} [{g['low']:+.3f}, {g['high']:+.3f}]" for g in gains])
    console.print(table)
    console.print(
        "± is the deviation over seeds. An interval of the gain that holds 0 says that these 50 queries cannot tell."
    )


if __name__ == "__main__":
    sys.exit(main())
