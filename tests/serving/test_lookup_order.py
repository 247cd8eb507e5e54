"""Which entry answers: full, stripped, alias; each in the locale, its language, everywhere. And age and misses."""

import tracemalloc
from pathlib import Path

import pytest

from queries.text.carrier import grammar_bytes
from serving.layout import locale_chain
from serving.reader import ReleaseReader
from serving.writer import publish, write_release
from tests.serving.conftest import BUILT_AT, BUILT_AT_S, ENTRIES, SAID, TRACKS, entry, write

ALL = [
    entry("en-US", "play hello", ("t1", 1.0)),
    entry("en", "hello", ("t2", 1.0), aliases=("hullo", "play hallo")),
    entry("*", "hello", ("t3", 1.0)),
    entry("en-US", "ciao", ("t1", 1.0), aliases=("hola",)),
    entry("*", "hola", ("t3", 1.0)),
    entry("es-MX", "pon hola", ("t2", 1.0)),
]


@pytest.fixture
def reader(root: Path) -> ReleaseReader:
    publish(root, write(root, ALL), 3)
    return ReleaseReader(root, max_age_h=36, clock=lambda: BUILT_AT_S + 90)


@pytest.mark.parametrize(
    ("request_", "locale", "by", "track"),
    [
        ("Play  HELLO!", "en-US", "full", "t1"),  # the full form wins over the stripped one
        ("play hello", "en-GB", "stripped", "t2"),  # the language answers before *
        ("hello", "en-US", "full", "t2"),
        ("hello", "fr-FR", "full", "t3"),  # everywhere
        ("hola", "en-US", "full", "t3"),  # full in * wins over an alias in the locale
        ("hullo", "en-US", "alias", "t2"),
        ("play hullo", "en-GB", "alias", "t2"),  # the stripped form in the alias table
        ("play hallo", "en-US", "alias", "t2"),
        ("pon hola", "es_mx", "full", "t2"),
        ("pon hola", "es-ES", "stripped", "t3"),
    ],
)
def test_the_order(reader: ReleaseReader, request_: str, locale: str, by: str, track: str) -> None:
    answer = reader.lookup(request_, locale)
    assert (answer.is_hit, answer.matched_by, answer.tracks[0].track_id) == (True, by, track)
    assert (answer.raw_query, answer.locale) == (request_, locale)


@pytest.mark.parametrize("request_", ["goodbye", "", "   ", "x" * 5000, "\ud800", "\0", "€" * 200])
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
    assert why is not None and why.stripped == "hullo" and why.entry == ("en-US", "hello")
    assert why.reasons == ("exact title", "too") and why.propensity is None
    assert why.tried[0] == "full (en-US, play hullo)" and why.tried[-1] == "alias (en-US, hullo)"
    spanish = reader.lookup("pon el mariachi", "es-ES", explain=True).explanation
    assert spanish is not None and spanish.propensity == 0.25 and spanish.reasons == ()
    miss = reader.lookup("nothing", "en-US", explain=True).explanation
    assert miss is not None and miss.entry is None and len(miss.tried) == 6


def test_a_release_says_itself_when_it_is_stale_unless_its_reader_is_told(root: Path) -> None:
    built = {"at": BUILT_AT, "max_age_h": 1}
    publish(root, write_release(root, "2026-11-21", ENTRIES, TRACKS, SAID, built, grammar_bytes()), 14)
    later = [ReleaseReader(root, max_age_h=h, clock=lambda: BUILT_AT_S + 2 * 3600) for h in (None, 36.0)]
    assert [(r.stale, r.lookup("hello", "en-US").stale) for r in later] == [(True, True), (False, False)]


def test_a_request_that_nobody_could_say_is_a_miss_and_costs_nothing(reader: ReleaseReader) -> None:
    long = "play " + "some " * 20_000 + "hello"
    tracemalloc.start()
    try:
        answer = reader.lookup(long, "en-US", explain=True)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert not answer.is_hit and answer.explanation is not None and answer.explanation.tried == ()
    assert peak < 5_000_000
    assert reader.lookup("play " + "some " * 100 + "hello", "en-US").is_hit


@pytest.mark.parametrize(
    ("later_s", "age_s", "stale"),
    [(0, 0, False), (36 * 3600, 129600, False), (36 * 3600 + 1, 129601, True), (-60, 0, False)],
)
def test_age_and_staleness_follow_the_clock(root: Path, published: str, later_s: int, age_s: int, stale: bool) -> None:
    reader = ReleaseReader(root, max_age_h=36, clock=lambda: BUILT_AT_S + later_s)
    answer = reader.lookup("hello", "en-US")
    assert (answer.age_s, answer.stale, answer.is_hit) == (age_s, stale, True)
    assert (reader.age_s, reader.stale) == (age_s, stale)
