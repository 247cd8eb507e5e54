"""Constraints and their key: eras, synonyms of both languages, negation, canonical form."""

import json
from itertools import permutations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from queries.constraints import constraint_key, constraints_of, mentions, mood_targets
from queries.lexicon import canonical_genre, entries, load_lexicon
from queries.normalise import normal_form

LEXICON = load_lexicon()


def key(text):
    return constraint_key(constraints_of(mentions(normal_form(text, "es"), LEXICON)))


SAME_IN_BOTH = [
    ("decade=1990|genre=rock", "rock from the 90's", "rock de los noventa"),
    ("decade=1980|genre=pop", "eighties pop", "pop de los 80"),
    ("mood=happy", "happy music", "música alegre"),
    ("mood=sad", "sad songs", "canciones tristes"),
    ("activity=run", "music for running", "música para correr"),
    ("activity=sleep", "music to sleep", "música para dormir"),
    ("activity=study", "studying music", "música para estudiar"),
    ("activity=workout|mood=energetic", "energetic workout music", "música enérgica para entrenar"),
    ("activity=party", "party music", "música de fiesta"),
    ("mood=romantic", "romantic music", "música romántica"),
    ("genre=classical", "classical music", "música clásica"),
    ("genre=children", "kids music", "música infantil"),
    ("genre=christmas", "christmas songs", "villancicos"),
    ("genre!=rap", "no rap", "sin rap"),
    ("genre=pop|language=es", "pop in spanish", "pop en español"),
    ("genre=rock|sort=newest", "newest rock", "lo último de rock"),
    ("genre=salsa|sort=popular", "best salsa", "lo mejor de salsa"),
    ("genre=rock|version=live", "rock live", "rock en vivo"),
    ("version=instrumental", "without vocals", "sin voces"),
    ("explicit=false|genre=rap", "clean rap", "rap sin groserías"),
    ("year=1990-1995", "from 1990 to 1995", "de 1990 a 1995"),
    ("year=-1979", "before 1980", "antes de 1980"),
    ("year=2010-", "since 2010", "desde 2010"),
    ("year=1995", "nineteen ninety five", "mil novecientos noventa y cinco"),
    ("decade=2000", "two thousands", "los dos mil"),
    ("decade=1980|decade=1990", "80s and 90s", "los años 80 y 90"),
    ("genre=hip hop", "hip-hop", "música hip hop"),
    ("genre=reggaeton", "reggaeton", "reguetón"),
]


@pytest.mark.parametrize(("expected", "english", "spanish"), SAME_IN_BOTH)
def test_both_languages_share_the_key(expected, english, spanish):
    assert key(english) == expected
    assert key(spanish) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2020s", "decade=2020"),
        ("20s", "decade=1920"),
        ("the nineteen eighties", "decade=1980"),
        ("noventera", "decade=1990"),
        ("los 2000", "decade=2000"),
        ("los 2010", "decade=2010"),
        ("los dos mil diez", "decade=2010"),
        ("los años dos mil veinte", "decade=2020"),
        ("en dos mil diez", "year=2010"),
        ("twenty tens", "decade=2010"),
        ("nineteen tens", "decade=1910"),
        ("tens", ""),
        ("twenty ten", "year=2010"),
        ("1999", "year=1999"),
        ("2112", ""),
        ("1990-1995", "year=1990-1995"),
        ("los 40 principales", ""),
        ("noventa", ""),
        ("no rap or country", "genre!=country|genre!=rap"),
        ("pop sin nada de reggaeton", "genre!=reggaeton|genre=pop"),
        ("anything but jazz", "genre!=jazz"),
        ("hello", ""),
        ("", ""),
    ],
)
def test_eras_and_negations(text, expected):
    assert key(text) == expected


def test_the_key_is_deaf_to_order_and_repeats():
    for words in permutations(["rock", "salsa", "90s", "rock"]):
        assert key(" ".join(words)) == "decade=1990|genre=rock|genre=salsa"


def test_canonical_constraints_are_json_with_every_field():
    found = constraints_of(mentions("clean rock from 1990 to 1995 no rap", LEXICON))
    assert json.loads(json.dumps(found)) == {
        "genre": ["rock"],
        "decade": [],
        "year": {"from": 1990, "to": 1995},
        "mood": None,
        "activity": None,
        "sort": None,
        "version": None,
        "explicit": False,
        "language": None,
        "not": {"genre": ["rap"]},
    }


@settings(max_examples=300, deadline=None)
@given(
    st.lists(
        st.sampled_from(
            [
                "no",
                "sin",
                "rock",
                "rap",
                "90s",
                "los",
                "noventa",
                "1990",
                "to",
                "a",
                "1995",
                "before",
                "music",
                "sad",
                "para",
                "correr",
                "or",
                "y",
                "el",
                "nada",
                "de",
                "hello",
                "dos",
                "mil",
                "clean",
                "in",
                "the",
            ]
        ),
        max_size=12,
    )
)
def test_mentions_do_not_overlap_and_reach_back_only(words):
    found = mentions(" ".join(words), LEXICON)
    before = 0
    for one in found:
        assert before <= one.reach <= one.start < one.end <= len(words)
        before = one.end


def test_every_mood_and_activity_states_its_audio():
    assert len(entries("moods")) >= 20 and len(entries("activities")) >= 15
    for name in (*entries("moods"), *entries("activities")):
        targets = mood_targets(name)
        assert targets, name
        for field, (low, high) in targets.items():
            assert low < high
            assert high <= (250 if field == "tempo" else 1)
    assert mood_targets("happy")["valence"] == (0.6, 1.0)
    assert mood_targets("no such mood") == {}


def test_every_mood_and_activity_is_said_in_both_languages():
    for kind in ("moods", "activities"):
        for name, entry in entries(kind).items():
            assert entry["en"] and entry["es"], name


def test_every_phrase_of_the_data_is_in_normal_form():
    assert [phrase for phrase in LEXICON.phrases if normal_form(phrase, "en") != phrase] == []


def test_catalog_genres_join_the_lexicon_but_do_not_displace_a_mood():
    lexicon = load_lexicon(["zydeco", "r-n-b", "R&B", "sad", "2013", "music"])
    assert lexicon.phrases["zydeco"].value == "zydeco"
    assert lexicon.phrases["sad"].field == "mood"
    assert "2013" not in lexicon.phrases and "music" not in lexicon.phrases
    assert canonical_genre("r-n-b") == canonical_genre("R&B") == "rnb"
