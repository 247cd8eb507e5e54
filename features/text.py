"""How well the words of the request match title and artists, all in normal form. Grain: query-track."""

from __future__ import annotations

from pyspark.sql import Column
from pyspark.sql import functions as F

from features.expressions import in_words, share
from features.spec import feature
from features.window import Window

GRAIN = "query_track"
K1, B = 1.2, 0.75  # parameters of BM25


@feature(unit="0/1", bounds=(0, 1), monotone=+1, oracle="exact")
def title_equal(window: Window) -> Column:
    """The title equals the stripped query, or the words that were understood as a title."""
    title = window.col("title_normal")
    return F.coalesce((title == window.col("stripped")) | (title == window.col("title_name")), F.lit(False)).cast(
        "double"
    )


@feature(unit="0/1", bounds=(0, 1), monotone=+1, oracle="exact")
def title_prefix(window: Window) -> Column:
    """The title begins with the stripped query ("hello" for "Hello – Remastered")."""
    return window.col("title_normal").startswith(window.col("stripped")).cast("double")


@feature(unit="share", bounds=(0, 1), monotone=+1, null="the title has no words")
def title_words_share(window: Window) -> Column:
    """Share of the title's words that the query contains."""
    title = window.col("title_tokens")
    return share(F.size(F.array_intersect(title, window.col("query_tokens"))), F.size(F.array_distinct(title)))


@feature(unit="share", bounds=(0, 1), monotone=+1, null="the query has no words")
def query_words_share(window: Window) -> Column:
    """Share of the query's words that the title or the artists contain."""
    words = window.col("query_tokens")
    return share(F.size(F.array_intersect(words, window.col("track_tokens"))), F.size(F.array_distinct(words)))


@feature(unit="similarity", bounds=(0, 1), monotone=+1, null="query and title are empty")
def title_edit_similarity(window: Window) -> Column:
    """1 − edit distance / length of the longer text, of stripped query and title. Source: Levenshtein 1966."""
    query, title = window.col("stripped"), window.col("title_normal")
    longer = F.greatest(F.length(query), F.length(title))
    return F.lit(1.0) - share(F.levenshtein(query, title), longer)


@feature(unit="similarity", bounds=(0, 1), monotone=+1, null="query and title are empty")
def title_trigram_similarity(window: Window) -> Column:
    """Jaccard similarity of the character trigrams of stripped query and title; it tolerates wrong or missing letters.

    Source: the similarity of PostgreSQL's pg_trgm.
    """
    query, title = window.col("query_trigrams"), window.col("title_trigrams")
    shared = F.size(F.array_intersect(query, title))
    return share(shared, F.size(query) + F.size(title) - shared)


@feature(unit="0/1", bounds=(0, 1), monotone=+1, oracle="exact")
def title_phrase(window: Window) -> Column:
    """The stripped query contains the title word for word, or the title contains the stripped query."""
    query, title = in_words(window.col("stripped")), in_words(window.col("title_normal"))
    return (F.contains(query, title) | F.contains(title, query)).cast("double")


@feature(unit="0/1", bounds=(0, 1), monotone=+1, oracle="exact")
def artist_phrase(window: Window) -> Column:
    """The stripped query contains the name of one of the artists word for word."""
    query = in_words(window.col("stripped"))
    return F.exists(window.col("artists_normal"), lambda a: F.contains(query, in_words(a))).cast("double")


@feature(unit="0/1", bounds=(0, 1), monotone=+1, oracle="exact")
def artist_equal(window: Window) -> Column:
    """One of the track's artists equals the stripped query, or the words that were understood as an artist."""
    artists = window.col("artists_normal")
    named = F.array_contains(artists, window.col("stripped")) | F.array_contains(artists, window.col("artist_name"))
    return F.coalesce(named, F.array_contains(artists, window.col("stripped")), F.lit(False)).cast("double")


@feature(unit="share", bounds=(0, 1), monotone=+1, null="the artists have no words")
def artist_words_share(window: Window) -> Column:
    """Share of the artists' words that the query contains."""
    artist = window.col("artist_tokens")
    return share(F.size(F.array_intersect(artist, window.col("query_tokens"))), F.size(F.array_distinct(artist)))


@feature(unit="0/1", bounds=(0, 1), monotone=+1, oracle="exact")
def title_sounds_alike(window: Window) -> Column:
    """The title has the phonetic key of the words understood as a title, or else of the stripped query ("skillrex", "wanna be").

    English by Metaphone (Philips 1990), Spanish by rules for b/v, ll/y, s/c/z and a silent h: `queries/text/phonetic.py`.
    """
    return _sounds_alike(window, "title")


@feature(unit="0/1", bounds=(0, 1), monotone=+1, oracle="exact")
def artist_sounds_alike(window: Window) -> Column:
    """The main artist has the phonetic key of the words understood as an artist, or else of the stripped query.

    See `title_sounds_alike`.
    """
    return _sounds_alike(window, "artist")


def _sounds_alike(window: Window, name: str) -> Column:
    spanish, english = window.col(f"{name}_sound_es"), window.col(f"{name}_sound_en")
    of_track = F.when(window.col("language") == "es", spanish).otherwise(english)
    return F.coalesce(window.col(f"{name}_asked_sound") == of_track, F.lit(False)).cast("double")


@feature(unit="score", bounds=(0, 1_000), monotone=+1)
def bm25(window: Window) -> Column:
    """BM25 of the stripped query against title and artists as one field, with k1 = 1.2 and b = .75.

    idf = ln(1 + (N − n + .5)/(n + .5)) over the catalog. Source: Robertson & Zaragoza 2009.
    """
    return _bm25(window, "track_tokens")


@feature(unit="score", bounds=(0, 1_000), monotone=+1)
def bm25_title(window: Window) -> Column:
    """BM25 of the stripped query against the title alone, with the idf and mean length of title and artists; see `bm25`."""
    return _bm25(window, "title_tokens")


@feature(unit="score", bounds=(0, 1_000), monotone=+1)
def bm25_artist(window: Window) -> Column:
    """BM25 of the stripped query against the artists alone, with the idf and mean length of title and artists; see `bm25`."""
    return _bm25(window, "artist_tokens")


def _bm25(window: Window, tokens: str) -> Column:
    words = window.col(tokens)
    norm = F.lit(K1) * (F.lit(1 - B) + F.lit(B) * F.size(words) / window.col("mean_tokens"))

    def gain(sofar: Column, term: Column) -> Column:
        tf = F.size(F.filter(words, lambda w: w == term["word"])).cast("double")
        return sofar + term["idf"] * tf * F.lit(K1 + 1) / (tf + norm)

    return F.aggregate(window.col("query_terms"), F.lit(0.0), gain)
