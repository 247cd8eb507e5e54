"""How many constraints of a need, other than genre, mood and activity, a track violates."""

from __future__ import annotations

from functools import reduce

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from features.expressions import has_version, in_years, is_sung_in
from queries.grammar.constraints import TYPED
from ranking.refusals import is_refused

OF_NEED = ("decade", *TYPED)
OF_TRACK = (
    "release_year",
    "versions",
    "title_tokens",
    "title_normal",
    "artists_normal",
    "genres",
    "moods",
    "explicit",
    "instrumentalness",
)


def misfits() -> Column:
    """The number of violated constraints (int): decade or years, version, language, lyrics, and each kind of refusal.

    A track without a year violates a decade or years; what else is unknown of a track violates nothing. The expression reads the
    columns OF_NEED of the need and OF_TRACK of the track.
    """
    year = F.col("release_year")
    decade = (year - F.pmod(year, F.lit(10))).cast("int")
    off_decade = (F.size("decade") > 0) & ~F.coalesce(F.array_contains("decade", decade), F.lit(False))
    inside = year.isNotNull() & in_years(year, F.col("first_year"), F.col("last_year"))
    off_years = F.coalesce("first_year", "last_year").isNotNull() & ~inside
    violations = [
        off_decade | off_years,
        ~has_version(F.col("version"), F.col("versions"), F.col("instrumentalness")),
        ~is_sung_in(F.col("music_language"), F.col("genres"), F.col("title_tokens")),
        F.col("explicit") != F.col("is_explicit_wanted"),
        F.arrays_overlap("genres", "unwanted_genres"),
        *is_refused(),
    ]
    return reduce(lambda a, b: a + b, [F.coalesce(one, F.lit(False)).cast("int") for one in violations])


def with_misfits(rows: DataFrame) -> DataFrame:
    """Add `misfits` to rows with OF_NEED and OF_TRACK, and drop of these what no re-rank rule reads."""
    others = ("version", "release_year", "title_normal", "artists_normal")
    return rows.withColumn("misfits", misfits()).drop(*[name for name in (*OF_NEED, *OF_TRACK) if name not in others])
