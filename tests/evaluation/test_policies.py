"""Off-policy verdicts of a small log of lists: which contexts are known, what a target is worth, what is refused."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from evaluation.errors import MetricInput, TargetsUnreadable
from evaluation.experiments.policies import known_contexts, off_policy_verdict
from evaluation.experiments.targets import target_lists, targets_of_variants
from evaluation.off_policy.value import PolicyValue
from tests.shipped import SHIPPED

SETTINGS = SHIPPED.experiments
SURE = replace(SETTINGS, level=0.9999)
ESTIMATORS = {"IPS", "SNIPS", "clipped IPS", "doubly robust", "item-position", "pseudo-inverse"}
LISTS = {"0": "s\tt", "1": "t\ts", "2": "s\tu"}
CHANCES = {"0": 0.5, "1": 0.3, "2": 0.2}
SUCCESS = {"0": (0.4, 0.1), "1": (0.2, 0.3), "2": (0.4, 0.0)}  # by the first and by the second position


def log(searches=3_000, seed=1, query="rock", lists=LISTS, success=SUCCESS):
    """One context with three variants of a list; at most one position of a list satisfies."""
    rng = np.random.default_rng(seed)
    variants = rng.choice(list(lists), searches, p=list(CHANCES.values()))
    chances = np.array([success[v] for v in variants])
    draw = rng.random(searches)
    first = np.where(draw < chances[:, 0], 1, np.where(draw < chances.sum(axis=1), 2, 0))
    return pd.DataFrame(
        {
            "release_id": "r1",
            "locale": "en-US",
            "query": query,
            "user_id": [f"u{i}" for i in rng.integers(0, searches // 3, searches)],
            "variant": variants,
            "propensity": [CHANCES[v] for v in variants],
            "results": [lists[v] for v in variants],
            "first_satisfied": first,
        }
    )


def test_each_variant_served_alone_is_worth_its_own_success():
    rows = log()
    verdict = off_policy_verdict(rows, targets_of_variants(rows), SURE)
    assert verdict.logged.mean == pytest.approx((rows["first_satisfied"] > 0).mean())
    for name, target in verdict.targets.items():
        own = rows[rows["variant"] == name]["first_satisfied"] > 0
        assert set(target.values) == ESTIMATORS and target.by_position_searches == 3_000
        values = {k: v.interval for k, v in target.values.items() if isinstance(v, PolicyValue)}
        assert values["SNIPS"].mean == pytest.approx(own.mean())
        assert values["IPS"].mean == pytest.approx(own.sum() / CHANCES[name] / 3_000)
        for interval in values.values():
            assert interval.low < sum(SUCCESS[name]) < interval.high


def test_a_list_that_was_never_served_is_told_by_its_parts():
    """s w is s t and v w without v t; s earns .3, v .2, t .1, w .2."""
    lists = {"0": "s\tt", "1": "v\tw", "2": "v\tt"}
    rows = log(lists=lists, success={"0": (0.3, 0.1), "1": (0.2, 0.2), "2": (0.2, 0.1)})
    values = off_policy_verdict(rows, {"new": {("r1", "en-US", "rock"): "s\tw"}}, SURE).targets["new"].values
    assert "effective sample size 0.0" in values["IPS"]
    for name in ("item-position", "pseudo-inverse"):
        assert values[name].interval.mean == pytest.approx(0.5, abs=0.06)
        assert values[name].interval.low < 0.5 < values[name].interval.high


def test_a_list_whose_parts_were_never_served_apart_is_refused_and_says_so():
    values = off_policy_verdict(log(), {"new": {("r1", "en-US", "rock"): "t\tu"}}, SURE).targets["new"].values
    assert isinstance(values["item-position"], PolicyValue)
    assert "no combination of what was logged" in values["pseudo-inverse"]


def test_a_context_is_known_if_its_propensities_sum_to_one():
    rows = log()
    [lists] = known_contexts(rows).values()
    assert lists == pytest.approx({LISTS[v]: p for v, p in CHANCES.items()})
    assert known_contexts(rows[rows["variant"] != "2"]) == {}
    changing = rows.assign(propensity=np.where(np.arange(len(rows)) == 0, 0.4, rows["propensity"]))
    assert known_contexts(changing) == {}


def test_a_context_with_few_searches_is_not_known_although_it_happens_to_show_all():
    """Were it taken, a list of 1 % that was seen once in five searches would weigh 20 times too much."""
    rows = pd.concat([log(3), log(3)]).head(5).assign(variant=["0", "0", "0", "1", "2"])
    rows = rows.assign(
        results=rows["variant"].map(LISTS), propensity=rows["variant"].map({"0": 0.98, "1": 0.01, "2": 0.01})
    )
    assert known_contexts(rows) == {}
    often = pd.concat([rows] * 100)
    assert known_contexts(often) == {}  # the same five people, whose lists stay as they were drawn
    assert len(known_contexts(often.assign(user_id=[f"u{n}" for n in range(len(often))]))) == 1


def test_without_known_contexts_positions_are_refused_and_say_why():
    rows = log().assign(propensity=lambda r: r["propensity"] / 2)
    target = {"0": {("r1", "en-US", "rock"): LISTS["0"]}}
    values = off_policy_verdict(rows, target, SETTINGS).targets["0"].values
    assert "every list that could be served" in values["item-position"]
    assert values["pseudo-inverse"] == values["item-position"]
    assert values["IPS"].mean_weight == pytest.approx(2.0, abs=0.1)  # propensities that are half of the truth show here


def test_targets_without_release_are_of_every_release_and_others_are_named():
    rows = log()
    anywhere = off_policy_verdict(rows, {"p": {("", "en-US", "rock"): LISTS["0"]}}, SETTINGS)
    assert anywhere.targets["p"].searches == 3_000
    with pytest.raises(MetricInput, match="target 'p' has no list for any of the 3,000 searches"):
        off_policy_verdict(rows, {"p": {("", "en-US", "jazz"): LISTS["0"]}}, SETTINGS)


def test_a_variant_that_served_two_lists_in_a_context_is_no_target_there():
    rows = pd.concat([log(), log(query="jazz")])
    rows.loc[(rows["query"] == "jazz") & (rows["variant"] == "1") & (rows["first_satisfied"] > 0), "results"] = "u\tt"
    targets = targets_of_variants(rows)
    assert set(targets["1"]) == {("r1", "en-US", "rock")} == set(targets["0"])  # nor is jazz known with all its lists


def test_a_rare_variant_is_not_judged_where_it_happened_to_be_drawn():
    """Every list succeeds in half of its searches. In thin contexts a variant of 3 % is a target only beside its own searches."""
    rng = np.random.default_rng(5)
    names, chances = np.array(["0", "1", "2", "3"]), np.array([0.9, 0.0333, 0.0333, 0.0334])
    rows = []
    for i, searches in enumerate(rng.zipf(1.4, 3_000).clip(1, 600)):
        for variant in rng.choice(4, searches, p=chances):
            rows.append((f"q{i}", names[variant], chances[variant], f"v{variant}"))
    log = pd.DataFrame(rows, columns=["query", "variant", "propensity", "results"])
    log = log.assign(release_id="r", locale="en", user_id=[f"u{i % 4_000}" for i in range(len(log))])
    log["first_satisfied"] = (rng.random(len(log)) < 0.5).astype(int)
    for target in off_policy_verdict(log, targets_of_variants(log), SURE).targets.values():
        value = target.values["IPS"]
        assert isinstance(value, PolicyValue) and value.mean_weight == pytest.approx(1, abs=0.1)
        assert value.interval.low < 0.5 < value.interval.high


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("{", "row 2: no JSON"),
        ("[]", "row 2: no JSON object"),
        ('{"policy": "p", "locale": "en-US", "results": ["t1"]}', "row 2: raw_query is None"),
        ('{"policy": "p", "locale": "en-US", "raw_query": "rock", "results": []}', r"row 2: results is \[\]"),
    ],
)
def test_a_wrong_target_names_its_row(tmp_path, line, message):
    file = tmp_path / "targets.jsonl"
    file.write_text(
        '{"policy": "p", "locale": "en-US", "raw_query": "¡Rock!", "results": ["t1", "t2"]}\n' + line + "\n"
    )
    with pytest.raises(TargetsUnreadable, match=f"targets.jsonl, {message}"):
        target_lists(file)


def test_targets_are_read_by_their_normal_form(tmp_path):
    file = tmp_path / "targets.jsonl"
    file.write_text('{"policy": "p", "locale": "es-MX", "raw_query": "¡Música!", "results": ["t1", "t2"]}\n\n')
    assert target_lists(file) == {"p": {("", "es-MX", "musica"): "t1\tt2"}}
    file.write_text("\n")
    with pytest.raises(TargetsUnreadable, match="no row"):
        target_lists(file)
