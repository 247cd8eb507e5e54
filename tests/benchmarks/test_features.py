"""What `benchmarks.features` derives from its measurements, on numbers one can check by hand."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from benchmarks import features
from benchmarks.feature_oracle import PAIR, sums_named
from benchmarks.features import Benchmark, measured
from benchmarks.features_cost import Run, exponent, predicted
from benchmarks.features_duckdb import WANTED
from benchmarks.features_table import print_report
from features.catalogue import columns


def run(seconds: float, **told: Any) -> Run:
    return Run({"seconds": {"count": seconds / 2, "build": seconds / 2}, **told}, 0)


def test_the_exponent_is_the_slope_in_logarithms() -> None:
    assert exponent([1, 2, 4, 8], [3, 6, 12, 24]) == pytest.approx(1.0)
    assert exponent([1, 2, 4, 8], [1, 4, 16, 64]) == pytest.approx(2.0)
    assert exponent([1, 10], [5, 5]) == pytest.approx(0.0)


def test_a_big_day_costs_by_its_impressions_its_history_and_its_candidates_which_are_bounded() -> None:
    def night(count: float, build: float, a_day: int, candidates: int, days: int = 28) -> Run:
        told = {"impressions": a_day * days, "days_held": days, "candidates": candidates, "most_candidates": 1_500}
        return Run({"seconds": {"count": count, "build": build}, **told}, 0)

    nights = {
        "short": night(8, 12, 100, 500),
        "larger": night(10, 20, 300, 900),
        "fewer": night(9, 12, 300, 100),
        "long": night(8, 17, 100, 600, 365),
        "empty": night(1, 2, 1, 1),
        "empty_long": night(1.5, 2.5, 1, 1, 365),
    }
    told = predicted(nights, 210.0, 10.0, 1_100)
    # the build of 800 candidates took 8 s; of the 10 s between the sizes counting took 2 and 400 candidates 4: 6 s for 200 a day
    assert (told.us_per_candidate, told.us_per_impression) == pytest.approx((1e4, 3e4))
    # the year's night took 5 s more, 1 of them for 100 candidates, 1 for its days whatever they hold
    assert told.history_s == pytest.approx(3)
    # 1,000 impressions more, 11 times the history, and of 2,000 more candidates that are wanted 900 more at most
    assert (told.candidates, told.night_s) == pytest.approx((1_500, 25 + 30 + 30 + 9))
    assert told.full_s == pytest.approx(10 + (200 - 6) * 11 + 15)
    assert (told.unbounded_night_s, told.unbounded_full_s) == pytest.approx((25 + 30 + 30 + 20, 10 + 194 * 11 + 26))
    same = predicted(nights, 210.0, 10.0, 100)
    assert (same.night_s, same.unbounded_night_s, same.full_s) == pytest.approx((25, 25, 210))


def test_noise_makes_nothing_cheaper_than_free() -> None:
    def night(count: float, build: float, a_day: int, candidates: int) -> Run:
        told = {"impressions": a_day * 28, "days_held": 28, "candidates": candidates, "most_candidates": 1_500}
        return Run({"seconds": {"count": count, "build": build}, **told}, 0)

    nights = {
        "short": night(9, 15, 100, 500),
        "larger": night(8, 14, 300, 900),
        "fewer": night(8, 15, 300, 100),
        "long": night(8, 14, 100, 500),
        "empty": night(1, 2, 1, 1),
        "empty_long": night(1, 1, 1, 1),
    }
    told = predicted(nights, 210.0, 10.0, 1_100)
    assert (told.us_per_candidate, told.us_per_impression, told.history_s, told.night_s) == (0, 0, 0, 22)


class Told(Benchmark):
    """A benchmark whose children have said what they took: a day is counted in 25 s at first."""

    def world(self, days: int, per_day: int) -> Path:
        return self.out / f"world-{days}-{per_day}"

    def tail(self, world: Path, days: int) -> Path:
        return self.out / f"{world.name}-last-{days}"

    def ours(self, steps: Sequence[tuple[str, Path]], warm: Path | None = None) -> list[Run]:
        self.asked = [*getattr(self, "asked", []), [f"{action} {folder.name}" for action, folder in steps]]
        return [self.one(action, folder, warm) for action, folder in steps]

    def one(self, action: str, folder: Path, warm: Path | None) -> Run:
        days, more = 365 if folder.name in ("world-365-1000", "world-365-60") else 28, int(folder.name.split("-")[2])
        seconds = {"count": 25.0 * (days - 1)} if action == "prepare" else {"count": 10.0, "build": 30.0}
        if action == "families":
            seconds = {"coec": 3.0}
        told = {
            "seconds": seconds,
            "impressions": more * days,
            "searches": more * days,
            "days_held": days,
            "candidates": 10 if action == "fewer" else more,
            "most_candidates": 9_999,
            "cold_s": 70.0 if warm else None,
        }
        return Run(told, 5)

    def duckdb(self, folder: Path, home: Path, built: Path) -> tuple[float, int]:
        self.built = [*getattr(self, "built", []), str(built.relative_to(self.out))]
        return 10.0, 1


def test_all_anew_is_the_count_before_a_night_and_that_nights_build(tmp_path: Path) -> None:
    bench = Told(tmp_path, 8, 10, 8)
    told = measured(bench, 1_000, 365, [56_000, 84_000])
    assert told["full"]["seconds"] == {"count": 25.0 * 365, "build": 30.0}  # the newest day with the 364 before
    assert told["incremental_speedup_365"] == round((25 * 365 + 30) / 40, 2)
    assert told["incremental_speedup_365_cold"] == round(
        (25 * 365 + 60) / 70, 2
    )  # a JVM's first night took 30 s longer
    assert [a["ours_s"] for a in told["against_duckdb"]] == [730, 730, 40]  # the last is counted and built in one go
    assert told["oracle_mismatches"] == 3
    assert told["families_s"] == {"coec": 3.0}
    assert bench.asked[0] == [  # the lists are cut once the lake is there
        "prepare world-365-60-last-28",
        "prepare world-365-60",
        "prepare world-365-1000-last-28",
        "prepare world-28-2000",
        "prepare world-365-1000",
        "cut world-28-2000",
    ]
    assert bench.asked[1:-1] == [  # each night over full days in a JVM of its own
        ["night world-365-60-last-28", "night world-365-60"],
        ["night world-365-1000-last-28"],
        ["night world-28-2000"],
        ["fewer world-28-2000"],
        ["night world-365-1000"],
    ]
    assert bench.asked[-1] == ["whole world-28-3000", "families world-365-1000-last-28"]
    assert bench.built == ["home-world-365-1000-last-28/night", "home-world-28-2000/night", "home-world-28-3000/lake"]


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
        "seconds": {"count": 10.0, "build": 30.0},
        "total_s": 40.0,
        "impressions": 100,
        "candidates": 5,
        "active_pairs": 7,
        "partials_read": 9,
        "bytes_written": 11,
    }
    print_report(
        {
            "nights": {n: night for n in ("empty", "empty_long", "short", "larger", "fewer", "long")},
            "full": night,
            "full_s": 240.0,
            "days": 365,
            "incremental_speedup_365": 6.0,
            "incremental_speedup_365_cold": 5.5,
            "fixed_s": 20.0,
            "fixed_cold_s": 50.0,
            "fixed_long_s": 22.0,
            "full_fixed_s": 31.0,
            "night_365_over_28": 1.21,
            "night_365_over_28_without_fixed": 1.4,
            "us_per_impression": 6.5,
            "predicted_speedup_20m_day": 23.0,
            "predicted_speedup_20m_day_unbounded": 14.0,
            "full_over_duckdb": 4.2,
            "oracle_mismatches": 3,
            "predicted": {"us_per_candidate": 41.5, "us_per_impression": 90.0, "full_s": 5_000.0, "night_s": 217.0},
            "peak_rss_gb": 9.9,
            "cost_exponent": 1.01,
            "against_duckdb": [{"searches": 4_000_000, "ours_s": 100.0, "duckdb_s": 25.0, "mismatches": 0}],
            "families_s": {"coec": 12.3},
        }
    )
    rows = [
        [cell.strip() for cell in line.split("│")[1:-1]]
        for line in capsys.readouterr().out.splitlines()
        if line.startswith("│")
    ]
    for row in (
        ["in all", *["40.0"] * 6, "240.0"],
        ["all anew / night, 365 days", "6.00", "≥ 5"],
        ["night of 365 / night of 28 days", "1.21", "≤ 1.3"],
        ["… all anew / night, predicted", "23.0", "≥ 20"],
        ["all anew / DuckDB, the largest size below", "4.20", "≤ 5"],
        ["values apart from DuckDB's", "3", "0"],
        ["4,000,000", "100.0", "25.0", "4.00", "0"],
        ["coec", "12.3"],
    ):
        assert row in rows


def test_seconds_of_other_code_are_measured_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    started: list[list[str]] = []

    def stand_in(module: str, words: list[object], log: Path, timeout_s: int) -> int:
        started.append([str(w) for w in words])
        (tmp_path / "home-world" / "prepare.json").write_text(json.dumps({"seconds": {"count": 1.0 * len(started)}}))
        return 7_000 * len(started)

    monkeypatch.setattr(features, "peak_rss_of", stand_in)
    steps = [("prepare", tmp_path / "world")]
    [first], [again] = (Benchmark(tmp_path, 8, 10, 8).ours(steps) for _ in range(2))
    assert len(started) == 1 and first == again and again.peak == 7_000
    bench = Benchmark(tmp_path, 8, 10, 8)
    monkeypatch.setattr(features, "code_fingerprint", lambda *rooms: "of another day")
    [other] = bench.ours(steps)
    assert len(started) == 2 and other.seconds == 2.0 and bench.peak == 14_000
