"""The last touches on a list: the re-rank rules, and which lists there are."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from statistics import pstdev
from typing import Any

import pytest
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from ranking.head import Costs, HeadSettings, ranked_needs
from ranking.lists import only_differing, ranked_lists
from tests.ranking.blank import unasked, unknown
from tests.shipped import SHIPPED

D = date(2026, 3, 1)
SHIPPED_HEAD = SHIPPED.ranking


def lists(
    spark: SparkSession,
    by_artist: str,
    group: str = "broad",
    needs: int = 1,
    settings: HeadSettings = SHIPPED_HEAD,
    **more: Any,
) -> DataFrame:
    """Each need's list, of tracks 0, 1, … by score; the letter at a place is its artist."""
    named = ("intent", "title_name", "artist_name", "sort_by", "version", "mood", "activity")
    rows = [("en", f"q{q}", f"t{i:03}", 100.0 - i, ["popular"]) for q in range(needs) for i in range(len(by_artist))]
    scored = spark.createDataFrame(
        rows, "locale string, need string, track_id string, model_score double, sources array<string>"
    )
    asked = spark.createDataFrame(
        [("en", f"q{q}", group, *(more.get(name) for name in named), []) for q in range(needs)],
        "locale string, need string, intent_group string, "
        + ", ".join(f"{name} string" for name in named)
        + ", genre array<string>",
    )
    if "decade" in more:
        asked = asked.withColumn("decade", F.array(F.lit(more["decade"])))
    titles, years, albums = (more.get(name) or {} for name in ("titles", "years", "albums"))
    tracks = spark.createDataFrame(
        [
            (
                f"t{i:03}",
                [a],
                titles.get(i, f"song {i}").title(),
                titles.get(i, f"song {i}"),
                albums.get(i),
                years.get(i, 2000),
                ["pop"],
            )
            for i, a in enumerate(by_artist)
        ],
        "track_id string, artists_normal array<string>, title string, title_normal string, album string, release_year int, genres array<string>",
    )
    return ranked_lists(scored, unasked(asked), unknown(tracks), D, settings)


def order(spark: SparkSession, by_artist: str, group: str = "broad", **more: Any) -> list[int]:
    rows = lists(spark, by_artist, group, **more).orderBy("rank").collect()
    assert [r["rank"] for r in rows] == list(range(1, len(rows) + 1))
    scores = [r["score"] for r in rows]
    assert scores == sorted(scores, reverse=True)
    return [int(r["track_id"][1:]) for r in rows]


def test_a_sixth_track_of_an_artist_waits_behind_the_first_ten(spark: SparkSession) -> None:
    assert order(spark, "aaaaaaa" + "bcdefghij") == [*range(5), *range(7, 12), 5, 6, *range(12, 16)]
    assert order(spark, "aaaaa" + "bcdefghij") == list(range(14))


def test_what_violates_a_constraint_comes_behind_what_does_not(spark: SparkSession) -> None:
    years = {0: 1985, 1: 1991, 2: None, 3: 1999}
    assert order(spark, "abcde", decade=1990, years=years) == [1, 3, 0, 2, 4]
    titles = {1: "hello (live)", 3: "hey - live at home"}
    assert order(spark, "abcde", version="live", titles=titles) == [1, 3, 0, 2, 4]


def test_another_artists_tracks_come_last_where_an_artist_alone_is_asked(spark: SparkSession) -> None:
    years = {0: 2020, 1: 2001, 2: 2019}
    asked = {"intent": "artist", "artist_name": "b", "sort_by": "newest"}
    assert order(spark, "abb", "artist", years=years, **asked) == [2, 1, 0]
    assert order(spark, "aaa", "artist", intent="artist", artist_name="b") == [0, 1, 2]  # of another form of the name


def test_a_list_that_names_its_artist_is_not_spread(spark: SparkSession) -> None:
    named = order(spark, "aaaaaaa" + "bcdefghij", artist_name="a", mood="happy", intent="mixed")
    assert named == list(range(16))


def costing(group: str, artist: float = 0.0, album: float = 0.0, version: float = 0.0) -> HeadSettings:
    costs = replace(SHIPPED_HEAD.variety, **{group: Costs(artist, album, version)})
    return replace(SHIPPED_HEAD, variety=costs, max_per_artist=SHIPPED_HEAD.artist_span)


def filled(by_artist: str, cost: float) -> list[int]:
    """The list that always takes the track of which most is left behind those already taken; scores fall by 1."""
    left = list(range(len(by_artist)))
    apart = pstdev(left)
    taken: list[int] = []
    while left:
        best = max(left, key=lambda i: -i - apart * cost * sum(by_artist[t] == by_artist[i] for t in taken))
        left.remove(best)
        taken.append(best)
    return taken


@pytest.mark.parametrize("cost", [0.35, 0.6, 1.5])
@pytest.mark.parametrize("by_artist", ["aaaaabbc", "abababcaacb", "aaabcdefabc"])
def test_repeating_an_artist_costs_what_the_settings_say(spark: SparkSession, by_artist: str, cost: float) -> None:
    assert order(spark, by_artist, settings=costing("broad", artist=cost)) == filled(by_artist, cost)
    assert (
        filled(by_artist, cost)
        != list(range(len(by_artist)))
        == order(spark, by_artist, settings=costing("open", artist=cost))
    )


def test_an_album_again_and_a_version_that_nobody_asked_for_cost_too(spark: SparkSession) -> None:
    albums = {0: "x", 1: "x", 2: "y", 3: "x"}
    assert order(spark, "aaab", settings=costing("broad", album=2.0), albums=albums) == [
        0,
        2,
        3,
        1,
    ]  # "x" by b is another
    titles = {0: "hello (live)", 1: "hello - remastered", 2: "hello"}
    for_version = {"settings": costing("known_item", version=2.0), "titles": titles}
    assert order(spark, "aaa", "known_item", **for_version) == [1, 0, 2]
    assert order(spark, "aaa", "known_item", version="live", **for_version) == [0, 1, 2]


def test_the_newest_stay_the_newest_whatever_repetition_costs(spark: SparkSession) -> None:
    years = {0: 2026, 1: 2026, 2: 2010}
    assert order(spark, "aab", settings=costing("broad", artist=9.0), sort_by="newest", years=years) == [0, 1, 2]


def test_a_list_that_asks_for_one_thing_is_left_by_score(spark: SparkSession) -> None:
    assert order(spark, "aaaaa" + "bcdefghij", "known_item") == list(range(14))


def test_undated_tracks_lead_no_list_of_the_newest(spark: SparkSession) -> None:
    years = {0: None, 2: None}
    assert order(spark, "abcde", "artist", sort_by="newest", years=years) == [1, 3, 4, 0, 2]
    assert order(spark, "abcde", "artist", years=years) == [0, 1, 2, 3, 4]


def test_the_newest_lead_a_list_of_the_newest(spark: SparkSession) -> None:
    years = {0: 2015, 1: 2021, 2: 2022, 3: 2022, 4: 2010}
    assert order(spark, "abcde", sort_by="newest", years=years) == [1, 2, 3, 0, 4]  # 2021 and 2022 are equally new
    assert order(spark, "aaaaa", "known_item", sort_by="newest", artist_name="a", years=years) == [2, 3, 1, 0, 4]
    assert order(spark, "aaaaa", "known_item", sort_by="oldest", artist_name="a", years=years) == [4, 0, 1, 2, 3]
    assert order(spark, "abcde", sort_by="popular", years=years) == [0, 1, 2, 3, 4]


def test_neither_noise_nor_another_title_leads_by_being_new(spark: SparkSession) -> None:
    years = {0: 2026, 1: 2015, 2: 2026, 3: 2010}
    titles = {0: "white noise for sleep", 2: "ocean sounds"}
    assert order(spark, "abcd", mood="calm", sort_by="newest", years=years, titles=titles) == [1, 3, 0, 2]
    asked = {"intent": "title", "title_name": "hello", "sort_by": "newest"}
    titles = {0: "say hello", 1: "hello", 2: "hello again", 3: "hello"}
    assert order(spark, "abcd", "known_item", years=years, titles=titles, **asked) == [2, 1, 3, 0]


def test_another_title_does_not_lead_the_list_of_a_title(spark: SparkSession) -> None:
    titles = {0: "sola", 1: "despacito remix", 2: "despacitos", 3: "despacito"}
    asked = {"intent": "title_artist", "title_name": "despacito"}
    assert order(spark, "aaaaa", "known_item", titles=titles, **asked) == [1, 3, 0, 2, 4]
    assert order(spark, "aaaaa", "known_item", titles={0: "b", 1: "c"}, **asked) == [0, 1, 2, 3, 4]  # none has it
    assert order(spark, "aaaaa", "known_item", titles=titles, intent="album", title_name="despacito") == [0, 1, 2, 3, 4]


def test_a_single_does_not_lead_the_album_of_its_name(spark: SparkSession) -> None:
    albums = {0: "Nevermind", 1: "Nevermind (Remastered)", 2: "Nevermind (Remastered)", 3: "Nevermind (Deluxe)"}
    albums |= {4: "Nevermind (Remastered)", 5: "Nevermind (Remastered)"}
    asked = {"intent": "album", "title_name": "nevermind", "albums": albums}
    assert order(spark, "dnnnnn", "known_item", **asked) == [1, 2, 3, 4, 5, 0]  # track 3 is by the artist of the album
    assert order(spark, "dnnnn", "known_item", **asked) == [0, 1, 2, 3, 4]  # three tracks are no album yet


def test_noise_leads_no_mood(spark: SparkSession) -> None:
    titles = {0: "white noise for sleep", 1: "ocean waves sounds", 2: "noise", 3: "sonidos de la lluvia"}
    assert order(spark, "abcde", mood="calm", titles=titles) == [2, 4, 0, 1, 3]
    assert order(spark, "abcde", titles=titles) == [2, 4, 0, 1, 3]  # nor "instrumental music"
    assert order(spark, "abcde", activity="sleep", titles=titles) == [0, 1, 2, 3, 4]  # people do sleep to it
    assert order(spark, "abcde", "known_item", titles=titles) == [0, 1, 2, 3, 4]  # asked for by its name


def test_a_recording_leads_a_broad_list_once(spark: SparkSession) -> None:
    titles = {0: "waves", 1: "waves", 3: "waves", 4: "waves live"}
    assert order(spark, "aabaac", titles=titles) == [
        0,
        2,
        4,
        5,
        1,
        3,
    ]  # track 2 is by another artist, 4 another recording
    assert order(spark, "aabaac", "known_item", titles=titles) == [0, 1, 2, 3, 4, 5]


def test_where_few_artists_are_meant_the_score_decides_and_nobody_is_led_from_far_behind(spark: SparkSession) -> None:
    assert order(spark, "a" * 60) == list(range(50))
    assert order(spark, "a" * 50 + "bcdefghij") == list(range(50))
    assert order(spark, "a" * 39 + "b" + "c" * 20)[:7] == [0, 1, 2, 3, 4, 39, 5]


def needs(spark: SparkSession, *rows: tuple[str, str, str, int, bool]) -> DataFrame:
    """(place, need, intent group, people, whether catalog and grammar suggest it); public from three people on."""
    names = "locale string, need string, intent_group string, people_28d bigint, is_suggested boolean"
    people = F.col("people_28d")
    return spark.createDataFrame(list(rows), names).withColumns(
        {"searches_28d": people, "is_public": people >= 3, "demand": F.col("is_suggested").cast("double")}
    )


def places(frame: DataFrame, **settings: int) -> dict[tuple[str, str], bool]:
    return {
        (r["locale"], r["need"]): r["is_warm"] for r in ranked_needs(frame, replace(SHIPPED_HEAD, **settings)).collect()
    }


def test_a_named_need_is_ranked_everywhere_and_apart_only_where_many_ask_it_there_and_elsewhere(
    spark: SparkSession,
) -> None:
    frame = needs(
        spark,
        ("*", "artist=a", "artist", 90, False),
        ("en", "artist=a", "artist", 50, False),
        ("es", "artist=a", "artist", 40, False),
        ("en-US", "artist=a", "artist", 45, False),  # the rest of the language are five people
        ("*", "artist=b", "artist", 60, False),
        ("en", "artist=b", "artist", 55, False),  # elsewhere five people ask for it
        ("es", "artist=b", "artist", 5, False),
    )
    assert set(places(frame, min_people_in_locale=20)) == {
        ("*", "artist=a"),
        ("en", "artist=a"),
        ("es", "artist=a"),
        ("*", "artist=b"),
    }


def test_a_broad_need_is_ranked_for_each_language(spark: SparkSession) -> None:
    frame = needs(
        spark,
        ("*", "genre=rock", "broad", 60, False),
        ("en", "genre=rock", "broad", 58, False),
        ("es", "genre=rock", "broad", 2, True),
        ("en-US", "genre=rock", "broad", 30, False),
        ("en-GB", "genre=rock", "broad", 28, False),
        ("*", "genre=polka", "broad", 4, False),
        ("en", "genre=polka", "broad", 2, False),
        ("es", "genre=polka", "broad", 2, False),
    )
    found = places(frame, min_people_in_locale=20)
    assert set(found) == {
        ("en", "genre=rock"),
        ("es", "genre=rock"),  # suggested; the need is known from the other language
        ("en-US", "genre=rock"),
        ("en-GB", "genre=rock"),
        ("*", "genre=polka"),  # in no language enough people ask for it
    }
    assert all(found.values())


def test_what_too_few_ask_is_ranked_only_if_it_is_suggested_and_then_it_is_cold(spark: SparkSession) -> None:
    frame = needs(
        spark,
        ("*", "title=x", "known_item", 2, False),
        ("*", "title=y", "known_item", 2, True),
        ("*", "title=z", "known_item", 3, False),
    )
    assert places(frame) == {("*", "title=y"): False, ("*", "title=z"): True}


def test_what_was_asked_comes_before_what_is_suggested(spark: SparkSession) -> None:
    frame = needs(
        spark,
        ("*", "title=x", "known_item", 0, True),
        ("*", "title=y", "known_item", 9, False),
        ("*", "title=z", "known_item", 5, True),
    )
    assert set(places(frame, max_needs=2)) == {("*", "title=y"), ("*", "title=z")}


def test_a_list_of_a_place_that_begins_as_that_of_a_wider_one_is_left_out(spark: SparkSession) -> None:
    rows = [
        (place, need, f"t{track}", at)
        for place, need, order in (
            ("*", "a", "012345678901"),
            ("en", "a", "012345678910"),
            ("es", "a", "102345678901"),
            ("es-MX", "a", "102345678901"),
            ("en-US", "a", "102"),
            ("en", "b", "0"),
        )
        for at, track in enumerate(order, 1)
    ]
    found = only_differing(spark.createDataFrame(rows, "locale string, need string, track_id string, place int"))
    assert {(r["locale"], r["need"]) for r in found.collect()} == {("*", "a"), ("es", "a"), ("en-US", "a"), ("en", "b")}
