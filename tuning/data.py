"""The data of a sweep, prepared once: training examples are read, split and binned one time, and each later sweep opens the files."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import shutil
import time
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from lake.code import library_versions
from lake.errors import InputContractError
from lake.store import write_file
from ranking.dataset import Examples, FeatureList, Ints, read_examples
from ranking.ranker import ndcg_of_queries
from tuning.errors import SweepFailed
from tuning.settings import SearchSettings
from tuning.trial import PARTS, write_bins

_FORMAT = 1
_KEPT_S = 86_400.0  # prepared data that no sweep has opened for a day is removed


@dataclass(frozen=True)
class SweepData:
    """What a sweep knows of its data without reading it.

    Args:
        folder: the binned datasets (`tuning.trial.bin_path`).
        folds: the folds that have validation queries.
        fingerprint: `Examples.fingerprint` of the rows that the sweep uses.
        rows: rows that the sweep uses.
        needs: training groups (snapshot, place, need) that the sweep uses.
        judged_needs: validation groups with a positive, over which NDCG@10 is a mean.
        positive_share: share of the rows with a grade above 0.
        chance: NDCG@10 of a random order of the validation groups.
        part_needs: of `judged_needs`, how many lie in each part of the alias clusters (`tuning.trial.PARTS`).
        judged_on: the snapshot that the trials are evaluated on, as YYYY-MM-DD; "" if the examples name none.
        held_back: the newest snapshot, which the sweep does not read; "" if it reads all.
        permuted: whether the labels are in a random order.
    """

    folder: Path
    folds: tuple[int, ...]
    fingerprint: str
    rows: int
    needs: int
    judged_needs: int
    positive_share: float
    chance: float
    part_needs: list[int]
    judged_on: str = ""
    held_back: str = ""
    permuted: bool = False

    def facts(self) -> dict[str, Any]:
        """The same as plain data without the folder, for JSON."""
        return {**{k: v for k, v in asdict(self).items() if k != "folder"}, "folds": list(self.folds)}


def prepared(
    examples_path: Path, features: FeatureList, settings: SearchSettings, max_bins: set[int], bins: Path
) -> SweepData:
    """The data of a sweep: from the folder `BINS` if an earlier sweep of the same examples prepared it, else read and binned.

    Nothing is read twice: the key of the folder is made of the bytes of the Parquet files, the features, the folds, and the
    settings that change rows or labels. Two sweeps that prepare the same data at once do no harm: the later one uses the
    files of the first.

    Args:
        examples_path: Parquet file or folder with the training examples.
        features: the features that the ranker is trained on.
        settings: settings of the sweep.
        max_bins: every value of LightGBM's `max_bin` that a trial may use.
        bins: the folder that holds one folder per prepared data.

    Raises:
        SweepFailed: the disk is full.
        InputContractError, SchemaMismatch, TrainingImpossible: as `ranking.dataset.read_examples` and `write_bins`.
    """
    store = bins / _key(examples_path, features, settings)
    about = store / "data.json"
    try:
        missing = {m for m in max_bins if not (store / f"max_bin-{m}").is_dir()}
        if missing or not about.exists():
            _remove_old(store)
            _prepare(store, examples_path, features, settings, missing)
        os.utime(about)
    except OSError as error:
        raise SweepFailed(
            f"sweep {settings.name}: its data could not be prepared in {store} ({error.strerror or error}). "
            "Make room or set tuning.sweeps to another disk, then run it again"
        ) from error
    stored = json.loads(about.read_text())
    return SweepData(store, tuple(stored.pop("folds")), **stored)


def spans(examples_path: Path, examples: Examples) -> Ints | None:
    """The snapshot (`as_of`) of each training group as days since 1970-01-01, in the order of `examples`; None without such a column."""
    import pyarrow as pa
    import pyarrow.dataset as ds

    data = ds.dataset(examples_path, format="parquet")
    if "as_of" not in data.schema.names:
        return None
    table = data.to_table(columns=["qid", "as_of"])
    days = table.column("as_of").cast(pa.date32()).cast(pa.int32()).to_numpy()
    of_group = dict(zip(table.column("qid").to_numpy().tolist(), days.tolist(), strict=True))
    return np.array([of_group[qid] for qid in examples.qids.tolist()], dtype=np.int64)


def without_newest(examples: Examples, days: Ints) -> tuple[Examples, Ints]:
    """The examples without their newest snapshot; the newest of the rest becomes the validation span.

    A sweep that does so leaves a span on which its winner can be compared with the ranker in use (`tuning.comparison`).

    Args:
        examples: the examples.
        days: the snapshot of each group, as `spans` gives it.

    Raises:
        InputContractError: fewer than three snapshots would leave nothing to train on.
    """
    snapshots = sorted(set(days.tolist()))
    if len(snapshots) < 3:
        raise InputContractError(
            f"training_examples: {len(snapshots)} snapshots, expected 3 or more to hold the newest one back; "
            "use a night with a longer history, or tuning.hold_back=false"
        )
    kept = days < snapshots[-1]
    return replace(examples.only_groups(kept), is_valid=days[kept] == snapshots[-2]), days[kept]


def with_permuted_labels(examples: Examples, seed: int) -> Examples:
    """The examples with the labels of each group in a random order: what a sweep still finds in them is chance."""
    rng = np.random.default_rng(seed)
    groups = np.repeat(np.arange(len(examples.group_sizes)), examples.group_sizes)
    order = np.lexsort((rng.random(len(groups)), groups))
    return replace(
        examples,
        grades=examples.grades[order],
        relevance=examples.relevance[order],
        weights=examples.weights[order],
    )


def _prepare(
    store: Path, examples_path: Path, features: FeatureList, settings: SearchSettings, max_bins: set[int]
) -> None:
    examples = read_examples(examples_path, features, settings.folds)
    days = spans(examples_path, examples)
    held_back = ""
    if settings.hold_back:
        if days is None:
            raise InputContractError(f"{examples_path}: no column as_of, which tuning.hold_back=true needs")
        held_back = str(np.datetime64(int(days.max()), "D"))
        examples, days = without_newest(examples, days)
    if settings.permute_labels:
        examples = with_permuted_labels(examples, settings.seed)
    store.mkdir(parents=True, exist_ok=True)
    beside = Path(f"{store}.partial-{os.getpid()}")
    try:
        used = write_bins(examples, beside, max_bins, settings.folds, settings.concurrent)
        for binned in beside.glob("max_bin-*"):
            if not (store / binned.name).exists():
                os.rename(binned, store / binned.name)
        valid = examples.only_groups(examples.is_valid)
        by_chance = ndcg_of_queries(valid.grades, np.zeros(len(valid.grades)), valid.group_sizes)
        facts = SweepData(
            store,
            used,
            examples.fingerprint(),
            len(examples.grades),
            len(examples.qids),
            int((~np.isnan(by_chance)).sum()),
            round(float((examples.grades > 0).mean()), 9),
            round(float(np.nanmean(by_chance)), 9),
            np.bincount(valid.clusters[~np.isnan(by_chance)] % PARTS, minlength=PARTS).tolist(),
            "" if days is None else str(np.datetime64(int(days[examples.is_valid].max()), "D")),
            held_back,
            settings.permute_labels,
        ).facts()
        write_file(store / "data.json", json.dumps(facts, indent=1).encode())
    finally:
        shutil.rmtree(beside, ignore_errors=True)


def _key(examples_path: Path, features: FeatureList, settings: SearchSettings) -> str:

    files = sorted(examples_path.rglob("*.parquet")) if examples_path.is_dir() else [examples_path]
    if not files or not all(file.exists() for file in files):
        raise InputContractError(f"{examples_path}: no training examples there; run jobs.assemble first")
    digest = hashlib.sha256()
    for file in files:
        with file.open("rb") as content:
            digest.update(hashlib.file_digest(content, "sha256").digest())
    shaping = [settings.folds, settings.hold_back, settings.seed if settings.permute_labels else None]
    about = [_FORMAT, library_versions("lightgbm"), features.fingerprint, features.names, shaping, digest.hexdigest()]
    return hashlib.sha256(json.dumps(about).encode()).hexdigest()[:16]


def still_used(folder: str) -> None:
    """Note that a sweep still reads the prepared data, so that no other one removes them."""
    with contextlib.suppress(FileNotFoundError):
        os.utime(Path(folder) / "data.json")


def _remove_old(store: Path) -> None:
    """Remove the prepared data of other examples that no sweep has opened for a day, and what killed sweeps left half done."""
    for other in store.parent.glob("*"):
        about = other / "data.json"
        used = about.stat().st_mtime if about.exists() else other.stat().st_mtime
        if other != store and time.time() - used > _KEPT_S:
            shutil.rmtree(other, ignore_errors=True)
