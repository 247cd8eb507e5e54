import hashlib
import json
import subprocess
import sys
import tempfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import yaml

from features.catalogue import FAMILIES
from lake.errors import BadConfiguration, StaleRanker
from ranking.dataset import Examples, FeatureList, TrainingImpossible, need_weights, read_examples
from ranking.ranker import FAMILY_SWITCHES, Ranker, RankerCorrupt, RankerParams, fit, load, ndcg_of_queries
from tests.ranking.synthetic import FEATURES, frame, write

PARAMS = RankerParams(min_data_in_leaf=5, num_leaves=8)
HOUSE = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def examples(tmp_path_factory: pytest.TempPathFactory) -> Examples:
    return read_examples(write(frame(), tmp_path_factory.mktemp("examples")), FEATURES, folds=3)


@pytest.fixture(scope="module")
def ranker(examples: Examples) -> Ranker:
    return fit(examples, PARAMS, trees=30)


def test_a_misspelt_parameter_names_the_nearest_and_all_at_once() -> None:
    said = r"num_leafs \(nearest: num_leaves\), learning_rat \(nearest: learning_rate\)"
    with pytest.raises(BadConfiguration, match=said):
        RankerParams.from_dict({"num_leafs": 7, "learning_rat": 0.1})


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("num_leaves", 1, "expected 2 to 4095"),
        ("num_leaves", 7.0, "expected int"),
        ("num_leaves", True, "expected int"),
        ("learning_rate", float("nan"), "expected 0.0001 to 1"),
        ("objective", "lambdaranc", "expected one of lambdarank"),
        ("extra_trees", 1, "expected bool"),
        ("label_gain", "exp", "expected one of exp2, linear"),
    ],
)
def test_a_bad_value_names_what_was_expected(name: str, value: object, said: str) -> None:
    with pytest.raises(BadConfiguration, match=said):
        RankerParams.from_dict({name: value})


def test_a_family_that_is_left_out_splits_nothing_and_the_model_is_that_of_the_other_columns(
    examples: Examples,
) -> None:
    families = replace(FEATURES, families=("text", "text", "coec", "coec", "track"))
    params = replace(PARAMS, feature_fraction=1.0, monotone=False)
    less = fit(replace(examples, features=families), replace(params, use_text=False), trees=10)
    gain = dict(zip(less.booster.feature_name(), less.booster.feature_importance("gain"), strict=True))
    assert [name for name, value in gain.items() if value] == ["f2", "f3", "f4"], gain
    kept = ("f2", "f3", "f4")
    others = replace(examples, features=FeatureList(kept, (0, 0, 0), "fp"), matrix=examples.matrix[:, 2:].copy())
    assert fit(others, params, trees=10).scores(others.matrix).tolist() == less.scores(examples.matrix).tolist()
    assert load_saved(less).params.use_text is False


def load_saved(ranker: Ranker) -> Ranker:
    with tempfile.TemporaryDirectory() as folder:
        ranker.save(Path(folder))
        return load(Path(folder))


def test_every_family_of_the_catalogue_has_its_switch() -> None:
    assert tuple(FAMILY_SWITCHES) == FAMILIES
    assert set(FAMILY_SWITCHES.values()) <= set(RankerParams().to_dict())
    with pytest.raises(BadConfiguration, match="coec cannot be left out of features without families"):
        replace(PARAMS, use_coec=False).for_lightgbm(FEATURES, 1, 1)


def test_a_whole_number_may_stand_for_a_float() -> None:
    assert RankerParams.from_dict({"lambda_l2": 3}).lambda_l2 == 3.0


def test_crashing_and_unneeded_parameters_are_not_offered() -> None:
    with pytest.raises(BadConfiguration, match="unknown use_quantized_grad"):
        RankerParams.from_dict({"use_quantized_grad": True})


def test_the_configured_default_is_the_default() -> None:
    said = yaml.safe_load((HOUSE / "conf/ranker/default.yaml").read_text())
    assert RankerParams.from_dict(said) == RankerParams()
    assert list(said) == list(RankerParams().to_dict())


def test_it_learns_the_order_and_stops_early(examples: Examples) -> None:
    made = fit(examples, PARAMS, max_trees=200, patience=20, every=5)
    _, valid = examples.halves()
    reached = np.nanmean(ndcg_of_queries(valid.grades, made.scores(valid.matrix), valid.group_sizes))
    constant = np.nanmean(ndcg_of_queries(valid.grades, np.zeros(len(valid.grades)), valid.group_sizes))
    assert made.metadata["valid_ndcg10"] == pytest.approx(reached, abs=1e-12)
    assert constant < 0.75 < 0.88 < reached
    assert made.trees < 200
    assert made.booster.num_trees() == made.trees


def test_ties_and_empty_queries_do_not_flatter() -> None:
    """LightGBM's own NDCG gives 1 to the first query whatever its rows' order says, and 1 to the empty one."""
    grades = np.array([4, 0, 0, 0, 0, 0, 0, 0], dtype=np.int32)
    got = ndcg_of_queries(grades, np.zeros(8), [4, 4])
    assert got[0] == pytest.approx((1 + 1 / np.log2(3) + 1 / 2 + 1 / np.log2(5)) / 4)
    assert np.isnan(got[1])


@pytest.mark.parametrize("objective", ["lambdarank", "rank_xendcg", "regression"])
def test_the_same_model_twice_and_with_one_or_two_threads(examples: Examples, objective: str) -> None:
    params = replace(PARAMS, objective=objective, bagging_fraction=0.7, feature_fraction=0.6, extra_trees=True)
    texts = {fit(examples, params, trees=15, seed=4, threads=threads).model_text() for threads in (1, 1, 2)}
    assert len(texts) == 1
    assert fit(examples, params, trees=15, seed=5).model_text() not in texts


def test_regression_fits_relevance_weighted_by_exposure(examples: Examples) -> None:
    params = replace(PARAMS, objective="regression")
    one = fit(examples, params, trees=5).model_text()
    assert fit(replace(examples, weights=examples.weights[::-1].copy()), params, trees=5).model_text() != one
    assert fit(replace(examples, grades=4 - examples.grades), params, trees=5).model_text() == one
    # what nobody was shown counts as looked at once
    unseen, once = (replace(examples, weights=np.full_like(examples.weights, w)) for w in (0.0, 1.0))
    assert fit(unseen, params, trees=5).model_text() == fit(once, params, trees=5).model_text()


def test_ranking_weighs_a_need_by_its_whole_exposure_and_no_row_apart(examples: Examples) -> None:
    assert need_weights(np.array([0.0, 0.0, 1.0, 3.0]), np.array([2, 2])).tolist() == pytest.approx(
        [w / (0.5 + (0.5 + np.log(5))) * 2 for w in (0.5, 0.5, 0.5 + np.log(5), 0.5 + np.log(5))]
    )
    starts = np.append(0, np.cumsum(examples.group_sizes)[:-1])
    means = np.repeat(np.add.reduceat(examples.weights, starts) / examples.group_sizes, examples.group_sizes)
    ranked = fit(examples, PARAMS, trees=5).model_text()
    assert fit(replace(examples, weights=means), PARAMS, trees=5).model_text() == ranked
    assert fit(replace(examples, weights=examples.weights**4), PARAMS, trees=5).model_text() != ranked


def test_scores_keep_the_catalogues_directions(ranker: Ranker) -> None:
    assert ranker.grown_with()["monotone_constraints"] == "1,0,-1,0,0"
    base = np.zeros((40, 5))
    for column, sign in ((0, 1), (2, -1)):
        moved = base.copy()
        moved[:, column] = np.linspace(-3, 3, 40)
        steps = np.diff(ranker.scores(moved)) * sign
        assert steps.min() >= -1e-9
        assert steps.max() > 0


def test_saved_and_loaded_scores_are_equal_to_the_last_bit(ranker: Ranker, examples: Examples, tmp_path: Path) -> None:
    ranker.save(tmp_path / "r")
    again = load(tmp_path / "r", FEATURES)
    np.testing.assert_array_equal(again.scores(examples.matrix), ranker.scores(examples.matrix))
    assert (again.params, again.trees, again.seed, again.metadata) == (PARAMS, 30, 1, ranker.metadata)
    again.save(tmp_path / "s")
    for name in ("model.txt", "ranker.json"):
        assert (tmp_path / "r" / name).read_bytes() == (tmp_path / "s" / name).read_bytes()
    assert sorted(p.name for p in (tmp_path / "r").iterdir()) == ["model.txt", "ranker.json"]


def test_scores_are_rounded_float64(ranker: Ranker, examples: Examples) -> None:
    scores = ranker.scores(examples.matrix)
    assert scores.dtype == np.float64
    np.testing.assert_array_equal(scores, np.round(scores, 9))
    assert len(ranker.scores(examples.matrix[:0])) == 0


def test_contributions_sum_to_the_score(ranker: Ranker, examples: Examples) -> None:
    parts = ranker.contributions(examples.matrix[:50])
    assert parts.shape == (50, 6)
    np.testing.assert_allclose(parts.sum(axis=1), ranker.scores(examples.matrix[:50]), atol=1e-8)


def test_permuted_or_other_columns_are_refused(ranker: Ranker) -> None:
    """A permuted frame silently changes LightGBM's predictions."""
    data = pd.DataFrame(np.zeros((2, 5)), columns=list(FEATURES.names))
    ranker.scores(data)
    with pytest.raises(StaleRanker, match="another order, at 0: f1 for f0, 1: f0 for f1"):
        ranker.scores(data[["f1", "f0", "f2", "f3", "f4"]])
    with pytest.raises(StaleRanker, match=r"missing: \['f4'\]; unexpected: \['g'\]"):
        ranker.scores(data.rename(columns={"f4": "g"}))
    with pytest.raises(StaleRanker, match=r"matrix is float32\[2, 5\], expected float64\[rows, 5\]"):
        ranker.scores(np.zeros((2, 5), dtype=np.float32))  # type: ignore[arg-type]


def test_a_stale_ranker_names_what_differs(ranker: Ranker, tmp_path: Path) -> None:
    ranker.save(tmp_path)
    with pytest.raises(StaleRanker, match=r"fp-5, expected fp-6; features missing: \['f9'\]; unexpected: \['f4'\]"):
        load(tmp_path, FeatureList(("f0", "f1", "f2", "f3", "f9"), (0,) * 5, "fp-6"))
    with pytest.raises(StaleRanker, match="same names, other definitions"):
        load(tmp_path, FeatureList(FEATURES.names, FEATURES.monotone, "fp-7"))


def test_corrupt_text_is_refused_before_lightgbm_sees_it(ranker: Ranker, tmp_path: Path) -> None:
    """In a child process: LightGBM itself may abort on such a text. It must not even be imported to refuse."""
    ranker.save(tmp_path)
    model = tmp_path / "model.txt"
    model.write_bytes(model.read_bytes().replace(b"leaf_value=", b"leaf_valXe=", 1)[:-400])
    program = (
        "import sys; from pathlib import Path; sys.modules['lightgbm'] = type(sys)('lightgbm'); "
        "from ranking.ranker import load, RankerCorrupt\n"
        "try:\n    load(Path(sys.argv[1]))\nexcept RankerCorrupt as e:\n    print(e)"
    )
    command = [sys.executable, "-c", program, str(tmp_path)]
    run = subprocess.run(command, capture_output=True, text=True, cwd=HOUSE, timeout=60)
    assert run.returncode == 0, run.stderr
    wanted = json.loads((tmp_path / "ranker.json").read_text())["model_sha256"]
    assert f"expected {wanted[:12]}; run jobs.train again" in run.stdout
    assert hashlib.sha256(model.read_bytes()).hexdigest()[:12] in run.stdout


@pytest.mark.parametrize("damage", ["absent", "half", "format"])
def test_an_unreadable_card_is_refused(ranker: Ranker, tmp_path: Path, damage: str) -> None:
    ranker.save(tmp_path)
    card = tmp_path / "ranker.json"
    if damage == "absent":
        card.unlink()
    elif damage == "half":
        card.write_bytes(card.read_bytes()[:100])
    else:
        card.write_text(json.dumps(json.loads(card.read_text()) | {"format_version": 9}))
    with pytest.raises(RankerCorrupt, match=r"run jobs.train again"):
        load(tmp_path)


def test_nothing_to_learn_from_is_said(examples: Examples) -> None:
    with pytest.raises(TrainingImpossible, match="none with a grade above 0"):
        fit(replace(examples, grades=examples.grades * 0), PARAMS, trees=3)


def test_lightgbm_is_not_imported_with_the_module() -> None:
    program = (
        "import sys, ranking.ranker, tuning.child, tuning.leaderboard\n"
        "print([m for m in ('lightgbm', 'ray', 'optuna', 'pandas') if m in sys.modules])"
    )
    run = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, cwd=HOUSE, timeout=60)
    assert run.stdout.strip() == "[]", run.stdout + run.stderr
