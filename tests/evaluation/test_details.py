"""Segments, calibration and the worst lists on a judge of three entries, by hand."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pytest

from evaluation.calibration import grade_calibration, score_bins, score_calibration
from evaluation.details import details
from evaluation.intervals import clustered_interval
from evaluation.judge import Judge
from evaluation.segments import interval_of, segments
from evaluation.worst import worst_entries

NEG = -math.inf


def judge() -> Judge:
    """Three entries: hello (en) asked in two locales, rock (es), and blank without a relevant track; z is no candidate."""
    entries = pd.DataFrame(
        [
            ("en", "hello", "n1", 6.0, "title", 10.0, 0),
            ("es", "rock", "n2", 2.0, "genre", 20.0, 1),
            ("es", "blank", "n3", 1.0, "mood", 0.0, 2),
        ],
        columns=["locale", "need", "need_id", "searches", "kind", "ideal", "entry"],
    )
    rows = pd.DataFrame(
        [
            ("en", "hello", "a", 0, 5),
            ("en", "hello", "b", 0, 0),
            ("es", "rock", "c", 1, 0),
            ("es", "rock", "d", 1, 3),
            ("es", "rock", "e", 1, 3),
            ("es", "blank", "a", 2, 0),
        ],
        columns=["locale", "need", "track_id", "entry", "impressions"],
    )
    gains = pd.DataFrame(
        [
            ("en", "hello", "a", 7.0),
            ("en", "hello", "b", 3.0),
            ("es", "rock", "c", 15.0),
            ("es", "rock", "d", 15.0),
            ("es", "rock", "e", 15.0),
            ("es", "rock", "z", 15.0),
        ],
        columns=["locale", "need", "track_id", "gain"],
    )
    hits = pd.DataFrame(
        [
            ("en-US", "hello", "n1", 4, "en", "hello"),
            ("en-GB", "hello", "n1", 2, "en", "hello"),
            ("es-MX", "rock", "n2", 2, "es", "rock"),
            ("es-MX", "blank", "n3", 1, "es", "blank"),
        ],
        columns=["locale", "query", "need_id", "searches", "entry_locale", "entry_need"],
    )
    gain = np.array([7.0, 3.0, 15.0, 15.0, 15.0, 0.0])
    return Judge(entries, rows, gain, np.array([2, 3, 1]), pd.DataFrame(), gains, 9.0, hits)


NDCG = {"playfirst": np.array([0.9, 0.4, np.nan]), "served": np.array([0.8, 0.5, np.nan])}
SHIPPED = np.array([2.0, 1.0, NEG, 1.0, 3.0, 1.0])


def test_a_segment_has_its_own_mean_and_the_lead_over_the_rival() -> None:
    result = segments(judge(), NDCG, "served", SHIPPED)
    assert list(result["kind"]) == ["title", "genre"]  # most searches first; blank has nothing to be judged by
    assert result["kind"]["genre"]["ndcg10"]["mean"] == pytest.approx(0.4)
    assert result["kind"]["genre"]["ahead"]["mean"] == pytest.approx(-0.1)
    assert math.isnan(result["kind"]["genre"]["ahead"]["low"])  # one need gives no interval
    assert {name: one["searches"] for name, one in result["locale"].items()} == {"en-US": 4, "en-GB": 2, "es-MX": 2}
    # of hello's ideal b was never shown, and is listed; of rock's first ten c and z, of which neither is
    assert result["kind"]["title"]["never_shown"] == {"share": 0.5, "reached": 1.0}
    assert result["kind"]["genre"]["never_shown"] == {"share": 0.5, "reached": 0.0}


def test_an_interval_is_that_of_the_clusters() -> None:
    values, weight, names = np.array([0.2, 0.4, 0.9]), np.array([1.0, 2.0, 1.0]), np.array(["x", "x", "y"])
    wanted = clustered_interval(values, weight, names)
    assert interval_of(values, weight, names) == {"mean": wanted.mean, "low": wanted.low, "high": wanted.high}
    alone = interval_of(values[:2], weight[:2], names[:2])
    assert alone["mean"] == pytest.approx(1 / 3) and math.isnan(alone["low"])


def test_the_worst_list_is_the_one_that_loses_most_over_its_searches() -> None:
    result = worst_entries(judge(), NDCG, "served", SHIPPED)
    assert [(w["need"], w["language"], round(w["lost"], 6)) for w in result] == [
        ("rock", "es", 1.2),
        ("hello", "en", 0.6),
    ]
    rock = result[0]
    assert rock["rival_ndcg10"] == 0.5
    assert rock["listed"] == [{"track_id": "e", "gain": 15.0}, {"track_id": "d", "gain": 15.0}]  # as shipped
    # four equal tracks: the published ones first, then the candidate, then what is none
    assert [(t["track_id"], t["rank"], t["state"]) for t in rock["ideal"]] == [
        ("e", 1, "listed"),
        ("d", 2, "listed"),
        ("c", None, "never shown"),
        ("z", None, "no candidate"),
    ]


def test_each_language_has_its_part_of_the_worst() -> None:
    count = 120
    entries = pd.DataFrame(
        {
            "locale": ["en" if i < 100 else "es" for i in range(count)],
            "need": [f"n{i}" for i in range(count)],
            "need_id": [f"n{i}" for i in range(count)],
            "searches": [1000.0 - i for i in range(count)],
            "kind": "title",
            "ideal": 1.0,
            "entry": range(count),
        }
    )
    hits = entries.rename(columns={"locale": "entry_locale", "need": "entry_need"}).assign(
        locale=entries["locale"] + "-US"
    )
    rows = entries[["locale", "need", "entry"]].assign(track_id="a", impressions=1)
    gains = entries[["locale", "need"]].assign(track_id="a", gain=1.0)
    of_many = Judge(entries, rows, np.ones(count), np.ones(count, dtype=int), pd.DataFrame(), gains, 1.0, hits)
    half = {"playfirst": np.full(count, 0.5), "served": np.full(count, 0.5)}
    result = worst_entries(of_many, half, "served", np.ones(count))
    assert len(result) == 50 and sum(w["language"] == "es" for w in result) == 20  # there are no more in Spanish
    assert [w["lost"] for w in result] == sorted((w["lost"] for w in result), reverse=True)


def test_bins_hold_equal_weight_and_never_part_equal_scores() -> None:
    scores, weight = np.array([1.0, 2.0, 3.0, 4.0, 9.0]), np.array([1.0, 1.0, 1.0, 1.0, 0.0])
    bins = score_bins(scores, weight, bins=2)
    assert [(low, high, rows.tolist()) for low, high, rows in bins] == [
        (1.0, 2.0, [True, True, False, False, False]),
        (3.0, 4.0, [False, False, True, True, False]),
    ]
    same = score_bins(np.array([1.0, 1.0, 1.0, 5.0]), np.ones(4), bins=4)
    assert [int(rows.sum()) for _, _, rows in same] == [3, 1]
    assert score_bins(np.array([1.0]), np.zeros(1)) == []


def test_scores_and_grades_are_calibrated_by_the_gain() -> None:
    scores = np.array([5.0, 1.0, 9.0, 9.0, 8.0, np.nan])
    result = score_calibration(judge(), scores)
    assert sum(b["rows"] for b in result) == 5  # the row without a score is in no bin
    assert result[0]["gain"]["mean"] == 3.0 and result[-1]["gain"]["mean"] == 15.0
    labels = pd.DataFrame(
        [("en", "hello", "a", 4), ("es", "rock", "x", 4), ("es", "rock", "c", 1), ("es", "unasked", "c", 0)],
        columns=["locale", "need", "track_id", "grade"],
    )
    graded = {g["grade"]: g for g in grade_calibration(judge(), labels)}
    assert set(graded) == {1, 4} and graded[4]["rows"] == 2
    assert graded[4]["gain"]["mean"] == pytest.approx((6 * 7 + 2 * 0) / 8)  # x is not relevant; by searches


def test_details_are_plain_values_of_every_part() -> None:
    arms = {"playfirst": SHIPPED, "own_order": np.arange(6.0)}
    result = details(judge(), arms, NDCG, "served", "own_order", None)
    assert set(result) == {"segments", "calibration", "worst"} and result["segments"]["rival"] == "served"
    assert result["calibration"]["scores"] and result["calibration"]["grades"] == []
    assert details(judge(), {"playfirst": SHIPPED}, NDCG, "served", "own_order", None)["calibration"]["scores"] == []
