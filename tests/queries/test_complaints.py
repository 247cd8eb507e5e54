"""Requests by classes of complaints, over made-up names; as the night reads them, with models, and as a release's reader does."""

import pytest

from night.release.content import LEAST_STORED
from queries.catalog.index import CatalogIndex
from queries.catalog.resolve import Resolver
from queries.grammar.correct import corrected
from queries.grammar.lexicon import load_lexicon
from queries.grammar.remarks import after_feeling, without_clause, without_service
from queries.models.learned import MUSIC_SERVICE_SHARE, Learned, packaged
from queries.models.read_need import read_need
from queries.reading import read
from queries.text.normalise import normal_form

ROWS = [
    # title, artists, album, popularity
    ("Glass Harbour", ["Velta Morn"], "Nineteen", 82),
    ("Paper Lanterns", ["Velta Morn"], "Rumours of Rain", 71),
    ("Harbour", ["Orla Quist"], "Tides", 64),
    ("One Sway", ["Dario Pell"], "Swayed", 83),
    ("Mr Copperfin", ["Dr Olven"], "Fins", 75),
    ("Tinted Love", ["Kelm"], "Tinted", 70),
    ("Slow Kite", ["Maru Tanage"], "The Long Field", 66),
    ("The Nine Rivers", ["Maru Tanage"], "Rivers", 61),
    ("Jingle", ["Carola Finch"], "Carols", 72),
    ("Rumors", ["Other People"], "Rumors of Rain", 40),
    ("Brightwell", ["Brightwell"], "Brightwell", 66),
    ("Brightwell", ["Nora Sand"], "Sand", 80),
    ("Bruma", ["Los Faroles"], "Faroles", 73),
    ("Salza", ["The Kettles"], "Kettles", 60),
    ("In the Reeds", ["Choir of Reeds"], "The Reed King Original Motion Picture Soundtrack", 68),
    ("Again", ["Velta Morn"], "Again", 60),
    ("Fog", ["Velta Morn"], "1971", 70),
    ("42K", ["Kelm"], "Karats", 70),
    ("Tonight", ["Other People"], "Tonight", 70),
    ("El Rey", ["Vicente Fernández"], "Rey", 70),
    ("Aluminium", ["The 1962"], "Metals", 70),
    ("Copper", ["Dario Pell", "Orla Quist"], "Metals", 70),
    ("Ashes", ["Orla Quist"], "I Dance at Night", 60),
    ("Cinders", ["Orla Quist"], "The Ember Years", 61),
]


@pytest.fixture(scope="module")
def known() -> CatalogIndex:
    names = ("track_id", "title", "artists", "album", "popularity", "genres")
    return CatalogIndex.of([dict(zip(names, (f"t{n}", *row, ["pop"]), strict=True)) for n, row in enumerate(ROWS)])


@pytest.fixture(scope="module")
def resolver(known: CatalogIndex) -> Resolver:
    return Resolver(known.vocabulary, load_lexicon().works)


@pytest.mark.parametrize("learned", [packaged(), None], ids=["night", "reader"])
@pytest.mark.parametrize(
    ("request_", "locale", "need"),
    [
        # several names are refused, one by one, and what is refused may be a genre that is a title, too
        ("pop sin los faroles sin maru tanage", "es-ES", "artist!=los faroles|artist!=maru tanage|genre=pop"),
        ("eighties music except velta morn and maru tanage", "en-US", "artist!=maru tanage|artist!=velta morn|decade=1980"),
        ("some christmas music but nothing by carola finch", "en-US", "artist!=carola finch|genre=christmas"),
        ("reggaetón pero que no sea maru tanage", "es-MX", "artist!=maru tanage|genre=reggaeton"),
        ("algo tranquilo que no sea jazz", "es-MX", "genre!=jazz|mood=calm"),
        # a version beside a title whose words describe music
        ("play the remix of one sway", "en-US", "title=one sway|version=remix"),
        ("play the original version of tinted love not the remix", "en-US", "title=tinted love|version=original|version!=remix"),
        # a mood with a reason, a statement before the request
        ("i need something calm i cant sleep", "en-US", "mood=calm"),
        ("im feeling down play something to cheer me up", "en-US", "mood=happy"),
        ("pon algo alegre para mi hija", "es-ES", "genre=children|mood=happy"),
        ("nursery rhymes for my daughter", "en-US", "genre=children"),
        # what the music is like
        ("im looking for something similar to paper lanterns by velta morn", "en-US", "similar_to=artist%3Dvelta morn%7Ctitle%3Dpaper lanterns"),
        ("i really like maru tanage anything similar", "en-US", "similar_to=artist%3Dmaru tanage"),
        ("suggest similar type of music as velta morns", "en-US", "similar_to=artist%3Dvelta morn"),
        ("canciones que suenen como los faroles", "es-MX", "similar_to=artist%3Dlos faroles"),
        # the noun says which of several things of one name
        ("play the song brightwell", "en-US", "title=brightwell"),
        ("play the band brightwell", "en-US", "artist=brightwell"),
        # owners, albums, numbers and short forms in names
        ("play velta morns nineteen album", "en-US", "album=nineteen|artist=velta morn"),
        ("play maru tanages the long field", "en-US", "album=the long field|artist=maru tanage"),
        ("play mister copperfin by doctor olven", "en-US", "artist=dr olven|title=mr copperfin"),
        ("play the album rumors of rain by velta morn", "en-US", "album=rumours of rain|artist=velta morn"),
        ("play nine rivers by maru tanage", "en-US", "artist=maru tanage|title=the nine rivers"),
        ("play glass harbour by velta", "en-US", "artist=velta morn|title=glass harbour"),
        ("play music from the reed king", "en-US", "album=the reed king original motion picture soundtrack"),
        ("play the new album from velta morn", "en-US", "artist=velta morn|sort=newest"),
        ("whats the newest song by velta morn", "en-US", "artist=velta morn|sort=newest"),
        ("songs from the early nineties", "en-US", "decade=1990"),
        ("play the nineteen sixty two", "en-US", "artist=the 1962"),
        ("music from nineteen sixty two", "en-US", "year=1962"),
        # two artists: the first is the artist of the need; beside a title the one who recorded it
        ("play velta morn and dario pell", "en-US", "artist=dario pell|artist=velta morn"),
        ("orla quist y dario pell copper", "es-ES", "artist=orla quist|title=copper"),
        ("play velta morns nineteen seventy one album", "en-US", "album=1971|artist=velta morn"),
        ("el disco de velta morn diecinueve setenta y uno", "es-MX", "album=1971|artist=velta morn"),
        ("play forty two k", "en-US", "title=42k"),
        ("songs for my three year old", "en-US", "genre=children"),
        ("play slow kite by maru tanage and turn it up", "en-US", "artist=maru tanage|title=slow kite"),
        ("pon en la sala a los faroles", "es-MX", "artist=los faroles"),
        ("i love maru tanage play something similar", "en-US", "similar_to=artist%3Dmaru tanage"),
        ("go back two songs", "en-US", None),
        ("play songs from the movie the reed king", "en-US", "album=the reed king original motion picture soundtrack"),
        ("id love to hear some velta morn tonight", "en-US", "artist=velta morn"),
        ("pon a los faroles en el baño por favor", "es-ES", "artist=los faroles"),
        ("pop but no chente", "en-US", "artist!=vicente fernandez|genre=pop"),
        # stripping "musica de" must not cut a constraint that begins with its "de"
        ("música de amor", "es-MX", "mood=romantic"),
        ("pon música de navidad", "es-ES", "genre=christmas"),
        ("pon algo de piano", "es-ES", "genre=piano"),
        # refusals in other words than "no"
        ("no quiero escuchar reggaetón", "es-MX", "genre!=reggaeton"),
        ("no pongas a los faroles", "es-MX", "artist!=los faroles"),
        ("play something that isnt country", "en-US", "genre!=country"),
        ("dont play me any rap", "en-US", "genre!=rap"),
        ("play pop that isnt maru tanage", "en-US", "artist!=maru tanage|genre=pop"),
        # an album beside its artist, without the word; an article and a year in its name
        ("play rumours of rain by velta morn", "en-US", "album=rumours of rain|artist=velta morn"),
        ("play the long field by maru tanage", "en-US", "album=the long field|artist=maru tanage"),
        ("play 1971 by velta morn", "en-US", "album=1971|artist=velta morn"),
        ("nineteen de velta morn", "es-MX", "album=nineteen|artist=velta morn"),
        # an album by its noun, whatever its words mean else; the article may be part of the name
        ("play the ember years album", "en-US", "album=the ember years"),
        ("play the album i dance at night", "en-US", "album=i dance at night"),
        ("el disco i dance at night de orla quist", "es-MX", "album=i dance at night|artist=orla quist"),
        ("pon un disco de rock", "es-MX", "genre=disco|genre=rock"),
        # a version around the names
        ("velta morn paper lanterns live", "en-US", "artist=velta morn|title=paper lanterns|version=live"),
        ("paper lanterns velta morn en vivo", "es-MX", "artist=velta morn|title=paper lanterns|version=live"),
        ("play paper lanterns live by velta morn", "en-US", "artist=velta morn|title=paper lanterns|version=live"),
        ("cualquier cosa", "es-MX", "open"),
        # services in the middle, small talk, two languages
        ("use spotify to play slow kite by maru tanage", "en-US", "artist=maru tanage|title=slow kite"),
        ("play slow kite on google music by maru tanage", "en-US", "artist=maru tanage|title=slow kite"),
        ("hey could you maybe put on some velta morn in the living room", "en-US", "artist=velta morn"),
        ("just play velta morn for now", "en-US", "artist=velta morn"),
        ("play una canción de los faroles please", "es-US", "artist=los faroles"),
        ("ponme a los faroles a todo volumen", "es-MX", "artist=los faroles"),
        ("play glass harbour by artist velta morn", "en-US", "artist=velta morn|title=glass harbour"),
        # the player and other things
        ("i want to play the song again", "en-US", None),
        ("from now on play music on spotify", "en-US", None),
        ("play the movie the silver orchard", "en-US", None),
    ],
)  # fmt: skip
def test_complaints(request_, locale, need, learned, known, resolver):
    lexicon = load_lexicon(known.genres)
    _, reading = read_need(
        normal_form(request_, locale), locale, lexicon, known.vocabulary, learned, resolver, MUSIC_SERVICE_SHARE
    )
    assert (reading.need.key if reading is not None else None) == need
    assert reading is None or reading.confidence >= 0.88


def test_words_that_are_no_slips_stay(known, resolver):
    """ "salza" is no slip for "salsa", since the catalog has a title of it; "selsa" is one."""
    needs = []
    for request_ in ("dark salza jazz", "dark selsa jazz"):
        _, reading = read_need(
            request_, "en", load_lexicon(known.genres), known.vocabulary, None, resolver, MUSIC_SERVICE_SHARE
        )
        needs.append(reading.need.key if reading is not None else "")
    assert ["genre=salsa" in need for need in needs] == [False, True]


def test_a_drum_is_no_band(known, resolver):
    """ "kettles" after "with" is what the music has; the band of that name is asked for by its whole name."""
    lexicon = load_lexicon(known.genres)

    def need(text: str) -> str | None:
        _, reading = read_need(text, "en", lexicon, known.vocabulary, None, resolver, MUSIC_SERVICE_SHARE)
        return reading.need.key if reading is not None else None

    assert "artist=" not in (need("jazz with heavy kettles") or "")
    assert need("rock by the kettles") == "artist=the kettles|genre=rock"


@pytest.mark.parametrize(
    ("request_", "locale", "slots"),
    [
        ("use spotify to play slow kite by maru tanage", "en-US", {"title": "slow kite", "artist": "maru tanage"}),
        ("play slow kite on google music by maru tanage", "en-US", {"title": "slow kite", "artist": "maru tanage"}),
        ("play glass harbour by velta morn because i can't sleep", "en-US", {"title": "glass harbour", "artist": "velta morn"}),
    ],
)  # fmt: skip
def test_slots_are_words_of_the_whole_request(request_, locale, slots, known, resolver):
    """Also where words before or between the names were left out before it was read."""
    lexicon = load_lexicon(known.genres)
    reading = read(request_, locale, lexicon, known, packaged(), MUSIC_SERVICE_SHARE, lambda: resolver)
    assert {slot["type"]: slot["value"] for slot in reading.slots} == slots


@pytest.mark.parametrize(
    ("query", "shorter"),
    [
        ("play kite on spotify by maru", "play kite by maru"),
        ("use my spotify to play kite", "play kite"),
        ("pon bruma en youtube music de los faroles", "pon bruma de los faroles"),
        ("play kite on spotify", None),  # the end of a request is the carrier grammar's
        ("pon en la cocina a los faroles", "pon a los faroles"),
        ("play on the hills by maru", None),
    ],
)
def test_services_are_left_out(query, shorter):
    assert without_service(query, load_lexicon()) == shorter


@pytest.mark.parametrize(
    ("query", "rest"),
    [
        ("im sad play something happy", "play something happy"),
        ("estoy triste ponme algo alegre", "ponme algo alegre"),
        ("i am not here play dead", None),
        ("play im yours", None),
    ],
)
def test_a_statement_comes_before_the_request(query, rest):
    assert after_feeling(query, load_lexicon()) == rest


def test_a_clause_is_cut_only_after_two_words():
    assert without_clause("something calm i cant sleep") == "something calm"
    assert without_clause("pon algo que no sea jazz") == "pon algo"
    assert without_clause("i want you") is None


@pytest.mark.parametrize("learned", [packaged(), None], ids=["night", "reader"])
@pytest.mark.parametrize(
    ("request_", "locale"),
    [
        ("música para beber", "es-MX"),  # one letter from "bebe"
        ("pon algo chido", "es-MX"),  # from "chino"
        ("play mourning music", "en-US"),
        ("music for cats", "en-US"),
        ("songs for sewing", "en-US"),
        ("play glass harbour but skip harbour", "en-US"),  # what is refused is not what is asked for
    ],
)
def test_what_is_not_understood_is_not_guessed(
    request_: str, locale: str, known: CatalogIndex, resolver: Resolver, learned: Learned | None
) -> None:
    """Ordinary words are no slips of words of the grammar, and a refusal that nothing explains speaks against any reading."""
    query = normal_form(request_, locale)
    _, reading = read_need(
        query, locale, load_lexicon(known.genres), known.vocabulary, learned, resolver, MUSIC_SERVICE_SHARE
    )
    assert reading is None or reading.confidence <= LEAST_STORED or reading.how == "words"


def test_a_word_is_not_corrected_to_a_filler_and_a_slip_is_corrected_still() -> None:
    lexicon = load_lexicon()
    assert corrected("play some musci", (), lexicon) == ["play some music"]
    assert corrected("play harrd rock", (), lexicon) == ["play hard rock"]
    assert "service" in lexicon.words["fillers"] and corrected("play servica", (), lexicon) == []
