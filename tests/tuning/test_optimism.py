import numpy as np
import pytest

from tuning.optimism import optimism, paired_gain
from tuning.trial import PARTS


def rows(worths: list[float], noise: float, seed: int) -> dict[str, list[float | None]]:
    rng = np.random.default_rng(seed)
    return {str(i): [float(w + noise * rng.normal()) for _ in range(PARTS)] for i, w in enumerate(worths)}


def test_the_estimate_is_close_to_the_true_excess_of_equal_trials() -> None:
    """Twenty trials of equal worth: what the best one shows above it is optimism alone."""
    needs, estimated, true = [10] * PARTS, [], []
    for seed in range(40):
        parts = rows([0.8] * 20, 0.05, seed)
        found = optimism(parts, needs, seed=1)
        assert found is not None
        estimated.append(found)
        true.append(max(float(np.mean([v for v in row if v is not None])) for row in parts.values()) - 0.8)
    assert np.mean(true) > 0.008
    assert np.mean(estimated) == pytest.approx(np.mean(true), rel=0.25)


def test_one_trial_far_above_the_others_has_little_optimism() -> None:
    found = optimism(rows([0.9, *[0.7] * 19], 0.05, 3), [10] * PARTS, seed=1)
    assert found is not None and found < 0.001


def test_there_is_no_estimate_from_one_trial_or_from_few_parts() -> None:
    parts = rows([0.8, 0.8], 0.05, 1)
    assert optimism({"0": parts["0"]}, [10] * PARTS, seed=1) is None
    assert optimism(parts, [10] * 4 + [0] * (PARTS - 4), seed=1) is None
    assert optimism({"a": [], "b": []}, [10] * PARTS, seed=1) is None


def test_parts_without_a_need_do_not_count() -> None:
    needs = [3] * 50 + [0] * (PARTS - 50)
    parts = rows([0.8, 0.79, 0.81], 0.05, 2)
    emptied = {k: [*row[:50], *[None] * (PARTS - 50)] for k, row in parts.items()}
    assert optimism(emptied, needs, seed=1) == optimism(parts, needs, seed=1)


def test_the_gain_is_paired_and_weighted_by_needs() -> None:
    best, default = [0.9, 0.5, 0.7, None], [0.8, 0.5, 0.65, None]
    gain = paired_gain(best, default, [1, 1, 2, 0])
    assert gain is not None
    assert gain[0] == pytest.approx((0.1 + 0.0 + 2 * 0.05) / 4)
    assert gain[1] < gain[0] < gain[2]
    assert paired_gain(best[:1], default[:1], [1]) is None
