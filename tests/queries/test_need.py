"""Keys of needs against the format that is fixed, and the need that a wording leads to."""

from hashlib import sha256

import pytest
from hypothesis import given
from hypothesis import strategies as st

from queries.catalog.index import CatalogIndex
from queries.catalog.near import Alike, MemoryNames, similar
from queries.catalog.resolve import Resolver
from queries.grammar.constraints import TYPED
from queries.grammar.interpret import interpret
from queries.grammar.lexicon import load_lexicon
from queries.grammar.need import Need, Part, need_reading, other_readings
from queries.models.learned import MUSIC_SERVICE_SHARE, packaged, read_query
from queries.models.read_need import read_need
from queries.nightly.understand import NEED_COLUMNS
from queries.text.normalise import normal_form

TRACKS = [
    ("Hello", "Adele", "25", 90),
    ("Hello", "Lionel Richie", "Can't Slow Down", 60),
    ("Happy", "Pharrell Williams", "Girl", 80),
    ("Shape of You", "Ed Sheeran", "Divide", 95),
    ("Bangarang", "Skrillex", "Bangarang", 70),
    ("Run the Night", "Skrillex", "Bangarang", 20),
    ("Proud Mary", "Creedence Clearwater Revival", "Bayou Country", 60),
    ("My Crazy Machine", "Rikaquen Collective", "Don't Dance Tonight", 30),
    ("Don't Dance Tonight", "Someone Else", "Another", 20),
    ("Für Elise", "Ludwig van Beethoven", "Bagatelles", 50),
    ("The House of the Rising Sun", "The Animals", "The Animals", 70),
]


@pytest.fixture(scope="module")
def catalog() -> CatalogIndex:
    return CatalogIndex.of(
        {"track_id": str(i), "title": t, "artists": [a], "album": b, "genres": ["rock", "pop"], "popularity": p}
        for i, (t, a, b, p) in enumerate(TRACKS)
    )


@pytest.fixture(scope="module")
def resolver(catalog: CatalogIndex) -> Resolver:
    return Resolver(catalog.vocabulary, load_lexicon().works)


def reading(request_: str, locale: str, catalog: CatalogIndex, resolver: Resolver | None):  # type: ignore[no-untyped-def]
    query = normal_form(request_, locale)
    lexicon = load_lexicon(catalog.genres)
    interpretation = read_query(query, locale[:2], lexicon, catalog.vocabulary, packaged(), MUSIC_SERVICE_SHARE)
    return need_reading(interpretation, lexicon, catalog.vocabulary, resolver)


@pytest.mark.parametrize(
    ("parts", "key"),
    [
        ([], "open"),
        ([Part("genre", "rock"), Part("decade", "1990")], "decade=1990|genre=rock"),
        ([Part("title", "hello"), Part("artist", "adele")], "artist=adele|title=hello"),
        ([Part("genre", "rock"), Part("genre", "pop"), Part("genre", "rock")], "genre=pop|genre=rock"),
        ([Part("genre", "rap", is_refused=True), Part("mood", "happy")], "genre!=rap|mood=happy"),
        ([Part("words", "100% a|b=c!")], "words=100%25 a%7Cb%3Dc%21"),
    ],
)
def test_a_key_is_sorted_and_encoded(parts: list[Part], key: str) -> None:
    assert Need.of(parts).key == Need.of(parts[::-1]).key == key


def test_a_long_key_keeps_360_bytes_and_its_hash() -> None:
    fits, long = "x" * (400 - len("words=")), "ñ" * 300
    assert Need.of([Part("words", fits)]).key == f"words={fits}"
    whole = f"words={long}".encode()
    key = Need.of([Part("words", long)]).key
    assert key == f"words={'ñ' * 177}~{sha256(whole).hexdigest()[:16]}" and len(key.encode()) <= 400
    assert Need.of([Part("words", long + "a")]).key != key


@given(st.lists(st.tuples(st.sampled_from(["artist", "title", "genre"]), st.text(max_size=8)), max_size=4))
def test_no_two_needs_share_a_key(parts: list[tuple[str, str]]) -> None:
    need = Need.of(Part(f, v) for f, v in parts)
    values = [p.split("=", 1) for p in need.key.split("|")] if need.parts else []
    decoded = {
        (f, v.replace("%7C", "|").replace("%3D", "=").replace("%21", "!").replace("%25", "%")) for f, v in values
    }
    assert decoded == set(parts)


@pytest.mark.parametrize(
    ("parts", "broader", "subject"),
    [
        ([("title", "hello"), ("artist", "adele")], "title=hello", "artist=adele|title=hello"),
        ([("artist", "adele"), ("version", "live")], "artist=adele", "artist=adele"),
        ([("genre", "rock"), ("decade", "1990")], "genre=rock", "decade=1990|genre=rock"),
        ([("genre", "rock"), ("sort", "newest")], "genre=rock", "genre=rock"),
        ([("genre", "rock")], "genre=rock", "genre=rock"),
    ],
)
def test_the_weakest_part_is_given_up_first(parts: list[tuple[str, str]], broader: str, subject: str) -> None:
    need = Need.of(Part(f, v) for f, v in parts)
    assert (need.broader.key, need.subject.key) == (broader, subject)
    refused = Need.of([*need.parts, Part("mood", "sad", is_refused=True)])
    assert refused.broader == need


def test_a_row_has_every_declared_column_and_no_other() -> None:
    row = Need.of([Part("year", "1990-1995"), Part("explicit", "false"), Part("year", "-1979", is_refused=True)]).row()
    assert set(row) == set(NEED_COLUMNS) > set(TYPED)
    assert (row["first_year"], row["last_year"], row["is_explicit_wanted"]) == (1990, 1995, False)
    assert (row["unwanted_first_years"], row["unwanted_last_years"]) == ([None], [1979])


@pytest.mark.parametrize(
    ("request_", "locale", "key", "how"),
    [
        ("play hello", "en-US", "title=hello", "catalog"),
        ("Ponme hello de Adele", "es-MX", "artist=adele|title=hello", "catalog"),
        ("put on adele", "en-US", "artist=adele", "catalog"),
        ("rock from the 90's", "en-US", "decade=1990|genre=rock", "grammar"),
        ("rock de los noventa", "es-ES", "decade=1990|genre=rock", "grammar"),
        ("play skillrex", "en-US", "artist=skrillex", "near"),
        ("play shap of you", "en-US", "title=shape of you", "near"),
        ("i want to hear credence clearwater revival", "en-US", "artist=creedence clearwater revival", "near"),
        ("hello song", "en-US", "title=hello", "catalog"),
        (
            "don't dance tonight by rikaquen collective",
            "en-US",
            "album=dont dance tonight|artist=rikaquen collective",
            "catalog",
        ),
        ("skrillex run the night", "en-US", "artist=skrillex|title=run the night", "catalog"),
        ("play zxqv wvut", "en-US", "words=zxqv wvut", "words"),
    ],
)
def test_a_wording_leads_to_the_catalogs_need(
    catalog: CatalogIndex, resolver: Resolver, request_: str, locale: str, key: str, how: str
) -> None:
    found = reading(request_, locale, catalog, resolver)
    assert (found.need.key, found.how) == (key, how)
    assert found.confidence == (0 if how == "words" else pytest.approx(found.confidence)) and found.confidence <= 1


def test_without_a_resolver_a_misspelled_name_has_its_words_alone(catalog: CatalogIndex) -> None:
    assert reading("play skillrex", "en-US", catalog, None).need.key == "words=skillrex"


def test_other_things_than_music_have_no_need(catalog: CatalogIndex, resolver: Resolver) -> None:
    assert reading("wake me up at 7", "en-US", catalog, resolver) is None


def test_a_bare_name_has_the_readings_that_catalog_and_grammar_allow(catalog: CatalogIndex) -> None:
    lexicon = load_lexicon(catalog.genres)
    query = "play happy"
    interpretation = read_query(query, "en", lexicon, catalog.vocabulary, packaged(), MUSIC_SERVICE_SHARE)
    keys = {n.key for n in other_readings(interpretation, interpret(query, "en", lexicon, None), catalog.vocabulary)}
    assert {"title=happy", "mood=happy"} <= keys


def test_likeness_is_strict_with_short_names() -> None:
    names = dict.fromkeys(("u2", "ac dc", "goodbye", "phillips", "blink 182", "red hot chili peppers"), 1.0)
    store = MemoryNames({"artist": names, "title": {}, "album": {}})

    def like(words: str) -> list[Alike]:
        return similar(store, "artist", words)

    assert like("u3") == like("hello") == [] and like("acdc") == [Alike("ac dc", 1.0, by_sound=False)]
    assert like("filips") == [Alike("phillips", 0.93, by_sound=True)]
    assert like("rhcp") == [Alike("red hot chili peppers", 0.95, by_sound=True)]
    assert like("blink one eighty two")[0] == Alike("blink 182", 1.0, by_sound=False)
    assert like("good bye") == [Alike("goodbye", 1.0, by_sound=False)]


@pytest.mark.parametrize(
    ("request_", "locale", "key"),
    [
        ("songs like hello", "en-US", "similar_to=title%3Dhello"),
        ("play something like adele", "en-US", "similar_to=artist%3Dadele"),
        ("algo parecido a skrillex", "es-ES", "similar_to=artist%3Dskrillex"),
        ("ponme canciones como las de adele", "es-MX", "similar_to=artist%3Dadele"),
        ("play my liked songs", "en-US", "personal=liked"),
        ("pon mis canciones favoritas", "es-ES", "personal=liked"),
        ("canciones que me gustan", "es-MX", "personal=liked"),
        ("play something happy", "en-US", "mood=happy"),
        ("play happy", "en-US", "title=happy"),
        ("play kids music", "en-US", "genre=children"),
        ("pon música para niños", "es-ES", "genre=children"),
        ("songs four running", "en-US", "activity=run"),
        ("harrd rock", "en-US", "genre=hard rock"),
        ("play the song hlelo", "en-US", "title=hello"),
        ("una lista para yoga", "es-MX", "activity=yoga"),
        ("pon para elisa", "es-ES", "title=fur elise"),
        ("play la casa del sol naciente", "en-US", "title=the house of the rising sun"),
        ("lo mejor de adele", "es-ES", "artist=adele|sort=popular"),
    ],
)
def test_what_people_say_beyond_names(
    catalog: CatalogIndex, resolver: Resolver, request_: str, locale: str, key: str
) -> None:
    lexicon = load_lexicon(catalog.genres)
    for learned in (packaged(), None):  # the night, and the reader of its release
        query = normal_form(request_, locale)
        _, found = read_need(query, locale[:2], lexicon, catalog.vocabulary, learned, resolver, MUSIC_SERVICE_SHARE)
        assert found is not None and (found.need.key, found.confidence >= 0.8) == (key, True)
