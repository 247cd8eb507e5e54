import hashlib
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from lake.errors import BadConfiguration, InputContractError, SchemaMismatch
from ranking.dataset import FeatureList, TrainingImpossible, open_binary, read_examples, write_binary
from ranking.folds import fold_of
from ranking.ranker import Boosting, RankerParams
from ranking.trying import examples_without
from tests.ranking.synthetic import FEATURES, frame, write


def _hash(track: str) -> int:
    return int.from_bytes(hashlib.blake2b(track.encode(), digest_size=8).digest(), "big")


def test_rows_come_by_qid_then_hash_of_the_track(tmp_path: Path) -> None:
    rows = frame(queries=4, rows=6)
    examples = read_examples(write(rows, tmp_path), FEATURES, folds=3)
    rows = rows.assign(hash=[_hash(t) for t in rows.track_id]).sort_values(["qid", "hash"])
    np.testing.assert_array_equal(examples.matrix, rows[list(FEATURES.names)].to_numpy())
    np.testing.assert_array_equal(examples.grades, rows.grade)
    np.testing.assert_array_equal(examples.weights, rows.weight)
    first = rows.drop_duplicates("qid")
    assert examples.qids.tolist() == first.qid.tolist()
    assert examples.group_sizes.tolist() == [6] * 12
    assert examples.folds.tolist() == [fold_of(c, 3) for c in first.fold_key]
    apart = {c: set(examples.clusters[(first.fold_key == c).to_numpy()]) for c in first.fold_key}
    assert all(len(numbers) == 1 for numbers in apart.values()) and len(set.union(*apart.values())) == len(apart)
    assert examples.is_valid.tolist() == (first.split == "valid").tolist()


def test_files_row_order_and_column_order_make_no_difference(tmp_path: Path) -> None:
    rows = frame(queries=6)
    one = read_examples(write(rows, tmp_path), FEATURES, folds=2)
    shuffled = rows.sample(frac=1, random_state=3)[list(rows.columns[::-1])]
    parts = tmp_path / "parts"
    parts.mkdir()
    write(shuffled[:50], parts, "a.parquet")
    write(shuffled[50:], parts, "b.parquet")
    (parts / "_SUCCESS").touch()
    assert read_examples(parts, FEATURES, folds=2).fingerprint() == one.fingerprint()


def test_the_fingerprint_sees_one_changed_value(tmp_path: Path) -> None:
    rows = frame(queries=4)
    one = read_examples(write(rows, tmp_path), FEATURES).fingerprint()
    rows.loc[7, "f3"] = 9.0
    assert read_examples(write(rows, tmp_path), FEATURES).fingerprint() != one


def test_a_cluster_stands_in_one_fold_over_days_and_queries(tmp_path: Path) -> None:
    rows = frame(queries=20)
    examples = read_examples(write(rows, tmp_path), FEATURES, folds=4)
    cluster = rows.drop_duplicates("qid").set_index("qid").fold_key
    folds = pd.DataFrame({"cluster": cluster.loc[examples.qids].to_numpy(), "fold": examples.folds})
    assert folds.groupby("cluster").fold.nunique().max() == 1
    assert folds.fold.nunique() == 4


def test_a_query_too_long_keeps_the_best_grades_then_the_hash_order(tmp_path: Path) -> None:
    rows = frame(queries=1, rows=9).query("qid == 0").assign(grade=[0, 3, 0, 1, 0, 0, 0, 0, 4])
    examples = read_examples(write(rows, tmp_path), FEATURES, max_rows=5)
    zeros = sorted((t for t, g in zip(rows.track_id, rows.grade, strict=True) if g == 0), key=_hash)[:2]
    kept = rows[(rows.grade > 0) | rows.track_id.isin(zeros)]
    assert examples.cut_rows == 4
    assert examples.group_sizes.tolist() == [5]
    assert sorted(examples.matrix[:, 3].tolist()) == sorted(kept.f3.tolist())


@pytest.mark.parametrize(
    ("column", "value", "said"),
    [
        ("grade", 5, "grade not a whole number 0–4': 1"),
        ("grade", -1, "grade not"),
        ("weight", np.inf, "weight below 0"),
        ("weight", -0.5, "weight below 0"),
        ("relevance", 1.5, "relevance outside 0–1"),
        ("split", "test", "split not"),
        ("fold_key", "other", "qids with more than one fold_key"),
        ("track_id", "t1", "1 tracks twice in one qid"),
        ("f2", -np.inf, r"infinite values in \['f2'\]"),
        ("query_id", 1, None),
    ],
)
def test_rows_that_break_the_contract_are_refused(tmp_path: Path, column: str, value: object, said: str | None) -> None:
    rows = frame(queries=4)
    if column in rows:
        rows[column] = rows[column].astype(object)
    rows.loc[0, column] = value
    if column not in ("split", "fold_key", "track_id", "query_id"):
        rows[column] = rows[column].astype(float)
    path = write(rows, tmp_path)
    if said is None:
        read_examples(path, FEATURES)  # a column nobody asked for is no fault
    else:
        with pytest.raises(SchemaMismatch, match=said):
            read_examples(path, FEATURES)


def test_all_missing_and_textual_columns_are_named_at_once(tmp_path: Path) -> None:
    rows = frame(queries=2).drop(columns=["f1", "weight"]).assign(f4="x")
    with pytest.raises(SchemaMismatch, match=r"missing columns \['weight', 'f1'\], not numbers \['f4'\]"):
        read_examples(write(rows, tmp_path), FEATURES)


def test_null_keys_and_empty_or_absent_examples_are_refused(tmp_path: Path) -> None:
    rows = frame(queries=2)
    with pytest.raises(InputContractError, match=r"no training examples there; run jobs.assemble"):
        read_examples(tmp_path / "absent", FEATURES)
    with pytest.raises(InputContractError, match="found no row"):
        read_examples(write(rows[:0], tmp_path), FEATURES)
    with pytest.raises(SchemaMismatch, match=r"nulls in \{'track_id': 1\}"):
        read_examples(write(rows.assign(track_id=[None, *rows.track_id[1:]]), tmp_path), FEATURES)


def test_feature_lists_with_repeats_or_odd_directions_are_refused() -> None:
    with pytest.raises(BadConfiguration, match=r"repeated: \['a'\]"):
        FeatureList(("a", "a"), (0, 0), "x")
    with pytest.raises(BadConfiguration, match=r"monotone \[2\]"):
        FeatureList(("a", "b"), (0, 2), "x")


def test_examples_without_a_positive_say_which_span(tmp_path: Path) -> None:
    rows = frame(queries=3)
    rows.loc[rows.split == "valid", "grade"] = 0
    with pytest.raises(TrainingImpossible, match="split valid: 3 needs, none with a grade above 0"):
        read_examples(write(rows, tmp_path), FEATURES).halves()


@pytest.mark.parametrize("objective", ["lambdarank", "rank_xendcg", "regression"])
def test_binaries_train_as_the_matrix_does(tmp_path: Path, objective: str) -> None:
    from ranking.dataset import in_memory

    train, valid = read_examples(write(frame(), tmp_path), FEATURES).halves()
    params = RankerParams(objective=objective, min_data_in_leaf=5)
    settings = params.for_lightgbm(FEATURES, 1, 1)
    write_binary(valid, tmp_path / "v.bin", 255, 1, write_binary(train, tmp_path / "t.bin", 255, 1))
    opened, _ = open_binary(tmp_path / "t.bin", objective, 255, 1)
    held_out, labels = open_binary(tmp_path / "v.bin", objective, 255, 1, opened)
    memory = in_memory(train, objective, 255, 1)
    in_ram = in_memory(valid, objective, 255, 1, memory)
    runs = [Boosting(opened, settings, held_out), Boosting(memory, settings, in_ram)]
    for run in runs:
        run.grow(20)
    np.testing.assert_array_equal(runs[0].valid_scores(), runs[1].valid_scores())
    np.testing.assert_array_equal(labels.grades, valid.grades)
    assert len(set(runs[0].valid_scores())) > 20


def test_a_binary_takes_a_lower_min_data_in_leaf_than_any_before(tmp_path: Path) -> None:
    """With feature_pre_filter (LightGBM's default) the second fit is a fatal error."""
    train, _ = read_examples(write(frame(), tmp_path), FEATURES).halves()
    write_binary(train, tmp_path / "t.bin", 63, 1)
    for least in (200, 2):
        data, _ = open_binary(tmp_path / "t.bin", "lambdarank", 63, 1)
        run = Boosting(data, RankerParams(min_data_in_leaf=least, max_bin=63).for_lightgbm(FEATURES, 1, 1))
        run.grow(3)
    assert run.booster.num_trees() == 3


def test_a_binary_is_replaced_not_kept(tmp_path: Path) -> None:
    """LightGBM's own save silently keeps a file that exists."""
    for seed in (0, 1):
        train, _ = read_examples(write(frame(seed=seed), tmp_path), FEATURES).halves()
        write_binary(train, tmp_path / "t.bin", 255, 1)
    opened, _ = open_binary(tmp_path / "t.bin", "lambdarank", 255, 1)
    np.testing.assert_array_equal(opened.get_label(), train.grades)


def test_an_absent_binary_names_its_max_bin(tmp_path: Path) -> None:
    with pytest.raises(BadConfiguration, match="no binary dataset for max_bin=63"):
        open_binary(tmp_path / "none.bin", "lambdarank", 63, 1)


def test_columns_left_out_are_as_if_they_had_not_been_read(tmp_path: Path) -> None:
    path = write(frame(queries=6), tmp_path)
    read = FeatureList(("f0", "f2", "f3"), (1, -1, 0), "fp-5-less")
    dropped = examples_without(read_examples(path, FEATURES), ["f1", "f4"])
    assert dropped.features == read
    assert dropped.fingerprint() == read_examples(path, read).fingerprint()


def test_a_resample_draws_whole_needs_with_all_their_groups(tmp_path: Path) -> None:
    examples = read_examples(write(frame(queries=20), tmp_path), FEATURES)
    again = examples.resampled(seed=4)
    assert len(again.qids) == len(examples.qids)  # equal here, because every need has as many groups
    times = {q: n for q, n in zip(*np.unique(again.qids, return_counts=True), strict=True)}
    by_need = {c: {times.get(q, 0) for q in examples.qids[examples.clusters == c]} for c in set(examples.clusters)}
    assert all(len(counts) == 1 for counts in by_need.values())
    drawn = {n for counts in by_need.values() for n in counts}
    assert 0 in drawn and max(drawn) >= 2
    place = int(np.flatnonzero(examples.qids == again.qids[0])[0])
    start = int(examples.group_sizes[:place].sum())
    np.testing.assert_array_equal(
        again.matrix[: again.group_sizes[0]], examples.matrix[start : start + again.group_sizes[0]]
    )
    assert examples.resampled(4).fingerprint() == again.fingerprint() != examples.resampled(5).fingerprint()
    np.testing.assert_array_equal(examples.of_groups(np.arange(len(examples.qids))).matrix, examples.matrix)
