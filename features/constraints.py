"""How well the track meets the constraints of the request: genre, decade, mood, version and so on. Grain: need-track."""

from __future__ import annotations

from pyspark.sql import Column
from pyspark.sql import functions as F

from events.contract import AUDIO
from features.expressions import has_version, in_words, in_years, is_sung_in, range_fit
from features.spec import feature
from features.window import Window

GRAIN = "need_track"


@feature(unit="0/1", bounds=(0, 1), monotone=+1, null="the need asks for no genre", oracle="exact")
def genre_match(window: Window) -> Column:
    """One of the track's genres is a genre asked for."""
    asked = window.col("genre")
    return F.when(F.size(asked) > 0, F.arrays_overlap(window.col("genres"), asked).cast("double"))


@feature(unit="share", bounds=(0, 1), monotone=+1, null="the need asks for no genre, or the track has none")
def genre_words_share(window: Window) -> Column:
    """Share of the track's genres whose name contains a genre asked for as whole words ("indie rock" for rock)."""
    asked, genres = window.col("genre"), window.col("genres")

    def names_one(genre: Column) -> Column:
        spaced = in_words(F.translate(genre, "-", " "))
        return F.exists(asked, lambda a: F.contains(spaced, in_words(F.translate(a, "-", " "))))

    share = F.size(F.filter(genres, names_one)) / F.nullif(F.size(genres), F.lit(0))
    return F.when(F.size(asked) > 0, share.cast("double"))


@feature(unit="distance", bounds=(0, 1), monotone=-1, null="the need asks for no genre, or the track has none")
def genre_distance(window: Window) -> Column:
    """1 − the largest similarity of a genre of the track to one asked for: 0 if it has that genre, 1 if it has none that is among
    the genres nearest to it (`features.build.genres.MAX_NEIGHBOURS`).

    Similarity of two genres, over the tracks of the catalog: tracks with both / √(tracks with one · tracks with the other).
    Source: Ochiai 1957.
    """
    neighbours, genres = window.col("genre_company"), window.col("genres")
    similarity = F.transform(genres, lambda genre: F.coalesce(F.try_element_at(neighbours, genre), F.lit(0.0)))
    is_known = (F.size(window.col("genre")) > 0) & (F.size(genres) > 0)
    return F.when(is_known, F.lit(1.0) - F.array_max(similarity))


@feature(
    unit="0/1", bounds=(0, 1), monotone=+1, null="the need asks for no decade, or the year is unknown", oracle="exact"
)
def decade_match(window: Window) -> Column:
    """The year of release lies in a decade asked for."""
    asked, year = window.col("decade"), window.col("release_year")
    decade = (year - F.pmod(year, F.lit(10))).cast("int")
    return F.when((F.size(asked) > 0) & year.isNotNull(), F.array_contains(asked, decade).cast("double"))


@feature(unit="share", bounds=(0, 1), monotone=+1, null="the need asks for no mood, or the track has no audio features")
def mood_fit(window: Window) -> Column:
    """How near the track's audio features are to the ranges of the mood asked for; 1 means inside all of them."""
    window.need("mood_range", *AUDIO)
    return range_fit("mood_range")


@feature(
    unit="share", bounds=(0, 1), monotone=+1, null="the need asks for no activity, or the track has no audio features"
)
def activity_fit(window: Window) -> Column:
    """How near the track's audio features are to the ranges of the activity asked for; 1 means inside all of them."""
    window.need("activity_range", *AUDIO)
    return range_fit("activity_range")


@feature(
    unit="0/1", bounds=(0, 1), monotone=+1, null="the need asks for no mood, or the track carries none", oracle="exact"
)
def mood_tag_match(window: Window) -> Column:
    """The catalog tags the track with the mood asked for."""
    tagged = F.size(window.col("moods")) > 0
    return F.when(
        window.col("mood").isNotNull() & tagged,
        F.array_contains(window.col("moods"), window.col("mood")).cast("double"),
    )


@feature(unit="0/1", bounds=(0, 1), monotone=+1, null="the need asks for no version", oracle="exact")
def version_match(window: Window) -> Column:
    """The title names the version asked for (live, acoustic, remix …), or names none if the original is asked for.

    A track also counts as instrumental if its `instrumentalness` in the catalog is at least 0.5.
    """
    asked = window.col("version")
    matches = has_version(asked, window.col("versions"), window.col("instrumentalness"))
    return F.when(asked.isNotNull(), matches.cast("double"))


@feature(unit="0/1", bounds=(0, 1), oracle="exact")
def other_version_unasked(window: Window) -> Column:
    """The title names a version, other than a remaster, that the need does not ask for: "play hello" rarely means karaoke."""
    asked = F.coalesce(window.col("version"), F.lit(""))
    return F.exists(window.col("versions"), lambda v: (v != "remaster") & (v != asked)).cast("double")


@feature(
    unit="0/1",
    bounds=(0, 1),
    monotone=+1,
    null="the need names no year, or the year of release is unknown",
    oracle="exact",
)
def year_match(window: Window) -> Column:
    """The year of release lies in the years asked for ("songs from 1995", "before 1980")."""
    first, last, year = window.col("first_year"), window.col("last_year"), window.col("release_year")
    asked = first.isNotNull() | last.isNotNull()
    return F.when(asked & year.isNotNull(), in_years(year, first, last).cast("double"))


@feature(
    unit="0/1", bounds=(0, 1), monotone=-1, null="the need refuses no genre, or the track has none", oracle="exact"
)
def unwanted_genre_match(window: Window) -> Column:
    """One of the track's genres is one that the need refuses ("no rap", "sin reggaeton")."""
    unwanted, genres = window.col("unwanted_genres"), window.col("genres")
    return F.when((F.size(unwanted) > 0) & (F.size(genres) > 0), F.arrays_overlap(genres, unwanted).cast("double"))


@feature(
    unit="0/1",
    bounds=(0, 1),
    monotone=+1,
    null="the need asks for neither explicit nor clean lyrics, or the catalog does not say",
    oracle="exact",
)
def lyrics_match(window: Window) -> Column:
    """The lyrics are as asked for, explicit or clean; a need for children's music asks for clean ones."""
    for_children = F.when(F.array_contains(window.col("genre"), "children"), F.lit(False))
    wanted = F.coalesce(window.col("is_explicit_wanted"), for_children)
    return (window.col("explicit") == wanted).cast("double")


@feature(
    unit="0/1",
    bounds=(0, 1),
    monotone=+1,
    null="the need asks for no language, or for one that genres and titles do not indicate",
    oracle="exact",
)
def music_language_match(window: Window) -> Column:
    """A genre of the track is sung in the language asked for, or the title has a short word of it (Spanish: salsa, "del", "el").

    The catalog has no language of a track; genre and title are evidence, not proof.
    """
    return is_sung_in(window.col("music_language"), window.col("genres"), window.col("title_tokens")).cast("double")
