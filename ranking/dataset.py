"""Training examples: read from Parquet into a matrix, and written from a matrix to LightGBM's binary datasets (binned once)."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from lake.errors import BadConfiguration, InputContractError, PlayfirstError, SchemaMismatch
from ranking.folds import fold_of

if TYPE_CHECKING:
    import lightgbm as lgb
    import pyarrow as pa

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]

MAX_ROWS = 10_000  # rows of a need: LightGBM's own limit, beyond which it fails with a fatal error
MAX_GRADE = 4
ASSUMED_WEIGHT = 1.0  # with `regression`, of a track that was not shown, in examined impressions: its grade is assumed
_KEYS = ("fold_key", "grade", "qid", "relevance", "split", "track_id", "weight")
_SPLITS = ("train", "valid")
_COLUMNS_AT_ONCE = 8  # of the feature columns


class TrainingImpossible(PlayfirstError):
    """The training examples cannot teach an order, because there is no positive to learn from or to validate with."""


@dataclass(frozen=True)
class FeatureList:
    """The model's input columns in matrix order: names, monotone directions (+1, −1, 0 free) and the catalogue's fingerprint.

    `families` is the family of each column, which a fit may leave out; empty where the columns have none.
    """

    names: tuple[str, ...]
    monotone: tuple[int, ...]
    fingerprint: str
    families: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        repeated = sorted({name for name in self.names if self.names.count(name) > 1})
        if not self.names or repeated or len(self.monotone) != len(self.names):
            raise BadConfiguration(
                f"features: {len(self.names)} names, {len(self.monotone)} directions, repeated: "
                f"{repeated or 'none'}; expected one direction a distinct name"
            )
        if self.families and len(self.families) != len(self.names):
            raise BadConfiguration(
                f"features: {len(self.names)} names, {len(self.families)} families; expected one each"
            )
        if wrong := sorted(set(self.monotone) - {-1, 0, 1}):
            raise BadConfiguration(f"features: monotone {wrong}, expected -1, 0 or 1; mend the @feature declaration")

    def difference(self, names: Sequence[str]) -> str:
        """How `names` differ from the names of this list, in words: missing, unexpected, or the first places out of order."""
        missing, extra = sorted(set(self.names) - set(names)), sorted(set(names) - set(self.names))
        if missing or extra:
            return f"features missing: {missing or 'none'}; unexpected: {extra or 'none'}"
        pairs = enumerate(zip(self.names, names, strict=False))
        moved = [f"{place}: {have} for {want}" for place, (want, have) in pairs if want != have]
        return f"features in another order, at {', '.join(moved[:3])}" if moved else "same names, other definitions"


@dataclass(frozen=True)
class Examples:
    """Training examples in memory, ordered by (qid, hash of track_id), so that the rows of a need are together.

    For each row: `matrix` (rows × features, float64, NaN for null), `grades` 0–4, `relevance` 0–1, `weights` (exposure, in
    examined impressions; 0 where nobody was shown the track). For each need, in the same order: `group_sizes` (rows), `qids`,
    `folds`, `is_valid` (whether it is in the validation span), `clusters` (a number for its need). `cut_rows` is the number of rows
    left out because a need had more than 10,000.
    """

    features: FeatureList
    matrix: Floats
    grades: npt.NDArray[np.int32]
    relevance: Floats
    weights: Floats
    group_sizes: Ints
    qids: Ints
    folds: Ints
    is_valid: Bools
    clusters: Ints
    cut_rows: int = 0

    def only_groups(self, kept: Bools) -> Examples:
        """The examples of the needs for which `kept` is true, in the same order."""
        return self.of_groups(np.flatnonzero(kept))

    def of_groups(self, groups: Ints) -> Examples:
        """The examples of some groups, given by their places, in the given order; a group may come several times."""
        starts = np.append(0, np.cumsum(self.group_sizes)[:-1])
        spans = [np.arange(starts[g], starts[g] + self.group_sizes[g], dtype=np.int64) for g in groups]
        rows = np.concatenate([np.zeros(0, dtype=np.int64), *spans])
        return Examples(
            self.features,
            self.matrix[rows],
            self.grades[rows],
            self.relevance[rows],
            self.weights[rows],
            self.group_sizes[groups],
            self.qids[groups],
            self.folds[groups],
            self.is_valid[groups],
            self.clusters[groups],
            self.cut_rows,
        )

    def resampled(self, seed: int) -> Examples:
        """As many needs as there are, drawn with replacement, each with all its groups: a bootstrap sample of the needs."""
        drawn = np.random.default_rng(seed).choice(np.unique(self.clusters), size=len(np.unique(self.clusters)))
        by_cluster = np.argsort(self.clusters, kind="stable")
        first, last = (np.searchsorted(self.clusters[by_cluster], drawn, side=s) for s in ("left", "right"))
        return self.of_groups(np.concatenate([by_cluster[a:b] for a, b in zip(first, last, strict=True)]))

    def require_positive(self, where: str) -> None:
        """Raise TrainingImpossible if no row has a grade above 0; `where` names the rows in the error."""
        if not (self.grades > 0).any():
            raise TrainingImpossible(
                f"training_examples, {where}: {len(self.qids)} needs, none with a grade above "
                "0, expected some; check jobs.grade or train with more days"
            )

    def halves(self) -> tuple[Examples, Examples]:
        """The train span and the validation span; raises TrainingImpossible if either has no positive."""
        train, valid = self.only_groups(~self.is_valid), self.only_groups(self.is_valid)
        train.require_positive("split train")
        valid.require_positive("split valid")
        return train, valid

    def fingerprint(self) -> str:
        """SHA-256 over the feature list and every array except `clusters`: the identity of a sweep's data, however stored."""
        digest = hashlib.sha256(json.dumps([self.features.fingerprint, *self.features.names]).encode())
        for array in (
            self.matrix,
            self.grades,
            self.relevance,
            self.weights,
            self.group_sizes,
            self.qids,
            self.folds,
            self.is_valid,
        ):
            digest.update(np.ascontiguousarray(array).tobytes())
        return digest.hexdigest()


def load_library() -> None:
    """Import LightGBM and what it imports, for a caller that starts a thread which may import the same."""
    import lightgbm  # noqa: F401


def read_examples(path: Path | str, features: FeatureList, folds: int = 1, max_rows: int = MAX_ROWS) -> Examples:
    """Read training examples from a Parquet file or folder.

    Beside the matrix (8 bytes a value) only a few columns at a time are in memory, as the file has them.

    Rows are ordered by (qid, BLAKE2b of track_id). They are not in served order, because LightGBM breaks ties by row order. How
    the rows are split into files, and the order of rows and columns in them, make no difference.

    Args:
        path: the Parquet file or folder.
        features: the feature columns to read, in matrix order.
        folds: number of cross-validation folds that needs are assigned to.
        max_rows: a need with more rows keeps those with the highest grades; equal grades are chosen by the hash.

    Raises:
        InputContractError: there is no file or no row.
        SchemaMismatch: columns are missing or of a wrong type, a grade, weight, relevance or split is invalid, or a key repeats.
    """
    table = _table(Path(path), features)
    qid, fold_key, split = (table.column(name).to_numpy() for name in ("qid", "fold_key", "split"))
    grades, weights, relevance = (_numbers(table, name) for name in ("grade", "weight", "relevance"))
    _check_labels(grades, weights, relevance, split)
    track_hash = _hashes(table)
    order, cut = _order(qid, track_hash, grades, max_rows)
    starts = np.flatnonzero(np.append(True, np.diff(qid[order]) != 0))
    sizes = np.diff(np.append(starts, len(order)))
    _check_queries(qid[order], track_hash[order], {"fold_key": fold_key[order], "split": split[order]})
    matrix = _matrix(Path(path), features, order)
    if endless := [features.names[place] for place in np.flatnonzero(np.isinf(matrix).any(axis=0))]:
        raise SchemaMismatch(f"training_examples: infinite values in {endless}, expected finite; see jobs.validate")
    clusters = {str(cluster): fold_of(str(cluster), folds) for cluster in set(fold_key)}
    return Examples(
        features,
        matrix,
        grades[order].astype(np.int32),
        relevance[order],
        weights[order],
        sizes.astype(np.int64),
        qid[order][starts].astype(np.int64),
        np.array([clusters[str(cluster)] for cluster in fold_key[order][starts]], dtype=np.int64),
        np.asarray(split[order][starts] == "valid", dtype=np.bool_),
        np.unique(fold_key[order][starts].astype(str), return_inverse=True)[1].astype(np.int64),
        cut,
    )


@dataclass(frozen=True)
class Labels:
    """Labels that are stored beside a binary dataset, because LightGBM's file has only those of one objective.

    For each row of the dataset, in its order: `grades`, `relevance`, `weights` (exposure). For each need: `group_sizes` (rows)
    and `clusters` (the number of its need).
    """

    grades: npt.NDArray[np.int32]
    relevance: Floats
    weights: Floats
    group_sizes: Ints
    clusters: Ints


def binning(max_bin: int, threads: int) -> dict[str, Any]:
    """LightGBM's dataset parameters, which must be the same when a dataset is built and when it is opened.

    `feature_pre_filter` is false, because otherwise a lower `min_data_in_leaf` later is a fatal error. `data_random_seed` is
    fixed, because otherwise it would follow the trial's `seed`.
    """
    return {
        "max_bin": max_bin,
        "min_data_in_bin": 3,
        "feature_pre_filter": False,
        "data_random_seed": 1,
        "verbosity": -1,
        "num_threads": threads,
    }


def in_memory(
    examples: Examples, objective: str, max_bin: int, threads: int, reference: lgb.Dataset | None = None
) -> lgb.Dataset:
    """A LightGBM dataset of `examples`, labelled for an objective.

    Args:
        examples: the rows.
        objective: one of `ranking.ranker.OBJECTIVES`; see `labelled`.
        max_bin: bins of a feature at most.
        threads: LightGBM's threads.
        reference: for a validation set, its training set, whose bins it must share.
    """
    import lightgbm as lgb

    data = lgb.Dataset(
        examples.matrix,
        label=examples.grades,
        group=examples.group_sizes,
        reference=reference,
        feature_name=list(examples.features.names),
        params=binning(max_bin, threads),
    ).construct()
    labels = Labels(**{f.name: getattr(examples, f.name) for f in fields(Labels)})
    return labelled(data, labels, objective)


def labelled(data: lgb.Dataset, labels: Labels, objective: str) -> lgb.Dataset:
    """`data` with the labels and weights of an objective.

    `regression` fits `relevance`, each row weighted by its exposure, or by ASSUMED_WEIGHT where nobody was shown it. The ranking
    objectives fit the grades, and all rows of a need have its `need_weights`: LightGBM multiplies a row's weight in after the sum over
    pairs, so that weights that differ within a need would not be pairwise inverse propensities.
    """
    if objective == "regression":
        data.set_label(labels.relevance)
        data.set_weight(np.where(labels.weights > 0, labels.weights, ASSUMED_WEIGHT))
    else:
        data.set_weight(need_weights(labels.weights, labels.group_sizes))
    return data


def need_weights(weights: Floats, group_sizes: Ints) -> Floats:
    """The weight of each row with a ranking objective: ½ + ln(1 + exposure of its need), scaled to a mean of 1.

    A need that many people looked at has grades that are better known, and more searches to answer; the logarithm keeps the few
    largest needs from being all that is learned. The ½ gives a need of which little was seen a part in it.

    Args:
        weights: the exposure of each row, in examined impressions; 0 for rows that were not shown, which are not evidence of a need.
        group_sizes: the rows of each need; rows of a need are together.
    """
    starts = np.append(0, np.cumsum(group_sizes)[:-1])
    of_need = 0.5 + np.log1p(np.add.reduceat(weights, starts))
    rows = np.repeat(of_need, group_sizes)
    return np.asarray(rows / rows.mean(), dtype=np.float64)


def write_binary(
    examples: Examples, path: Path, max_bin: int, threads: int = 1, reference: lgb.Dataset | None = None
) -> lgb.Dataset:
    """Bin the examples and write them as LightGBM's binary dataset to `path`, with the labels beside it; replaces an older file.

    Trials open it by path, which takes .012 s instead of 3.0 s of binning (300,000 × 60).

    Args:
        examples: the rows.
        path: the file; each `max_bin` needs a file of its own.
        max_bin: bins of a feature at most.
        threads: LightGBM's threads.
        reference: for a validation set, its training set, whose bins it must share.

    Returns:
        The dataset, which is the `reference` for its validation set.
    """
    data = in_memory(examples, "lambdarank", max_bin, threads, reference)
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_suffix(".partial")
    partial.unlink(missing_ok=True)  # LightGBM silently keeps a file that exists
    data.save_binary(str(partial))
    np.savez(_labels_path(path), **{f.name: getattr(examples, f.name) for f in fields(Labels)})
    os.replace(partial, path)
    return data


def open_binary(
    path: Path, objective: str, max_bin: int, threads: int, reference: lgb.Dataset | None = None
) -> tuple[lgb.Dataset, Labels]:
    """The dataset that `write_binary` wrote, labelled for `objective`, and its labels; BadConfiguration if there is no file."""
    import lightgbm as lgb

    if not path.exists():
        raise BadConfiguration(f"{path}: no binary dataset for max_bin={max_bin}; let tuning.search write it first")
    with np.load(_labels_path(path), allow_pickle=False) as stored:
        labels = Labels(**{f.name: stored[f.name] for f in fields(Labels)})
    data = lgb.Dataset(str(path), reference=reference, params=binning(max_bin, threads)).construct()
    return labelled(data, labels, objective), labels


def _labels_path(path: Path) -> Path:
    return path.with_suffix(".labels.npz")


def _table(path: Path, features: FeatureList) -> pa.Table:
    """The key and label columns, checked; the feature columns are checked to be there, as numbers."""
    import pyarrow as pa
    import pyarrow.dataset as ds

    if not path.exists():
        raise InputContractError(f"{path}: no training examples there; run jobs.assemble first")
    data = ds.dataset(path, format="parquet")
    wanted = [*_KEYS, *features.names]
    missing = [name for name in wanted if name not in data.schema.names]
    textual = [
        name
        for name in ("qid", "grade", "weight", "relevance", *features.names)
        if name not in missing and not _is_number(data.schema.field(name).type)
    ]
    if missing or textual:
        raise SchemaMismatch(
            f"training_examples {path}: missing columns {missing or 'none'}, not numbers "
            f"{textual or 'none'}; run jobs.assemble again with this catalogue"
        )
    table: pa.Table = data.to_table(columns=list(_KEYS))
    if table.num_rows == 0:
        raise InputContractError(f"training_examples {path}: found no row, expected some; run jobs.assemble again")
    nulls = {name: table.column(name).null_count for name in _KEYS if table.column(name).null_count}
    if nulls:
        raise SchemaMismatch(f"training_examples {path}: nulls in {nulls}, expected none; run jobs.assemble again")
    return table.set_column(_KEYS.index("qid"), "qid", table.column("qid").cast(pa.int64()))


def _matrix(path: Path, features: FeatureList, order: Ints) -> Floats:
    """The feature columns, the rows in the given order; they are read a few columns at a time, since all of them take as much again."""
    import pyarrow.dataset as ds

    data = ds.dataset(path, format="parquet")
    matrix = np.empty((len(order), len(features.names)), dtype=np.float64)
    for first in range(0, len(features.names), _COLUMNS_AT_ONCE):
        names = list(features.names[first : first + _COLUMNS_AT_ONCE])
        table = data.to_table(columns=names)
        for place, name in enumerate(names, first):
            matrix[:, place] = _numbers(table, name)[order]
    return matrix


def _is_number(kind: pa.DataType) -> bool:
    import pyarrow.types as types

    return bool(types.is_integer(kind) or types.is_floating(kind))


def _numbers(table: pa.Table, name: str) -> Floats:
    import pyarrow as pa

    return np.asarray(table.column(name).cast(pa.float64()).to_numpy(), dtype=np.float64)


def _hashes(table: pa.Table) -> npt.NDArray[np.uint64]:
    coded = table.column("track_id").combine_chunks().dictionary_encode()
    keys = [hashlib.blake2b(track.encode(), digest_size=8).digest() for track in coded.dictionary.to_pylist()]
    by_code = np.frombuffer(b"".join(keys), dtype=">u8").astype(np.uint64)
    return by_code[np.asarray(coded.indices.to_numpy(), dtype=np.int64)]


def _order(qid: Ints, track_hash: npt.NDArray[np.uint64], grades: Floats, max_rows: int) -> tuple[Ints, int]:
    """The row numbers in order of (qid, track hash), and how many rows were cut from needs with more than `max_rows`."""
    best_first = np.lexsort((track_hash, -grades, qid))
    starts = np.flatnonzero(np.append(True, np.diff(qid[best_first]) != 0))
    sizes = np.diff(np.append(starts, len(qid)))
    kept = best_first[np.arange(len(qid)) - np.repeat(starts, sizes) < max_rows]
    return kept[np.lexsort((track_hash[kept], qid[kept]))], len(qid) - len(kept)


def _check_labels(grades: Floats, weights: Floats, relevance: Floats, split: npt.NDArray[Any]) -> None:
    wrong = {
        f"grade not a whole number 0–{MAX_GRADE}": ~((grades >= 0) & (grades <= MAX_GRADE) & (grades % 1 == 0)),
        "weight below 0 or not finite": ~((weights >= 0) & np.isfinite(weights)),
        "relevance outside 0–1": ~((relevance >= 0) & (relevance <= 1)),
        f"split not one of {_SPLITS}": ~np.isin(split, _SPLITS),
    }
    if violations := {rule: int(rows.sum()) for rule, rows in wrong.items() if rows.any()}:
        raise SchemaMismatch(
            f"training_examples: rows that break a rule: {violations}, expected none; see jobs.assemble"
        )


def _check_queries(qid: Ints, track_hash: npt.NDArray[np.uint64], constant: dict[str, npt.NDArray[Any]]) -> None:
    same = qid[1:] == qid[:-1]
    if twice := int((same & (track_hash[1:] == track_hash[:-1])).sum()):
        raise SchemaMismatch(
            f"training_examples: {twice} tracks twice in one qid, expected one row per (qid, "
            "track_id); run jobs.assemble again"
        )
    for name, values in constant.items():
        if len(mixed := np.unique(qid[1:][same & (values[1:] != values[:-1])])):
            raise SchemaMismatch(
                f"training_examples: {len(mixed)} qids with more than one {name}, such as "
                f"{mixed[:3].tolist()}; expected one; run jobs.assemble again"
            )
