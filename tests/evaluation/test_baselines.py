"""Each baseline by hand; BM25 against the formula written again in plain Python."""

import math

import numpy as np
import pandas as pd
import pytest

from evaluation.baselines import (
    bm25_scores,
    coec_scores,
    ctr_scores,
    plays_text_scores,
    pooled_text_scores,
    popularity_scores,
    random_scores,
    served_scores,
    skyline_scores,
    smoothed_ctr_scores,
)
from evaluation.text import words

CATALOG = pd.DataFrame(
    {
        "track_id": ["t1", "t2", "t3", "t4", "t5"],
        "title": ["Hello", "Hello Hello", "Corazón", "Don't Stop", None],
        "artists": [["Adele"], ["Elton Jöhn", "Ana"], ["Shakira"], np.array(["The Band"]), None],
    }
)


def candidates(**columns):
    rows = len(next(iter(columns.values())))
    return pd.DataFrame({"locale": ["en"] * rows, "need": ["q"] * rows, **columns})


def test_counts_and_popularity_with_nothing_known_last():
    frame = candidates(popularity=[70, None, 0], impressions=[10, 0, None], clicks=[4, 0, None], coec=[1.5, None, 0.2])
    assert popularity_scores(frame).tolist() == [70, -1, 0]
    assert ctr_scores(frame).tolist() == [0.4, 0, 0]
    assert coec_scores(frame).tolist() == [1.5, 0, 0.2]
    assert coec_scores(frame.rename(columns={"coec": "coec_raw"}), "coec_raw").tolist() == [1.5, 0, 0.2]
    nullable = frame.astype({"popularity": "Int64", "clicks": "Int64", "impressions": "Int64"})
    assert popularity_scores(nullable).tolist() == [70, -1, 0]
    assert ctr_scores(nullable).tolist() == [0.4, 0, 0]


def test_few_impressions_weigh_little_once_smoothed():
    frame = candidates(impressions=[1, 50, 49, 0], clicks=[1, 40, 9, 0])  # .5 on average
    assert smoothed_ctr_scores(frame).tolist() == pytest.approx([11 / 21, 50 / 70, 19 / 69, 0.5])


def test_words_stand_for_a_few_impressions():
    frame = candidates(
        track_id=["t1", "t2", "t3", "t4"],
        text=["hello adele"] * 4,
        popularity=[0, 0, 0, 50],
        clicks=[0, 60, 5, 0],  # also those that nobody stayed with
        satisfied=[0, 30, 4, 0],
        impressions=[0, 98, 6, 0],
    )
    assert ctr_scores(frame).tolist() == pytest.approx([0, 60 / 98, 5 / 6, 0])
    # of the words t1 has both and t2 one; 34 of 104 impressions were heard
    half, rate = bm25("hello adele", "t2") / bm25("hello adele", "t1"), 34 / 104
    wanted = [rate, (30 + 2 * rate * half) / 100, 4 / 8, 50e-6]
    assert pooled_text_scores(frame, bm25_scores(frame, CATALOG)).tolist() == pytest.approx(wanted)
    none = frame.assign(text="zz")
    assert pooled_text_scores(none, bm25_scores(none, CATALOG)).tolist() == pytest.approx([0, 0.3, 0.5, 50e-6])


def test_equal_counts_are_ordered_by_words_and_then_by_popularity():
    frame = candidates(
        track_id=["t1", "t2", "t3", "t4"],
        text=["hello adele"] * 4,
        popularity=[0, 100, 10, None],
        clicks=[0, 7, 2, 0],
        satisfied=[0, 0, 1, 0],
        impressions=[0, 9, 9, 0],
    )
    assert plays_text_scores(frame, bm25_scores(frame, CATALOG)).tolist() == [2, 1, 3, 0]
    # the greatest popularity does not outweigh a word, nor the best match a play; equal rows have equal places
    even = frame.assign(satisfied=[0, 0, 0, 0], popularity=[0, 100, 0, 0])
    assert plays_text_scores(even, np.array([1.0, 0.95, 0.5, 0.5])).tolist() == [2, 1, 0, 0]


def test_as_served_is_by_the_discount_in_the_lists_and_what_was_never_served_is_last():
    """180 lists led by one track beat 1.3 led by another that stood eighth in all others, heard or not."""
    leader, eighth, second = 180 + 20 / math.log2(3), 1.3 + 198.7 / math.log2(9), 5 + 195 / math.log2(3)
    frame = candidates(served_discount=[eighth, leader, None, second])
    assert np.argsort(-served_scores(frame)).tolist() == [1, 3, 0, 2]


def bm25(request, track, k1=1.2, b=0.75):
    """Robertson & Zaragoza 2009 as written there, one pair at a time; words split by hand here."""
    documents = {
        "t1": "hello adele",
        "t2": "hello hello elton john ana",
        "t3": "corazon shakira",
        "t4": "dont stop the band",
        "t5": "",
    }
    split = {name: text.split() for name, text in documents.items()}
    mean = sum(len(d) for d in split.values()) / 5
    total = 0.0
    for word in set(request.split()):
        n, f = sum(word in d for d in split.values()), split[track].count(word)
        idf = math.log(1 + (5 - n + 0.5) / (n + 0.5))
        total += idf * f * (k1 + 1) / (f + k1 * (1 - b + b * len(split[track]) / mean))
    return total


REQUESTS = ["hello", "hello hello by adele", "corazón", "CORAZON shakira", "dont stop", "", "zz"]


@pytest.mark.parametrize("request_", REQUESTS)
def test_bm25_is_the_formula(request_):
    tracks = ["t1", "t2", "t3", "t4", "t5"]
    frame = candidates(track_id=tracks, text=[request_] * 5)
    folded = request_.lower().replace("ó", "o")
    assert bm25_scores(frame, CATALOG).tolist() == pytest.approx([bm25(folded, t) for t in tracks])


def test_bm25_frequencies_are_of_the_whole_catalog_and_unknown_tracks_score_nothing():
    frame = candidates(track_id=["t1", "gone"], text=["hello", "hello"])
    assert bm25_scores(frame, CATALOG).tolist() == pytest.approx([bm25("hello", "t1"), 0])
    assert bm25_scores(frame.assign(text=None), CATALOG).tolist() == [0, 0]


def test_words():
    assert words("Beyoncé — Don’t STOP (90's)") == ["beyonce", "dont", "stop", "90s"]
    assert words(None) == []


def test_random_follows_the_row_and_the_seed():
    frame = candidates(track_id=[f"t{i}" for i in range(2000)])
    scores = random_scores(frame, 1)
    assert random_scores(frame[::-1], 1)[::-1].tolist() == scores.tolist()
    assert abs(np.corrcoef(scores, random_scores(frame, 2))[0, 1]) < 0.1
    assert scores.min() >= 0 and scores.max() <= 1 and scores.mean() == pytest.approx(0.5, abs=0.03)
    assert random_scores(frame.assign(need="r"), 1).tolist() != scores.tolist()


def test_skyline_is_the_gain_of_the_same_entry():
    gains = pd.DataFrame({"locale": ["en", "es"], "need": ["q", "q"], "track_id": ["t1", "t2"], "gain": [3.0, 9.0]})
    assert skyline_scores(candidates(track_id=["t2", "t1"]), gains).tolist() == [0, 3]
