from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import pytest

from ranking.ranker import RankerParams
from tests.tuning.test_ledger import trial
from tuning.ledger import Ledger
from tuning.proposals import OBJECTIVES, Proposals, taught
from tuning.space import design, dimensions

SPACE = dimensions(
    {
        "learning_rate": {"type": "loguniform", "low": 0.02, "high": 0.3},
        "num_leaves": {"type": "logint", "low": 4, "high": 64},
        "extra_trees": {"type": "choice", "values": [False, True]},
    }
)
BASE = RankerParams().to_dict()


def worth(point: dict[str, object]) -> float:
    return 0.8 - abs(float(str(point["learning_rate"])) - 0.05) - (0.01 if point["extra_trees"] else 0)


def cost(point: Mapping[str, object]) -> float:
    """As of trees that grow in proportion to their leaves."""
    return float(str(point["num_leaves"]))


def run(search: str, trials: int, ledger: Ledger, proposals: Proposals) -> list[dict[str, object]]:
    """One trial at a time, as numbered; every third one is stopped early."""
    points = []
    done = {t.trial_id for t in ledger.trials}
    for number in range(1, trials + 1):
        if str(number) in done:
            continue
        proposed = proposals.point(number)
        assert proposed is not None
        points.append(dict(proposed))
        curve, stopped = [(10, worth(proposed) - 0.1), (20, worth(proposed))], number % 3 == 0
        proposals.ended(str(number), curve, (worth(proposed), cost(proposed)), stopped)
        row = replace(trial(str(number), worth(proposed), **{**BASE, **proposed}), comparisons=cost(proposed))
        ledger.add(replace(row, state="stopped") if stopped else row, curve, [0.5])
    return points


@pytest.mark.parametrize(
    ("search", "objectives"),
    [("tpe", OBJECTIVES[:1]), ("tpe", OBJECTIVES), ("random", OBJECTIVES[:1]), ("design", OBJECTIVES[:1])],
)
@pytest.mark.parametrize("cut", [1, 7, 13])
def test_a_resumed_sweep_proposes_what_an_uninterrupted_one_does(
    search: str, objectives: tuple[str, ...], cut: int, tmp_path: Path
) -> None:
    """The second run knows nothing but the ledger, and proposes the same points in the same order."""

    def proposals() -> Proposals:
        return Proposals(search, SPACE, BASE, 18, 1, objectives)

    whole = run(search, 18, Ledger(tmp_path / "a.jsonl"), proposals())
    ledger = Ledger(tmp_path / "b.jsonl")
    ledger.begin("id", resume=False)
    first = run(search, cut, ledger, proposals())
    again = Ledger(tmp_path / "b.jsonl")
    rest = run(search, 18, again, taught(proposals(), again))
    assert first + rest == whole
    assert len({str(p) for p in whole}) == 18


def test_another_seed_gives_other_points() -> None:
    points = [Proposals("random", SPACE, BASE, 4, seed=seed).point(1) for seed in (1, 1, 2)]
    assert points[0] == points[1] != points[2]


def test_tpe_learns_where_the_good_points_are() -> None:
    """After 40 trials it proposes learning rates close to the best one; random search does not."""
    distance = {}
    for search in ("tpe", "random"):
        proposals = Proposals(search, SPACE, BASE, 60, seed=3)
        off = []
        for number in range(1, 61):
            point = proposals.point(number)
            assert point is not None
            proposals.ended(str(number), [], (worth(dict(point)), cost(point)), stopped=False)
            off.append(abs(float(point["learning_rate"]) - 0.05))
        distance[search] = sum(off[40:]) / 20
    assert distance["tpe"] < 0.5 * distance["random"]


def test_with_both_objectives_tpe_looks_for_what_costs_little_too() -> None:
    """Leaves cost and reach nothing here: with NDCG@10 alone they stay where chance puts them."""
    leaves = {}
    for objectives in (OBJECTIVES[:1], OBJECTIVES):
        proposals = Proposals("tpe", SPACE, BASE, 60, 3, objectives)
        tried = []
        for number in range(1, 61):
            point = proposals.point(number)
            assert point is not None
            proposals.ended(str(number), [], (worth(dict(point)), cost(point)), stopped=False)
            tried.append(cost(point))
        leaves[objectives] = sorted(tried[40:])[10]
    assert leaves[OBJECTIVES] < 0.6 * leaves[OBJECTIVES[:1]]


def test_the_design_is_the_fixed_one_and_ends() -> None:
    proposals = Proposals("design", SPACE, BASE, 5, seed=1)
    assert [proposals.point(n) for n in range(1, 7)] == [*design(SPACE, 5, 1), None]


def test_a_failed_trial_is_not_learned_as_a_good_one() -> None:
    proposals = Proposals("tpe", SPACE, BASE, 30, seed=1)
    assert proposals.point(1)
    proposals.ended("1", [], None, stopped=False)
    proposals.ended("1", [], (0.9, 1.0), stopped=False)  # it has ended already: nothing happens
    assert proposals.point(2)
