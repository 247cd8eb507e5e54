"""What was learned lies over the grammar: unknown names are found by their place, and who asks where decides what is music."""

import pytest

from queries.catalog.vocabulary import name_rows, vocabulary_from
from queries.grammar.lexicon import load_lexicon
from queries.models.learned import MUSIC_SERVICE_SHARE, packaged, read_query
from queries.models.musicness import ASSISTANT_SHARE, Musicness, MusicnessUnreadable, load_musicness
from queries.text.normalise import normal_form

LEXICON, LEARNED = load_lexicon(), packaged()


def names(text: str, locale: str = "en-US", share: float = 0.25) -> dict[str, str]:
    found = read_query(text, locale, LEXICON, None, LEARNED, share)
    words = found.query.split()
    if found.tagged is None:
        return {kind: name.text for kind, name in found.names.items()}
    return {one.kind: " ".join(words[one.start : one.end]) for one in found.tagged}


def test_names_that_no_catalog_knows_are_found_by_the_words_around_them():
    assert names("play the song velvet harbor by the sandmen") == {"title": "velvet harbor", "artist": "the sandmen"}
    assert "velvet harbor" in names("songs similar to velvet harbor").values()  # no grammar rule knows this sentence
    assert names("pon canciones de los caminantes", "es-ES") == {"artist": "los caminantes"}
    assert names("anade esta cancion a mi lista de reproduccion domingo lento", "es-ES") == {
        "playlist": "domingo lento"
    }


def test_the_tagger_abstains_where_it_is_not_sure(monkeypatch: pytest.MonkeyPatch) -> None:
    assert names("canciones en vivo de los caminantes", "es-ES") == {}
    monkeypatch.setattr("queries.models.tagger.LEAST_MARGINAL", 0.0)
    assert names("canciones en vivo de los caminantes", "es-ES") == {"artist": "los caminantes"}


def test_the_same_words_are_music_where_everybody_asks_for_music():
    assistant = read_query("good morning", "en-US", LEXICON, None, LEARNED)
    service = read_query("good morning", "en-US", LEXICON, None, LEARNED, MUSIC_SERVICE_SHARE)
    assert not assistant.is_music and service.is_music
    assert not read_query("set an alarm for seven", "en-US", LEXICON, None, LEARNED, MUSIC_SERVICE_SHARE).is_music


def test_a_name_of_the_catalog_is_music_in_a_music_service(catalog):
    known = read_query("ponme la mano", "es-ES", LEXICON, catalog.vocabulary, LEARNED, MUSIC_SERVICE_SHARE)
    assert (known.intent, known.answers_as) == ("title", "full")


@pytest.mark.parametrize(
    ("text", "locale", "title", "artist", "key"),
    [  # titles that are constraints, too: their artist tells
        ("play happy by pharrell williams", "en-US", "happy", "pharrell williams", ""),
        ("happy pharrell williams", "en-US", "happy", "pharrell williams", ""),
        ("pon happy de pharrell williams", "es-ES", "happy", "pharrell williams", ""),
        ("pon la canción de adele hello", "es-ES", "hello", "adele", ""),
        ("play happy music by adele", "en-US", None, "adele", "mood=happy"),
        # what is refused is no wish
        ("no adele", "en-US", None, None, "artist!=adele"),
        ("play some pop but no adele please", "en-US", None, None, "artist!=adele|genre=pop"),
        ("songs not by the beatles", "en-US", None, None, "artist!=the beatles"),
        ("workout music without lionel richie", "en-US", None, None, "activity=workout|artist!=lionel richie"),
        ("adele but not hello", "en-US", None, "adele", "title!=hello"),
        ("nada de shakira", "es-ES", None, None, "artist!=shakira"),
        ("rock sin shakira", "es-ES", None, None, "artist!=shakira|genre=rock"),
        ("todo menos shakira por favor", "es-ES", None, None, "artist!=shakira"),
        ("pop sin adele sin shakira", "es-ES", None, None, "artist!=adele|artist!=shakira|genre=pop"),
        # who speaks two languages mixes them
        ("can you play despacito please", "es-US", "despacito", None, ""),
        ("i want to hear despacito", "es-US", "despacito", None, ""),
        ("quiero escuchar despacito", "en-US", "despacito", None, ""),
    ],
)
def test_what_is_named_and_what_is_refused(catalog, text, locale, title, artist, key):
    found = read_query(normal_form(text, locale), locale, LEXICON, catalog.vocabulary, LEARNED, MUSIC_SERVICE_SHARE)
    assert (found.title, found.artist, found.key) == (title, artist, key), found.reasons
    assert found.is_music and found.intent != "other" and found.query == normal_form(text, locale)


def test_a_name_that_begins_with_a_refusal_is_a_name():
    rows = [
        ("Sin Ti", ["Los Panchos"]),
        ("X", ["No Doubt"]),
        ("Y", ["Doubt"]),
        ("No Scrubs", ["TLC"]),
        ("Scrubs", ["Ti"]),
    ]
    known = vocabulary_from([row for title, of in rows for row in name_rows(title, of, "Z", [], 90.0)])
    for text, locale, named in (
        ("pon sin ti", "es-ES", "sin ti"),
        ("play no doubt", "en-US", "no doubt"),
        ("no scrubs by tlc", "en-US", "no scrubs"),
        ("no scrubs", "en-US", "no scrubs"),
    ):
        found = read_query(text, locale, LEXICON, known, LEARNED, MUSIC_SERVICE_SHARE)
        assert named in (found.title, found.artist) and "!=" not in found.key, found.reasons
    # a title is refused only where a word leaves something out
    assert read_query("no x", "en-US", LEXICON, known, LEARNED, MUSIC_SERVICE_SHARE).key == ""


def test_the_chance_rises_with_the_share_and_stays_between_0_and_1():
    found = read_query("put it on the list", "en-US", LEXICON, None, None)
    chances = [LEARNED.musicness.probability(found, share) for share in (0.01, ASSISTANT_SHARE, 0.5, 0.98)]
    assert chances == sorted(chances) and chances[0] >= 0 and chances[-1] <= 1
    assert LEARNED.musicness.probability(found) == chances[1]


def test_the_file_holds_the_model_and_the_same_bytes_each_time(tmp_path):
    LEARNED.musicness.write(tmp_path / "one.zip")
    again = load_musicness(tmp_path / "one.zip")
    again.write(tmp_path / "two.zip")
    assert (tmp_path / "one.zip").read_bytes() == (tmp_path / "two.zip").read_bytes()
    with pytest.raises(MusicnessUnreadable, match="expected 131072 weights"):
        Musicness(again.weights[:10])
    with pytest.raises(MusicnessUnreadable, match=r"queries\.training\.train"):
        load_musicness(tmp_path / "missing.zip")


@pytest.mark.parametrize(
    ("text", "locale", "intent", "key"),
    [
        ("can you replay the last song", "en-US", "other", ""),
        ("can we listen to that song again", "en-US", "open", ""),
        ("podemos escuchar esa cancion otra vez", "es-ES", "open", ""),
        ("pon el ultimo disco", "es-ES", "open", "sort=newest"),
        ("play a playlist for running", "en-US", "activity", "activity=run"),
        ("utiliza google play principalmente", "es-ES", "other", ""),
    ],
)
def test_words_that_order_or_repeat_are_no_names(catalog, text, locale, intent, key):
    found = read_query(text, locale, LEXICON, catalog.vocabulary, LEARNED)
    assert (found.intent, found.key) == (intent, key), found.reasons


def test_how_to_play_says_nothing_of_what_is_wanted_where_a_title_is_named(catalog):
    assert read_query("shuffle hello by adele", "en-US", LEXICON, catalog.vocabulary, LEARNED).key == ""
    assert (
        read_query("shuffle rock music", "en-US", LEXICON, catalog.vocabulary, LEARNED).key == "genre=rock|sort=random"
    )
