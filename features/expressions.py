"""Spark column expressions that features, candidate sources and re-rank rules share: ratios, words, versions, years and ranges.

Nothing here reads a table or knows a window: every function takes columns (or the name of one) and returns a column of the same
rows.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from pyspark.sql import Column
from pyspark.sql import functions as F

from events.contract import AUDIO
from queries.text.phonetic import sounds_like


def share(part: Column, whole: Column) -> Column:
    """part / whole, null where the whole is 0 (ANSI division would raise)."""
    return F.try_divide(part.cast("double"), whole.cast("double"))


def capped(value: Column, top: float) -> Column:
    """The value, at most `top`; null stays null (`least` would ignore it and return `top`)."""
    return F.when(value.isNotNull(), F.least(value, F.lit(float(top))))


def shrunk(hits: Column, exposure: Column, parent: Column, strength: float | Column) -> Column:
    """(strength · parent + hits) / (strength + exposure): the rate, shrunk to the parent's while there is little exposure.

    Source: the posterior mean of a gamma-Poisson model with prior mean `parent`. In the back-off chain of COEC the data of a
    parent include those of its child, so that the child's events count at each level and pull the rate further from 1 than the
    model alone would.

    Args:
        hits: events counted.
        exposure: events expected, or trials.
        parent: the rate to shrink to.
        strength: the exposure at which the own rate and the parent's weigh the same.
    """
    weight = F.lit(float(strength)) if isinstance(strength, int | float) else strength
    return (weight * parent + hits) / (weight + exposure)


def words(column: Column) -> Column:
    """The words of a normalised text, [] for an empty one or null."""
    return F.filter(F.split(F.coalesce(column, F.lit("")), " "), lambda w: w != "")


def in_words(text: Column) -> Column:
    """The text with a space before and after it, so that `contains` matches whole words only."""
    return F.concat(F.lit(" "), text, F.lit(" "))


def trigrams(text: Column) -> Column:
    """The distinct character trigrams of a normalised text, padded with two spaces before it and one after; [] for an empty one.

    Source: the trigrams of PostgreSQL's pg_trgm, but of the whole text instead of each word.
    """
    padded = F.concat(F.lit("  "), text, F.lit(" "))
    runs = F.transform(F.sequence(F.lit(1), F.length(padded) - 2), lambda i: F.substring(padded, i, F.lit(3)))
    return F.when(F.length(F.coalesce(text, F.lit(""))) > 0, F.array_distinct(runs)).otherwise(
        F.array().cast("array<string>")
    )


def sound(text: Column, language: Column) -> Column:
    """The phonetic key of a normalised text in a language (`queries.text.phonetic`), null for null.

    It runs Python in Arrow batches, so apply it to needs or tracks, not to their pairs.
    """
    import pandas as pd
    from pyspark.sql.pandas.functions import pandas_udf

    def keys(texts: pd.Series, languages: pd.Series) -> pd.Series:
        pairs = zip(texts, languages, strict=True)
        return pd.Series([None if t is None else sounds_like(t, of) for t, of in pairs], dtype=object)

    keys.__annotations__ = {"texts": pd.Series, "languages": pd.Series, "return": pd.Series}
    return pandas_udf(keys, "string")(text, language)  # type: ignore[call-overload, no-any-return]


def in_years(year: Column, first: Column, last: Column) -> Column:
    """Whether the year lies between `first` and `last`, inclusive; a null end is open. True if the year is unknown."""
    return F.coalesce(year >= first, F.lit(True)) & F.coalesce(year <= last, F.lit(True))


def versions(title: Column) -> Column:
    """The versions other than the studio recording that a title names after a bracket or a dash, [] for none."""
    lowered = F.lower(title)
    named = [
        F.when(lowered.rlike(rf"(?:[(\[]|\s[-–—]\s).*\b(?:{'|'.join(patterns)})\b"), F.lit(name))
        for name, patterns in VERSIONS.items()
    ]
    return F.array_compact(F.array(*named))


# version -> patterns of its names in English and Spanish titles; ordered from the version that listeners mean most often to the
# one that they mean least often, which is what `version_kind` counts by
VERSIONS = {
    "remaster": ("remaster", "remastered", "remasterizad[oa]"),
    "live": ("live", "en vivo", "en directo", "ao vivo"),
    "acoustic": ("acoustic", "ac[uú]stic[oa]", "unplugged", "stripped"),
    "demo": ("demo", "maqueta"),
    "remix": ("remix", "rmx", "mix", "rework", "edit"),
    "instrumental": ("instrumental",),
    "cover": ("cover", "tribute", "tributo", "made famous by", "in the style of"),
    "karaoke": ("karaoke",),
}


SCALES = {"tempo": 200.0, "loudness": 60.0}


def range_fit(ranges: str) -> Column:
    """The mean of 1 − distance to its range, over the audio features bounded by the struct column `ranges`; 1 is inside all.

    A distance is a share of the feature's scale (200 beats per minute for tempo, 60 decibels for loudness, 1 for the others), and
    counts as 1 at most. Null if no range is asked for, or if the track has none of the features.
    """
    total, known = F.lit(0.0), F.lit(0)
    for name in AUDIO:
        low, high, value = F.col(ranges)[f"{name}_low"], F.col(ranges)[f"{name}_high"], F.col(name)
        away = F.greatest(low - value, value - high, F.lit(0.0)) / F.lit(SCALES.get(name, 1.0))
        there = low.isNotNull() & value.isNotNull()
        total = total + F.when(there, F.lit(1.0) - F.least(away, F.lit(1.0))).otherwise(F.lit(0.0))
        known = known + there.cast("int")
    return F.try_divide(total, known)


UNSUNG = 0.5  # `instrumentalness` from which a track has no vocals, by Spotify's documentation


# language -> genres that are sung in it, and short words that are typical of its titles
SUNG_IN = {
    "es": (
        (
            "latin",
            "reggaeton",
            "salsa",
            "bachata",
            "cumbia",
            "merengue",
            "flamenco",
            "ranchera",
            "mariachi",
            "norteno",
            "banda",
            "corrido",
            "vallenato",
            "bolero",
            "tango",
            "trova",
            "urbano",
            "rock en espanol",
            "spanish",
            "latin pop",
            "latin rock",
        ),
        ("el", "los", "las", "del", "mi", "tu", "y", "en", "una", "por", "para", "sin", "con", "que"),
    ),
    "en": (
        ("country", "bluegrass", "british", "grunge"),
        ("the", "and", "of", "my", "you", "with", "is", "we", "it", "your"),
    ),
    "fr": (("chanson", "french"), ("le", "les", "des", "et", "je", "mon", "ma", "une", "est", "dans", "pour")),
    "pt": (
        ("mpb", "samba", "pagode", "sertanejo", "forro", "bossanova", "bossa nova", "brazil"),
        ("do", "da", "meu", "nao", "voce", "um"),
    ),
    "it": (("italian",), ("il", "di", "che", "della", "sono", "mio", "non")),
    "de": (("german", "schlager"), ("der", "die", "das", "und", "ich", "ein", "mein", "nicht")),
    "ja": (("j pop", "j rock", "j dance", "j idol", "anime"), ("no", "wa")),
    "ko": (("k pop",), ("saranghae",)),
    "hi": (("indian", "bollywood"), ("dil", "hai", "mera", "tere", "tum")),
    "sv": (("swedish",), ("och", "jag", "det", "inte")),
    "tr": (("turkish",), ("bir", "ben", "ve", "sen")),
}


def has_version(asked: Column, named: Column, instrumentalness: Column) -> Column:
    """Whether a track whose title names the versions `named` is of the version asked for; null if no version is asked for."""
    unsung = F.coalesce((asked == "instrumental") & (instrumentalness >= UNSUNG), F.lit(False))
    return F.when(asked == "original", F.size(named) == 0).otherwise(F.array_contains(named, asked) | unsung)


def is_sung_in(asked: Column, genres: Column, title_tokens: Column) -> Column:
    """Whether a genre, or a typical short word of the title, indicates the language asked for (SUNG_IN).

    Null if no language is asked for, or one that SUNG_IN does not have.
    """
    matches = F.lit(None).cast("boolean")
    for language, (sung, small) in SUNG_IN.items():
        of_genre = F.exists(genres, _is_one_of(sung))
        of_title = F.arrays_overlap(title_tokens, F.array(*[F.lit(w) for w in small]))
        matches = F.when(asked == language, of_genre | of_title).otherwise(matches)
    return matches


def _is_one_of(genres: Sequence[str]) -> Callable[[Column], Column]:
    return lambda genre: F.translate(genre, "-", " ").isin(*genres)


VECTOR_RANK = 16  # length of a fitted vector


def dot(a: Column, b: Column) -> Column:
    """The dot product of two vectors of VECTOR_RANK numbers, null if either is null.

    It is written out as a sum, because Spark would not compile a higher-order function over the arrays.
    """
    total = a[0] * b[0]
    for i in range(1, VECTOR_RANK):
        total = total + a[i] * b[i]
    return total
