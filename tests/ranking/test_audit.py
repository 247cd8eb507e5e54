"""A column that knows its label week is named; the best that the past can tell is not. Of made counts whose truth is known."""

from __future__ import annotations

from datetime import date, timedelta

import numpy as np
import pandas as pd
import pytest
from pyspark.sql import SparkSession

from ranking.audit import areas, audited, audited_rows, contrasts, mid_ranks, step_limit

LIMIT, DAYS, NEEDS, TRACKS = 0.995, 7, 400, 12


def night(seed: int, drift: float = 0.0) -> tuple[pd.DataFrame, list[str]]:
    """Pairs of 400 queries: worth, a month before, the label week day by day, and the week after; `drift` moves worth each week.

    Twelve honest columns: worth as the month before showed it, with noise of several sizes, and four of nothing.
    """
    rng = np.random.default_rng(seed)
    n = NEEDS * TRACKS
    query = np.repeat(np.arange(NEEDS), TRACKS)
    shown = rng.poisson(rng.exponential(0.6, n)[:, None], (n, DAYS))
    later = rng.poisson(shown.sum(1)[:, None] / DAYS, (n, DAYS))
    worth = rng.normal(-1.0, 1.0, n)
    moved = worth + drift * rng.normal(size=n)

    def rate(of: np.ndarray) -> np.ndarray:
        return 1 / (1 + np.exp(-of))

    plays = rng.binomial(shown, rate(worth)[:, None])
    after = rng.binomial(later, rate(moved)[:, None]).sum(1)
    told = (plays.sum(1) + 0.6) / (shown.sum(1) + 2.0)
    rows = pd.DataFrame(
        {
            "qid": query,
            "need": [f"q{q}" for q in query],
            "is_shown": shown.sum(1) > 0,
            "successes": plays.sum(1).astype(float),
            "exposure": shown.sum(1).astype(float),
            "after_successes": after.astype(float),
            "after_exposure": later.sum(1).astype(float),
            "grade": np.digitize(np.where(shown.sum(1) > 0, told, 0.0), [0.2, 0.35, 0.5, 0.65]),
        }
    )
    month = rng.binomial(20, rate(worth)) / 20
    honest = {f"past_{i}": month + rng.normal(0, 0.05 * i, n) for i in range(8)} | {
        f"noise_{i}": rng.normal(size=n) for i in range(4)
    }
    days = {f"label_{k}": plays[:, :k].sum(1).astype(float) for k in (1, 3, 7)}
    mixed = {"window": plays.sum(1) + rng.binomial(20, rate(worth)) / 3.0, "against": -plays.sum(1).astype(float)}
    return rows.assign(**honest, **days, **mixed), list(honest)


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("leak", ["label_1", "label_3", "label_7", "window", "against"])
def test_plays_of_the_label_week_are_named_and_nothing_else(seed: int, leak: str) -> None:
    rows, honest = night(seed)
    assert [f.column for f in audited(rows, [*honest, leak], LIMIT).leaks] == [leak]


@pytest.mark.parametrize("seed", range(5))
def test_the_best_of_the_past_is_no_leak_and_a_drifting_taste_neither(seed: int) -> None:
    for drift in (0.0, 0.3):
        rows, honest = night(seed, drift)
        assert audited(rows, honest, LIMIT).leaks == ()


def test_leaks_do_not_hide_each_other_even_where_they_are_most_columns() -> None:
    rows, honest = night(1)
    leaks = ["label_1", "label_3", "label_7", "window"]
    assert {f.column for f in audited(rows, [*honest, *leaks], LIMIT).leaks} == set(leaks)
    few = [*honest[:1], honest[-1]]
    assert {f.column for f in contrasts(rows, [*few, *leaks]) if f.value > f.limit} == set(leaks)


def test_the_first_question_finds_leaks_of_either_direction() -> None:
    rows, honest = night(1)
    found = contrasts(rows, [*honest, "label_7", "against"])
    assert {f.column for f in found if f.value > f.limit} == {"label_7", "against"}


def test_a_column_that_tells_how_much_will_be_shown_later_is_no_leak() -> None:
    """Half of the tracks fade: shown 20 times in the label week, 5 times after; the others 20 and 80 times. All please alike."""
    rng, n = np.random.default_rng(3), 600
    fading = np.arange(n) % 2
    after = np.where(fading == 1, 5, 80)
    rows = pd.DataFrame(
        {
            "qid": np.arange(n) // 10,
            "need": [f"q{i // 10}" for i in range(n)],
            "is_shown": True,
            "successes": rng.binomial(20, 0.4, n).astype(float),
            "exposure": 20.0,
            "after_successes": rng.binomial(after, 0.4).astype(float),
            "after_exposure": after.astype(float),
            "fading": fading.astype(float),
            "noise": rng.normal(size=n),
        }
    )
    found = contrasts(rows, ["fading", "noise"])
    assert len(found) == 2 and all(f.value <= f.limit for f in found)


def test_whatever_is_above_its_limit_is_a_leak() -> None:
    """The area of x is 3.5 / 4, that of y 1/2: one is above a limit of .8, if only a little."""
    rows = pd.DataFrame({"qid": 1, "need": "q", "is_shown": True, "grade": [0, 1, 0, 1], "x": [1.0, 2, 2, 3], "y": 1.0})
    nothing = dict.fromkeys(("successes", "exposure", "after_successes", "after_exposure"), 0.0)
    assert [(f.column, f.value, f.limit) for f in audited(rows.assign(**nothing), ["x", "y"], 0.8).leaks] == [
        ("x", 3.5 / 4, 0.8)
    ]


def test_a_column_is_no_leak_for_seeing_both_weeks_alike() -> None:
    """Plays of the label week and of the week after: it sees the future, but tells neither week better. (`features.build.audit` finds it.)"""
    rows, _ = night(1)
    both = rows.assign(both=rows.successes + rows.after_successes)
    assert [f for f in contrasts(both, ["both"]) if f.value > f.limit] == []


def test_where_nothing_was_shown_again_the_second_question_stands_alone() -> None:
    rows, honest = night(1)
    alone = rows.assign(after_successes=0.0, after_exposure=0.0)
    assert contrasts(alone, honest) == []
    found = audited(alone, [*honest, "label_7"], LIMIT)
    assert [f.column for f in found.leaks] == ["label_7"] and "AUC of grade ≥" in found.leaks[0].description


def test_the_area_is_of_ranks_with_ties_averaged_and_of_either_direction() -> None:
    """Grades 0 1 0 1; x = 1 2 2 3: of the four pairs of a 1 with a 0, three are won and one is tied. y falls with the grade."""
    rows = pd.DataFrame(
        {
            "qid": 1,
            "need": "q",
            "is_shown": True,
            "grade": [0, 1, 0, 1],
            "x": [1.0, 2.0, 2.0, 3.0],
            "y": [9.0, 2.0, 8.0, 1.0],
        }
    )
    found = {(f.column, f.what): f.value for f in areas(rows, ["x", "y"], LIMIT)}
    for where in ("pooled", "within a need"):
        what = f"AUC of grade ≥ 1 {where} among all tracks"
        assert (found["x", what], found["y", what]) == (3.5 / 4, 1.0)


def test_within_a_query_is_asked_apart() -> None:
    """x orders each query rightly, and the queries wrongly; null is lowest."""
    rows = pd.DataFrame(
        {
            "qid": [1, 1, 2, 2],
            "need": list("aabb"),
            "is_shown": True,
            "grade": [0, 1, 0, 1],
            "x": [8.0, 9.0, np.nan, 1.0],
        }
    )
    found = {f.what: f.value for f in areas(rows, ["x"], LIMIT)}
    assert found["AUC of grade ≥ 1 within a need among all tracks"] == 1.0
    assert found["AUC of grade ≥ 1 pooled among all tracks"] == 0.75


def test_what_tells_the_clicks_or_what_was_shown_is_found_whichever_hides_the_other() -> None:
    """x tells the grade of the two shown, and nothing of all four; y tells who was shown and nothing of the shown."""
    rows = pd.DataFrame(
        {
            "qid": 1,
            "need": "q",
            "is_shown": [True, True, False, False],
            "grade": [0, 1, 0, 0],
            "x": [1.0, 2.0, 9.0, 9.0],
            "y": [5.0, 5.0, 0.0, 0.0],
        }
    )
    found = areas(rows, ["x", "y"], LIMIT)
    best = {n: max(f.value for f in found if f.column == n) for n in ("x", "y")}
    assert best == {"x": 1.0, "y": 2.5 / 3}


@pytest.mark.parametrize(
    ("found", "limit"),
    [
        ([0.5, 0.6, 0.7, 0.72, 0.78], 0.89),
        ([0.5, 0.6, 0.7, 0.72, 0.78, 0.93], 0.89),
        ([0.5, 0.6, 0.7, 0.72, 0.78, 0.93, 0.94, 0.95], 0.89),
        ([0.5], 0.75),
    ],
)
def test_a_step_limit_is_set_from_below_whatever_lies_above_it(found: list[float], limit: float) -> None:
    assert step_limit(found, 10_000) == pytest.approx(limit)


def test_few_queries_widen_the_step() -> None:
    assert step_limit([0.5, 0.6], 4) > 1 > step_limit([0.5, 0.6], 400)


def test_mid_ranks_are_centred_in_each_group() -> None:
    ranks = mid_ranks(np.array([3.0, 1.0, 1.0, 7.0, 5.0]), np.array([0, 0, 0, 1, 1]))
    assert ranks == pytest.approx([1 / 3, -1 / 6, -1 / 6, 1 / 4, -1 / 4])


def test_the_weeks_after_are_those_of_the_next_snapshots_and_not_the_pairs_own(spark: SparkSession) -> None:
    """A pair shown in four label weeks, in one of them assumed and not shown: successes 1, 2, 4, 8, exposures ten times as many."""
    first = date(2026, 3, 1)
    weeks = [first + timedelta(days=7 * i) for i in range(5)]
    judged = [(week, "en", "hello", "a", 2.0**i, 10 * 2.0**i, i != 3) for i, week in enumerate(weeks)]
    judged += [(first, "en", "hello", "other", 100.0, 100.0, True)]
    schema = "as_of date, locale string, need string, track_id string"
    judgements = spark.createDataFrame(judged, f"{schema}, successes double, exposure double, is_shown boolean")
    examples = spark.createDataFrame([(weeks[i], "en", "hello", "a") for i in (0, 2, 4)], schema)
    names = ("successes", "exposure", "after_successes", "after_exposure")

    def found(label_days: int) -> dict[date, tuple[float, ...]]:
        rows = audited_rows(examples, judgements, label_days).collect()
        return {r["as_of"]: tuple(r[n] for n in names) for r in rows}

    assert found(7) == {weeks[0]: (1, 10, 2 + 4, 60), weeks[2]: (4, 40, 0 + 16, 160), weeks[4]: (16, 160, 0, 0)}
    # labels of eight days: the next snapshot's begin on the eighth, so the first week that is over is the one after
    assert found(8) == {weeks[0]: (1, 10, 4 + 0, 40), weeks[2]: (4, 40, 16, 160), weeks[4]: (16, 160, 0, 0)}
