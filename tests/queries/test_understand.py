"""Understanding in Spark: one row in, one row out; equal to the pure functions; clusters keep their ids."""

import hashlib

from queries.nightly.aliases import PAIRS_SCHEMA

from queries.grammar.lexicon import load_lexicon
from queries.models.learned import MUSIC_SERVICE_SHARE, packaged, read_query
from queries.nightly.understand import normalised, readings, vocabulary, with_cluster_id
from queries.text.normalise import normal_form

QUERIES = [
    ("en", "play hello"),
    ("en-US", "play hello"),
    ("en", "hello"),
    ("es", "ponme la mano"),
    ("es", "musica alegre"),
    ("es", "pon musica alegre"),
    ("es", "canciones alegres"),
    ("en", "play happy music"),
    ("en", "acdc"),
    ("en", ""),
    ("*", "rock de los noventa"),
    ("en", "the album wednesday"),
    ("en", "wake me up at 7"),
]
_TRACKS = "track_id string, title string, artists array<string>, album string, genres array<string>, popularity double"


def frames(spark, rows):
    tracks = [
        tuple(None if value is None else float(value) if name == "popularity" else value for name, value in row.items())
        for row in rows
    ]
    tracks.append(("t98", None, [None, "Half Known"], None, None, None))
    return spark.createDataFrame(QUERIES, "locale string, query string"), spark.createDataFrame(tracks, _TRACKS)


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


def test_readings_are_those_of_the_pure_function(spark, rows, catalog):
    queries, tracks = frames(spark, rows)
    found = readings(queries, tracks)
    got = {(row.locale, row.query): row for row in found.collect()}
    assert set(got) == set(QUERIES)
    lexicon = load_lexicon(catalog.genres)
    for (locale, query), row in got.items():
        expected = read_query(query, locale, lexicon, catalog.vocabulary, packaged(), MUSIC_SERVICE_SHARE)
        assert (row.stripped, row.intent, row.constraint_key, row.answers_as, row.artist_name, row.reasons) == (
            expected.stripped,
            expected.intent,
            expected.key,
            expected.answers_as,
            expected.artist,
            list(expected.reasons),
        )
    assert got["en", "the album wednesday"].title_name == "wednesday"
    assert got["*", "rock de los noventa"].decade == [1990]
    assert (got["en", ""].intent, got["en", ""].intent_group) == ("not_music", "open")


def clusters(spark, queries, tracks, pairs=(), previous=None, column="cluster_id"):
    """(locale, query) -> cluster id, with ten searches of each query."""
    read = readings(queries, tracks)
    asked = read.selectExpr("locale", "query", "10L AS searches_28d")
    mined = spark.createDataFrame(list(pairs), PAIRS_SCHEMA)
    found = with_cluster_id(read, asked, mined, previous, "2026-03-01")
    assert found.count() == read.count()
    return {(row.locale, row.query): getattr(row, column) for row in found.collect()}


def test_clusters_join_wordings_of_one_language_and_keys_in_any_order(spark, rows):
    queries, tracks = frames(spark, rows)
    got = clusters(spark, queries.repartition(2).orderBy("query", ascending=False), tracks.repartition(2))
    assert got["en", "play hello"] == got["en", "hello"] == got["en-US", "play hello"]
    assert got["es", "musica alegre"] == got["es", "pon musica alegre"] == got["es", "canciones alegres"]
    assert got["es", "musica alegre"] != got["en", "play happy music"]
    assert got["en", "hello"] == hashlib.sha256(b"en\x1fhello").hexdigest()[:16]
    assert got == clusters(spark, queries, tracks)


def test_titles_that_begin_with_a_carrier_verb_have_clusters_of_their_own(spark):
    names = ["I Want You", "I Need You", "You", "Give Me Love", "I Need Love", "Love", "Ponme la Mano", "La Mano"]
    tracks = [(str(at), name, ["Somebody"], "An Album", [], 50.0) for at, name in enumerate(names)]
    asked = [("es" if "mano" in name.lower() else "en", name.lower()) for name in names]
    asked += [("en", "play i want you"), ("en", "play you"), ("es", "pon la mano")]
    queries = spark.createDataFrame(asked, "locale string, query string")
    tracks = spark.createDataFrame(tracks, _TRACKS)
    read = {row.query: row for row in readings(queries, tracks).collect()}
    assert {query for query, row in read.items() if row.answers_as == "full"} == {name.lower() for name in names}
    assert read["i want you"].sound == read["play i want you"].sound != read["you"].sound
    found = clusters(spark, queries, tracks)
    assert len(set(found.values())) == len(names)
    assert found["en", "play i want you"] == found["en", "i want you"]
    assert found["en", "play you"] == found["en", "you"]
    assert found["es", "pon la mano"] == found["es", "la mano"]


def test_a_mined_pair_joins_and_ids_are_inherited(spark, rows):
    _, tracks = frames(spark, rows)
    queries = spark.createDataFrame(
        [("en", "adele"), ("en", "play adele"), ("en", "adelle xyz")], "locale string, query string"
    )
    pair = ("en", "adelle xyz", "adele", "asked_again", 4, 0.9)
    first = clusters(spark, queries, tracks)
    assert first["en", "adelle xyz"] != first["en", "adele"] == first["en", "play adele"]
    known = [(locale, query, cluster) for (locale, query), cluster in first.items()]
    previous = spark.createDataFrame(known, "locale string, query string, cluster_id string")
    second = clusters(spark, queries, tracks, [(*pair, False)], previous)
    assert set(second.values()) == {first["en", "adele"]}  # it has the more traffic
    assert clusters(spark, queries, tracks, [(*pair, False)], previous, "text_cluster_id") == first
    assert clusters(spark, queries, tracks, [(*pair, True)], previous) == first  # our own rewrite teaches nothing


def test_the_vocabulary_of_spark_is_that_of_the_index(spark, rows, catalog):
    _, tracks = frames(spark, rows)
    found, expected = vocabulary(tracks.where("track_id != 't98'")), catalog.vocabulary
    assert (dict(found.titles), dict(found.artists), dict(found.albums)) == (
        dict(expected.titles),
        dict(expected.artists),
        dict(expected.albums),
    )
    assert (found.genres, found.pairs, dict(found.compact)) == (expected.genres, expected.pairs, dict(expected.compact))


def test_a_query_is_its_own_normal_form():
    assert [query for _, query in QUERIES if normal_form(query, "en") != query] == []
