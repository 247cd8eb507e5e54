"""What a request refuses beside genres ("no 80s music", "pop but not taylor swift"), and whether a track is of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from features.expressions import has_version, in_years, is_sung_in, refused_values

if TYPE_CHECKING:
    from pyspark.sql import Column

FIELDS = ("artist", "title", "decade", "year", "version", "language", "mood")


def refused_of(key: str) -> list[Column]:
    """`refused_<field>` of a constraint key (`queries.grammar.constraints.constraint_key`): what `field!=` says, array of text."""
    return [refused_values(key, field).alias(f"refused_{field}") for field in FIELDS]


def is_refused() -> list[Column]:
    """For each field, whether a track (artists_normal, title_normal, release_year, versions, genres, title_tokens, moods,
    instrumentalness) is of what is refused; null where that is not known of it."""
    from pyspark.sql import functions as F

    def refused(field: str) -> Column:
        return F.col(f"refused_{field}")

    year = F.col("release_year")
    return [
        F.arrays_overlap("artists_normal", refused("artist")),
        F.array_contains(refused("title"), F.col("title_normal")),
        F.array_contains(refused("decade"), (year - F.pmod(year, F.lit(10))).cast("string")),
        F.exists(refused("year"), lambda span: _is_in(year, span)),
        F.exists(refused("version"), lambda one: has_version(one, F.col("versions"), F.col("instrumentalness"))),
        F.exists(refused("language"), lambda one: is_sung_in(one, F.col("genres"), F.col("title_tokens"))),
        F.arrays_overlap("moods", refused("mood")),
    ]


def _is_in(year: Column, span: Column) -> Column:
    """Whether a known year lies in "1995", "1990-1995", "1990-" or "-1979"; an end that is no number is open."""
    from pyspark.sql import functions as F

    ends = F.split(span, "-")
    first, last = (F.element_at(ends, at).try_cast("int") for at in (1, -1))
    return year.isNotNull() & in_years(year, first, last)
