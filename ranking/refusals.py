"""What a request refuses other than genres ("no 80s music", "pop but not taylor swift"), and whether a track is of that kind."""

from __future__ import annotations

from pyspark.sql import Column
from pyspark.sql import functions as F

from features.expressions import has_version, in_years, is_sung_in


def is_refused() -> list[Column]:
    """For each `unwanted_…` column of `queries` except genres, whether a track is of the refused kind; null if that is unknown.

    The expressions read these columns of the track: artists_normal, title_normal, release_year, versions, genres, title_tokens,
    moods, instrumentalness.
    """
    year = F.col("release_year")
    spans = F.arrays_zip(F.col("unwanted_first_years").alias("first"), F.col("unwanted_last_years").alias("last"))
    return [
        F.arrays_overlap("artists_normal", "unwanted_artists"),
        F.array_contains("unwanted_titles", F.col("title_normal")),
        F.array_contains("unwanted_decades", (year - F.pmod(year, F.lit(10))).cast("int")),
        F.exists(spans, lambda span: year.isNotNull() & in_years(year, span["first"], span["last"])),
        F.exists("unwanted_versions", lambda one: has_version(one, F.col("versions"), F.col("instrumentalness"))),
        F.exists("unwanted_languages", lambda one: is_sung_in(one, F.col("genres"), F.col("title_tokens"))),
        F.arrays_overlap("moods", "unwanted_moods"),
    ]
