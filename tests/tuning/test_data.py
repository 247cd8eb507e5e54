from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from lake.errors import InputContractError
from ranking.dataset import read_examples
from ranking.ranker import ndcg_of_queries
from tests.ranking.synthetic import FEATURES, frame, write
from tests.tuning.test_trial import PLAIN
from tuning.data import prepared, spans, with_permuted_labels, without_newest
from tuning.trial import TrialPlan, TrialRun

SETTINGS = replace(PLAIN, folds=2)


def test_the_same_examples_are_read_and_binned_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path, bins = write(frame(), tmp_path), tmp_path / "bins"
    first = prepared(path, FEATURES, SETTINGS, {255}, bins)
    assert first.fingerprint == read_examples(path, FEATURES, 2).fingerprint()
    assert (first.rows, first.needs, first.folds) == (900, 90, (0, 1))
    assert first.judged_needs == sum(first.part_needs) <= 30
    written = {p: p.stat().st_mtime_ns for p in bins.rglob("*.bin")}

    def refuse(*_: object) -> None:
        raise AssertionError("read again")

    with monkeypatch.context() as patch:
        patch.setattr("tuning.data.read_examples", refuse)
        assert prepared(path, FEATURES, replace(SETTINGS, name="other", trials=99), {255}, bins) == first
        for change in ({"folds": 3}, {"permute_labels": True}, {"hold_back": True}):
            with pytest.raises(AssertionError, match="read again"):
                prepared(path, FEATURES, replace(SETTINGS, **change), {255}, bins)
    # another max_bin is added to what is there
    prepared(path, FEATURES, SETTINGS, {63, 255}, bins)
    assert {p: p.stat().st_mtime_ns for p in written} == written
    assert len(list(bins.glob("*/max_bin-63"))) == 1
    assert not list(bins.glob("*.partial*"))
    # other examples are other data
    other = write(frame(seed=1), tmp_path, "other.parquet")
    assert prepared(other, FEATURES, SETTINGS, {255}, bins).fingerprint != first.fingerprint


def test_the_newest_snapshot_is_held_back(tmp_path: Path) -> None:
    path = write(frame(), tmp_path)
    examples = read_examples(path, FEATURES, 2)
    days = spans(path, examples)
    assert days is not None
    kept, kept_days = without_newest(examples, days)
    newest = max(days)
    assert set(kept.qids) == set(examples.qids[days < newest])
    assert set(kept_days[kept.is_valid]) == {sorted(set(days))[-2]} and (kept_days < newest).all()
    data = prepared(path, FEATURES, replace(SETTINGS, hold_back=True), {255}, tmp_path / "bins")
    assert (data.judged_on, data.held_back, data.needs) == ("2026-10-08", "2026-10-15", 60)
    with pytest.raises(InputContractError, match=r"2 snapshots, expected 3 or more to hold the newest one back"):
        without_newest(kept, kept_days)


def test_permuted_labels_stay_in_their_need_and_leave_chance(tmp_path: Path) -> None:
    """A model that learns from labels in a random order reaches what a random order does, and far less than with the true ones."""
    path = write(frame(queries=300), tmp_path)
    examples = read_examples(path, FEATURES, 2)
    permuted = with_permuted_labels(examples, seed=1)
    start = np.append(0, np.cumsum(examples.group_sizes))
    assert all(sorted(examples.grades[a:b]) == sorted(permuted.grades[a:b]) for a, b in pairwise(start))
    assert (examples.grades != permuted.grades).any() and (examples.matrix is permuted.matrix)
    reached = {}
    for is_permuted in (False, True):
        settings = replace(SETTINGS, permute_labels=is_permuted)
        data = prepared(path, FEATURES, settings, {255}, tmp_path / "bins")
        plan = TrialPlan(str(data.folder), data.folds, FEATURES, 1, 1, 30, 30, 30)
        reached[is_permuted] = TrialRun(plan, settings.base_params()).step().ndcg10
    valid = examples.only_groups(examples.is_valid)
    by_chance = np.nanmean(ndcg_of_queries(valid.grades, np.zeros(len(valid.grades)), valid.group_sizes))
    assert data.chance == pytest.approx(by_chance, abs=1e-9) and data.permuted
    assert reached[True] == pytest.approx(by_chance, abs=0.05)
    assert reached[False] > by_chance + 0.2
