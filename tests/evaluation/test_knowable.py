"""The ceiling of whoever knows what listeners meant in the last weeks, but not what they will mean tomorrow."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from evaluation.night import evaluate_night
from evaluation.truth import knowable_gains, true_needs
from tests.evaluation.test_night import answers_to, candidates, catalog, rankings, truth


def written(root: Path) -> Path:
    (root / "truth").mkdir()
    judged = truth()
    judged.relevance.to_parquet(root / "truth" / "relevance.parquet")
    searches = [("s1", "n1", False), ("s2", "n2", False), ("s3", None, True), ("s4", "n3", False)]
    pd.DataFrame(searches, columns=["search_id", "need_id", "is_bot"]).to_parquet(root / "truth" / "searches.parquet")
    return root


def test_bots_have_no_needs(tmp_path: Path) -> None:
    assert true_needs(written(tmp_path)).values.tolist() == [["s1", "n1"], ["s2", "n2"], ["s4", "n3"]]


def test_what_the_past_mix_of_needs_makes_of_a_track(tmp_path: Path) -> None:
    """ "hello" meant n1 once and n2 three times: a is worth 1/4 · 15, b 1/4 · 1 + 3/4 · 7."""
    asked = pd.DataFrame(
        [("en", "hello", "n1", 1), ("en", "hello", "n2", 3)], columns=["locale", "need", "need_id", "searches"]
    )
    gains = knowable_gains(written(tmp_path), asked).set_index("track_id")["gain"].to_dict()
    assert gains == {"a": pytest.approx(15 / 4), "b": pytest.approx(1 / 4 + 21 / 4)}


def test_the_ceiling_is_the_order_by_past_needs_judged_by_tomorrows() -> None:
    """Tomorrow "hello" means n1 three times of four, so that whoever goes by a past of n2 loses what the swap of a and b costs."""
    judged, released = truth(), rankings()

    def ceiling(**worth: float) -> float | None:
        known = pd.DataFrame([("en", "hello", t, w) for t, w in worth.items()] + [("es", "rock", "x", 3.0)])
        known.columns = pd.Index(["locale", "need", "track_id", "gain"])
        return evaluate_night(
            judged, released, candidates(), catalog(), answers_to(judged, released), knowable=known
        ).knowable_skyline

    plain = evaluate_night(judged, released, candidates(), catalog(), answers_to(judged, released))
    assert ceiling(a=9.0, b=1.0) == pytest.approx(plain.ndcg10["skyline"])
    swapped = released.assign(score=[1.0, 2.0, *released["score"][2:]])
    other = evaluate_night(judged, swapped, candidates(), catalog(), answers_to(judged, swapped))
    assert ceiling(a=1.0, b=9.0) == pytest.approx(other.ndcg10["playfirst"])
    assert other.ndcg10["playfirst"] < plain.ndcg10["skyline"]
    assert plain.knowable_skyline is None and "ceilings" not in plain.as_json()
