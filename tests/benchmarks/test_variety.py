"""What the benchmark of repetition makes of the days that its arms served."""

from __future__ import annotations

from typing import Any

import pytest

from benchmarks.variety import compared


def day(success: float, broad: float, mood: float) -> dict[str, Any]:
    return {"success": success, "broad": {"success": broad}, "by_kind": {"mood": {"success": mood}}}


def test_arms_are_compared_day_by_day() -> None:
    none = [day(0.5, 0.4, 0.1), day(0.7, 0.6, 0.9), day(0.3, 0.2, 0.5)]
    ours = [day(0.51, 0.5, 0.1), day(0.73, 0.7, 0.9), day(0.32, 0.3, 0.5)]
    got = compared(ours, none)
    assert got["all"]["ahead"] == pytest.approx(0.02)
    assert got["all"]["success"] == pytest.approx(0.52)
    # t of .975 with two degrees of freedom is 4.3027, the deviation of .01, .03 and .02 is .01
    half = 4.302653 * 0.01 / 3**0.5
    assert (got["all"]["low"], got["all"]["high"]) == pytest.approx((0.02 - half, 0.02 + half))
    assert got["broad"]["low"] == pytest.approx(0.1) == got["broad"]["high"]
    assert got["mood"]["ahead"] == 0
