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


def test_the_night_grows_as_it_did_between_two_sizes_and_the_recompute_by_the_impression() -> None:
    small, large = (
        run(20, impressions=2_800, days_held=28),
        run(26, impressions=8_400, days_held=28),
    )  # 100 and 300 a day
    year = run(22, impressions=36_500, days_held=365)  # 100 a day
    assert predicted(small, large, year, 210.0, 10.0, 1_000) == pytest.approx((22 + 900 * 6 / 200, 2010.0))
    assert predicted(small, large, year, 210.0, 10.0, 100) == pytest.approx((22.0, 210.0))


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
        "us_per_impression": 6.5, "predicted_speedup_20m_day": 23.0, "peak_rss_gb": 9.9, "cost_exponent": 1.01,
        "against_duckdb": [{"searches": 4_000_000, "ours_s": 100.0, "duckdb_s": 25.0, "mismatches": 0}],
        "families_s": {"coec": 12.3},
    })  # fmt: skip
    said = capsys.readouterr().out
    for part in ("6.00", "≥ 5", "1.21", "≤ 1.3", "4.00×", "0 values apart", "family coec alone", "1.01"):
        assert part in said
