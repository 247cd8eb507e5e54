"""Nights in a row: one table of all arms, and leads whose interval knows that nights differ."""

from __future__ import annotations

from datetime import date
from types import SimpleNamespace
from typing import Any, cast

import numpy as np
import pandas as pd
import pytest

from evaluation.intervals import clustered_interval
from evaluation.replay import print_replay, replayed
from evaluation.report import NightResult


def judged(day: int, rows: list[tuple[str, float, float, float]]) -> NightResult:
    """A night of rows (want, searches, NDCG of playfirst, NDCG of served); `ctr` has half of what `served` has."""
    wants, searches, ours, served = map(np.array, zip(*rows, strict=True))
    arms = {"playfirst": ours, "served": served, "ctr": served / 2, "skyline": np.ones(len(rows))}
    entries = pd.DataFrame({"need": wants, "need_id": wants, "want": wants, "searches": searches, **arms})
    mean = {arm: float(np.average(values, weights=searches)) for arm, values in arms.items()}
    result: Any = SimpleNamespace(
        run_date=date(2026, 3, day),
        ndcg10=mean,
        weights={"judged": float(searches.sum())},
        coverage=0.5,
        never_shown=SimpleNamespace(reached=0.1),
        by_entry=entries,
    )
    return cast(NightResult, result)


def test_a_lead_is_over_all_entries_by_searches_and_nights_are_counted() -> None:
    nights = [
        judged(1, [("a", 3, 0.9, 0.5), ("b", 1, 0.4, 0.8)]),
        judged(2, [("a", 1, 0.6, 0.7), ("c", 1, 0.5, 0.5)]),
    ]
    figures = replayed(nights)
    assert figures.ndcg10["playfirst"] == pytest.approx((3 * 0.9 + 0.4 + 0.6 + 0.5) / 6)
    assert figures.leads["served"].mean == pytest.approx((3 * 0.4 - 0.4 - 0.1 + 0) / 6)
    assert figures.ahead == {"served": 1, "ctr": 2} and figures.strongest == "served"
    assert list(figures.by_night) == ["2026-03-01", "2026-03-02"]
    assert figures.by_night["2026-03-02"]["searches"] == 2 and figures.by_night["2026-03-02"]["never_shown"] == 0.1
    assert "skyline" not in figures.leads  # a ceiling is no rival
    assert set(figures.as_json()) == {"nights", "ndcg10", "leads", "nights_ahead", "strongest"}


def test_an_arm_that_a_night_lacks_is_left_out_and_one_night_has_its_own_interval() -> None:
    one = judged(1, [("a", 3, 0.9, 0.5), ("b", 1, 0.4, 0.8), ("c", 2, 0.7, 0.1)])
    other = judged(2, [("a", 1, 0.6, 0.7), ("c", 1, 0.5, 0.5)])
    without = SimpleNamespace(**{**vars(other), "ndcg10": {a: v for a, v in other.ndcg10.items() if a != "ctr"}})
    assert set(replayed([one, cast(NightResult, without)]).leads) == {"served"}
    assert one.by_entry is not None
    lead = one.by_entry["playfirst"] - one.by_entry["served"]
    alone = clustered_interval(lead, one.by_entry["searches"], one.by_entry["want"])
    assert replayed([one]).leads["served"] == alone


def test_nights_that_differ_widen_the_interval() -> None:
    """400 wants with the same lead on average: if it comes from a few nights, the interval must know."""
    draw = np.random.default_rng(7)

    def night(day: int, lead: float) -> NightResult:
        served = draw.uniform(0.3, 0.5, 400)
        ours = served + lead + draw.normal(0, 0.02, 400)
        return judged(
            day, [(f"w{i}", 1.0, float(o), float(s)) for i, (o, s) in enumerate(zip(ours, served, strict=True))]
        )

    even = replayed([night(d, 0.1) for d in range(1, 6)]).leads["served"]
    uneven = replayed([night(d, lead) for d, lead in enumerate((0.3, 0.0, 0.2, -0.1, 0.1), 1)]).leads["served"]
    assert even.mean == pytest.approx(uneven.mean, abs=0.01)
    assert even.low > 0.08 and uneven.low < 0 < uneven.mean


def test_the_table_names_every_night_and_the_strongest_rival(capsys: pytest.CaptureFixture[str]) -> None:
    print_replay(replayed([judged(1, [("a", 3, 0.9, 0.5), ("b", 1, 0.4, 0.8)])]), "the simulator's truth")
    printed = capsys.readouterr().out
    assert "2026-03-01" in printed and "strongest arm without learning is served" in printed and "1 of 1" in printed
