"""The loop's arithmetic and its words; a night of it takes minutes and is run by `make loop`."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from scipy import stats

from tools import loop
from tools.loop import HISTORY, WEEK, Loop, change, difference, interval


def days(*success: float) -> list[dict[str, float]]:
    return [{"success": value} for value in success]


def test_an_interval_is_student_s() -> None:
    values = [0.1, 0.4, 0.2, 0.5]
    low, high = stats.t.interval(0.95, 3, np.mean(values), stats.sem(values))
    assert interval(values) == {
        "mean": pytest.approx(0.3),
        "low": pytest.approx(low),
        "high": pytest.approx(high),
        "n": 4,
    }


def test_the_last_week_is_compared_seed_by_seed() -> None:
    """Days of one seed share its world and nearly its ranker: they are no units of their own."""
    ours, theirs = [days(0, *[0.5] * WEEK), days(9, *[0.7] * WEEK)], [days(5, *[0.4] * WEEK), days(5, *[0.4] * WEEK)]
    compared = difference(ours, theirs, "success")
    low, high = stats.t.interval(0.95, 1, 0.2, stats.sem([0.1, 0.3]))
    assert compared == {k: pytest.approx(v) for k, v in {"mean": 0.2, "low": low, "high": high, "n": 2}.items()}
    one = change([days(*[0.1] * WEEK, *[0.3] * WEEK)], "success")
    assert one == {"mean": pytest.approx(0.2), "low": -np.inf, "high": np.inf, "n": 1}


def test_only_days_that_were_served_count(tmp_path: Path) -> None:
    (tmp_path / "live").mkdir()
    for day in (HISTORY - 1, HISTORY, HISTORY + 1):
        row = {"day": day, "broad": {"new_good": day / 10, "success": 0.5}}
        (tmp_path / "live" / f"2026-02-{day:02d}.json").write_text(json.dumps(row))
    one = Loop("explore", 7, 7, 100, "tiring", tmp_path)
    assert [row["new_good"] for row in loop.days_of(one)] == [HISTORY / 10, (HISTORY + 1) / 10] and one.days == 3


def test_each_night_is_of_the_day_after_the_logs_and_an_arm_differs_in_its_settings_alone(tmp_path: Path) -> None:
    arms = {arm: Loop(arm, 7, 7, 100, "tiring", tmp_path).night_words(HISTORY) for arm in ("explore", "still")}
    assert f"run_date={loop.FIRST_DATE.replace(day=loop.FIRST_DATE.day + HISTORY)}" in arms["explore"]
    assert set(arms["still"]) - set(arms["explore"]) == {"ranking.explore_variants=0"}


@pytest.mark.parametrize("words", [["--arms", "explor"], ["--seeds", "x"], ["--nights", "3"]])
def test_a_bad_call_is_refused(words: list[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        loop.main(words)
    assert caught.value.code == 2


def test_what_there_is_so_far_is_the_whole_weeks_of_all_loops(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def write(arm: str, count: int, success: float) -> None:
        folder = tmp_path / f"{arm}-7" / "live"
        folder.mkdir(parents=True, exist_ok=True)
        for i in range(count):
            row = {"day": HISTORY + i, "success": success + (i >= WEEK), "ndcg10": 0.5, "gini": 0.9, "explored": 0.1}
            row["broad"] = {"new_good": 0.2, "success": 0.5}
            (folder / f"{i:03d}.json").write_text(json.dumps(row))

    words = ["--so-far", "--out", str(tmp_path), "--arms", "explore,still", "--seeds", "7"]
    write("explore", 2 * WEEK, 0.3)
    write("still", WEEK - 1, 0.1)
    assert loop.main(words) == 1 and "no whole week" in capsys.readouterr().err
    write("still", WEEK, 0.1)
    assert loop.main([*words, "--json", str(tmp_path / "all.json")]) == 0
    written = json.loads((tmp_path / "all.json").read_text())
    assert list(written["weeks"]) == ["explore 1", "still 1"]
    assert written["differences"]["explore - still: success"]["mean"] == pytest.approx(0.2)
