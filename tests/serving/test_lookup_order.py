"""Which list answers: by wording, by reading, by a like name, with fewer constraints; in the locale, its language, everywhere."""

import tracemalloc
from pathlib import Path

import pytest

from queries.catalog.vocabulary import pair_id
from serving.content import Name, Names, TrackInfo
from serving.layout import locale_chain
from serving.reader import ReleaseReader
from serving.writer import publish
from tests.serving.conftest import BUILT_AT_S, entry, write

TRACKS = {
    t: TrackInfo(t, title, artists)
    for t, title, *artists in (
        ("t1", "Hello", "Adele"),
        ("t2", "Hello", "Lionel Richie"),
        ("t3", "Bohemian Rhapsody", "Queen"),
        ("t4", "Song for Whoever", "Queen"),
        ("t5", "Dammit", "blink-182"),
        ("t6", "Jolene - Live at Glastonbury", "Dolly Parton"),
        ("t7", "Jolene (Remix)", "Dolly Parton"),
        ("t8", "Jolene", "Miley Cyrus"),
    )
}
NAMES = Names(
    {
        "title": {
            "hello": Name(90.0, ("t1", "t2")),
            "bohemian rhapsody": Name(80.0, ("t3",)),
            "song for whoever": Name(20.0, ("t4",)),
            "dammit": Name(60.0, ("t5",)),
            "happy": Name(40.0, ("t4",)),
            "jolene": Name(80.0, ("t6", "t7", "t8")),
        },
        "artist": {
            "adele": Name(90.0, ("t1",)),
            "lionel richie": Name(70.0, ("t2",)),
            "queen": Name(85.0, ("t3", "t4")),
            "blink 182": Name(75.0, ("t5",)),
            "dolly parton": Name(75.0, ("t6", "t7")),
            "miley cyrus": Name(80.0, ("t8",)),
        },
        "album": {"night": Name(10.0, ("t3",))},
        "newest": {"queen": Name(85.0, ("t4", "t3"))},
    },
    {
        pair_id("hello", "adele"): ("t1",),
        pair_id("hello", "lionel richie"): ("t2",),
        pair_id("bohemian rhapsody", "queen"): ("t3",),
        pair_id("night", "queen", is_album=True): ("t3",),
    },
)
LISTS = [
    entry("en-US", "genre=rock", ("t1", 1.0)),
    entry("en", "genre=rock", ("t2", 1.0)),
    entry("*", "genre=rock", ("t3", 1.0)),
    entry("es", "decade=1990|genre=rock", ("t4", 1.0)),
    entry("en", "decade=1990|genre=rock", ("t5", 1.0)),
    entry("en", "mood=happy", ("t5", 1.0)),
    entry("*", "artist=queen", ("t4", 1.0), ("t3", 0.5)),
    entry("*", "similar_to=artist%3Dqueen", ("t5", 1.0), ("t1", 0.5), ("t2", 0.25)),
    entry("*", "similar_to=artist%3Dadele", ("t8", 1.0), ("t5", 0.5)),
]
WORDINGS = {
    ("en", "the rocking thing"): "genre=rock",
    ("*", "la cosa"): "title=hello",
    ("en", "call adele"): "not_music",
    ("en-US", "hello"): "artist=queen",
}


@pytest.fixture
def reader(root: Path) -> ReleaseReader:
    names = {**{name: TRACKS[name] for name in TRACKS}}
    publish(root, write(root, LISTS, tracks=names, names=NAMES, wordings=WORDINGS), 3)
    return ReleaseReader(root, max_age_h=36, clock=lambda: BUILT_AT_S + 90)


@pytest.mark.parametrize(
    ("request_", "locale", "by", "need", "track"),
    [
        ("the rocking thing", "en-US", "wording", "genre=rock", "t1"),  # the list of the request's own locale
        ("play the rocking thing", "en-GB", "wording", "genre=rock", "t2"),  # stripped; the list of the language
        ("la cosa", "fr-FR", "wording", "title=hello", "t1"),  # a name's own tracks
        ("play hello", "en-US", "wording", "artist=queen", "t4"),  # a wording wins over the reading
        ("play hello", "en-GB", "reading", "title=hello", "t1"),
        ("play hello by lionel richie", "en-US", "reading", "artist=lionel richie|title=hello", "t2"),
        ("rock", "fr-FR", "reading", "genre=rock", "t3"),
        ("rock from the 90's", "en-US", "reading", "decade=1990|genre=rock", "t5"),
        ("ponme rock de los noventa", "es-MX", "reading", "decade=1990|genre=rock", "t4"),
        ("queen", "en-US", "reading", "artist=queen", "t4"),
        ("play blink one eighty two", "en-US", "reading", "artist=blink 182", "t5"),
        ("play the latest by queen", "en-US", "reading", "artist=queen|sort=newest", "t4"),
        ("play bohemien rapsody", "en-US", "near", "title=bohemian rhapsody", "t3"),
        ("play adel", "en-US", "near", "artist=adele", "t1"),
        ("play queen bohemien rapsody", "en-US", "near", "artist=queen|title=bohemian rhapsody", "t3"),
    ],
)
def test_the_way_to_a_list(reader: ReleaseReader, request_: str, locale: str, by: str, need: str, track: str) -> None:
    answer = reader.lookup(request_, locale)
    assert (answer.need, answer.matched_by, answer.dropped) == (need, by, ())
    assert answer.is_hit and answer.tracks[0].track_id == track
    assert (answer.raw_query, answer.locale) == (request_, locale) and 0.8 <= answer.confidence <= 1


@pytest.mark.parametrize(
    ("request_", "need", "dropped", "track"),
    [
        ("happy rock", "genre=rock|mood=happy", ("mood=happy",), "t1"),
        (
            "90s hard rock",
            "decade=1990|genre=hard rock",
            ("genre=hard rock",),
            "t5",
        ),  # a wider genre before another decade
        ("sad folk rock", "genre=folk rock|mood=sad", ("genre=folk rock", "mood=sad"), "t1"),
        ("rock from the 90's by queen", "artist=queen|decade=1990|genre=rock", ("decade=1990", "genre=rock"), "t4"),
        ("rock but no live versions", "genre=rock|version!=live", ("version!=live",), "t1"),
    ],
)
def test_the_weakest_constraints_are_dropped_and_named(
    reader: ReleaseReader, request_: str, need: str, dropped: tuple[str, ...], track: str
) -> None:
    answer = reader.lookup(request_, "en-US")
    assert (answer.need, answer.matched_by, answer.dropped) == (need, "backoff", dropped)
    assert answer.tracks[0].track_id == track


@pytest.mark.parametrize(
    ("request_", "by", "dropped", "tracks"),
    [
        ("songs like queen", "reading", (), ["t5", "t1", "t2"]),
        # the lists of both in turns, each track once, as many as the longer one has
        ("songs like queen and adele", "reading", (), ["t8", "t5", "t1"]),
        ("songs like queen and dolly parton", "backoff", ("similar_to=artist%3Ddolly parton",), ["t5", "t1", "t2"]),
        ("play queen and adele", "reading", (), ["t1", "t4"]),  # adele has no list, but a track
        ("rock by queen and adele", "backoff", ("genre=rock",), ["t1", "t4"]),
        # a recording without a list: that of its artist
        ("songs like hello by adele", "backoff", ("similar_to=artist%3Dadele%7Ctitle%3Dhello",), ["t8", "t5"]),
        ("songs like bohemian rhapsody", "backoff", ("similar_to=title%3Dbohemian rhapsody",), ["t5", "t1", "t2"]),
    ],
)
def test_what_is_like_several_things_is_mixed(
    reader: ReleaseReader, request_: str, by: str, dropped: tuple[str, ...], tracks: list[str]
) -> None:
    answer = reader.lookup(request_, "en-US")
    assert (answer.matched_by, answer.dropped) == (by, dropped)
    assert [t.track_id for t in answer.tracks] == tracks and answer.tracks[0].score == 1.0


def test_what_is_like_something_of_which_nothing_is_listed_is_a_miss(reader: ReleaseReader) -> None:
    for request_, need in (
        ("songs like dammit", "title%3Ddammit"),
        ("songs like dolly parton", "artist%3Ddolly parton"),
    ):
        answer = reader.lookup(request_, "en-US")
        assert not answer.is_hit and answer.need == f"similar_to={need}" and answer.matched_by is None


@pytest.mark.parametrize(
    ("request_", "tracks"),
    [
        ("play jolene", ["t6", "t7", "t8"]),
        ("play jolene live", ["t6"]),
        ("play the original version of jolene", ["t8"]),
        ("play the acoustic version of jolene", ["t6", "t7", "t8"]),  # there is none: the version is dropped
        ("play jolene but not the live one", ["t7", "t8"]),
        ("play jolene but not a remix", ["t6", "t8"]),
        ("play jolene but not miley cyrus", ["t6", "t7"]),
    ],
)
def test_what_is_refused_is_never_among_the_tracks(reader: ReleaseReader, request_: str, tracks: list[str]) -> None:
    answer = reader.lookup(request_, "en-US")
    assert [track.track_id for track in answer.tracks] == tracks, answer


def test_nothing_but_a_refused_name_is_anything_without_it(root: Path) -> None:
    anything = entry("*", "open", ("t4", 1.0), ("t1", 0.5), ("t5", 0.25))
    publish(root, write(root, [*LISTS, anything], tracks=dict(TRACKS), names=NAMES, wordings=WORDINGS), 3)
    reader = ReleaseReader(root, max_age_h=36, clock=lambda: BUILT_AT_S + 90)
    answer = reader.lookup("play anything but queen", "en-US")
    assert answer.need == "artist!=queen" and answer.dropped == ("artist!=queen",)
    assert [track.track_id for track in answer.tracks] == ["t1", "t5"]
    assert not reader.lookup(
        "play anything but rock", "en-US"
    ).is_hit  # a release does not know the genres of its tracks


@pytest.mark.parametrize(
    ("request_", "need"),
    [
        ("play polka", None),
        ("call adele", None),  # public, and not for music
        ("wake me up at seven", None),
        (
            "play dammit by adele",
            "artist=adele|title=dammit",
        ),  # a recording that there is not: no other is given for it
        ("play some reggae from the 70s", None),
        ("corridos tumbados", "genre=corridos tumbados"),  # "tumbados" is the same genre, no wider one
    ],
)
def test_no_guess(reader: ReleaseReader, request_: str, need: str | None) -> None:
    answer = reader.lookup(request_, "en-US")
    assert (answer.is_hit, answer.matched_by, answer.tracks) == (False, None, ())
    assert need is None or answer.need == need


@pytest.mark.parametrize("request_", ["goodbye", "", "   ", "x" * 5000, "\ud800", "\0", "€" * 200, "|=~%", "a" * 999])
@pytest.mark.parametrize("locale", ["en-US", "", "!!", "en\0US", "x" * 100])
def test_a_miss_is_a_plain_miss(reader: ReleaseReader, request_: str, locale: str) -> None:
    answer = reader.lookup(request_, locale)
    assert (answer.is_hit, answer.matched_by, answer.tracks) == (False, None, ())


def test_the_locale_chain() -> None:
    assert locale_chain("es-MX") == locale_chain("ES_mx") == ("es-MX", "es", "*")
    assert locale_chain("zh-hant-tw") == ("zh-Hant-TW", "zh", "*")
    assert locale_chain("en") == ("en", "*") and locale_chain("*") == ("*",) == locale_chain("")


def test_why_an_answer_came(root: Path, published: str) -> None:
    reader = ReleaseReader(root, max_age_h=36)
    why = reader.lookup("play hullo", "en-US", explain=True).explanation
    assert why is not None and why.stripped == "hullo" and why.entry == ("en-US", "title=hello")
    assert why.reasons == ("exact title", "too")
    assert why.tried[0] == "wording (en-US, play hullo)" and why.tried[-1] == "need (en-US, title=hello)"
    spanish = reader.lookup("pon el mariachi", "es-ES", explain=True).explanation
    assert spanish is not None and spanish.reasons == ()
    miss = reader.lookup("nothing", "en-US", explain=True).explanation
    assert miss is not None and miss.entry is None and miss.tried[-1].startswith("reading ")


def test_a_release_says_itself_when_it_is_stale_unless_its_reader_is_told(root: Path) -> None:
    publish(root, write(root, max_age_h=1), 14)
    later = [ReleaseReader(root, max_age_h=h, clock=lambda: BUILT_AT_S + 2 * 3600) for h in (None, 36.0)]
    assert [(r.stale, r.lookup("hello", "en-US").stale) for r in later] == [(True, True), (False, False)]


def test_a_request_that_nobody_could_say_is_a_miss_and_costs_nothing(reader: ReleaseReader) -> None:
    long = "play " + "some " * 20_000 + "hello"
    tracemalloc.start()
    try:
        answer = reader.lookup(long, "en-GB", explain=True)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert not answer.is_hit and answer.explanation is not None and answer.explanation.tried == ()
    assert peak < 5_000_000
    assert reader.lookup("play " + "some " * 100 + "hello", "en-GB").is_hit


@pytest.mark.parametrize(
    ("later_s", "age_s", "stale"),
    [(0, 0, False), (36 * 3600, 129600, False), (36 * 3600 + 1, 129601, True), (-60, 0, False)],
)
def test_age_and_staleness_follow_the_clock(root: Path, published: str, later_s: int, age_s: int, stale: bool) -> None:
    reader = ReleaseReader(root, max_age_h=36, clock=lambda: BUILT_AT_S + later_s)
    answer = reader.lookup("hello", "en-US")
    assert (answer.age_s, answer.stale, answer.is_hit) == (age_s, stale, True)
    assert (reader.age_s, reader.stale) == (age_s, stale)
