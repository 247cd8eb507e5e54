"""Carrier phrases: what is stripped, what stays, and the grammar file."""

import json
import tracemalloc

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from queries.text.carrier import CarrierGrammarInvalid, grammar_bytes, load_grammar, stages, stripped
from queries.text.normalise import normal_form

GRAMMAR = load_grammar()
TABLE = [
    ("en-US", "play", "play"),
    ("en-US", "play music", "music"),
    ("en-US", "alexa play hello by adele", "hello by adele"),
    ("en-US", "can you please play me some jazz please", "jazz"),
    ("en-US", "i want to listen to the beatles", "the beatles"),
    ("en-US", "put on some rock from the 90s", "rock from the 90s"),
    ("en-US", "play start me up", "start me up"),
    ("en-US", "play some nights", "some nights"),
    ("en-US", "play me and bobby mcgee", "me and bobby mcgee"),
    ("en-US", "please please me", "please please me"),
    ("en-US", "hey alexa", "hey alexa"),
    ("en-US", "can you play", "play"),
    ("en-US", "play songs by queen on spotify", "queen"),
    ("en-US", "play the song hello for me", "hello"),
    ("en-US", "play play that funky music", "play that funky music"),
    ("en-US", "the the", "the the"),
    ("es-US", "can you play despacito please", "despacito"),  # the other language where one's own takes nothing
    ("en-US", "pon despacito por favor", "despacito"),
    ("en-US", "play de musica ligera", "de musica ligera"),  # and where it takes something, that alone
    ("en-US", "drop it like its hot", "drop it like its hot"),
    ("en-US", "can you drop it like its hot please", "drop it like its hot"),
    ("en-US", "drop the beatles", "the beatles"),
    ("es-ES", "pon", "pon"),
    ("es-ES", "pon musica", "musica"),
    ("es-ES", "ponme algo de rock de los noventa", "rock de los noventa"),
    ("es-MX", "quiero escuchar a shakira", "shakira"),
    ("es-ES", "reproduce la cancion despacito por favor", "despacito"),
    ("es-US", "alexa puedes poner musica de salsa en spotify", "salsa"),
    ("es-ES", "pon a dios le pido", "a dios le pido"),
    ("es-ES", "quiero que pongas canciones de amor", "canciones de amor"),
    ("es-US", "play bad bunny", "bad bunny"),
    ("es-ES", "tocame una cancion de rosalia", "rosalia"),
    ("es-ES", "me gustaria oir un poco de jazz gracias", "jazz"),
    ("*", "pon rock", "rock"),
    ("fr-FR", "play hello", "hello"),
    ("en-US", "", ""),
]


@pytest.mark.parametrize(("locale", "query", "bare"), TABLE)
def test_table(locale, query, bare):
    assert stripped(query, locale, GRAMMAR) == bare


@settings(max_examples=300, deadline=None)
@given(
    st.lists(
        st.sampled_from(
            [
                "alexa",
                "can",
                "you",
                "please",
                "play",
                "me",
                "some",
                "the",
                "song",
                "music",
                "by",
                "pon",
                "ponme",
                "algo",
                "de",
                "la",
                "cancion",
                "por",
                "favor",
                "hello",
                "a",
                "y",
                "on",
                "spotify",
                "quiero",
                "escuchar",
            ]
        ),
        min_size=1,
        max_size=9,
    ),
    st.sampled_from(["en-US", "es-ES", "*"]),
)
def test_a_stage_is_a_stretch_of_the_query_and_never_empty(words, locale):
    query = " ".join(words)
    ways = stages(query, locale, GRAMMAR)
    assert ways[0] == query and ways[-1] == stripped(query, locale, GRAMMAR)
    for way in ways:
        assert way and f" {way} " in f" {query} "


def test_both_languages_have_sixty_phrases_and_more():
    languages = json.loads(grammar_bytes())["languages"]
    for name in ("en", "es"):
        assert len(languages[name]["prefixes"]) >= 60
        for kind in ("wake", "politeness", "objects", "suffixes"):
            assert all(normal_form(phrase, name) == phrase for phrase in languages[name][kind])


def test_the_packaged_file_is_the_grammar(tmp_path):
    copy = tmp_path / "carrier.json"
    copy.write_bytes(grammar_bytes())
    assert load_grammar(copy) == GRAMMAR
    assert GRAMMAR.version == 1


@pytest.mark.parametrize(
    "content",
    [
        "",
        "[]",
        "{",
        '{"version": 1}',
        '{"version": "x", "languages": {}}',
        '{"version": 1, "languages": {"en": {"prefixes": ["Pláy!"]}}}',
    ],
)
def test_a_bad_grammar_says_what_and_where(tmp_path, content):
    bad = tmp_path / "bad.json"
    bad.write_text(content, encoding="utf-8")
    with pytest.raises(CarrierGrammarInvalid, match=r"bad\.json.*expected.*found"):
        load_grammar(bad)


@pytest.mark.parametrize("name", sorted(GRAMMAR.languages))
def test_every_phrase_that_may_stay_is_one_that_would_go(name):
    carriers = GRAMMAR.languages[name]
    assert not set(carriers.keep) - carriers.prefixes - carriers.objects
    verb = {"en": "play", "es": "pincha"}[name]
    for phrase, followers in carriers.keep.items():
        for word in followers:
            longer = f"{phrase} {word}" in carriers.objects  # "a song from": goes, whatever "a song" does
            said = f"{phrase} {word} xyz" if phrase in carriers.prefixes else f"{verb} {phrase} {word} xyz"
            assert stripped(said, name, GRAMMAR) == ("xyz" if longer else f"{phrase} {word} xyz"), said


@pytest.mark.parametrize(
    "hostile", ["play " + "some " * 20_000, "alexa " * 20_000, "can you " * 20_000, "play x" + " please" * 20_000]
)
def test_hostile_text_takes_no_more_than_a_few_copies_of_itself(hostile):
    tracemalloc.start()
    try:
        bare = stripped(hostile, "en-US", GRAMMAR)
        in_one_go = tracemalloc.get_traced_memory()[1]
        ways = stages(hostile, "en-US", GRAMMAR)
        in_stages = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert ways[-1] == bare and len(ways) <= 16 and len(set(ways)) == len(ways)
    assert in_one_go < 5_000_000 and in_stages < 8_000_000
