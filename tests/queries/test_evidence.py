"""When the plays of a wording move it to another reading: the test by hand, its error rate, and that it does not flip."""

import math
from collections import Counter
from itertools import pairwise

import numpy as np
import pytest

from queries.grammar.need import Need, Part
from queries.nightly.evidence import (
    FALSE_SHARE,
    MIN_PEOPLE,
    MIN_PLAYS,
    WORDS,
    Choice,
    Votes,
    chosen,
    evidence_of,
    fits_need,
)


def votes(other: int, first: int, *, plays: int = 100, people: int = 40, none: int = 0, named: bool = False) -> Votes:
    return Votes(plays, people, (other,), (first,), none, named)


def test_the_evidence_is_that_of_the_sign_test() -> None:
    # ten of ten people who tell the readings apart favour the other one: 2^-10
    assert evidence_of(votes(10, 0)) == Choice(1, pytest.approx(10 * math.log10(2)))
    assert evidence_of(votes(5, 5)).evidence < 0.3


def test_a_wording_with_few_plays_or_people_is_not_tested() -> None:
    assert evidence_of(votes(30, 0, plays=MIN_PLAYS - 1)).evidence == 0
    assert evidence_of(votes(9, 0, people=MIN_PEOPLE - 1)).evidence == 0


def test_that_no_reading_fits_takes_more_than_a_majority() -> None:
    """What was served for "the album the honey" were songs called "Honey"; most plays are of them, and the album is right."""
    assert evidence_of(votes(0, 8, people=40, none=32, named=True)).evidence < 0.5
    assert evidence_of(votes(0, 0, people=40, none=40, named=True)).evidence > 3


def test_words_alone_only_where_every_reading_names_something_and_none_fits() -> None:
    assert evidence_of(votes(0, 2, none=30, named=True)).at == WORDS
    assert evidence_of(votes(0, 2, none=30, named=False)).evidence < 0.3
    # a reading that fits is preferred to none
    assert evidence_of(votes(40, 0, none=40, named=True)).at == 1


def test_false_moves_are_at_most_one_in_a_hundred() -> None:
    """Wordings whose first reading is right: half of the people who tell the readings apart favour the other one, at worst."""
    rng = np.random.default_rng(7)
    moved, rounds = 0, 200
    for _ in range(rounds):
        drawn = rng.binomial(30, 0.5, size=100)
        tested = {("en", f"w{i}"): evidence_of(votes(int(n), 30 - int(n))) for i, n in enumerate(drawn)}
        moved += bool(chosen(tested, {}))
    # Benjamini-Hochberg at q: with no true move, the chance of any move is at most q
    assert moved / rounds <= FALSE_SHARE + 3 * math.sqrt(FALSE_SHARE / rounds)


def test_true_moves_are_found_among_many_that_stay() -> None:
    tested = {("en", f"stays{i}"): evidence_of(votes(15, 15)) for i in range(500)}
    tested |= {("en", f"moves{i}"): evidence_of(votes(28, 2)) for i in range(5)}
    assert set(chosen(tested, {})) == {("en", f"moves{i}") for i in range(5)}


def test_a_moved_wording_goes_back_only_below_half_of_what_it_took() -> None:
    wording, others = ("en", "happy"), {("en", f"w{i}"): Choice(1, 0.1) for i in range(9)}
    bar = -math.log10(FALSE_SHARE / 10)
    for evidence, stays in ((bar, True), (0.6 * bar, True), (0.4 * bar, False)):
        now = others | {wording: Choice(1, evidence)}
        assert (wording in chosen(now, {wording: 1})) == stays
    assert wording not in chosen(others | {wording: Choice(1, 0.6 * bar)}, {})
    assert wording not in chosen(others | {wording: Choice(2, 0.6 * bar)}, {wording: 1})


def test_a_wording_on_the_edge_does_not_flip_from_night_to_night() -> None:
    rng = np.random.default_rng(3)
    edge = [int(n) for n in rng.binomial(30, 0.83, size=60)]
    nights: list[bool] = []
    for n in edge:
        before = {("en", "edge"): 1} if nights and nights[-1] else {}
        nights.append(bool(chosen({("en", "edge"): evidence_of(votes(n, 30 - n))}, before)))
    flips = sum(a != b for a, b in pairwise(nights))
    free = [bool(chosen({("en", "edge"): evidence_of(votes(n, 30 - n))}, {})) for n in edge]
    assert flips <= 2 < sum(a != b for a, b in pairwise(free)), Counter(nights)


TRACK = {
    "title": "Hello (Live)",
    "artists": ["Adele"],
    "album": "25",
    "genres": ["Hip-Hop"],
    "release_year": 1995,
    "moods": ["sad"],
    **dict.fromkeys(("energy", "valence", "danceability", "acousticness", "instrumentalness", "speechiness"), 0.5),
    "tempo": 120.0,
    "loudness": None,
}


@pytest.mark.parametrize(
    ("parts", "fits"),
    [
        ([("title", "hello")], True),
        ([("title", "hello"), ("artist", "adele")], True),
        ([("title", "hello"), ("artist", "other")], False),
        ([("artist", "adele"), ("artist", "zulu")], True),
        ([("artist", "other"), ("artist", "zulu")], False),
        ([("album", "25")], True),
        ([("album", "hello")], False),
        ([("genre", "hip hop")], True),
        ([("genre", "rock")], False),
        ([("decade", "1990")], True),
        ([("decade", "1980")], False),
        ([("year", "1990-1994")], False),
        ([("year", "1990-")], True),
        ([("mood", "sad")], True),
        ([("words", "hello")], False),
    ],
)
def test_whether_a_track_answers_a_need(parts: list[tuple[str, str]], fits: bool) -> None:
    assert fits_need(Need.of(Part(f, v) for f, v in parts).row(), TRACK) is fits
