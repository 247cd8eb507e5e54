"""What ships: a ranker that is sound and is what was chosen; one that is not is made again."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from lake.errors import StaleRanker
from night.rankers import is_same, is_up_to_date, ship
from ranking.dataset import read_examples
from ranking.ranker import Ranker, RankerParams, fit
from tests.ranking.synthetic import FEATURES, frame, write
from tuning.winner import Result

PARAMS = RankerParams(min_data_in_leaf=5, num_leaves=8)


@pytest.fixture(scope="module")
def ranker(tmp_path_factory: pytest.TempPathFactory) -> Ranker:
    examples = read_examples(write(frame(), tmp_path_factory.mktemp("examples")), FEATURES)
    return fit(examples, PARAMS, trees=12, metadata={"fingerprint": "these inputs"})


@pytest.fixture
def chosen(ranker: Ranker) -> Result:
    return Result(ranker.params.to_dict(), ranker.trees, 0.9, ranker.features.fingerprint)


def test_what_was_chosen_ships_and_stands_until_its_inputs_change(
    ranker: Ranker, chosen: Result, tmp_path: Path
) -> None:
    place = tmp_path / "2026-03-01"
    assert not is_up_to_date(place, FEATURES, "these inputs")
    ship(ranker, chosen, place)
    assert is_up_to_date(place, FEATURES, "these inputs") and not is_up_to_date(place, FEATURES, "others")


def test_a_damaged_ranker_does_not_stand(ranker: Ranker, chosen: Result, tmp_path: Path) -> None:
    place = tmp_path / "2026-03-01"
    ship(ranker, chosen, place)
    model = place / "model.txt"
    model.write_bytes(model.read_bytes().replace(b"num_leaves=8", b"num_leaves=9", 1) + b"x")
    assert not is_up_to_date(place, FEATURES, "these inputs")
    ship(ranker, chosen, place)
    assert is_up_to_date(place, FEATURES, "these inputs")


def test_a_default_that_the_sweep_did_not_judge_is_another() -> None:
    swept = PARAMS.to_dict()
    assert is_same(swept, dict(swept)) and not is_same(swept, swept | {"num_leaves": 9})


def test_what_was_not_chosen_never_takes_the_place(ranker: Ranker, chosen: Result, tmp_path: Path) -> None:
    place = tmp_path / "2026-03-01"
    with pytest.raises(StaleRanker, match="trees is 12, tuned 13"):
        ship(ranker, replace(chosen, trees=13), place)
    assert not place.exists()
    ship(ranker, chosen, place)
    with pytest.raises(StaleRanker):
        ship(ranker, replace(chosen, trees=13), place)
    assert is_up_to_date(place, FEATURES, "these inputs")
