"""What a request does, by its words alone; a name brings a word that no command has."""

import pytest

from queries.grammar.act import COMMAND, LISTEN, QUESTION, SETTING, act
from queries.grammar.lexicon import load_lexicon
from queries.models.learned import MUSIC_SERVICE_SHARE, packaged
from queries.models.read_need import read_need
from queries.text.normalise import normal_form

LEXICON = load_lexicon()
COMMANDS = """pause|turn the music off|skip back to the last one|skip to track three|turn it up a bit|next one please|go back one
rewind to the beginning|repeat this one|i really like this track|give this a thumbs up|stop playing after this song|play that one again
play the next song|play it again from the start|put on track number five|never play this again|mute|start this track over
otra vez|quita la música|bájale al volumen|pásame a la siguiente|pon la anterior|súbele tantito|otra vez desde el principio
no me gusta esta|salta a la número cinco
repite la última canción|pon de nuevo esa|regresa al inicio de la canción|páusala un minuto|adelanta treinta segundos
dale me gusta a esta
repeat the last song|please skip this one|pasa a la tercera de la lista|calla eso|cámbiale|para la música|siguiente canción"""
SETTINGS = """from now on use spotify|make spotify my default player|set tidal as my default music service
de ahora en adelante usa spotify|usa deezer a partir de mañana|quiero que uses amazon music desde hoy"""
QUESTIONS = (
    "who sings this|what's the name of this song|what album is this from|cómo se llama esta canción|quién canta esta"
)
MUSIC = """play stop|play again|play like this|skip to my lou|don't stop the music|play the first time|start the party|turn the page
play something next level|make it rain|play one|next to you|who is it|play hey you|pon la última de shakira|pon otra vez despacito
put on music|start some music|play more songs|play my music|dale a la salsa|para bailar|quiero música en spotify|sube sube sube
shuffle all my music|let it be|i like it|love me like you do|pon lo nuevo|play music on spotify|one more time|de nuevo en tu amor
pon algo más alegre"""


def requests(text: str) -> list[str]:
    return [one.strip() for line in text.split("\n") for one in line.split("|")]


def of(request: str, is_name: bool = False) -> str:
    return act(normal_form(request, "en"), LEXICON, lambda: is_name)


@pytest.mark.parametrize(
    ("text", "expected"),
    [(COMMANDS, COMMAND), (SETTINGS, SETTING), (QUESTIONS, QUESTION), (MUSIC, LISTEN)],
)
def test_the_act_of_a_request(text: str, expected: str) -> None:
    assert {one: of(one) for one in requests(text)} == dict.fromkeys(requests(text), expected)


@pytest.mark.parametrize("request_", ["", "x" * 3000, "play " * 40, "next " * 15, "٣"])
def test_any_text_has_an_act(request_: str) -> None:
    assert of(request_) == LISTEN


def test_a_name_of_the_catalog_is_a_command_only_where_it_is_one_verb() -> None:
    assert of("turn up the music") == COMMAND and of("turn up the music", is_name=True) == LISTEN
    assert of("repeat the last song", is_name=True) == COMMAND and of("play the last song", is_name=True) == LISTEN
    assert of("otra vez", is_name=True) == COMMAND and of("one more time", is_name=True) == LISTEN


@pytest.mark.parametrize("share", [0.2, MUSIC_SERVICE_SHARE])
def test_a_command_names_nothing_and_has_no_need(catalog, share: float) -> None:
    for request in requests("|".join((COMMANDS, SETTINGS, QUESTIONS)).replace("\n", "|")):
        read, need = read_need(normal_form(request, "es"), "es", LEXICON, catalog.vocabulary, packaged(), None, share)
        assert (need, read.names, read.tagged, read.key) == (None, {}, None, ""), request
        assert read.intent in ("other", "not_music"), request
