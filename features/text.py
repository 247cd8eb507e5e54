"""How well the words of the request match title and artists, all in normal form. Grain: need-track."""

from __future__ import annotations

from pyspark.sql import Column
from pyspark.sql import functions as F

from features.expressions import in_words, share
from features.spec import feature
from features.window import Window

GRAIN = "need_track"
K1, B = 1.2, 0.75  # parameters of BM25


@feature(unit="0/1", bounds=(0, 1), monotone=+1, null="the need asks for an album", oracle="exact")
def title_equal(window: Window) -> Column:
    """The text of the need, or the words that were understood as a title, are a form of the title ("hello" of "Hello - Remastered")."""
    # an album's name says nothing of titles
    return F.when(window.col("intent") != "album", _is_named(window, "title_forms", "title_name"))


@feature(unit="0/1", bounds=(0, 1), monotone=+1, null="the need asks for no album", oracle="exact")
def album_equal(window: Window) -> Column:
    """The words that were understood as an album are a form of the name of the track's album."""
    asked = F.when(window.col("intent") == "album", window.col("title_name"))
    return F.array_contains(window.col("album_forms"), asked).cast("double")


@feature(unit="0/1", bounds=(0, 1), monotone=+1, oracle="exact")
def title_prefix(window: Window) -> Column:
    """The title begins with the text of the need ("hello" for "Hello – Remastered")."""
    return window.col("title_normal").startswith(window.col("text")).cast("double")


@feature(unit="share", bounds=(0, 1), monotone=+1, null="the title has no words")
def title_words_share(window: Window) -> Column:
    """Share of the title's words that the need contains."""
    title = window.col("title_tokens")
    return share(F.size(F.array_intersect(title, window.col("need_tokens"))), F.size(F.array_distinct(title)))


@feature(unit="share", bounds=(0, 1), monotone=+1, null="the need has no words")
def need_words_share(window: Window) -> Column:
    """Share of the need's words that the title or the artists contain."""
    words = window.col("need_tokens")
    return share(F.size(F.array_intersect(words, window.col("track_tokens"))), F.size(F.array_distinct(words)))


@feature(unit="similarity", bounds=(0, 1), monotone=+1, null="need and title are empty")
def title_edit_similarity(window: Window) -> Column:
    """1 − edit distance / length of the longer text, of text of the need and title. Source: Levenshtein 1966."""
    need, title = window.col("text"), window.col("title_normal")
    longer = F.greatest(F.length(need), F.length(title))
    return F.lit(1.0) - share(F.levenshtein(need, title), longer)


@feature(unit="similarity", bounds=(0, 1), monotone=+1, null="need and title are empty")
def title_trigram_similarity(window: Window) -> Column:
    """Jaccard similarity of the character trigrams of text of the need and title; it tolerates wrong or missing letters.

    Source: the similarity of PostgreSQL's pg_trgm.
    """
    need, title = window.col("need_trigrams"), window.col("title_trigrams")
    shared = F.size(F.array_intersect(need, title))
    return share(shared, F.size(need) + F.size(title) - shared)


@feature(unit="0/1", bounds=(0, 1), monotone=+1, oracle="exact")
def title_phrase(window: Window) -> Column:
    """The text of the need contains the title word for word, or the title contains the text of the need."""
    need, title = in_words(window.col("text")), in_words(window.col("title_normal"))
    return (F.contains(need, title) | F.contains(title, need)).cast("double")


@feature(unit="0/1", bounds=(0, 1), monotone=+1, oracle="exact")
def artist_phrase(window: Window) -> Column:
    """The text of the need contains the name of one of the artists word for word."""
    need = in_words(window.col("text"))
    return F.exists(window.col("artists_normal"), lambda a: F.contains(need, in_words(a))).cast("double")


@feature(unit="0/1", bounds=(0, 1), monotone=+1, oracle="exact")
def artist_equal(window: Window) -> Column:
    """The text of the need, or the words that were understood as an artist, are a form of the name of one of the artists."""
    return _is_named(window, "artist_forms", "artist_name")


@feature(unit="share", bounds=(0, 1), monotone=+1, null="the artists have no words")
def artist_words_share(window: Window) -> Column:
    """Share of the artists' words that the need contains."""
    artist = window.col("artist_tokens")
    return share(F.size(F.array_intersect(artist, window.col("need_tokens"))), F.size(F.array_distinct(artist)))


@feature(unit="0/1", bounds=(0, 1), monotone=+1, oracle="exact")
def title_sounds_alike(window: Window) -> Column:
    """The title has the phonetic key of the words understood as a title, or else of the text of the need ("skillrex", "wanna be").

    English by Metaphone (Philips 1990), Spanish by rules for b/v, ll/y, s/c/z and a silent h: `queries/text/phonetic.py`.
    """
    return _sounds_alike(window, "title")


@feature(unit="0/1", bounds=(0, 1), monotone=+1, oracle="exact")
def artist_sounds_alike(window: Window) -> Column:
    """The main artist has the phonetic key of the words understood as an artist, or else of the text of the need.

    See `title_sounds_alike`.
    """
    return _sounds_alike(window, "artist")


def _is_named(window: Window, forms: str, name: str) -> Column:
    """Whether the text of the need, or the name understood in it if there is one, is among the forms."""
    by_text = F.array_contains(window.col(forms), window.col("text"))
    return F.coalesce(by_text | F.array_contains(window.col(forms), window.col(name)), by_text).cast("double")


def _sounds_alike(window: Window, name: str) -> Column:
    spanish, english = window.col(f"{name}_sound_es"), window.col(f"{name}_sound_en")
    of_track = F.when(window.col("language") == "es", spanish).otherwise(english)
    return F.coalesce(window.col(f"{name}_asked_sound") == of_track, F.lit(False)).cast("double")


@feature(unit="score", bounds=(0, 1_000), monotone=+1)
def bm25(window: Window) -> Column:
    """BM25 of the text of the need against title and artists as one field, with k1 = 1.2 and b = .75.

    idf = ln(1 + (N − n + .5)/(n + .5)) over the catalog. Source: Robertson & Zaragoza 2009.
    """
    return _bm25(window, "track_tokens")


@feature(unit="score", bounds=(0, 1_000), monotone=+1)
def bm25_title(window: Window) -> Column:
    """BM25 of the text of the need against the title alone, with the idf and mean length of title and artists; see `bm25`."""
    return _bm25(window, "title_tokens")


@feature(unit="score", bounds=(0, 1_000), monotone=+1)
def bm25_artist(window: Window) -> Column:
    """BM25 of the text of the need against the artists alone, with the idf and mean length of title and artists; see `bm25`."""
    return _bm25(window, "artist_tokens")


def _bm25(window: Window, tokens: str) -> Column:
    words = window.col(tokens)
    norm = F.lit(K1) * (F.lit(1 - B) + F.lit(B) * F.size(words) / window.col("mean_tokens"))

    def gain(sofar: Column, term: Column) -> Column:
        tf = F.size(F.filter(words, lambda w: w == term["word"])).cast("double")
        return sofar + term["idf"] * tf * F.lit(K1 + 1) / (tf + norm)

    return F.aggregate(window.col("need_terms"), F.lit(0.0), gain)
