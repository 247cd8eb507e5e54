"""What `benchmarks.features` derives from its measurements, on numbers one can check by hand."""

from __future__ import annotations

from typing import Any

import pytest

from benchmarks.feature_oracle import PAIR, sums_named
from benchmarks.features import Run, exponent, predicted
from benchmarks.features_duckdb import WANTED
from benchmarks.features_table import print_report
from features.catalogue import columns


def run(seconds: float, **told: Any) -> Run:
    return Run({"seconds": {"count": seconds / 2, "build": seconds / 2}, **told}, 0)


def test_the_exponent_is_the_slope_in_logarithms() -> None:
    assert exponent([1, 2, 4, 8], [3, 6, 12, 24]) == pytest.approx(1.0)
    assert exponent([1, 2, 4, 8], [1, 4, 16, 64]) == pytest.approx(2.0)
    assert exponent([1, 10], [5, 5]) == pytest.approx(0.0)


def test_a_big_day_costs_by_its_impressions_and_by_its_candidates_which_are_bounded() -> None:
    def night(seconds: float, a_day: int, candidates: int, days: int = 28) -> Run:
        return run(seconds, impressions=a_day * days, days_held=days, candidates=candidates, most_candidates=1_500)

    nights = {
        "short": night(20, 100, 500), "larger": night(30, 300, 900), "fewer": night(22, 300, 100), "long": night(23, 100, 600, 365),
    }  # fmt: skip
    # 8 s for 800 candidates; of the 10 s between the two sizes 400 candidates took 4
    told = predicted(nights, 210.0, 10.0, 1_100)
    assert (told.us_per_candidate, told.us_per_impression) == pytest.approx((1e4, 3e4))
    # 1,000 impressions more want 2,000 candidates more, and 1,500 are all there may be
    assert (told.candidates, told.night_s) == pytest.approx((1_500, 23 + 30 + 9))
    assert (told.unbounded_s, told.full_s) == pytest.approx((23 + 30 + 20, 2_210))
    same = predicted(nights, 210.0, 10.0, 100)
    assert (same.night_s, same.unbounded_s, same.full_s) == pytest.approx((23, 23, 210))


def test_the_other_side_sums_what_its_columns_name_and_no_more() -> None:
    assert sums_named({"x": "ln(1 + p_long_28) / nullif(q_n_7, 0)", "y": "p_newest"}) == {
        "p_long_28",
        "q_n_7",
        "p_newest",
    }
    assert sums_named({"x": PAIR["coec_7d"]}) == {f"{x}_{m}_7" for x in "pgct" for m in ("resp", "exp")}
    counted = {c for wanted in WANTED.values() for c in wanted}
    assert counted <= {c.name for c in columns()}


def test_the_table_shows_bars_beside_what_was_measured(capsys: pytest.CaptureFixture[str]) -> None:
    night = {
        "seconds": {"count": 10.0, "build": 30.0}, "total_s": 40.0, "impressions": 100, "candidates": 5, "active_pairs": 7,
        "partials_read": 9, "bytes_written": 11,
    }  # fmt: skip
    print_report({
        "nights": {n: night for n in ("empty", "short", "larger", "long")}, "full": night, "full_s": 240.0, "days": 365,
        "incremental_speedup_365": 6.0, "incremental_speedup_365_cold": 5.5, "fixed_s": 20.0, "fixed_cold_s": 50.0,
        "night_365_over_28": 1.21, "night_365_over_28_without_fixed": 1.4,
        "us_per_impression": 6.5, "predicted_speedup_20m_day": 23.0, "predicted_speedup_20m_day_unbounded": 14.0,
        "predicted": {"us_per_candidate": 41.5, "us_per_impression": 90.0}, "peak_rss_gb": 9.9, "cost_exponent": 1.01,
        "against_duckdb": [{"searches": 4_000_000, "ours_s": 100.0, "duckdb_s": 25.0, "mismatches": 0}],
        "families_s": {"coec": 12.3},
    })  # fmt: skip
    said = capsys.readouterr().out
    for part in ("6.00", "≥ 5", "1.21", "≤ 1.3", "4.00×", "0 values apart", "family coec alone", "1.01"):
        assert part in said
