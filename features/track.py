"""The track by itself: its engagement over all needs of a language, its age and its catalog attributes. Grain: track."""

from __future__ import annotations

from pyspark.sql import Column
from pyspark.sql import functions as F

from features.expressions import VERSIONS, share, shrunk
from features.measures import WEEK
from features.spec import Feature, feature
from features.window import ALL_TIME, Window

GRAIN = "track"


@feature(unit="log1p(impressions)", bounds=(0, 40), windows=(28, 90))
def track_impressions_log1p(window: Window) -> Column:
    """ln(1 + impressions of the track over all needs of the language)."""
    return F.log1p(window.sum("impressions", "track").cast("double"))


@feature(unit="events/impression", bounds=(0, 1), windows=(28,), null="the track had no impression in the window")
def track_short_stop_rate(window: Window) -> Column:
    """Stops and skips within 30 s, or after an unknown time, per impression of the track."""
    return share(window.sum("short_stops", "track"), window.sum("impressions", "track"))


@feature(unit="plays/impression", bounds=(0, 1), windows=(28,), null="the track had no impression in the window")
def track_complete_rate(window: Window) -> Column:
    """Share of the track's impressions heard to the end."""
    return share(window.sum("completes", "track"), window.sum("impressions", "track"))


@feature(unit="s", bounds=(0, 3_600), windows=(28,), null="no play of the track has a known listening time")
def track_dwell_p50_s(window: Window) -> Column:
    """Median listening time of the track's plays with a known one, over all needs of the language.

    The value is the centre of a bin of `events.dwell`: between a second and an hour off by a factor of 1.15 at most.
    """
    return window.dwell_quantile(50, "track")


@feature(unit="log1p(plays)", bounds=(0, 40), windows=(28, 90, 365, ALL_TIME), monotone=+1)
def work_long_plays_log1p(window: Window) -> Column:
    """ln(1 + long plays of all versions of the track's work), so that a remaster keeps the work's history."""
    return F.log1p(window.sum("long_plays", "work").cast("double"))


@feature(unit="share", bounds=(0, 1), windows=(28,), null="no version of the work had a long play")
def work_play_share(window: Window) -> Column:
    """The track's share of the long plays of its work, which shows the version that listeners mean."""
    return share(window.sum("long_plays", "track"), window.sum("long_plays", "work"))


@feature(unit="plays/impression", bounds=(0, 1), windows=(28, 365), null="the artist had no impression in the window")
def artist_long_play_rate(window: Window) -> Column:
    """Long plays per impression of the main artist over all needs of the language."""
    return share(window.sum("long_plays", "artist"), window.sum("impressions", "artist"))


@feature(unit="share", bounds=(0, 1), windows=(28,), null="the artist had no long play in the window")
def artist_play_share(window: Window) -> Column:
    """The track's share of its main artist's long plays; high for an artist's best known songs."""
    return share(window.sum("long_plays", "track"), window.sum("long_plays", "artist"))


@feature(unit="share", bounds=(0, 1), windows=(28, 365), null="the artist had no long play in the window")
def artist_trend(window: Window) -> Column:
    """The main artist's long plays of the last 7 days over those of the whole window: 7 / (days of the window) if steady."""
    return share(window.over(WEEK).sum("long_plays", "artist"), window.sum("long_plays", "artist"))


@feature(unit="log1p(plays)", bounds=(0, 40), windows=(7, 28), half_lives=(14,), monotone=+1)
def track_long_plays_log1p(window: Window) -> Column:
    """ln(1 + long plays of the track over all needs of the language)."""
    return F.log1p(window.sum("long_plays", "track").cast("double"))


@feature(unit="responses/expected", bounds=(0, 1_000), windows=(28,), monotone=+1)
def track_coec(window: Window) -> Column:
    """Responses over expected responses of the track over all needs, shrunk to 1 with the fitted strength."""
    return shrunk(window.sum("responses", "track"), window.expected("track"), F.lit(1.0), window.strength("track"))


@feature(unit="plays/impression", bounds=(0, 1), windows=(28,), null="the track had no impression in the window")
def track_long_play_rate(window: Window) -> Column:
    """Long plays per impression of the track over all needs of the language."""
    return share(window.sum("long_plays", "track"), window.sum("impressions", "track"))


@feature(unit="log1p(plays)", bounds=(0, 40), windows=(28, 365, ALL_TIME), monotone=+1)
def artist_long_plays_log1p(window: Window) -> Column:
    """ln(1 + long plays of the main artist over all needs of the language)."""
    return F.log1p(window.sum("long_plays", "artist").cast("double"))


@feature(unit="responses/expected", bounds=(0, 1_000), windows=(28,), monotone=+1)
def artist_coec(window: Window) -> Column:
    """Responses over expected responses of the main artist, shrunk to 1 with strength 3."""
    return shrunk(window.sum("responses", "artist"), window.expected("artist"), F.lit(1.0), 3.0)


@feature(unit="share", bounds=(0, 1), windows=(28,), null="the track had no long play in the window")
def track_trend(window: Window) -> Column:
    """The track's long plays of the last 7 days over those of the whole window: .25 if steady over 28 days, larger if rising."""
    return share(window.over(WEEK).sum("long_plays", "track"), window.sum("long_plays", "track"))


@feature(
    unit="0–100",
    bounds=(0, 100),
    monotone=+1,
    null="unknown, or a snapshot of the night is older than the first stored catalog",
)
def catalog_popularity(window: Window) -> Column:
    """The popularity that the catalog gives, from the newest catalog stored by the snapshot's date."""
    return window.col("popularity")


@feature(unit="points", bounds=(-100, 100), null="popularity is unknown now or 28 days before")
def catalog_popularity_trend(window: Window) -> Column:
    """The catalog's popularity at the snapshot minus that of 28 days before; above 0 if it rises."""
    return window.col("popularity") - window.col("popularity_before")


@feature(unit="log1p(days)", bounds=(0, 40), null="no release date, or not yet released")
def age_log1p_days(window: Window) -> Column:
    """ln(1 + days since release)."""
    days = F.datediff(window.col("as_of"), window.col("released_at"))
    return F.when(days >= 0, F.log1p(days.cast("double")))


@feature(unit="year", bounds=(1860, 2100), null="no release date", oracle="exact")
def release_year(window: Window) -> Column:
    """Year of release."""
    return window.col("release_year").cast("double")


@feature(unit="s", bounds=(0, 1e6), null="no duration")
def duration_s(window: Window) -> Column:
    """Length of the track in seconds."""
    return window.col("duration_ms") / 1000.0


@feature(unit="0/1", bounds=(0, 1), null="the catalog does not say", oracle="exact")
def is_explicit(window: Window) -> Column:
    """The lyrics are explicit."""
    return window.col("explicit").cast("double")


@feature(unit="0/1", bounds=(0, 1), oracle="exact")
def is_other_version(window: Window) -> Column:
    """The title names a version other than a remaster, in brackets or after a dash: live, remix, karaoke, demo and so on."""
    return F.exists(window.col("versions"), lambda v: v != "remaster").cast("double")


@feature(unit="kind", bounds=(0, 8), oracle="exact")
def version_kind(window: Window) -> Column:
    """Version that the title names: 0 none, 1 remaster, 2 live, 3 acoustic, 4 demo, 5 remix, 6 instrumental, 7 cover, 8 karaoke.

    The order goes from the version that listeners mean most often to the one they mean least often. If a title names several, the
    largest number counts.
    """
    named = window.col("versions")
    kind = F.lit(0.0)
    for number, version in enumerate(VERSIONS, start=1):
        kind = F.when(F.array_contains(named, version), F.lit(float(number))).otherwise(kind)
    return kind


@feature(unit="words", bounds=(0, 200), oracle="exact")
def title_words_count(window: Window) -> Column:
    """Number of words of the title; a short title like "Play" easily matches by chance, a long one does not."""
    return F.size(window.col("title_tokens")).cast("double")


@feature(unit="artists", bounds=(0, 1_000), oracle="exact")
def artists_count(window: Window) -> Column:
    """Number of artists that the catalog names for the track."""
    return F.size(window.col("artists_normal")).cast("double")


def _audio(name: str, description: str, unit: str, low: float | None, high: float | None) -> Feature:
    """Declare a feature that is one of the catalog's audio measures, with bounds `low` and `high`."""

    def compute(window: Window) -> Column:
        return window.col(name)

    compute.__name__ = compute.__qualname__ = f"audio_{name}"
    compute.__doc__ = f"{description} As given by the catalog."
    return feature(unit=unit, bounds=(low, high), null="the catalog does not say")(compute)


audio_energy = _audio("energy", "How loud, fast and dense it sounds.", "0–1", 0, 1)
audio_valence = _audio("valence", "How cheerful it sounds.", "0–1", 0, 1)
audio_danceability = _audio("danceability", "How well it suits dancing.", "0–1", 0, 1)
audio_tempo = _audio("tempo", "Beats per minute.", "1/min", 0, 400)
audio_acousticness = _audio(
    "acousticness", "How likely it is played on acoustic instruments, without amplification.", "0–1", 0, 1
)
audio_instrumentalness = _audio("instrumentalness", "How likely the track has no vocals.", "0–1", 0, 1)
