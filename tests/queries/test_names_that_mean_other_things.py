"""Names of the catalog whose words mean other things too: weather, reminders, activities, genres, years."""

from __future__ import annotations

import pytest

from queries.catalog.resolve import Resolver
from queries.catalog.vocabulary import name_rows, vocabulary_from
from queries.grammar.lexicon import load_lexicon
from queries.models.learned import MUSIC_SERVICE_SHARE, packaged
from queries.models.read_need import read_need

NAMES = vocabulary_from(
    row
    for title, artist, album, popularity in [
        ("Lluvia", "Queji Velove", "Lluvia", 60.0),
        ("Lluvia de sueño", "Toca y su Esfer", "Sueños", 60.0),
        ("Sola", "Samata Mocasol", "Recordar contigo", 60.0),
        ("My Distant Light", "Braton Miwynjo", "Light", 60.0),
        ("Una Alarma", "Nobody", "Alarms", 60.0),
        ("Run", "Talmer", "Talmer", 50.0),
        ("Amor", "Grupo Naal", "Naal", 50.0),
        ("La guitarra", "Los Rialnars", "Cuerdas", 83.0),
        ("Dance", "Los Rialnars", "Cuerdas", 45.0),
        ("Style", "Taylor Swift", "1989", 80.0),
    ]
    for row in name_rows(title, [artist], album, ["pop"], popularity)
)
LEXICON = load_lexicon(NAMES.genres)


def need(query: str, locale: str, with_models: bool) -> str | None:
    learned = packaged() if with_models else None
    share = MUSIC_SERVICE_SHARE if with_models else 0.5
    _, reading = read_need(query, locale, LEXICON, NAMES, learned, Resolver(NAMES, LEXICON.works), share)
    return reading.need.key if reading is not None else None


@pytest.mark.parametrize("locale", ["en", "es"])
def test_what_people_ask_of_a_music_service_by_its_name_is_music(locale: str) -> None:
    """It was the most frequent request of a simulated world, and no music: "lluvia" is the weather, too."""
    assert need("lluvia", locale, with_models=True) == "title=lluvia"


@pytest.mark.parametrize(
    ("query", "locale", "expected"),
    [
        ("el disco recordar contigo", "es", "album=recordar contigo"),
        ("puedes poner lluvia de sueno", "es", "title=lluvia de sueno"),
        ("play my distant light bye braton miwynjo", "en", "artist=braton miwynjo|title=my distant light"),
        ("pon una alarma", "es", None),
        ("podrias decirme el clima", "es", None),
        ("the song run by talmer", "en", "artist=talmer|title=run"),
        ("listen to run by talmer", "en", "artist=talmer|title=run"),
        ("listen to music to run", "en", "activity=run"),
        ("running songs by talmer", "en", "activity=run|artist=talmer"),
        ("la cancion de amor", "es", "title=amor"),
        ("canciones de amor", "es", "mood=romantic"),
        ("amor de grupo naal", "es", "artist=grupo naal|title=amor"),
        ("pon la guitarra", "es", "title=la guitarra"),
        ("the song dance", "en", "title=dance"),
        ("taylor swift 1989", "en", "album=1989|artist=taylor swift"),
        ("run de talmer", "en", "artist=talmer|title=run"),
        ("recordar contigo", "es", None),  # a reminder, for a reader that is no music service
    ],
)
def test_a_reader_without_models(query: str, locale: str, expected: str | None) -> None:
    assert need(query, locale, with_models=False) == expected
