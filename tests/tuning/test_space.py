from pathlib import Path
from typing import Any

import pytest
import yaml
from hydra import compose, initialize_config_module
from omegaconf import OmegaConf

from lake.errors import BadConfiguration
from ranking.ranker import RankerParams
from tuning.space import design, dimensions, distributions, point, refuse_idle

CONF = Path(__file__).resolve().parents[2] / "conf/search_space"


def composed(name: str, *overrides: str) -> dict[str, Any]:
    """The search space as a job gets it, with what it inherits."""
    with initialize_config_module("conf", version_base="1.3"):
        config = compose("night", overrides=["run_date=2026-03-02", f"search_space={name}", *overrides])
    space = OmegaConf.to_container(config.search_space)
    assert isinstance(space, dict)
    return {str(key): value for key, value in space.items()}


@pytest.mark.parametrize("name", sorted(file.stem for file in CONF.glob("*.yaml")))
def test_the_configured_spaces_are_valid_and_hold_the_default(name: str) -> None:
    space = dimensions(composed(name))
    default = RankerParams().to_dict()
    assert point(space, default, default) == {d.name: default[d.name] for d in space}
    refuse_idle(space, RankerParams())


def test_a_space_inherits_and_changes_what_it_names() -> None:
    narrow, wide = composed("narrow"), composed("wide")
    assert wide["learning_rate"] == narrow["learning_rate"]
    assert wide["num_leaves"] == {**narrow["num_leaves"], "low": 7, "high": 255}


@pytest.mark.parametrize(
    ("base", "searched", "said"),
    [
        ({"objective": "regression"}, "lambdarank_norm", r"lambdarank_norm acts with objective=lambdarank only"),
        (
            {"objective": "rank_xendcg"},
            "label_gain",
            r"label_gain acts .*\(nearest that acts: .*objective is rank_xendcg",
        ),
        ({}, "bagging_by_query", r"bagging_by_query acts with a bagging_fraction below 1 only"),
        (
            {"objective": "regression", "label_gain": "linear"},
            "num_leaves",
            "label_gain acts with objective=lambdarank",
        ),
    ],
)
def test_a_parameter_without_effect_is_refused(base: dict[str, Any], searched: str, said: str) -> None:
    kinds: dict[str, Any] = {
        "lambdarank_norm": {"type": "choice", "values": [True, False]},
        "label_gain": {"type": "choice", "values": ["exp2", "linear"]},
        "bagging_by_query": {"type": "choice", "values": [True, False]},
        "num_leaves": {"type": "int", "low": 4, "high": 64},
    }
    with pytest.raises(BadConfiguration, match=said):
        refuse_idle(dimensions({searched: kinds[searched]}), RankerParams(**base))
    acting = {"objective": {"type": "choice", "values": ["lambdarank", "regression"]}} | {searched: kinds[searched]}
    acting["bagging_fraction"] = {"type": "uniform", "low": 0.5, "high": 1.0}
    refuse_idle(dimensions(acting), RankerParams(**base))


def test_the_smoke_space_is_the_nights() -> None:
    said = yaml.safe_load((CONF / "smoke.yaml").read_text())["tuning"]
    assert (said["trials"], said["prune"]) == (8, False)


def test_a_design_is_the_same_every_time_lies_in_the_space_and_a_longer_one_goes_on() -> None:
    space = dimensions(yaml.safe_load((CONF / "smoke.yaml").read_text())["search_space"])
    points = design(space, 16, seed=1)
    assert points == design(space, 16, seed=1) and points[:5] == design(space, 5, seed=1) != design(space, 5, seed=2)
    assert all(d.holds(p[d.name]) for p in points for d in space)
    assert len({str(p) for p in points}) == 16
    rates = sorted(float(p["learning_rate"]) for p in points)
    assert (
        rates[3] < 0.063 < rates[-4]
    )  # on both sides of the middle of .02 … .2, which is .063 on their logarithmic scale


def test_each_kind_becomes_optunas() -> None:
    space = dimensions(
        {
            "learning_rate": {"type": "loguniform", "low": 0.01, "high": 1},
            "feature_fraction": {"type": "uniform", "low": 0.5, "high": 1.0},
            "num_leaves": {"type": "logint", "low": 4, "high": 64},
            "lambdarank_truncation_level": {"type": "int", "low": 13, "high": 30},
            "extra_trees": {"type": "choice", "values": [False, True]},
        }
    )
    made = {name: str(d).partition("(")[0] + str(getattr(d, "log", "")) for name, d in distributions(space).items()}
    assert made == {
        "learning_rate": "FloatDistributionTrue",
        "feature_fraction": "FloatDistributionFalse",
        "num_leaves": "IntDistributionTrue",
        "lambdarank_truncation_level": "IntDistributionFalse",
        "extra_trees": "CategoricalDistribution",
    }


@pytest.mark.parametrize(
    ("space", "said"),
    [
        ({}, "empty, expected at least one parameter"),
        ({"learning_rat": {}}, r"unknown learning_rat \(nearest: learning_rate\)"),
        ({"num_leaves": 7}, r"num_leaves is 7, expected \{type, low, high\}"),
        ({"num_leaves": {"type": "logit", "low": 2, "high": 4}}, r"'logit', expected one of .* \(nearest: logint\)"),
        ({"num_leaves": {"type": "int", "low": 2}}, r"has keys \['low', 'type'\], expected \['high', 'low', 'type'\]"),
        ({"num_leaves": {"type": "int", "low": 9, "high": 4}}, "low 9, high 4, expected ints, low < high"),
        ({"num_leaves": {"type": "int", "low": 2.5, "high": 4}}, "low 2.5, high 4, expected ints"),
        ({"lambda_l2": {"type": "loguniform", "low": 0, "high": 4}}, "expected floats above 0"),
        ({"num_leaves": {"type": "int", "low": 1, "high": 4}}, "num_leaves is 1, expected 2 to 4095"),
        ({"num_leaves": {"type": "uniform", "low": 2, "high": 4}}, "num_leaves is 2.0, expected int"),
        ({"objective": {"type": "choice", "values": ["lambdaranc"]}}, "expected one of lambdarank"),
        ({"max_bin": {"type": "choice", "values": []}}, "expected one or more distinct values"),
    ],
)
def test_faults_say_what_was_expected(space: dict[str, Any], said: str) -> None:
    with pytest.raises(BadConfiguration, match=said):
        dimensions(space)


def test_all_faults_are_named_at_once() -> None:
    with pytest.raises(BadConfiguration) as caught:
        dimensions({"num_leaves": 7, "max_bin": {"type": "choice", "values": [63, 63]}})
    assert "num_leaves is 7" in str(caught.value)
    assert "max_bin.values is [63, 63]" in str(caught.value)


def test_a_point_outside_or_with_another_fixed_value_is_no_point() -> None:
    space, base = dimensions({"num_leaves": {"type": "int", "low": 4, "high": 64}}), RankerParams().to_dict()
    assert point(space, base | {"num_leaves": 9}, base) == {"num_leaves": 9}
    assert point(space, base | {"num_leaves": 99}, base) is None
    assert point(space, base | {"lambda_l2": 9.0}, base) is None


def test_whole_numbers_are_choices_of_a_real_parameter() -> None:
    """A trial's lambda_l2 is 10.0: its point must be one of the space, or the searcher forgets it after a resume."""
    base = RankerParams().to_dict()
    space = dimensions({"lambda_l2": {"type": "choice", "values": [0, 1, 10]}})
    assert space[0].values == (0.0, 1.0, 10.0) and all(type(value) is float for value in space[0].values)
    assert point(space, {**base, "lambda_l2": 10.0}, base) == {"lambda_l2": 10.0}
    with pytest.raises(BadConfiguration, match="distinct"):
        dimensions({"lambda_l2": {"type": "choice", "values": [1, 1.0]}})
