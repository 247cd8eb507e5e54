"""Every music search of the day: three wordings and one that nothing answers, by hand."""

import math
from datetime import date

import pandas as pd
import pytest

from evaluation.all_searches import over_all_searches, risk_curve
from evaluation.truth import NightTruth

LOG3 = math.log2(3)
LISTS = pd.DataFrame(
    [("*", "title=hello", "a", 1), ("*", "title=hello", "b", 2), ("en", "genre=rock", "z", 1)],
    columns=["locale", "need", "track_id", "rank"],
)
ANSWERS = {
    ("en-US", "hello"): ("*", "title=hello"),
    ("en-US", "rock"): ("en", "genre=rock"),
    ("en-US", "call mum"): ("*", "title=hello"),
}


@pytest.fixture(scope="module")
def truth():
    asked = [
        ("en-US", "hello", "n1", 3),
        ("en-US", "hello", "n2", 1),
        ("en-US", "rock", "n3", 2),
        ("es-MX", "rolas", "n3", 2),
        ("en-US", "call mum", "", 5),
        ("en-US", "call dad", "", 15),
    ]
    relevance = [("n1", "a", 1), ("n2", "c", 1), ("n3", "x", 2)]
    return NightTruth(
        date(2026, 10, 29),
        "unseen_searches",
        pd.DataFrame(asked, columns=["locale", "query", "need_id", "searches"]),
        pd.DataFrame(relevance, columns=["need_id", "track_id", "grade"]),
        {"n1": "title", "n2": "artist", "n3": "genre"},
    )


def test_a_miss_counts_nothing_and_an_answer_without_a_relevant_track_is_wrong(truth):
    got = over_all_searches(
        truth, LISTS, ANSWERS, {"hello": 20, "rock": 2}, {("en-US", "hello"): "wording", ("en-US", "rock"): "reading"}
    )
    # hello: a 3/4, c 1/4 wanted; a first is all that there is. rock: z is not wanted. rolas: a miss. call mum is no music
    assert got.other_answered == 5 / 20
    assert {way: one.searches for way, one in got.by_match.items()} == {"miss": 2, "reading": 2, "wording": 4}
    hello = 0.75 / (0.75 + 0.25 / LOG3)
    assert got.whole.searches == 8
    assert got.whole.ndcg10 == pytest.approx(4 * hello / 8)
    assert got.whole.coverage == pytest.approx(6 / 8)
    assert got.whole.wrong == pytest.approx((1 + 2) / 8)  # whoever wanted n2 found nothing, nor did rock
    assert got.by_kind["genre"].coverage == pytest.approx(0.5) and got.by_kind["title"].wrong == 0
    assert {name: one.searches for name, one in got.by_frequency.items()} == {
        "never": 2,
        "1–2": 2,
        "3–10": 0,
        "more": 4,
    }
    assert got.as_json()["by_frequency"]["more"]["ndcg10"] == pytest.approx(hello, abs=1e-6)


def test_a_lower_threshold_answers_more_and_more_of_it_wrong(truth):
    answers = ANSWERS | {("en-US", "call dad"): ("en", "genre=rock")}
    sure = {("en-US", "hello"): 1.0, ("en-US", "rock"): 0.7, ("en-US", "call mum"): 0.9, ("en-US", "call dad"): 0.1}
    curve = {point["least_confidence"]: point for point in risk_curve(truth, LISTS, answers, sure)}
    assert curve[1.0] == {"least_confidence": 1.0, "coverage": 4 / 8, "risk": 1 / 4, "other_answered": 0.0}
    assert curve[0.9] == {"least_confidence": 0.9, "coverage": 4 / 8, "risk": 1 / 4, "other_answered": 5 / 20}
    assert curve[0.7] == {"least_confidence": 0.7, "coverage": 6 / 8, "risk": 3 / 6, "other_answered": 5 / 20}
    assert curve[0.0] == {"least_confidence": 0.0, "coverage": 6 / 8, "risk": 3 / 6, "other_answered": 1.0}
    assert [point["coverage"] for point in risk_curve(truth, LISTS, {}, {})] == [0.0] * len(curve)


def test_nothing_answered_is_zero_everywhere(truth):
    got = over_all_searches(truth, LISTS, {}, {})
    assert (got.whole.ndcg10, got.whole.coverage, got.whole.wrong) == (0, 0, 0)
