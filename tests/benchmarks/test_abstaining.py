"""When a reading of a gold request is wrong, and what a curve counts; on tiny data."""

import pytest

from benchmarks.abstaining import SHIPPED as THRESHOLD
from benchmarks.abstaining import Judged, curve, drawn, judged, missing_names, served, wilson
from queries.catalog.index import CatalogIndex
from queries.grammar.need import Need, NeedReading, Part
from queries.training.gold import Gold, Slot
from tests.shipped import SHIPPED


def gold(query: str, *slots: tuple[str, str], is_music: bool = True) -> Gold:
    return Gold("mtop", "en", query, query, is_music, tuple(Slot(*slot) for slot in slots), 0)


def reading(how: str, *parts: tuple[str, str]) -> NeedReading:
    return NeedReading(Need.of(Part(*part) for part in parts), how, 0.95)


@pytest.mark.parametrize(
    ("one", "read", "wrong"),
    [
        (gold("play hello", ("title", "hello")), reading("catalog", ("title", "hello")), False),
        (gold("play hello", ("title", "hello")), reading("catalog", ("title", "goodbye")), True),
        (gold("play helo", ("title", "helo")), reading("near", ("title", "hello")), False),
        (gold("play helo", ("title", "helo")), reading("near", ("title", "goodbye")), True),
        (gold("beatles", ("artist", "beatles")), reading("catalog", ("artist", "the beatles")), False),
        (gold("songs like hello", ("work", "hello")), reading("catalog", ("similar_to", "title=hello")), False),
        (gold("songs like hello", ("work", "hello")), reading("catalog", ("similar_to", "title=goodbye")), True),
        (gold("happy music"), reading("grammar", ("mood", "happy")), False),
        (gold("happy music"), reading("catalog", ("title", "happy")), True),
        (gold("call mum", is_music=False), reading("catalog", ("title", "mum")), True),
    ],
)
def test_a_reading_is_judged_by_the_annotated_names(one: Gold, read: NeedReading, wrong: bool) -> None:
    got = judged(one, read)
    assert (got.confidence, got.is_wrong, got.is_music) == (0.95, wrong, one.is_music)
    assert judged(one, None) == Judged(0.0, False, one.is_music)


def test_another_form_of_the_annotated_name_is_right() -> None:
    """The annotation has what was said ("waltz number 1"), the reading what the catalog has ("waltz no 1")."""
    one = gold("play waltz number 1", ("title", "waltz number 1"))
    need = Need.of([Part("title", "waltz no 1")])
    same = judged(one, NeedReading(need, "catalog", 1.0, (("title", "waltz number 1"),)))
    assert (same.is_wrong, same.is_whole) == (False, True)
    assert judged(one, NeedReading(need, "catalog", 1.0)).is_wrong
    assert judged(one, NeedReading(need, "catalog", 1.0, (("title", "waltz"),))).is_wrong


def test_served_right_wrong_and_not_at_all() -> None:
    names = CatalogIndex.of([{"track_id": "t", "title": "Hello", "artists": ["Adele"], "album": "25"}]).vocabulary
    both = gold("hello by adele", ("work", "hello"), ("artist", "adele"))
    rows = {
        both: judged(both, reading("catalog", ("title", "hello"), ("artist", "adele"))),
        gold("adele hello", ("title", "hello"), ("artist", "adele")): Judged(
            0.9, False, True, is_whole=False
        ),  # half of it
        gold("play adele", ("artist", "adele")): Judged(0.9, True, True, is_whole=True),
        gold("put on hello", ("title", "hello")): Judged(0.8, False, True, is_whole=True),  # not sure enough
        gold("play madonna", ("artist", "madonna")): Judged(
            0.1, True, True
        ),  # the catalog lacks her: rightly no answer
        gold("happy music"): Judged(1.0, False, True, is_whole=True),  # names nothing
        gold("add hello to my list", ("title", "hello"), ("playlist", "list")): Judged(0.0, False, True),
        gold("call adele", ("artist", "adele"), is_music=False): Judged(1.0, True, False, is_whole=True),
    }
    unfit = gold(
        "play hello by adele", ("title", "hello"), ("artist", "sadele")
    )  # its annotation is not in the request
    rows[unfit] = Judged(1.0, True, True)
    alone = gold("hello by madonna", ("title", "hello"), ("artist", "madonna"))  # nor has the catalog hers
    rows[alone] = Judged(0.5, False, True)
    every, unmarked, of_source = served(rows, names, 0.88)
    assert (every["source"], every["requests"], every["right"], every["wrong"]) == ("all", 9, 5 / 9, 2 / 9)
    assert (unmarked["requests"], unmarked["right"], unmarked["wrong"]) == (8, 5 / 8, 1 / 8)
    assert of_source == every | {"source": "mtop"}
    assert wilson(1, 4) == pytest.approx((0.0456, 0.6994), abs=1e-3)  # by the formula of Wilson's score interval


def test_a_curve_counts_from_each_confidence_on() -> None:
    rows = [Judged(0.9, False, True), Judged(0.6, True, True), Judged(0.0, False, True), Judged(0.9, True, False)]
    points = {one["least_confidence"]: one for one in curve(rows)}
    assert points[0.5]["coverage"] == pytest.approx(2 / 3) and points[0.5]["risk"] == 0.5
    assert points[0.88] | {"least_confidence": 0.88} == {
        "least_confidence": 0.88,
        "coverage": pytest.approx(1 / 3),
        "risk": 0.0,
        "wrong_of_all": 0.0,
        "other_answered": 1.0,
    }


def test_the_parts_share_no_request() -> None:
    many = [gold(f"play song number {n}") for n in range(100)]
    develop, blind = drawn(many, "develop", 100), drawn(many, "blind", 100)
    assert not {one.query for one in develop} & {one.query for one in blind} and len(develop) + len(blind) == 100


def test_names_taken_out_are_not_found_but_those_that_are_like_them() -> None:
    names = ("silver harbor", "paper lanterns", "velvet thunder", "winter ledger", "engine room")
    rows = [{"track_id": str(i), "title": n, "artists": [f"singer of {n}"]} for i, n in enumerate(names)]
    shares = missing_names(CatalogIndex.of(rows), 2)
    assert shares["titles"]["asked"] == 2 and shares["artists"]["asked"] == 1
    assert all(value == 0 for shares_of in shares.values() for name, value in shares_of.items() if name != "asked")


def test_the_threshold_is_the_one_that_ships() -> None:
    assert SHIPPED.serving.least_confidence == THRESHOLD
