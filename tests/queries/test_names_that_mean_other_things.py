"""Names of the catalog whose words are those of other skills: weather, reminders, calls."""

from __future__ import annotations

import pytest

from queries.catalog.resolve import Resolver
from queries.catalog.vocabulary import name_rows, vocabulary_from
from queries.grammar.lexicon import load_lexicon
from queries.models.learned import MUSIC_SERVICE_SHARE, packaged
from queries.models.read_need import read_need

NAMES = vocabulary_from(
    row
    for title, artist, album in [
        ("Lluvia", "Queji Velove", "Lluvia"),
        ("Lluvia de sueño", "Toca y su Esfer", "Sueños"),
        ("Sola", "Samata Mocasol", "Recordar contigo"),
        ("My Distant Light", "Braton Miwynjo", "Light"),
        ("Una Alarma", "Nobody", "Alarms"),
    ]
    for row in name_rows(title, [artist], album, ["pop"], 60.0)
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
        ("recordar contigo", "es", None),  # a reminder, for a reader that is no music service
    ],
)
def test_a_reader_without_models(query: str, locale: str, expected: str | None) -> None:
    assert need(query, locale, with_models=False) == expected
