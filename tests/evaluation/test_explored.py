"""What exploration costs and finds, on a night small enough to judge by hand."""

from __future__ import annotations

from dataclasses import replace

import pandas as pd
import pytest

from evaluation.night import evaluate_night
from tests.evaluation.test_night import answers_to, candidates, catalog, rankings, truth


def night(*variants: tuple[str, str, int, float, list[str]]):  # type: ignore[no-untyped-def]
    columns = ["locale", "need", "variant", "probability", "tracks"]
    frame = pd.DataFrame(variants, columns=columns)
    judged, released = truth(), rankings()
    return evaluate_night(judged, released, candidates(), catalog(), answers_to(judged, released), variants=frame)


def reversed_hello(probability: float) -> tuple[str, str, int, float, list[str]]:
    return ("en", "hello", 1, probability, ["b", "a"])


def test_without_variants_listeners_get_the_lists() -> None:
    result = night()
    assert result.explored.share == 0 and result.explored.ndcg10 == pytest.approx(result.ndcg10["playfirst"])
    assert result.explored.never_shown_reached == pytest.approx(result.never_shown.reached)


def test_a_variant_counts_by_its_probability() -> None:
    """The arm that orders "hello" as b, a is what a variant of certain probability would give; half of it lies half way."""
    plain = night().ndcg10["playfirst"]
    swapped = rankings()
    swapped.loc[:1, "score"] = [1.0, 2.0]
    judged = truth()
    worst = evaluate_night(judged, swapped, candidates(), catalog(), answers_to(judged, swapped)).ndcg10["playfirst"]
    assert worst < plain
    for chance in (0.25, 0.5):
        result = night(("en", "hello", 0, 1 - chance, ["a", "b"]), reversed_hello(chance))
        assert result.explored.ndcg10 == pytest.approx((1 - chance) * plain + chance * worst)
        assert result.explored.share == pytest.approx(4 / 6)  # 4 of the 6 searches that are judged


def test_variants_of_lists_that_nobody_asked_for_count_nothing() -> None:
    asked = night(("en", "unasked", 0, 0.5, ["c"]), ("en", "unasked", 1, 0.5, ["c"]))
    assert asked.explored == replace(night().explored)


def test_what_was_never_shown_is_reached_as_often_as_its_variant_is_served() -> None:
    """Of "rock" y was never shown; no list of the release has it, so nothing is reached; of eleven tracks, the last one is."""
    judged, released, known = truth(), rankings(), candidates()
    names = [f"z{n}" for n in range(10)]
    rows = pd.DataFrame(
        {"locale": "es", "need": "rock", "track_id": [*names, "y"], "impressions": [1] * 10 + [0], "clicks": 0}
    ).assign(satisfied=0, coec=0.1, coec_raw=0.1, text="rock", served_discount=1.0)
    known = pd.concat([known, rows[known.columns]], ignore_index=True)
    more = pd.DataFrame(
        {"locale": "es", "need": "rock", "track_id": [*names, "y"], "score": [0.19 - n / 100 for n in range(11)]}
    )
    released = pd.concat([released, more], ignore_index=True)
    titles = pd.DataFrame({"track_id": names, "title": names, "artists": [["z"]] * 10, "popularity": [1] * 10})
    variants = pd.DataFrame(
        [("es", "rock", 0, 0.8, ["x"]), ("es", "rock", 1, 0.2, ["x", "y"])],
        columns=["locale", "need", "variant", "probability", "tracks"],
    )
    everything = pd.concat([catalog(), titles], ignore_index=True)
    result = evaluate_night(judged, released, known, everything, answers_to(judged, released), variants=variants)
    assert result.never_shown.reached == 0.0
    assert result.explored.never_shown_reached == pytest.approx(0.2)
