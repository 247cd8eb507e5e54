"""Variants of lists: who gets them, what they may change, and how often chance puts a track forward."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from dataclasses import replace
from datetime import date
from typing import Any

import numpy as np
import pytest
from pyspark.sql import SparkSession

from ranking.head import HeadSettings
from ranking.variants import list_variants
from tests.ranking.blank import unasked, unknown
from tests.shipped import SHIPPED

D = date(2026, 3, 1)
SHARE = replace(SHIPPED.ranking, explore_share=0.3)
Variants = dict[tuple[str, str], dict[int, tuple[float, list[int]]]]


def variants(
    spark: SparkSession,
    settings: HeadSettings = SHARE,
    size: int = 30,
    needs: int = 1,
    group: str = "broad",
    sort_by: str | None = None,
    artist: Callable[[int], str] = str,
    title: Callable[[int], str] = str,
    seen: dict[int, float] | None = None,
    back: tuple[int, ...] = (),
    day: date = D,
) -> Variants:
    """(place, need) → variant → (probability, tracks), for lists of tracks 0, 1, … by falling score; `back` are noise, moved back by a rule."""
    named = [f"q{n:04}" for n in range(needs)]
    rows = [
        (
            "en",
            q,
            i + 1,
            f"t{i:03}",
            float(size - i),
            [],
        )
        for q in named
        for i in range(size)
    ]
    lists = spark.createDataFrame(
        rows,
        "locale string, need string, rank int, track_id string, score double, moved_by array<string>",
    )
    asked = spark.createDataFrame(
        [("en", q, "genre", group, None, None, sort_by, None, []) for q in named],
        "locale string, need string, intent string, intent_group string, title_name string, artist_name string, sort_by string, "
        "activity string, genre array<string>",
    )
    tracks = spark.createDataFrame(
        [(f"t{i:03}", artist(i), title(i), None, 2000, i in back) for i in range(size)],
        "track_id string, artist string, title_normal string, album string, release_year int, is_noise boolean",
    )
    evidence = spark.createDataFrame(
        [("en", q, f"t{i:03}", e) for q in named for i, e in (seen or {0: 1.0}).items()],
        "locale string, need string, track_id string, expected double",
    )
    drawn: Variants = defaultdict(dict)
    for row in list_variants(lists, unasked(asked), unknown(tracks), evidence, day, settings).collect():
        drawn[row["locale"], row["need"]][row["variant"]] = (row["probability"], [int(t[1:]) for t in row["tracks"]])
    return dict(drawn)


def test_a_broad_list_has_variants_whose_probabilities_sum_to_1(spark: SparkSession) -> None:
    drawn = variants(spark, needs=40)
    assert len(drawn) == 40
    for of_list in drawn.values():
        assert sorted(of_list) == list(range(len(of_list))) and 2 <= len(of_list) <= 4
        assert sum(p for p, _ in of_list.values()) == pytest.approx(1, abs=1e-8)
        assert of_list[0] == (0.7, list(range(10))) or of_list[0][0] > 0.7  # a draw may give the list itself
        first_tens = [tuple(tracks) for _, tracks in of_list.values()]
        assert len(set(first_tens)) == len(first_tens)
        assert all(tracks[0] == 0 and len(set(tracks)) == 10 for _, tracks in of_list.values())


@pytest.mark.parametrize("changed", [{"group": "known_item"}, {"group": "artist"}, {"sort_by": "newest"}])
def test_what_is_asked_for_by_name_or_by_date_is_not_explored(spark: SparkSession, changed: dict[str, Any]) -> None:
    assert variants(spark, **changed) == {}


def test_without_variants_or_with_one_track_there_are_none(spark: SparkSession) -> None:
    assert variants(spark, replace(SHARE, explore_variants=0)) == variants(spark, replace(SHARE, explore_share=0)) == {}
    assert variants(spark, size=1) == {}


def test_the_same_night_draws_the_same_and_another_night_anew(spark: SparkSession) -> None:
    assert variants(spark) == variants(spark)
    assert variants(spark) != variants(spark, day=date(2026, 3, 2))


def test_another_first_track_only_if_it_is_asked_for(spark: SparkSession) -> None:
    first = {of_list[1][1][0] for of_list in variants(spark, replace(SHARE, explore_first=True), needs=60).values()}
    assert len(first) > 3


def test_unknown_tracks_come_into_reach_and_known_ones_keep_their_place(spark: SparkSession) -> None:
    """Track 15 stands behind the first ten: unseen it enters more often than after a thousand looks."""
    known = dict.fromkeys(range(30), 1000.0)

    def enters(seen: dict[int, float]) -> float:
        drawn = variants(spark, replace(SHARE, explore_variants=1), needs=600, seen=seen)
        return sum(15 in tracks for of_list in drawn.values() for n, (_, tracks) in of_list.items() if n) / 600

    unseen, seen = enters({i: e for i, e in known.items() if i != 15}), enters(known)
    assert unseen > seen + 4 * (seen * (1 - seen) / 600) ** 0.5 and unseen > 0.2


def test_ranks_are_those_of_plackett_and_luce(spark: SparkSession) -> None:
    """Where all is known for sure, a draw of three tracks orders them as the model says: by exp(score / (T s)), without replacement."""
    settings = replace(SHARE, explore_variants=1, explore_first=True, explore_temperature=2.0)
    n = 3000
    drawn = variants(spark, settings, size=3, needs=n, seen=dict.fromkeys(range(3), 1e12))
    orders = [tuple(drawn[("en", f"q{q:04}")][1][1]) if ("en", f"q{q:04}") in drawn else (0, 1, 2) for q in range(n)]
    weights = np.exp(np.array([3.0, 2.0, 1.0]) / (2.0 * np.std([3.0, 2.0, 1.0])))
    for order in {(0, 1, 2), (1, 0, 2), (2, 1, 0), (1, 2, 0)}:
        a, b, c = (weights[i] for i in order)
        chance = a / (a + b + c) * b / (b + c)
        assert orders.count(order) == pytest.approx(n * chance, abs=4 * (n * chance * (1 - chance)) ** 0.5)


def test_rules_of_the_re_rank_are_kept_in_variants(spark: SparkSession) -> None:
    wild = replace(SHARE, explore_temperature=50.0)
    moved_back = variants(spark, wild, needs=30, back=(20, 21, 22))
    assert all(not {20, 21, 22} & set(tracks) for of_list in moved_back.values() for _, tracks in of_list.values())
    # what moved up in their place is drawn as before
    listed = variants(spark, wild, needs=300, back=(2,))
    assert any(3 in tracks for of_list in listed.values() for n, (_, tracks) in of_list.items() if n)
    even = variants(
        spark, replace(wild, max_per_artist=2), needs=30, size=40, artist=lambda i: "a" if i % 2 == 0 else f"b{i}"
    )
    for of_list in even.values():
        assert [sum(t % 2 == 0 for t in tracks) for n, (_, tracks) in of_list.items() if n] == [2] * (len(of_list) - 1)
    twice = variants(spark, wild, needs=30, size=40, artist=lambda i: "a", title=lambda i: str(i // 2))
    assert all(len({t // 2 for t in ts}) == 10 for of_list in twice.values() for n, (_, ts) in of_list.items() if n)
    one = variants(spark, wild, needs=30, size=40, artist=lambda i: "a")  # nothing else is there
    assert all(len(tracks) == 10 for of_list in one.values() for _, tracks in of_list.values())
