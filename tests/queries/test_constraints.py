"""Constraints and their key: eras, synonyms of both languages, negation, canonical form."""

import json
from itertools import permutations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from queries.grammar.constraints import constraint_key, constraints_of, mentions, mood_targets
from queries.grammar.lexicon import canonical_genre, content_of, entries, load_lexicon
from queries.grammar.periods import _LEADS, _TRAILS
from queries.text.normalise import normal_form

LEXICON = load_lexicon()


def key(text):
    return constraint_key(constraints_of(mentions(normal_form(text, "es"), LEXICON)))


SAME_IN_BOTH = [
    ("decade=1990|genre=rock", "rock from the 90's", "rock de los noventa"),
    ("decade=1990|genre=pop", "pop 90", "pop noventa"),
    ("decade=1980|genre=pop", "eighties pop", "pop de los 80"),
    ("mood=happy", "happy music", "música alegre"),
    ("mood=sad", "sad songs", "canciones tristes"),
    ("activity=run", "music for running", "música para correr"),
    ("activity=sleep", "music to sleep", "música para dormir"),
    ("activity=study", "studying music", "música para estudiar"),
    ("activity=workout|mood=energetic", "energetic workout music", "música enérgica para entrenar"),
    ("genre=ambient", "ambient music", "música ambiental"),
    ("decade=1970|genre=merengue", "seventies merengue", "merengue setenta"),
    ("decade=2000|genre=rap", "2000s rap", "rap dos mil"),
    ("decade=1970|decade=1980|decade=1990", "70s 80s and 90s music", "música de los 70 80 y 90"),
    ("genre!=rap", "any music but rap", "cualquier música que no sea rap"),
    ("genre!=reggaeton", "anything besides reggaeton", "ya no quiero reggaeton"),
    ("activity=workout", "workout music", "música de zumba"),
    ("activity=party|decade=1990", "90s party mix", "fiesta de los 90"),
    ("explicit=false|genre=rap", "rap without cursing", "rap sin groserías"),
    ("mood=sad", "heartbreaking songs", "canciones desgarradoras"),
    ("activity=party", "party music", "música de fiesta"),
    ("decade=2000|genre=rumba", "rumba from the 2000s", "rumba de los dos mil"),
    ("activity=party", "music to party", "música para salir de rumba"),
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
    ("year=-1979", "music from before 1980", "música de antes de 1980"),
    ("year=-1989", "songs from before the 90s", "canciones de antes de los 90"),
    ("explicit=false|genre=rap", "rap without explicit", "rap sin letras explícitas"),
    ("explicit=false", "no explicit content", "que no sea explícito"),
    ("year=2010-", "since 2010", "desde 2010"),
    ("year=1995", "nineteen ninety five", "mil novecientos noventa y cinco"),
    ("year=-1999", "before the year 2000", "antes del año 2000"),
    ("year=-1999", "before the year two thousand", "antes del año dos mil"),
    ("genre=rock|year=-1979", "rock before the 80s", "rock antes de los 80"),
    ("year=-1979", "before the eighties", "antes de la década de los ochenta"),
    ("year=-1989", "until the 80s", "hasta los 80"),
    ("year=-1995", "up to 1995", "hasta el 1995"),
    ("year=2010-", "since the year 2010", "desde el 2010"),
    ("year=2010-", "2010 onwards", "a partir del 2010"),
    ("year=2010-", "2010 and later", "de 2010 en adelante"),
    ("year=2010-", "from 2010 on", "2010 y posteriores"),
    ("year=2010-", "from 2010 to today", "del 2010 para acá"),
    ("genre=pop|year=1990-", "pop since the 90s", "pop desde los años 90"),
    ("year=1990-", "90s onwards", "de los noventa en adelante"),
    ("year=2000-", "after the 90s", "después de los 90"),
    ("year=2011-", "after the year 2010", "posteriores al año 2010"),
    ("year=-1980", "1980 and earlier", "1980 y anteriores"),
    ("year=2000-", "nothing before 2000", "nada anterior a 2000"),
    ("year=1960-1989", "from the 60s to the 80s", "de los 60 a los 80"),
    ("year=1960-1989", "between the 60s and the 80s", "desde los 60 hasta los 80"),
    ("decade=1980|decade=1990", "80s to 90s", "desde los 80 hasta los 90"),
    ("year=2000-2010", "from 2000 until 2010", "desde el 2000 hasta el año 2010"),
    ("year=1981-1989", "after 1980 but before 1990", "después de 1980 y antes de 1990"),
    ("genre!=country|genre!=rap", "everything except rap and country", "todo menos rap y country"),
    ("genre!=country|genre!=rap", "except for rap and the country", "excepto el rap y el country"),
    (
        "genre!=country|genre!=rap|genre!=salsa",
        "anything but rap, country and salsa",
        "todo salvo rap, country y salsa",
    ),
    ("genre!=country|genre!=rap", "neither rap nor country", "ni rap ni country"),
    ("genre!=country|genre!=rap|genre=pop", "pop without rap or country", "pop sin rap ni country"),
    ("decade!=1980|decade!=1990", "everything but the 80s and 90s", "sin los años 80 y 90"),
    ("genre!=rap|mood=happy", "happy music without rap", "música alegre sin rap"),
    ("genre!=rap|genre=salsa", "no rap, salsa please", "no rap, salsa por favor"),
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
        ("todo menos rap y alegre", "genre!=rap|mood=happy"),  # of another kind: wanted
        ("a excepción de la salsa", "genre!=salsa"),
        ("wake up to 80s music", "activity=wake up|decade=1980"),
        ("from the 80s on spotify", "decade=1980"),
        ("80s and after party music", "activity=party|decade=1980"),
        ("80s and after 2000", "decade=1980|year=2001-"),
        ("los 40 principales antes de 2000", "year=-1999"),
        ("not before 2000", "year=2000-"),
        ("1990 1995 to 1999", "year=1990-1995"),
        ("hello", ""),
        ("", ""),
    ],
)
def test_eras_and_negations(text, expected):
    assert key(text) == expected


ERAS = [
    ("1990", 1990, 1990),
    ("el año 1990", 1990, 1990),
    ("the year 1990", 1990, 1990),
    ("the 90s", 1990, 1999),
    ("los 90", 1990, 1999),
    ("la década de los noventa", 1990, 1999),
    ("the nineties", 1990, 1999),
    ("los años 90", 1990, 1999),
    ("nineteen ninety", 1990, 1990),
]


@pytest.mark.parametrize(("era", "first", "last"), ERAS)
@pytest.mark.parametrize("limit", ["before", "until", "since", "after"])
def test_every_limit_may_stand_before_every_era(limit, era, first, last):
    expected = {"before": f"-{first - 1}", "until": f"-{last}", "since": f"{first}-", "after": f"{last + 1}-"}[limit]
    for phrase in _LEADS[limit]:
        assert key(f"{phrase} {era}") == f"year={expected}", phrase


@pytest.mark.parametrize(("era", "first", "last"), ERAS)
@pytest.mark.parametrize("limit", ["since", "until"])
def test_every_limit_may_stand_behind_every_era(limit, era, first, last):
    for phrase in _TRAILS[limit]:
        assert key(f"from {era} {phrase}") == f"year={f'{first}-' if limit == 'since' else f'-{last}'}", phrase


def test_after_every_exclusion_a_list_is_excluded_and_the_next_sentence_is_not():
    assert LEXICON.words["exclusions"] < LEXICON.words["negations"]
    for said in sorted(LEXICON.words["exclusions"]):
        for joined in ("and", "y", "e", "u", "or", "nor", "ni", "o", ""):
            assert key(f"{said} rap {joined} the country") == "genre!=country|genre!=rap", (said, joined)
        assert key(f"{said} rap then play country") == "genre!=rap|genre=country", said
    for said in sorted(LEXICON.words["negations"] - LEXICON.words["exclusions"]):
        assert key(f"{said} rap, salsa por favor") == "genre!=rap|genre=salsa", said


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
                "except",
                "en",
                "adelante",
                "year",
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


def test_names_of_works_are_in_normal_form_and_in_one_group_each():
    groups = content_of("works")["groups"]
    names = [name for group in groups for name in group]
    assert len(names) == len(set(names)) and all(len(group) > 1 for group in groups)
    assert all(normal_form(name, "en") == name for name in names)
