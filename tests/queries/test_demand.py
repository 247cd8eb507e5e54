"""Tiers with hysteresis, and the shape of plays, against numbers worked out by hand."""

from datetime import date, timedelta
from math import log2

import pytest

from queries.nightly.demand import play_shape, with_tier

D = date(2026, 3, 29)


def tiers(spark, counts, was=None):
    traffic = spark.createDataFrame(
        [("en", q, n) for q, n in counts.items()], "locale string, need string, searches_28d bigint"
    )
    previous = was and spark.createDataFrame(
        [("en", q, t) for q, t in was.items()], "locale string, need string, traffic_tier string"
    )
    return {r["need"]: r["traffic_tier"] for r in with_tier(traffic, previous).collect()}


def test_head_torso_and_tail_by_share_and_a_need_does_not_flicker(spark):
    counts = {"a": 30, "b": 22, "c": 20, "d": 19, "e": 5, "f": 4}  # shares ahead: 0, .30, .52, .72, .91, .96
    assert tiers(spark, counts) == {"a": "head", "b": "head", "c": "torso", "d": "torso", "e": "tail", "f": "tail"}
    was = {"c": "head", "d": "head", "e": "torso", "f": "torso"}
    assert tiers(spark, counts, was) == {
        "a": "head",
        "b": "head",
        "c": "head",
        "d": "torso",
        "e": "torso",
        "f": "tail",
    }


def test_where_nobody_searched_all_needs_are_tail(spark):
    assert tiers(spark, {"suggested": 0, "too": 0}) == {"suggested": "tail", "too": "tail"}


def test_entropy_and_volatility(spark):
    early, late = D - timedelta(days=20), D - timedelta(days=1)
    rows = [("en-US", "steady", t, day) for day in (early, late) for t in ["t1"] * 15 + ["t2"] * 5]
    rows += [("en-US", "trend", "old", early)] * 10 + [("en-US", "trend", "new", late)] * 10
    rows += [("en-US", "few", "t1", early)] * 9 + [("en-GB", "young", "t1", late)] * 12
    found = play_shape(spark.createDataFrame(rows, "locale string, need string, track_id string, search_date date"), D)
    got = {(r["locale"], r["need"]): (r["play_entropy"], r["play_volatility"]) for r in found.collect()}
    quarter = -(0.75 * log2(0.75) + 0.25 * log2(0.25))
    assert got["en", "steady"] == got["en-US", "steady"] == (pytest.approx(quarter, abs=1e-9), 0.0)
    assert got["*", "trend"] == (1.0, 1.0)
    assert got["en", "few"] == (None, None) and got["en-GB", "young"] == (0.0, None)
    assert len(got) == 12  # each in its locale, language and *
