"""The label's own NDCG against the truth, on rows that can be added up by hand."""

from __future__ import annotations

from datetime import date
from math import log2
from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import pytest

from benchmarks.labels import cut_alike, label_ndcg, of_week

OLD, NEW = date(2026, 3, 1), date(2026, 3, 8)


def judge() -> Any:
    entries = pd.DataFrame({"locale": ["en", "en"], "need": ["a", "b"], "searches": [3, 1]})
    gains = pd.DataFrame(
        {"locale": "en", "need": ["a", "a", "b"], "track_id": ["t1", "t2", "t9"], "gain": [7.0, 1.0, 3.0]}
    )
    return SimpleNamespace(entries=entries, gains=gains)


def rows(*labelled: tuple[str, str, float]) -> pd.DataFrame:
    needs, tracks, relevance = zip(*labelled, strict=True)
    return pd.DataFrame({"locale": "en", "need": needs, "track_id": tracks, "relevance": relevance})


def test_a_label_is_judged_by_its_order_of_what_was_shown() -> None:
    perfect = rows(("a", "t1", 0.9), ("a", "t2", 0.5), ("a", "t3", 0.1), ("b", "t9", 0.4), ("b", "t8", 0.2))
    assert label_ndcg(judge(), perfect) == pytest.approx(1.0)
    turned = rows(("a", "t1", 0.1), ("a", "t2", 0.5), ("b", "t9", 0.4), ("b", "t8", 0.2))
    of_a = (1 + 7 / log2(3)) / (7 + 1 / log2(3))
    assert label_ndcg(judge(), turned) == pytest.approx((3 * of_a + 1 * 1.0) / 4)


def test_a_list_that_showed_nothing_relevant_does_not_count_and_one_that_nobody_asked_has_no_part() -> None:
    some = rows(("a", "t1", 0.9), ("a", "t3", 0.5), ("b", "t7", 0.9), ("b", "t8", 0.2), ("unasked", "t1", 0.3))
    assert label_ndcg(judge(), some) == pytest.approx(1.0)


def test_only_what_the_newest_week_showed_is_judged() -> None:
    labels = pd.DataFrame({"as_of": [OLD, NEW, NEW], "track_id": ["t1", "t2", "t3"], "is_shown": [True, True, False]})
    assert list(of_week(labels, NEW)["track_id"]) == ["t2"]
    assert list(of_week(labels.drop(columns="is_shown"), NEW)["track_id"]) == ["t2", "t3"]


def test_every_arm_has_as_many_pairs_of_each_grade() -> None:
    grades = np.array([0, 4, 1, 0, 2], dtype=np.int32)
    assert cut_alike(np.array([0.01, 0.02, 0.5, 0.02, 0.3]), grades).tolist() == [0, 0, 4, 1, 2]
