"""The need by itself: how often it is asked, how listeners react to its results, what kind of need it is. Grain: need.

These features let the trees treat a volatile broad need and a steady known-item need differently. Without them, windows of
different length made a ranker worse (Walmart, arXiv 2409.17456).
"""

from __future__ import annotations

from pyspark.sql import Column
from pyspark.sql import functions as F

from features.expressions import share, shrunk
from features.measures import WEEK
from features.spec import feature
from features.window import ALL_TIME, Window

GRAIN = "need"


@feature(unit="log1p(impressions)", bounds=(0, 40), windows=(1, 7, 28, 90, 365, ALL_TIME))
def need_impressions_log1p(window: Window) -> Column:
    """ln(1 + impressions of the need), in wordings that were asked in the 90 days before the snapshot (older ones lead to no need)."""
    return F.log1p(window.sum("impressions", "need").cast("double"))


@feature(unit="log1p(needs)", bounds=(0, 40), windows=(28,), null="the need had no impression in the window")
def need_head_rank_log1p(window: Window) -> Column:
    """ln(1 + needs of the same locale or roll-up that had more impressions): 0 is the most shown need, at any traffic."""
    return F.log1p(window.ahead("impressions").cast("double"))


@feature(unit="plays/impression", bounds=(0, 1), windows=(28, 365), null="the need had no impression in the window")
def need_long_play_rate(window: Window) -> Column:
    """Long plays per impression of the need over all tracks, in wordings that were asked in the 90 days before the snapshot."""
    return share(window.sum("long_plays", "need"), window.sum("impressions", "need"))


@feature(unit="share", bounds=(0, 1), windows=(28,), null="the need had no impression in the window")
def need_voice_share(window: Window) -> Column:
    """Share of the need's impressions that sounded on a voice surface."""
    return share(window.sum("voice_impressions", "need"), window.sum("impressions", "need"))


@feature(unit="log1p(plays)", bounds=(0, 40), windows=(28,), half_lives=(14,))
def need_long_plays_log1p(window: Window) -> Column:
    """ln(1 + long plays of the need over all tracks)."""
    return F.log1p(window.sum("long_plays", "need").cast("double"))


@feature(unit="bits", bounds=(0, 40), windows=(28,), null="the need had no long play in the window")
def need_play_entropy(window: Window) -> Column:
    """Entropy of the need's long plays over tracks: how many answers it has; 0 if one track has all. Source: Shannon 1948."""
    return window.entropy("long_plays")


@feature(unit="share", bounds=(0, 1), windows=(28,), null="the need had no long play in the window")
def need_top_track_share(window: Window) -> Column:
    """Share of the need's long plays that its most played track has; near 1 for a navigational need, which names one recording.

    Source: the click distribution of Lee, Liu & Cho 2005, "Automatic identification of user goals in web search".
    """
    return share(window.top("long_plays"), window.sum("long_plays", "need"))


@feature(unit="share", bounds=(0, 1), windows=(28,), null="the need had no long play in the window")
def need_play_shift(window: Window) -> Column:
    """Distance of the need's long plays by track in the last week from the window's: 0 if steady, near 1 if they share little.

    Source: Ružička 1958; see `Window.moved`.
    """
    return window.moved("long_plays")


@feature(unit="log1p(listeners)", bounds=(0, 40), windows=(28, 365, ALL_TIME), oracle="sketch")
def need_listeners_log1p(window: Window) -> Column:
    """ln(1 + distinct accounts that asked the need), to tell a crowd from a household. Source: HyperLogLog, Flajolet 2007.

    Counted are wordings that were asked in the 90 days before the snapshot.
    """
    return F.log1p(window.listeners().cast("double"))


@feature(
    unit="impressions/listener",
    bounds=(0, 1_000_000),
    windows=(28,),
    oracle="sketch",
    null="nobody asked the need in the window",
)
def need_impressions_per_listener(window: Window) -> Column:
    """Impressions of the need per account that asked it; high if few accounts ask again and again."""
    return share(window.sum("impressions", "need"), window.listeners())


@feature(unit="clicks/impression", bounds=(0, 1), windows=(28,), null="the need had no impression in the window")
def need_click_rate(window: Window) -> Column:
    """Clicks per impression of the need over all tracks."""
    return share(window.sum("clicks", "need"), window.sum("impressions", "need"))


@feature(unit="events/impression", bounds=(0, 1), windows=(28,), null="the need had no impression in the window")
def need_short_stop_rate(window: Window) -> Column:
    """Stops and skips within 30 s, or after an unknown time, per impression of the need."""
    return share(window.sum("short_stops", "need"), window.sum("impressions", "need"))


@feature(unit="searches/impression", bounds=(0, 1), windows=(28,), null="the need had no impression in the window")
def need_rephrase_rate(window: Window) -> Column:
    """Share of the need's impressions whose listener asked something else within two minutes: roughly how often it fails."""
    return share(window.sum("rephrases", "need"), window.sum("impressions", "need"))


@feature(unit="responses/expected", bounds=(0, 1_000), windows=(28,))
def need_coec(window: Window) -> Column:
    """Responses over expected responses of the need over all tracks, shrunk to 1 with strength 3; above 1 the need is easy."""
    return shrunk(window.sum("responses", "need"), window.expected("need"), F.lit(1.0), 3.0)


@feature(unit="share", bounds=(0, 1), windows=(28, 365), null="the need had no impression in the window")
def need_impression_trend(window: Window) -> Column:
    """Impressions of the last 7 days over those of the whole window: 7 / (days of the window) if steady, near 1 if new.

    Counted are wordings that were asked in the 90 days before the snapshot.
    """
    return share(window.over(WEEK).sum("impressions", "need"), window.sum("impressions", "need"))


@feature(unit="0/1", bounds=(0, 1), oracle="exact")
def is_constrained(window: Window) -> Column:
    """The need asks for a genre, decade, mood or activity."""
    named = window.col("mood").isNotNull() | window.col("activity").isNotNull()
    return (named | (F.size(window.col("genre")) > 0) | (F.size(window.col("decade")) > 0)).cast("double")


@feature(unit="characters", bounds=(0, 1_000), oracle="exact")
def need_characters_count(window: Window) -> Column:
    """Number of characters of the text of the need; short needs are ambiguous."""
    return F.length(window.col("text")).cast("double")


@feature(unit="0/1", bounds=(0, 1), oracle="exact")
def is_spanish(window: Window) -> Column:
    """The need was asked in Spanish."""
    return (window.col("language") == "es").cast("double")


@feature(unit="words", bounds=(0, 200), oracle="exact")
def need_words_count(window: Window) -> Column:
    """Number of words of the text of the need."""
    return F.size(window.col("need_tokens")).cast("double")


@feature(unit="0/1", bounds=(0, 1), oracle="exact")
def is_known_item(window: Window) -> Column:
    """The need names a title or an album."""
    return (window.col("intent_group") == "known_item").cast("double")


@feature(unit="0/1", bounds=(0, 1), oracle="exact")
def is_artist_need(window: Window) -> Column:
    """The need names an artist."""
    return (window.col("intent_group") == "artist").cast("double")


@feature(unit="0/1", bounds=(0, 1), oracle="exact")
def is_broad_need(window: Window) -> Column:
    """The need asks for a genre, mood, activity, era or playlist."""
    return (window.col("intent_group") == "broad").cast("double")
