from pathlib import Path

import pytest

from tuning.errors import SweepMismatch
from tuning.ledger import Ledger, Trial


def trial(trial_id: str, ndcg: float, trees: int = 50, **params: object) -> Trial:
    return Trial(trial_id, dict(params), trees, ndcg, 0.01, 1.5, "completed")


def test_what_was_written_is_read_back(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path / "s" / "trials.jsonl")
    ledger.begin("id-1", resume=False)
    ledger.add(trial("a", 0.5, num_leaves=7))
    ledger.fail("b: worker died")
    again = Ledger(tmp_path / "s" / "trials.jsonl")
    assert (again.identity, again.trials) == ("id-1", [trial("a", 0.5, num_leaves=7)])
    assert again.failures == ["b: worker died"]


def test_a_line_torn_by_a_kill_is_cut_off_and_the_next_starts_clean(tmp_path: Path) -> None:
    path = tmp_path / "trials.jsonl"
    ledger = Ledger(path)
    ledger.begin("id-1", resume=False)
    ledger.add(trial("a", 0.5))
    whole = path.read_bytes()
    path.write_bytes(whole + b'{"kind": "trial", "row": {"tri')
    again = Ledger(path)
    assert [t.trial_id for t in again.trials] == ["a"]
    again.begin("id-1", resume=True)
    again.add(trial("b", 0.6))
    assert [t.trial_id for t in Ledger(path).trials] == ["a", "b"]


def test_going_on_with_other_data_is_refused(tmp_path: Path) -> None:
    Ledger(tmp_path / "trials.jsonl").begin("id-1", resume=False)
    with pytest.raises(SweepMismatch, match="begun on id-1, now id-2: other examples"):
        Ledger(tmp_path / "trials.jsonl").begin("id-2", resume=True)


def test_without_resume_the_older_ledger_is_set_aside(tmp_path: Path) -> None:
    for ndcg in (0.1, 0.2, 0.3):
        ledger = Ledger(tmp_path / "trials.jsonl")
        ledger.begin("id-1", resume=False)
        ledger.add(trial("a", ndcg))
    kept = {p.name: Ledger(p).trials[0].valid_ndcg10 for p in tmp_path.iterdir()}
    assert kept == {"trials.1.jsonl": 0.1, "trials.2.jsonl": 0.2, "trials.jsonl": 0.3}


def test_a_file_that_is_no_ledger_is_refused(tmp_path: Path) -> None:
    (tmp_path / "trials.jsonl").write_text("hello\n")
    with pytest.raises(SweepMismatch, match="not a sweep's ledger"):
        Ledger(tmp_path / "trials.jsonl")
