import io
import json
from dataclasses import replace
from pathlib import Path

import pytest
from rich.console import Console

from ranking.ranker import RankerParams
from tests.tuning.test_ledger import trial
from tests.tuning.test_trial import PLAIN
from tuning.data import SweepData
from tuning.errors import SweepFailed
from tuning.ledger import Ledger, sweep_lock
from tuning.listing import print_comparison, print_sweeps, sweeps_of
from tuning.progress import RUNNING, Running, write_running
from tuning.recommend import distance_of, recommended
from tuning.trial import PARTS
from tuning.winner import best_of

BASE = RankerParams().to_dict()


def data(rows: int, **over: object) -> SweepData:
    return SweepData(Path("x"), (0, 1), "f", rows, rows // 20, 900, 0.2, 0.5, [9] * PARTS, "2026-10-12", **over)  # type: ignore[arg-type]


def finished(
    folder: Path, name: str, gain: float, rows: int = 1000, features: str = "fp", identity: str = "id"
) -> None:
    """A finished sweep: the default at .80 and one trial with a gain, the same in every part of the needs."""
    settings = replace(PLAIN, name=name, base=BASE, trials=2)
    ledger = Ledger(folder / name / "trials.jsonl")
    ledger.begin(identity, resume=False)
    for row in (trial("default", 0.8, **BASE), trial("1", 0.8 + gain, **{**BASE, "num_leaves": 9 + rows % 7})):
        noise = [0.001 * (-1) ** i for i in range(PARTS)]
        ledger.add(row, [(10, row.valid_ndcg10)], [row.valid_ndcg10 + n * gain for n in noise])
    winner = best_of(ledger.trials, name, identity, features, data=data(rows).facts(), optimism=0.001)
    (folder / name / "spec.json").write_text(json.dumps({"settings": settings.to_dict()}))
    (folder / name / "result.json").write_text(json.dumps({"winner": winner.to_dict()}))


def shown(print_them: object, folder: Path) -> str:
    out = io.StringIO()
    print_them(sweeps_of(folder), Console(file=out, width=180))  # type: ignore[operator]
    return out.getvalue()


def test_the_list_says_what_became_of_each_sweep(tmp_path: Path) -> None:
    for name in ("done", "promoted", "going", "killed"):
        finished(tmp_path, name, 0.01)
    for name in ("going", "killed"):
        (tmp_path / name / "result.json").unlink()
    write_running(tmp_path / "going" / RUNNING, [Running("3", 9, 0.1, 2.0)])
    won = json.loads((tmp_path / "promoted/result.json").read_text())["winner"]
    verdict = {"is_better": True, "snapshot": "2026-10-19", "mean": 0.002}
    verdict["asked"] = {"challenger": [won["params"], won["trees"]]}
    (tmp_path / "promoted/promotion.json").write_text(json.dumps(verdict))
    text = shown(print_sweeps, tmp_path)
    lines = {line.split()[0]: line for line in text.splitlines() if line.strip() and line.split()[0] != "sweep"}
    assert "0.8100" in lines["done"] and "+0.0100" in lines["done"] and "0.8090" in lines["done"]
    assert "finished" in lines["done"] and "2/2" in lines["done"] and "2026-10-12" in lines["done"]
    assert "promoted on 2026-10-19 (+0.0020)" in lines["promoted"]
    assert lines["going"].rstrip().endswith("running")
    assert "stopped; tuning.resume=killed goes on" in lines["killed"]


def test_a_promoted_sweep_that_has_gone_on_is_shown_with_its_new_winner(tmp_path: Path) -> None:
    """The promoted winner is a copy beside the sweeps; the verdict on it is none on the new one."""
    finished(tmp_path, "mine", 0.01)
    stored = (tmp_path / "mine/result.json").read_text()
    (tmp_path / "winner-2026-10-26.json").write_text(stored)
    won = json.loads(stored)["winner"]
    asked = {"challenger": [won["params"], won["trees"]]}
    verdict = {"is_better": True, "snapshot": "2026-10-19", "mean": 0.004, "asked": asked}
    (tmp_path / "mine/promotion.json").write_text(json.dumps(verdict))
    assert "promoted on 2026-10-19" in shown(print_sweeps, tmp_path)
    won |= {"valid_ndcg10": 0.84, "trees": won["trees"] + 1}
    won["rows"].append({**won["rows"][-1], "trial_id": "2", "valid_ndcg10": 0.84, "trees": won["trees"]})
    (tmp_path / "mine/result.json").write_text(json.dumps({"winner": won}))
    line = next(line for line in shown(print_sweeps, tmp_path).splitlines() if "mine" in line)
    assert "+0.0400" in line and "promoted" not in line and line.rstrip().endswith("finished")


def test_a_sweep_whose_folder_is_locked_is_running_and_takes_no_second_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also if it has written nothing for an hour, while it prepares its data or fits other seeds."""
    finished(tmp_path, "mine", 0.01)
    monkeypatch.setattr("tuning.ledger.LOCK_WAIT_S", 0.2)
    with sweep_lock(tmp_path / "mine"):
        assert sweeps_of(tmp_path)[0].state == "running"
        with pytest.raises(SweepFailed, match="sweep mine: it is running already"), sweep_lock(tmp_path / "mine"):
            pass
    assert sweeps_of(tmp_path)[0].state == "finished"


def test_a_winner_of_a_part_of_a_sweep_is_shown_as_one_to_go_on_with(tmp_path: Path) -> None:
    finished(tmp_path, "mine", 0.01)
    stored = json.loads((tmp_path / "mine/result.json").read_text())
    stored["winner"]["is_whole"] = False
    (tmp_path / "mine/result.json").write_text(json.dumps(stored))
    assert sweeps_of(tmp_path)[0].state == "stopped; tuning.resume=mine goes on"


@pytest.mark.parametrize(
    ("held_back", "name"),
    [("", "mine"), ("2026-10-12", None), ("2026-10-18", None), ("2026-10-19", "mine")],
)
def test_a_winner_chosen_by_labels_of_what_is_held_back_is_not_recommended(
    tmp_path: Path, held_back: str, name: str | None
) -> None:
    """It was judged on the snapshot of 2026-10-12, whose labels reach to the 18th."""
    finished(tmp_path, "mine", 0.01)
    advice = recommended(tmp_path, data(1000, held_back=held_back), "fp", but="me")
    assert (advice.sweep if advice else None) == name


def test_sweeps_side_by_side_have_paired_differences_only_on_the_same_needs(tmp_path: Path) -> None:
    finished(tmp_path, "a", 0.01)
    finished(tmp_path, "b", 0.02)
    finished(tmp_path, "other", 0.005, identity="other needs")
    lines = {line.split()[0]: line for line in shown(print_comparison, tmp_path).splitlines() if line.strip()}
    order = [name for name in lines if name in ("a", "b", "other")]
    assert order == ["b", "a", "other"]
    assert "0.0100 (+0.0100 to +0.0100)" in lines["a"] and "num_leaves 15" in lines["a"]
    assert "judged on other needs" in lines["other"]


@pytest.mark.parametrize(("rows", "nearest"), [(900, "small"), (90_000, "large"), (60_000_000, "large")])
def test_the_recommendation_comes_from_the_most_similar_data(tmp_path: Path, rows: int, nearest: str) -> None:
    assert recommended(tmp_path, data(rows), "fp", but="me") is None
    finished(tmp_path, "small", 0.01, rows=1000)
    finished(tmp_path, "large", 0.01, rows=100_002)
    finished(tmp_path, "me", 0.01, rows=rows)
    finished(tmp_path, "others", 0.01, rows=rows, features="of other features")
    found = recommended(tmp_path, data(rows), "fp", but="me")
    assert (
        found is not None and found.sweep == nearest and found.params["num_leaves"] == (15 if nearest == "small" else 9)
    )
    assert nearest in found.why


def test_what_chance_won_is_never_recommended(tmp_path: Path) -> None:
    finished(tmp_path, "small", 0.01)
    stored = json.loads((tmp_path / "small/result.json").read_text())
    stored["winner"]["data"]["permuted"] = True
    (tmp_path / "small/result.json").write_text(json.dumps(stored))
    assert recommended(tmp_path, data(1000), "fp", but="me") is None


def test_data_of_an_earlier_version_are_infinitely_far() -> None:
    assert distance_of(data(10).facts(), {}) == float("inf")
    assert distance_of(data(1000).facts(), data(1000).facts()) == 0
