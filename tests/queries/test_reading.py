"""Requests and how they are read: a golden table in both languages, and laws over any text."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from queries.grammar.lexicon import load_lexicon
from queries.models.learned import packaged
from queries.reading import likely_locale, read

LEXICON = load_lexicon()
LEARNED = packaged()

# request, locale, intent, key, slots
GOLDEN = [
    ("play hello", "en-US", "title", "", {"title": "hello"}),
    ("hello", "en-US", "title", "", {"title": "hello"}),
    ("alexa play hello by adele", "en-US", "title_artist", "", {"title": "hello", "artist": "adele"}),
    ("Play Hello by Adele please", "en-GB", "title_artist", "", {"title": "Hello", "artist": "Adele"}),
    ("adele hello", "en-US", "title_artist", "", {"title": "hello", "artist": "adele"}),
    ("play adele", "en-US", "artist", "", {"artist": "adele"}),
    ("songs by adele", "en-US", "artist", "", {"artist": "adele"}),
    ("play adele's hello", "en-US", "title_artist", "", {"artist": "adele", "title": "hello"}),
    ("play some queen", "en-US", "artist", "", {"artist": "queen"}),
    ("play beatles", "en-US", "artist", "", {"artist": "beatles"}),
    ("play AC/DC", "en-US", "artist", "", {"artist": "AC/DC"}),
    ("acdc", "en-US", "artist", "", {"artist": "acdc"}),
    ("play beyonce", "en-US", "artist", "", {"artist": "beyonce"}),
    ("bohemian rhapsody by queen", "en-US", "title_artist", "", {"title": "bohemian rhapsody", "artist": "queen"}),
    ("play hips don't lie", "en-US", "title", "", {"title": "hips don't lie"}),
    ("play some nights", "en-US", "title", "", {"title": "some nights"}),
    ("summer of 69", "en-US", "title", "", {"title": "summer of 69"}),
    ("play", "en-US", "title", "", {"title": "play"}),
    ("play music", "en-US", "open", "", {}),
    ("play something", "en-US", "open", "", {}),
    ("play rock", "en-US", "genre", "genre=rock", {"genre": "rock"}),
    ("play some jazz", "en-US", "genre", "genre=jazz", {"genre": "jazz"}),
    ("r&b", "en-US", "genre", "genre=rnb", {"genre": "r&b"}),
    ("rock from the 90's", "en-US", "mixed", "decade=1990|genre=rock", {"genre": "rock", "decade": "90's"}),
    ("play 80s music", "en-US", "era", "decade=1980", {"decade": "80s"}),
    ("music from the nineties", "en-US", "era", "decade=1990", {"decade": "nineties"}),
    ("songs from 1995", "en-US", "era", "year=1995", {"year": "1995"}),
    ("rock before the 80s", "en-US", "mixed", "genre=rock|year=-1979", {"genre": "rock", "year": "80s"}),
    ("songs from before the year 2000", "en-US", "era", "year=-1999", {"year": "2000"}),
    ("everything except rap and country", "en-US", "mixed", "genre!=country|genre!=rap", {"genre": "country"}),
    ("play songs from 2010 onwards", "en-US", "era", "year=2010-", {"year": "2010 onwards"}),
    ("music from 1990 to 1995", "en-US", "era", "year=1990-1995", {"year": "1990 to 1995"}),
    ("play happy music", "en-US", "mood", "mood=happy", {"mood": "happy"}),
    ("play happy", "en-US", "title", "", {"title": "happy"}),
    ("play chill", "en-US", "mood", "mood=chill", {"mood": "chill"}),
    ("sad songs", "en-US", "mood", "mood=sad", {"mood": "sad"}),
    ("music for running", "en-US", "activity", "activity=run", {"activity": "running"}),
    ("play music to sleep", "en-US", "activity", "activity=sleep", {"activity": "sleep"}),
    ("happy music for running", "en-US", "mixed", "activity=run|mood=happy", {"mood": "happy", "activity": "running"}),
    ("play pop no rap", "en-US", "genre", "genre!=rap|genre=pop", {"genre": "rap"}),
    ("newest songs by shakira", "en-US", "artist", "sort=newest", {"sort": "newest", "artist": "shakira"}),
    (
        "the album wednesday by simon and garfunkel",
        "en-US",
        "album",
        "",
        {"album": "wednesday", "artist": "simon and garfunkel"},
    ),
    ("add this song to my gym playlist", "en-US", "playlist", "", {"playlist": "gym"}),
    ("add hello to my sunday playlist", "en-US", "playlist", "", {"title": "hello", "playlist": "sunday"}),
    ("play the playlist called road days", "en-US", "playlist", "", {"playlist": "road days"}),
    ("wake me up at 7", "en-US", "not_music", "", {}),
    ("what is the weather in boston", "en-US", "not_music", "", {}),
    ("set a timer for ten minutes", "en-US", "not_music", "", {}),
    ("", "en-US", "not_music", "", {}),
    ("ponme la mano", "es-ES", "title", "", {"title": "ponme la mano"}),
    ("pon despacito", "es-ES", "title", "", {"title": "despacito"}),
    (
        "reproduce la canción Despacito de Luis Fonsi",
        "es-MX",
        "title_artist",
        "",
        {"title": "Despacito", "artist": "Luis Fonsi"},
    ),
    ("quiero escuchar a Shakira", "es-MX", "artist", "", {"artist": "Shakira"}),
    ("pon a dios le pido", "es-ES", "title", "", {"title": "a dios le pido"}),
    ("pon música de juanes por favor", "es-ES", "artist", "", {"artist": "juanes"}),
    ("simon y garfunkel", "es-ES", "artist", "", {"artist": "simon y garfunkel"}),
    ("pon rock de los noventa", "es-ES", "mixed", "decade=1990|genre=rock", {"genre": "rock", "decade": "noventa"}),
    ("ponme algo de salsa", "es-ES", "genre", "genre=salsa", {"genre": "salsa"}),
    ("música de los 80", "es-ES", "era", "decade=1980", {"decade": "80"}),
    ("rock antes de los 80", "es-ES", "mixed", "genre=rock|year=-1979", {"genre": "rock", "year": "80"}),
    ("música anterior al año 2000", "es-ES", "era", "year=-1999", {"year": "2000"}),
    ("música a partir del 2010", "es-ES", "era", "year=2010-", {"year": "2010"}),
    ("pon música de 2010 en adelante", "es-ES", "era", "year=2010-", {"year": "2010 en adelante"}),
    ("todo menos rap y country", "es-ES", "mixed", "genre!=country|genre!=rap", {"genre": "country"}),
    ("música alegre", "es-ES", "mood", "mood=happy", {"mood": "alegre"}),
    ("canciones tristes", "es-MX", "mood", "mood=sad", {"mood": "tristes"}),
    ("musica para dormir", "es-ES", "activity", "activity=sleep", {"activity": "dormir"}),
    (
        "música alegre para correr",
        "es-ES",
        "mixed",
        "activity=run|mood=happy",
        {"mood": "alegre", "activity": "correr"},
    ),
    ("pon pop sin reggaetón", "es-ES", "genre", "genre!=reggaeton|genre=pop", {"genre": "reggaetón"}),
    ("pon música", "es-ES", "open", "", {}),
    ("pon algo", "es-ES", "open", "", {}),
    ("pop en español", "es-US", "genre", "genre=pop|language=es", {"genre": "pop"}),
    ("lo último de shakira", "es-MX", "artist", "sort=newest", {"sort": "lo último", "artist": "shakira"}),
    ("añade esta canción a mi lista de reproducción verano", "es-ES", "playlist", "", {"playlist": "verano"}),
    ("pon una alarma a las siete", "es-ES", "not_music", "", {}),
    ("qué tiempo hace mañana", "es-ES", "not_music", "", {}),
]


@pytest.mark.parametrize(
    ("request_", "locale", "intent", "key", "slots"), GOLDEN, ids=[row[0] or "blank" for row in GOLDEN]
)
@pytest.mark.parametrize("learned", [None, LEARNED], ids=["grammar", "learned"])
def test_golden(catalog, learned, request_, locale, intent, key, slots):
    reading = read(request_, locale, LEXICON, catalog, learned)
    assert (reading.intent, reading.key) == (intent, key), reading.reasons
    said = {slot["type"]: slot["value"].removesuffix(" playlist") for slot in reading.slots}
    assert {kind: value.lower() for kind, value in said.items() if kind in slots} == {
        kind: value.lower() for kind, value in slots.items()
    }
    assert reading.is_music == (intent != "not_music")


@pytest.mark.parametrize(
    ("request_", "answers_as"),
    [
        ("hello", "full"),
        ("play hello", "stripped"),
        ("play", "full"),
        ("ponme la mano", "full"),
        ("play some nights", "stripped"),
        ("play music", "stripped"),
        ("play happy music", "stripped"),
        ("a dios le pido", "full"),
    ],
)
def test_the_catalog_decides_between_title_and_carrier(catalog, request_, answers_as):
    assert read(request_, "es-ES" if "mano" in request_ else "en-US", LEXICON, catalog).answers_as == answers_as


def test_without_a_catalog_the_grammar_alone_reads():
    reading = read("ponme la mano", "es-ES", LEXICON, None)
    assert (reading.stripped, reading.intent, reading.answers_as) == ("la mano", "title", "stripped")
    assert read("play rock from the 90s", "en-US", LEXICON, None).key == "decade=1990|genre=rock"


def test_entities_are_the_most_popular_first_and_of_the_artist_said(catalog):
    assert [one["id"] for one in read("play hello", "en-US", LEXICON, catalog).entities] == ["t01", "t02"]
    by = read("hello by lionel richie", "en-US", LEXICON, catalog).entities
    assert [(one["kind"], one["id"]) for one in by] == [("artist", "lionel richie"), ("track", "t02")]


@settings(max_examples=400, deadline=None)
@given(
    st.one_of(
        st.text(max_size=50),
        st.lists(
            st.sampled_from(
                [
                    "play",
                    "pon",
                    "the",
                    "la",
                    "by",
                    "de",
                    "hello",
                    "adele",
                    "90s",
                    "rock",
                    "no",
                    "sin",
                    "album",
                    "playlist",
                    "my",
                    "mi",
                    "called",
                    "add",
                    "to",
                    "a",
                    "lista",
                    "music",
                    "música",
                    "'s",
                    "queen",
                    "and",
                ]
            ),
            max_size=10,
        ).map(" ".join),
    )
)
def test_total_deterministic_and_slots_are_spans(catalog, text):
    reading = read(text, "en-US", LEXICON, catalog)
    assert reading == read(text, "en-US", LEXICON, catalog)
    assert reading.is_music == (reading.intent != "not_music")
    assert bool(reading.query) == bool(text.strip())
    for slot in reading.slots:
        assert slot["value"]
    if not reading.is_music:
        assert (reading.slots, reading.key, reading.entities) == ([], "", [])


def test_case_and_accents_do_not_change_the_reading(catalog):
    plain, typed = (read(text, "es-ES", LEXICON, catalog) for text in ("pon musica alegre", "PON Música Alegre!"))
    assert (plain.query, plain.key, plain.intent) == (typed.query, typed.key, typed.intent)


@pytest.mark.parametrize(
    ("text", "locale"),
    [("ponme rock de los noventa", "es-ES"), ("play hello", "en-US"), ("música para correr", "es-ES"), ("", "en-US")],
)
def test_a_request_without_locale(text, locale):
    assert likely_locale(text, LEXICON) == locale
