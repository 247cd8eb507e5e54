"""What the page of a night is gathered from, on tiny rows; the page of a whole night is looked at in test_night.py."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from evaluation.intervals import clustered_interval
from evaluation.page.change import Change, changes, moved_columns, summary_of
from evaluation.page.content import ColumnUse, Listed
from night.page import night_before, summary_file
from night.page_lists import turnover_of, unseen_by_intent, worst_by_truth
from night.page_ranker import places_of, rates_of, uses_of
from ranking.dataset import read_examples
from ranking.ranker import RankerParams, fit
from tests.conftest import World
from tests.ranking.synthetic import FEATURES, frame, write

LISTS = [
    Listed("en", "open", "open", 6, ("play music",), ("a", "b"), ("popularity", "popularity"), (True, False)),
    Listed("es", "open", "open", 2, (), ("a", "c"), ("popularity", "text"), (False, False)),
    Listed("en", "genre=rock", "genre", 0, (), ("d",), ("text",), (False,)),
    Listed("*", "title=hello", "title", 4, (), ("e",), ("text",)),
]


def test_never_shown_is_weighted_by_searches_and_left_out_where_it_is_unknown() -> None:
    assert unseen_by_intent(LISTS) == [("open", 8, pytest.approx((6 * 0.5 + 2 * 1.0) / 8))]


def test_a_turnover_is_over_the_lists_of_both_nights() -> None:
    earlier = {("en", "open"): ("a", "b"), ("es", "open"): ("c", "x", "y", "z"), ("en", "gone"): ("a",)}
    result = turnover_of(LISTS, earlier, 2, 1)
    assert result is not None and (result.lists, result.new, result.gone) == (2, 2, 1)
    assert result.kept == pytest.approx((6 * 1 + 2 * 0.25) / 8) and result.same_first == pytest.approx(6 / 8)
    assert result.most_changed == [("es", "open", 2, 0.25)]
    assert turnover_of(LISTS, {}, 0, 0) is None


def test_the_worst_lists_keep_their_reasons_and_their_gains_follow_the_tracks() -> None:
    row = {"locale": "en", "need": "open", "language": "en", "kind": "open", "searches": 9.0, "ndcg10": 0.5}
    row |= {"rival_ndcg10": 0.6, "lost": 4.5, "listed": [{"track_id": "b", "gain": 7.0}], "ideal": [{"track_id": "z"}]}
    known, unknown = worst_by_truth([row, {**row, "need": "mood=x"}], LISTS)
    assert known.listed == LISTS[0] and known.gains == (0.0, 7.0) and known.ideal == ({"track_id": "z"},)
    assert ("lost", "4.5") in known.facts
    assert unknown.listed.tracks == ("b",) and unknown.gains == (7.0,)


def test_the_tint_of_a_dot_is_where_its_value_lies_in_its_column() -> None:
    values = np.array([[0.0, 5.0, np.nan], [1.0, 5.0, 0.0], [0.5, 5.0, 1.0]])
    assert places_of(values).round(9).tolist() == [
        [0.0, 0.5, 0.5],  # a constant and a null are in the middle
        [1.0, 0.5, 0.0],
        [0.5, 0.5, 1.0],
    ]
    rare = places_of(np.array([[0.0]] * 99 + [[3.0]]))
    assert rare[0, 0] == 0.0 and rare[-1, 0] == 1.0


def test_the_columns_of_a_ranker_come_by_their_effect(tmp_path: Path) -> None:
    rows = frame()
    ranker = fit(read_examples(write(rows, tmp_path), FEATURES), RankerParams(min_data_in_leaf=5), trees=20)
    sample = rows[list(FEATURES.names)]
    uses = uses_of(ranker, sample)
    assert uses[0].name == "f0" and {u.name for u in uses} == set(FEATURES.names)
    assert sum(u.gain for u in uses) == pytest.approx(1) and sum(u.splits for u in uses) > 20
    effects = np.abs(ranker.contributions(sample)).mean(axis=0)
    assert {u.name: u.effect for u in uses} == pytest.approx(dict(zip(FEATURES.names, effects, strict=False)))
    high = [value for value, tint in uses[0].points if tint == 1.0]
    low = [value for value, tint in uses[0].points if tint == 0.0]
    assert high and low and min(high) > max(low)  # grades rise with f0
    assert [u.effect for u in uses_of(ranker, sample[:0])] == [0.0] * 5


def test_the_rate_of_a_grade_is_successes_per_exposure_with_the_interval_of_its_groups() -> None:
    sums = pd.DataFrame(
        [(1, 0, 10.0, 4.0, 7), (1, 1, 30.0, 6.0, 9), (0, 0, 5.0, 0.0, 3), (2, 0, 8.0, 8.0, 2), (2, 1, 0.0, 0.0, 1)],
        columns=["grade", "bucket", "exposure", "successes", "pairs"],
    )
    [result] = rates_of(sums)  # grades 0 and 2 have one group with exposure, which gives no interval
    wanted = clustered_interval([0.4, 0.2], [10.0, 30.0], [0, 1])
    assert (result.grade, result.pairs, result.rate) == (1, 16, pytest.approx(10 / 40))
    assert result.high == pytest.approx(wanted.high) and result.low == max(wanted.low, 0.0)


def test_two_nights_are_compared_by_what_both_have() -> None:
    def night(ours: float, genre: float, extra: dict[str, float]) -> dict[str, object]:
        one = {"ndcg10": {"mean": genre, "low": genre - 0.05, "high": genre + 0.05}}
        figures = {"ndcg10": {"playfirst": ours, "bm25": 0.4, **extra}, "ndcg10_all": ours - 0.1}
        figures |= {
            "segments": {"rival": "bm25", "kind": {"genre": one}},
            "never_shown": {"share": 0.3, "reached": None},
        }
        uses = [ColumnUse("x", "text", ours / 2, 3), ColumnUse("y", "text", 0.1, 1)]
        return summary_of("2026-10-29", "id", "mark", figures, {"entries": 100 * ours}, uses)

    result = dict(changes(night(0.8, 0.7, {}), night(0.9, 0.8, {"new": 0.5})))
    assert result["The night"][0] == Change("NDCG@10, playfirst, as published", 0.8, 0.9)
    assert [c.name for c in result["Other arms"]] == ["NDCG@10, BM25 on titles and artists"]
    [genre] = result["NDCG@10 by segment"]
    assert genre.by == pytest.approx(0.1) and genre.is_sure is True  # .7 lies below .75
    assert [c.is_count for c in result["Release"]] == [True]
    assert [(c.name, round(c.by, 6)) for c in moved_columns(night(0.8, 0.7, {}), night(0.9, 0.7, {}))] == [("x", 0.05)]
    assert changes({"figures": None}, night(0.9, 0.8, {})) == []


def test_the_night_before_is_the_newest_one_that_can_be_read(tmp_path: Path) -> None:
    settings = replace(World(tmp_path).settings(tmp_path), run_date="2026-03-10", reports=str(tmp_path / "reports"))
    assert night_before(settings) is None
    for day, text in {"08": None, "09": "{broken", "10": None, "11": None}.items():
        file = summary_file(replace(settings, run_date=f"2026-03-{day}"))
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text or json.dumps({"run_date": f"2026-03-{day}"}))
    result = night_before(settings)
    assert result is not None and result["run_date"] == "2026-03-08"
