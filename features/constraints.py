"""How well the track fits what the request asks for in general. Grain: query-track."""

from __future__ import annotations

from typing import TYPE_CHECKING

from features.attributes import AUDIO, in_words, range_fit
from features.inputs import Window
from features.spec import feature

if TYPE_CHECKING:
    from pyspark.sql import Column

GRAIN = "query_track"


@feature(unit="0/1", bounds=(0, 1), monotone=+1, null="the query asks for no genre", oracle="exact")
def genre_match(window: Window) -> Column:
    """One of the track's genres is a genre asked for."""
    from pyspark.sql import functions as F

    asked = window.col("genre")
    return F.when(F.size(asked) > 0, F.arrays_overlap(window.col("genres"), asked).cast("double"))


@feature(unit="share", bounds=(0, 1), monotone=+1, null="the query asks for no genre, or the track has none")
def genre_words_share(window: Window) -> Column:
    """Share of the track's genres that name a genre asked for as one of their words ("indie rock" for rock)."""
    from pyspark.sql import functions as F

    asked, genres = window.col("genre"), window.col("genres")

    def names_one(genre: Column) -> Column:
        said = in_words(F.translate(genre, "-", " "))
        return F.exists(asked, lambda a: F.contains(said, in_words(F.translate(a, "-", " "))))

    share = F.size(F.filter(genres, names_one)) / F.nullif(F.size(genres), F.lit(0))
    return F.when(F.size(asked) > 0, share.cast("double"))


@feature(
    unit="0/1", bounds=(0, 1), monotone=+1, null="the query asks for no decade, or the year is unknown", oracle="exact"
)
def decade_match(window: Window) -> Column:
    """The year of release lies in a decade asked for."""
    from pyspark.sql import functions as F

    asked, year = window.col("decade"), window.col("release_year")
    decade = (year - F.pmod(year, F.lit(10))).cast("int")
    return F.when((F.size(asked) > 0) & year.isNotNull(), F.array_contains(asked, decade).cast("double"))


@feature(
    unit="share", bounds=(0, 1), monotone=+1, null="the query asks for no mood, or the track has no audio features"
)
def mood_fit(window: Window) -> Column:
    """How near the track's audio features lie to the ranges of the mood asked for; 1 is inside all of them."""
    window.need("mood_range", *AUDIO)
    return range_fit("mood_range")


@feature(
    unit="share", bounds=(0, 1), monotone=+1, null="the query asks for no activity, or the track has no audio features"
)
def activity_fit(window: Window) -> Column:
    """How near the track's audio features lie to the ranges of the activity asked for; 1 is inside all of them."""
    window.need("activity_range", *AUDIO)
    return range_fit("activity_range")


@feature(
    unit="0/1", bounds=(0, 1), monotone=+1, null="the query asks for no mood, or the track carries none", oracle="exact"
)
def mood_tag_match(window: Window) -> Column:
    """The catalog tags the track with the mood asked for."""
    from pyspark.sql import functions as F

    tagged = F.size(window.col("moods")) > 0
    return F.when(
        window.col("mood").isNotNull() & tagged,
        F.array_contains(window.col("moods"), window.col("mood")).cast("double"),
    )
