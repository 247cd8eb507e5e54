"""Requests as people say them, by class: remarks, look-ups, descriptions, playlists that are called, the newest, owners, sounds."""

import pytest

from queries.catalog.index import CatalogIndex
from queries.catalog.resolve import Resolver
from queries.grammar.lexicon import load_lexicon
from queries.models.learned import MUSIC_SERVICE_SHARE, packaged
from queries.models.musicness import ASSISTANT_SHARE
from queries.reading import Reading, read
from queries.text.normalise import normal_form

ROWS = [
    # title, artists, album, popularity
    ("Hello", ["Adele"], "25", 90),
    ("When We Were Young", ["Adele"], "25", 80),
    ("Despacito", ["Luis Fonsi"], "Vida", 88),
    ("La Camisa Negra", ["Juanes"], "Mi Sangre", 79),
    ("The Hills", ["The Weeknd"], "Beauty Behind the Madness", 85),
    ("Bohemian Rhapsody", ["Queen"], "A Night at the Opera", 89),
    ("Karma Police", ["Radiohead"], "OK Computer", 75),
    ("Lithium", ["Nirvana"], "Nevermind", 78),
    ("All The Small Things", ["blink-182"], "Enema of the State", 77),
    ("Bad Moon Rising", ["Creedence Clearwater Revival"], "Green River", 80),
    ("California Love", ["2Pac"], "All Eyez on Me", 76),
    ("Is This Love", ["Bob Marley & The Wailers"], "Kaya", 80),
    ("Provenza", ["KAROL G"], "Nuevo", 86),
    ("The Sound of Silence", ["Simon & Garfunkel"], "Wednesday", 77),
    ("Elephant", ["Tame Impala"], "Lonerism", 74),
    ("Kids", ["MGMT"], "Oracular Spectacular", 76),
    ("Night Shift", ["Lucy Dacus"], "Historian", 55),
    ("Stop", ["Spice Girls"], "Spiceworld", 56),
    ("Paradise City", ["Guns N' Roses"], "Appetite", 78),
    ("Symphony No. 9 in D Minor, Op. 125: IV. Presto", ["Ludwig van Beethoven"], "Beethoven", 60),
    ("Suite bergamasque, L. 75: III. Clair de lune", ["Claude Debussy"], "Debussy", 62),
    ("Requiem in D Minor, K. 626: Lacrimosa", ["Wolfgang Amadeus Mozart"], "Mozart", 58),
    ("The Four Seasons, RV 269: I. Allegro", ["Antonio Vivaldi"], "Vivaldi", 57),
]


@pytest.fixture(scope="module")
def known() -> CatalogIndex:
    names = ("track_id", "title", "artists", "album", "popularity", "genres")
    return CatalogIndex.of([dict(zip(names, (f"t{n}", *row, ["pop"]), strict=True)) for n, row in enumerate(ROWS)])


@pytest.fixture(scope="module")
def resolver(known: CatalogIndex) -> Resolver:
    return Resolver(known.vocabulary, load_lexicon().works)


@pytest.fixture(params=[ASSISTANT_SHARE, MUSIC_SERVICE_SHARE], ids=["assistant", "music service"])
def share(request: pytest.FixtureRequest) -> float:
    value: float = request.param
    return value


def reading(request: str, locale: str, known: CatalogIndex, resolver: Resolver, share: float) -> Reading:
    return read(request, locale, load_lexicon(known.genres), known, packaged(), share, lambda: resolver)


def names_of(found: Reading) -> set[tuple[str, str]]:
    kinds = ("artist", "title", "album", "playlist")
    return {(slot["type"], normal_form(slot["value"], "en")) for slot in found.slots if slot["type"] in kinds}


@pytest.mark.parametrize(
    ("request_", "locale", "need"),
    [
        # remarks, reasons and limits are no part of a name
        ("luis fonsi despacito que me gusta mucho", "es-MX", "artist=luis fonsi|title=despacito"),
        ("adele hello i love that one", "en-US", "artist=adele|title=hello"),
        ("pon canciones de juanes y nada más", "es-MX", "artist=juanes"),
        ("ponme algo triste que tengo ganas de llorar", "es-MX", "mood=sad"),
        ("play something sad because my cat died", "en-US", "mood=sad"),
        ("pon algo romántico para mi novia", "es-ES", "mood=romantic"),
        # an artist to be looked up, then one of the titles
        ("look up queen and play bohemian rhapsody", "en-US", "artist=queen|title=bohemian rhapsody"),
        ("busca a juanes y pon la camisa negra", "es-MX", "artist=juanes|title=la camisa negra"),
        ("go to the weeknd and play the hills", "en-US", "artist=the weeknd|title=the hills"),
        # articles, owners, the newest
        ("can you put on the hills by the weeknd", "en-US", "artist=the weeknd|title=the hills"),
        ("play radiohead's ok computer album", "en-US", "album=ok computer|artist=radiohead"),
        ("pon el disco de radiohead ok computer", "es-MX", "album=ok computer|artist=radiohead"),
        ("quiero oír el disco nuevo de juanes", "es-MX", "artist=juanes|sort=newest"),
        ("reproduce el último álbum de juanes", "es-ES", "artist=juanes|sort=newest"),
        ("play me the latest nirvana album", "en-US", "artist=nirvana|sort=newest"),
        ("play hello by adele now", "en-US", "artist=adele|title=hello"),
        # as names sound
        ("play blink one eighty two", "en-US", "artist=blink 182"),
        ("i want to hear credence clearwater revival", "en-US", "artist=creedence clearwater revival"),
        ("play tupac", "en-US", "artist=2pac"),
        ("play guns and roses", "en-US", "artist=guns n roses"),
        ("i'm in the mood for some bob marley", "en-US", "artist=bob marley y the wailers"),
        # versions that are named
        ("hello by adele live", "en-US", "artist=adele|title=hello|version=live"),
        ("play the acoustic version of hello by adele", "en-US", "artist=adele|title=hello|version=acoustic"),
        ("pon la versión en vivo de la camisa negra", "es-MX", "title=la camisa negra|version=live"),
        ("play the studio version of karma police", "en-US", "title=karma police"),
        # classical works, by composer, name and number
        ("play beethoven's ninth symphony", "en-US", "artist=ludwig van beethoven|title=symphony no 9"),
        ("pon la novena sinfonía de beethoven", "es-MX", "artist=ludwig van beethoven|title=symphony no 9"),
        ("play clair de lune by debussy", "en-US", "artist=claude debussy|title=clair de lune"),
        ("play mozart requiem", "en-US", "artist=wolfgang amadeus mozart|title=requiem"),
        ("pon las cuatro estaciones de vivaldi", "es-ES", "artist=antonio vivaldi|title=the four seasons"),
        # what people remember of a song
        ("play the one that goes bad moon rising", "en-US", "title=bad moon rising"),
        ("pon la que dice la camisa negra", "es-MX", "title=la camisa negra"),
        # wishes
        ("se me antoja oír a juanes un rato", "es-MX", "artist=juanes"),
        ("puras de luis fonsi", "es-MX", "artist=luis fonsi"),
        ("échate una de juanes", "es-US", "artist=juanes"),
        ("i could go for some nirvana", "en-US", "artist=nirvana"),
        ("play the sound of silence", "en-US", "title=the sound of silence"),
        ("el disco nuevo de juanes", "es-MX", "artist=juanes|sort=newest"),
        ("quiero oír el disco más reciente de juanes", "es-ES", "artist=juanes|sort=newest"),
        ("la canción nueva de juanes", "es-MX", "artist=juanes|sort=newest"),
        ("pon el disco de juanes", "es-MX", "artist=juanes"),
        ("pon música disco", "es-MX", "genre=disco"),
        # an album beside its artist, two artists, another's version refused, where it is to be played, no idea
        ("play beauty behind the madness the weeknd", "en-US", "album=beauty behind the madness|artist=the weeknd"),
        ("pon a juanes y a karol g", "es-MX", "artist=juanes|artist=karol g"),
        ("play hello but not the queen version", "en-US", "artist!=queen|title=hello"),
        ("pon hello pero no la versión de queen", "es-ES", "artist!=queen|title=hello"),
        ("play adele in my room", "en-US", "artist=adele"),
        ("i dont know play anything", "en-US", "open"),
        # like something
        ("more stuff like tame impala mgmt", "en-US", "similar_to=artist%3Dmgmt|similar_to=artist%3Dtame impala"),
        ("music like nirvana and queen", "en-US", "similar_to=artist%3Dnirvana|similar_to=artist%3Dqueen"),
        ("música parecida a juanes o a karol g", "es-MX", "similar_to=artist%3Djuanes|similar_to=artist%3Dkarol g"),
        (
            "songs like hello by adele or lithium by nirvana i like songs that tell stories",
            "en-US",
            "similar_to=artist%3Dadele%7Ctitle%3Dhello|similar_to=artist%3Dnirvana%7Ctitle%3Dlithium",
        ),
        ("albums like tame impalas lonerism", "en-US", "similar_to=album%3Dlonerism%7Cartist%3Dtame impala"),
        ("i want to learn songs with a happy upbeat vibe like despacito", "en-US", "similar_to=title%3Ddespacito"),
        ("i need songs as beautiful as clair de lune", "en-US", "similar_to=title%3Dclair de lune"),
        ("im a huge fan of radiohead what other bands might i like", "en-US", "similar_to=artist%3Dradiohead"),
        ("music like the one i told you about", "en-US", "words=music like the one i told you about"),
        ("música parecida a juanes", "es-MX", "similar_to=artist%3Djuanes"),
        (
            "any songs or artists similar to karma police by radiohead",
            "en-US",
            "similar_to=artist%3Dradiohead%7Ctitle%3Dkarma police",
        ),
        ("music that sounds like nirvana", "en-US", "similar_to=artist%3Dnirvana"),
        # a service before the request, the moment after it
        ("open lastfm play hello by adele", "en-US", "artist=adele|title=hello"),
        ("play hello by adele after this song is over", "en-US", "artist=adele|title=hello"),
        # playlists
        ("start me a fresh playlist named golden hour", "en-US", "playlist=golden hour"),
        ("crea una playlist nueva que se llame domingos", "es-MX", "playlist=domingos"),
        ("mete esa en mi lista tardes de lluvia", "es-MX", "playlist=tardes de lluvia"),
        ("play stop", "en-US", "title=stop"),
    ],
)
def test_the_need_of_a_request(
    known: CatalogIndex, resolver: Resolver, share: float, request_: str, locale: str, need: str
) -> None:
    found = reading(request_, locale, known, resolver, share)
    assert (found.is_music, found.need) == (True, need), found.reasons


@pytest.mark.parametrize(
    ("request_", "locale", "names"),
    [
        ("more stuff like tame impala mgmt", "en-US", {("artist", "tame impala"), ("artist", "mgmt")}),
        ("i want to hear credence clearwater revival", "en-US", {("artist", "credence clearwater revival")}),
        ("música parecida a juanes", "es-MX", {("artist", "juanes")}),
        ("start me a fresh playlist named golden hour", "en-US", {("playlist", "golden hour")}),
        ("tracks for a long night shift at the hospital", "en-US", set()),
        ("música para limpiar la casa el domingo", "es-MX", set()),
        ("agrega esta a mi playlist tardes de lluvia", "es-MX", {("playlist", "tardes de lluvia")}),
    ],
)
def test_the_names_in_a_request(
    known: CatalogIndex, resolver: Resolver, share: float, request_: str, locale: str, names: set[tuple[str, str]]
) -> None:
    found = reading(request_, locale, known, resolver, share)
    assert found.is_music and names_of(found) == names, found.reasons


def test_an_artist_that_is_like_what_was_said_is_linked(known: CatalogIndex, resolver: Resolver) -> None:
    found = reading("i want to hear credence clearwater revival", "en-US", known, resolver, ASSISTANT_SHARE)
    assert found.intent == "artist"
    assert {"kind": "artist", "id": "creedence clearwater revival", "score": 1.0} in found.entities
