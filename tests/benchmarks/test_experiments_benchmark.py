"""The benchmark of statistical methods: what it calls kept and broken, its known truths, and a few runs of every check."""

from __future__ import annotations

import json
from itertools import permutations
from pathlib import Path

import numpy as np
import pytest

from benchmarks.experiments import (
    AT_LEAST,
    AT_MOST,
    CHECKS,
    EQUAL,
    LISTS,
    PROPENSITIES,
    Check,
    Result,
    lists_world,
    logged,
    main,
    measured,
    printed,
    true_preference,
)


def result(share: float, sense: str) -> Result:
    return Result("x", 0.95, sense, share, 0.01, 100, 0.0)


@pytest.mark.parametrize(
    ("share", "sense", "kept"),
    [
        (0.925, EQUAL, True),
        (0.915, EQUAL, False),
        (0.985, EQUAL, False),
        (0.915, AT_LEAST, False),
        (0.999, AT_LEAST, True),
        (0.5, AT_MOST, True),
        (0.985, AT_MOST, False),
    ],
)
def test_three_standard_errors_decide_on_the_promised_sides(share: float, sense: str, kept: bool) -> None:
    one = result(share, sense)
    assert one.is_kept is kept
    assert ("**broken**" in printed([one])) is not kept


def test_a_check_that_lies_is_found_and_a_seed_repeats() -> None:
    honest = Check("coin", 0.5, EQUAL, lambda rng: rng.random() < 0.5)
    assert measured(honest, 2_000, 1).is_kept and measured(honest, 50, 1).share == measured(honest, 50, 1).share
    assert not measured(Check("coin", 0.6, EQUAL, honest.run), 2_000, 1).is_kept
    halves = measured(Check("share", 0.5, EQUAL, lambda rng: rng.choice([0.0, 0.5, 1.0])), 2_000, 1)
    assert halves.error == pytest.approx((1 / 6) ** 0.5 / 2_000**0.5, rel=0.05)


def test_the_truths_of_the_worlds() -> None:
    chances, by_position, whole, rates, truth = lists_world()
    assert [tuple(x) for x in LISTS.tolist()] == list(permutations(range(5), 3))
    assert chances.sum(axis=1) == pytest.approx(1.0)
    clicks = rates[:, LISTS, np.arange(3)]
    # over every list that can be served, both estimators give the truth
    assert (chances[:, :, None] * by_position * clicks).sum(axis=(1, 2)) == pytest.approx(truth)
    assert (chances * whole * clicks.sum(axis=2)).sum(axis=1) == pytest.approx(truth)
    assert true_preference(True) == pytest.approx(0.0) and 0 < true_preference(False) < 0.5
    log = logged(np.random.default_rng(1))
    assert np.bincount(log.variants) / len(log.variants) == pytest.approx(PROPENSITIES, abs=0.04)


@pytest.mark.parametrize("check", CHECKS, ids=lambda c: c.name)
def test_every_check_runs_and_is_far_from_broken(check: Check) -> None:
    one = measured(check, 12, 7)
    assert abs(one.share - check.nominal) <= 0.35


def test_the_table_and_the_file_say_the_same(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code = main(["--runs", "40", "--only", "Holm", "--json", str(tmp_path / "out" / "e.json")])
    out = capsys.readouterr().out
    stored = json.loads((tmp_path / "out" / "e.json").read_text())
    assert code == (0 if all(c["kept"] for c in stored["checks"]) else 1)
    assert [c["name"] in out for c in stored["checks"]] == [True, True]
    assert main(["--only", "no such method"]) == 2 and main(["--runs", "1"]) == 2
