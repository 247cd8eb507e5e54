"""The true position curve: what is moved, and a world whose curve is known."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from simulator.behaviour import drawn_behaviour
from simulator.examination import moved, true_curve


def test_a_moved_track_leaves_the_others_in_order() -> None:
    lists = np.array([[0, 1, 2, 3], [0, 1, 2, -1]], dtype=np.int8)
    assert moved(lists, np.array([2, 0]), 0).tolist() == [[2, 0, 1, 3], [0, 1, 2, -1]]
    assert moved(lists, np.array([0, 1]), 2).tolist() == [[1, 2, 0, 3], [0, 2, 1, -1]]


def test_pure_position_bias_gives_one_over_the_rank() -> None:
    behaviour = drawn_behaviour("position", 28, np.random.default_rng(1))
    grades = np.random.default_rng(2).integers(0, 5, size=(40_000, 10)).astype(np.int8)
    curve = true_curve(grades, 1, behaviour, np.random.default_rng(3))
    assert curve == pytest.approx(1 / np.arange(1, 11), rel=0.04)
    tired = replace(behaviour, number={**behaviour.number, "go_on_after_good": 0.0})
    assert (true_curve(grades, 1, tired, np.random.default_rng(3))[1:] < curve[1:]).all()
