from dataclasses import replace
from pathlib import Path

import pytest

from lake.errors import StaleRanker
from ranking.dataset import read_examples
from ranking.ranker import Ranker, RankerParams, fit
from tests.ranking.synthetic import FEATURES, frame, write
from tests.tuning.test_ledger import trial
from tuning.errors import SweepFailed, SweepMismatch
from tuning.leaderboard import differences, leaderboard, print_leaderboard, remarks
from tuning.winner import Result, Winner, assert_shipped, best_of, choose

PARAMS = RankerParams(min_data_in_leaf=5, num_leaves=8, learning_rate=0.06513280608364884, bagging_fraction=0.9)


@pytest.fixture(scope="module")
def ranker(tmp_path_factory: pytest.TempPathFactory) -> Ranker:
    examples = read_examples(write(frame(), tmp_path_factory.mktemp("examples")), FEATURES)
    return fit(examples, PARAMS, trees=12)


def sweep(**about: object) -> Winner:
    rows = [
        trial("default", 0.70, num_leaves=31),
        trial("a", 0.72, trees=60, num_leaves=7),
        trial("b", 0.72, trees=40, num_leaves=9),
        trial("c", 0.50, num_leaves=63),
    ]
    return best_of(rows, "s", "id", "fp", **about)


def test_the_best_trial_wins_and_ties_go_to_fewer_trees() -> None:
    winner = sweep()
    assert (winner.params, winner.trees, winner.valid_ndcg10) == ({"num_leaves": 9}, 40, 0.72)
    assert winner.default == Result({"num_leaves": 31}, 50, 0.70, "fp", "id", 0.01)
    assert winner.trials.trial_id.tolist() == ["b", "a", "default", "c"]


def test_a_trial_that_costs_less_wins_within_what_it_may_lack() -> None:
    costs = {"default": 300.0, "a": 900.0, "b": 1200.0, "c": 100.0}
    rows = [replace(row, comparisons=costs[row.trial_id]) for row in sweep().rows]
    assert best_of(rows, "s", "id", "fp").best.trial_id == "b"
    assert best_of(rows, "s", "id", "fp", 0.001).best.trial_id == "a"
    assert best_of(rows, "s", "id", "fp", 0.03).best.trial_id == "default"
    assert [row.trial_id for row in best_of(rows, "s", "id", "fp").front] == ["c", "default", "a"]
    assert best_of(sweep().rows, "s", "id", "fp", 0.03).best.trial_id == "b"  # costs are not known: a ledger of before


def test_the_trials_have_the_columns_of_their_table() -> None:
    from lake.tables.models import TRIALS

    wanted = {column.name for column in TRIALS.columns} - {"run_date"}
    assert wanted <= set(sweep().trials.columns)


def test_a_winner_survives_json() -> None:
    import json

    winner = sweep(failures=("x",), seconds=3.0, notes=("late",))
    assert Winner.from_dict(json.loads(json.dumps(winner.to_dict()))) == winner


def test_no_finished_trial_is_an_error_that_names_the_failure() -> None:
    with pytest.raises(SweepFailed, match=r"sweep s: no trial finished; the last failure: out of memory; raise"):
        best_of([], "s", "id", "fp", failures=("first", "out of memory"))


def test_the_winner_replaces_the_default_only_if_not_worse() -> None:
    winner = sweep()
    assert winner.default is not None
    assert choose(winner.default, winner) is winner
    assert choose(replace(winner.default, valid_ndcg10=0.72), winner) is winner
    better = replace(winner.default, valid_ndcg10=0.7201)
    assert choose(better, winner) is better


def test_a_default_that_is_the_best_of_its_sweep_is_called_the_default() -> None:
    rows = [trial("default", 0.70, num_leaves=31), trial("a", 0.69, num_leaves=7)]
    winner = best_of(rows, "s", "id", "fp")
    assert winner.default is not None
    assert choose(winner.default, winner) is winner.default


def test_results_on_other_examples_do_not_compare() -> None:
    with pytest.raises(SweepMismatch, match="judged on id, the default on other"):
        choose(Result({}, 10, 0.9, "fp", "other"), sweep())


def test_tuned_is_shipped(ranker: Ranker) -> None:
    assert_shipped(Result(PARAMS.to_dict(), 12, 0.8, "fp-5"), ranker)
    assert_shipped(Result({k: v for k, v in PARAMS.to_dict().items() if k != "max_bin"}, 12, 0.8, "fp-5"), ranker)


def test_every_difference_is_named(ranker: Ranker) -> None:
    tuned = Result(PARAMS.to_dict() | {"num_leaves": 9, "label_gain": "linear"}, 13, 0.8, "fp-6")
    with pytest.raises(StaleRanker) as caught:
        assert_shipped(tuned, ranker)
    for said in (
        "num_leaves is 8, tuned 9",
        "num_leaves is '8' inside the model, tuned 9",
        "label_gain is 'exp2'",
        "label_gain is '0,1,3,7,15' inside the model",
        "trees is 12, tuned 13",
        "features fp-5, tuned fp-6",
    ):
        assert said in str(caught.value)


def test_a_ranker_whose_card_lies_is_found_out(ranker: Ranker) -> None:
    """MjoLniR's trainer ignored a renamed parameter: what the card says is not what grew the trees."""
    lying = replace(ranker, params=replace(PARAMS, lambda_l2=7.0), trees=20)
    with pytest.raises(StaleRanker, match=r"lambda_l2 is '1' inside the model, tuned 7.0; the model holds 12 trees"):
        assert_shipped(Result(lying.params.to_dict(), 20, 0.8, "fp-5"), lying)


def test_a_small_difference_is_a_difference(ranker: Ranker) -> None:
    with pytest.raises(StaleRanker, match=r"learning_rate is '0.0651328' inside the model, tuned 0.0651528"):
        assert_shipped(Result(PARAMS.to_dict() | {"learning_rate": 0.0651528}, 12, 0.8, "fp-5"), ranker)


@pytest.mark.parametrize("objective", ["rank_xendcg", "regression"])
def test_every_objective_ships(objective: str, tmp_path: Path) -> None:
    params = replace(PARAMS, objective=objective, extra_trees=True, bagging_by_query=True, path_smooth=2.5)
    made = fit(read_examples(write(frame(), tmp_path), FEATURES), params, trees=4)
    assert_shipped(Result(params.to_dict(), 4, 0.8, "fp-5"), made)


def test_a_fit_that_stopped_early_is_a_result(tmp_path: Path) -> None:
    made = fit(read_examples(write(frame(), tmp_path), FEATURES), PARAMS, max_trees=20)
    result = Result.of(made)
    assert (result.trees, result.valid_ndcg10) == (made.trees, made.metadata["valid_ndcg10"])
    assert_shipped(result, made)


def test_the_leaderboard_fits_100_columns_and_shows_what_differs() -> None:
    import io

    from rich.console import Console

    base = RankerParams().to_dict()
    changed = base | {
        "learning_rate": 0.123456,
        "objective": "regression",
        "feature_fraction": 0.51234,
        "lambda_l2": 12.5,
        "path_smooth": 33.33,
    }
    rows = [
        trial("default", 0.7, **base),
        *(trial(f"t{i}", 0.6 + i / 100, **(changed | {"num_leaves": i + 2})) for i in range(12)),
    ]
    said = io.StringIO()
    print_leaderboard(best_of(rows, "s", "id", "fp"), Console(file=said, width=100))
    lines = said.getvalue().splitlines()
    assert max(map(len, lines)) <= 100
    assert any("0.7100" in line and "│ 1 │" in line.replace("  1", " 1") for line in lines)
    assert "the default" in said.getvalue()
    assert leaderboard(best_of(rows, "s", "id", "fp"), rows=3).row_count == 3


def test_the_note_counts_trials_within_one_standard_error() -> None:
    assert remarks(sweep(failures=("boom",))) == [
        "2 of 4 trials lie within one SE (0.0100) of the best",
        "gain over the default +0.0200",
        "1 failed, the first: boom",
    ]
    assert differences({"a": 1, "b": 0.123456}, {"a": 1, "b": 0.2}) == "b 0.123"
