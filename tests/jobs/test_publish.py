"""What a release has: a list for each need, the names of the catalog, and the wordings that its reader would read otherwise."""

from __future__ import annotations

import pandas as pd
import pytest

from night.released import entries_of, traffic
from night.released_names import ReleaseReading, differing_wordings, disagreement
from queries.catalog.vocabulary import pair_id
from queries.grammar.bundle import grammar_bundle
from serving.content import Name, Names, Variant

NAMES = Names(
    {
        "title": {"hello": Name(90.0, ("t1",)), "despacito": Name(88.0, ("t2",)), "happy": Name(85.0, ("t3",))},
        "artist": {"adele": Name(90.0, ("t1",)), "luis fonsi": Name(70.0, ("t2",))},
        "album": {},
        "newest": {},
    },
    {pair_id("hello", "adele"): ("t1",)},
)


@pytest.fixture(scope="module")
def reading() -> ReleaseReading:
    return ReleaseReading(NAMES, grammar_bundle(["rock"], 0.8))


def public(*rows: tuple[str, str, str | None]) -> pd.DataFrame:
    return pd.DataFrame(rows, columns=["locale", "query", "need"])


def test_a_list_for_each_place_and_need() -> None:
    ranked = [("*", "title=hello", 2, "b", 0.5), ("*", "title=hello", 1, "a", 0.7), ("en", "genre=rock", 1, "c", 0.1)]
    rankings = pd.DataFrame(ranked, columns=["locale", "need", "rank", "track_id", "score"])
    varied = [("en", "genre=rock", n, p, ["c"]) for n, p in ((2, 0.1), (0, 0.7), (1, 0.2))]
    variants = pd.DataFrame(varied, columns=["locale", "need", "variant", "probability", "tracks"])
    entries = list(entries_of(rankings.assign(reason="text"), variants))
    assert [(e.locale, e.need) for e in entries] == [("*", "title=hello"), ("en", "genre=rock")]
    assert [t.track_id for t in entries[0].tracks] == ["a", "b"] and entries[0].reasons == ("text", "text")
    assert entries[0].variants == () and entries[1].variants == (Variant(0.2, ("c",)), Variant(0.1, ("c",)))


@pytest.mark.parametrize(
    ("query", "need"),
    [
        ("play hello", "title=hello"),
        ("hello by adele", "artist=adele|title=hello"),
        ("rock from the 90s", "decade=1990|genre=rock"),
        ("despasito", "title=despacito"),
        ("zxqv wvut", None),
        ("turn on the light", None),
    ],
)
def test_what_the_reader_will_read(reading: ReleaseReading, query: str, need: str | None) -> None:
    assert reading.need(query, "en") == need


def test_only_wordings_that_would_be_read_otherwise_are_stored(reading: ReleaseReading) -> None:
    rows = public(
        ("*", "play hello", "title=hello"),  # as read
        ("*", "the sad one", "title=hello"),  # no reading
        ("en", "the sad one", "title=hello"),  # `*` leads there already
        ("en-US", "the sad one", "artist=adele"),  # means another thing there
        ("en", "happy", "mood=happy"),  # the title by the catalog, the mood by its plays
        ("en", "despacito", None),  # not for music, and the reader would answer
        ("en", "turn on the light", None),  # not for music, and the reader says so
    )
    assert differing_wordings(rows, reading) == {
        ("*", "the sad one"): "title=hello",
        ("en-US", "the sad one"): "artist=adele",
        ("en", "happy"): "mood=happy",
        ("en", "despacito"): "not_music",
    }


def test_a_wording_whose_stripped_form_is_stored_with_another_need_is_stored_too(reading: ReleaseReading) -> None:
    rows = public(("en", "hello", "artist=adele"), ("en", "play hello", "title=hello"))
    assert differing_wordings(rows, reading) == {
        ("en", "hello"): "artist=adele",
        ("en", "play hello"): "title=hello",
    }


def test_what_is_read_otherwise_is_counted_without_naming_it(reading: ReleaseReading) -> None:
    rows = public(
        ("en", "play hello", "title=hello"),
        ("en", "the sad one", "title=hello"),  # the reader abstains
        ("es", "turn on the light", None),
        ("en-US", "the sad one", "title=hello"),  # of a locale: its language has it, too
    )
    assert disagreement(rows, reading) == (1 / 3, 3)
    assert disagreement(rows[:0], reading) == (0.0, 0)


def test_traffic_is_answered_where_it_was_asked() -> None:
    """ "salsa" has a list in Spanish: whoever asks in English is not answered by it."""
    rows = [
        ("es-ES", "salsa", "genre=salsa", 50, True),
        ("es", "salsa", "genre=salsa", 50, True),
        ("en-US", "salsa", "genre=salsa", 2, False),
        ("en", "salsa", "genre=salsa", 2, False),
        ("*", "salsa", "genre=salsa", 52, True),
        ("en-US", "hello", "title=hello", 10, True),  # a name with its own tracks
        ("*", "hello", "title=hello", 10, True),
        ("en-US", "secret", "title=hello", 1, False),
    ]
    wordings = pd.DataFrame(rows, columns=["locale", "query", "need", "searches_28d", "is_public"])
    assert traffic(wordings, {("es", "genre=salsa")}, NAMES) == (60, 62)
    assert traffic(wordings, set(), NAMES) == (10, 62)
