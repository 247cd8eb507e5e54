"""Understanding in Spark: one row in, one row out; equal to the pure functions, and deaf to the order of rows."""

import pytest

from lake.rows import frame_of
from night.release.names import catalog_file
from queries.catalog.near import MemoryNames, similar
from queries.catalog.resolve import Resolver
from queries.grammar.lexicon import load_lexicon
from queries.grammar.need import need_reading
from queries.models.learned import MUSIC_SERVICE_SHARE, packaged, read_query
from queries.nightly.closure import KINDS, ClosureSettings, closure
from queries.nightly.understand import MOST_READINGS, normalised, readings
from queries.text.normalise import normal_form

WORDINGS = [
    ("en", "play hello"),
    ("en", "hello"),
    ("es", "ponme la mano"),
    ("es", "musica alegre"),
    ("es", "pon musica alegre"),
    ("en", "play happy music"),
    ("en", "acdc"),
    ("en", ""),
    ("es", "rock de los noventa"),
    ("en", "the album wednesday"),
    ("en", "wake me up at 7"),
    ("es", "pon la siguiente"),
    ("en", "play zxqv wvut"),
]
_TRACKS = "track_id string, title string, artists array<string>, album string, genres array<string>, popularity double"


def frames(spark, rows):
    tracks = [
        tuple(None if value is None else float(value) if name == "popularity" else value for name, value in row.items())
        for row in rows
    ]
    tracks.append(("t98", None, [None, "Half Known"], None, None, None))
    return spark.createDataFrame(WORDINGS, "language string, query string"), spark.createDataFrame(tracks, _TRACKS)


def test_normal_forms(spark):
    requests = [("Play HELLO!", "en-US"), ("Simon & Garfunkel", "es-ES"), (None, "en-US"), ("x" * 300, "en-US")]
    found = normalised(spark.createDataFrame(requests, "raw_query string, locale string"))
    assert found.columns == ["raw_query", "locale", "query", "is_too_long"]
    got = {row.raw_query: (row.query, row.is_too_long) for row in found.collect()}
    assert got == {
        "Play HELLO!": ("play hello", False),
        "Simon & Garfunkel": ("simon y garfunkel", False),
        None: ("", False),
        "x" * 300: ("x" * 300, True),
    }


@pytest.fixture(scope="module")
def read(spark, rows, tmp_path_factory):
    wordings, tracks = frames(spark, rows)
    found = readings(
        wordings.repartition(2).orderBy("query", ascending=False),
        catalog_file(tracks.repartition(2), tmp_path_factory.mktemp("names")),
    )
    return {(row.language, row.query): row for row in found.collect()}


def test_readings_are_those_of_the_pure_functions(read, catalog):
    assert set(read) == set(WORDINGS)
    lexicon, resolver = load_lexicon(catalog.genres), Resolver(catalog.vocabulary)
    for (language, query), row in read.items():
        expected = read_query(query, language, lexicon, catalog.vocabulary, packaged(), MUSIC_SERVICE_SHARE)
        need = need_reading(expected, lexicon, catalog.vocabulary, resolver)
        assert (row.stripped, row.is_music, row.reasons) == (
            expected.stripped,
            need is not None,
            list(expected.reasons),
        )
        assert row.how == (need.how if need else "not_music")
        assert [n.need for n in row.needs][:1] == ([need.need.key] if need else [])


def test_wordings_of_one_thing_lead_to_one_need_in_both_languages(read):
    needs = {wording: [n.need for n in row.needs] for wording, row in read.items()}
    assert needs["en", "play hello"][0] == needs["en", "hello"][0]
    assert needs["es", "musica alegre"][0] == needs["es", "pon musica alegre"][0] == needs["en", "play happy music"][0]
    assert needs["es", "rock de los noventa"][0] == "decade=1990|genre=rock"
    assert needs["en", "wake me up at 7"] == needs["en", ""] == needs["es", "pon la siguiente"] == []
    assert not read["es", "pon la siguiente"].is_music  # a command: nothing is to be ranked for it
    assert read["en", "play zxqv wvut"].how == "words"


def test_weights_are_of_one_and_readings_are_few(read):
    for row in read.values():
        assert len(row.needs) == len(row.weights) <= MOST_READINGS
        assert not row.weights or sum(row.weights) == pytest.approx(1, abs=1e-6)
        assert (row.own_words is None) == (not row.is_music)


def test_the_names_of_the_file_are_those_of_the_index(spark, rows, catalog, tmp_path):
    _, tracks = frames(spark, rows)
    names, expected = catalog_file(tracks.where("track_id != 't98'"), tmp_path).opened(), catalog.vocabulary
    found = names.vocabulary
    assert (dict(found.titles), dict(found.artists), dict(found.albums)) == (
        dict(expected.titles),
        dict(expected.artists),
        dict(expected.albums),
    )
    assert (found.genres, dict(found.compact)) == (expected.genres, dict(expected.compact))
    assert all(pair in found.pairs for pair in expected.pairs) and 1 not in found.pairs
    index = MemoryNames(expected.by_kind)
    for kind, known in expected.by_kind.items():
        for name in known:
            assert similar(names, kind, name) == similar(index, kind, name)


def test_a_wording_is_its_own_normal_form():
    assert [query for _, query in WORDINGS if normal_form(query, "en") != query] == []


@pytest.fixture(scope="module")
def suggested(spark):
    """Twelve songs of Anna, of which eleven are called Rain, in rock of two decades; one of Ben; and what the catalog suggests."""
    rows = [(f"a{i}", "Rain" if i else "Sun", ["Anna"], "Best", ["rock"], 1985 + i, 50.0) for i in range(12)]
    rows.append(("b", "Rain", ["Ben"], "Other", ["jazz"], None, None))
    schema = "track_id string, title string, artists array<string>, album string, genres array<string>, release_year int, popularity double"
    tracks = frame_of(spark, rows, schema)

    def needs(*kinds, most=1000, least=2):
        found = closure(tracks, ClosureSettings(list(kinds or KINDS), least, 1), most).collect()
        assert len({r.need for r in found}) == len(found)
        return {r.need: r.demand for r in found}

    return needs


def test_the_closure_has_every_kind_that_is_declared_and_no_other(suggested):
    assert set(suggested("genre", "decade", "genre_decade")) == {
        "genre=rock",
        "decade=1980",
        "decade=1990",
        "decade=1980|genre=rock",
        "decade=1990|genre=rock",
    }
    # names with more than ten tracks; the others need no list ahead of time
    assert set(suggested("artist", "title", "album", "title_artist", "artist_newest")) == {
        "artist=anna",
        "artist=anna|sort=newest",
        "title=rain",
        "album=best",
        "artist=anna|title=rain",
    }
    whole = suggested()
    assert {
        "open",
        "mood=happy",
        "activity=run",
        "genre=rock|mood=happy",
        "genre=rock|language=es",
        "genre=rock|sort=newest",
    } <= set(whole)


def test_the_likeliest_needs_come_first(suggested):
    assert list(suggested("genre", "decade", most=1)) == ["genre=rock"]
    assert suggested("genre")["genre=rock"] == 12 * 51


def test_an_unknown_kind_is_refused_by_name(suggested):
    with pytest.raises(ValueError, match=r"closure\.kinds: tempo is unknown; known: genre"):
        suggested("tempo")
