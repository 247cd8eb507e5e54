"""What listeners did with the track for this need, per impression. Grain: need-track."""

from __future__ import annotations

from pyspark.sql import Column
from pyspark.sql import functions as F

from features.expressions import share
from features.spec import feature
from features.window import Window

GRAIN = "need_track"
NO_IMPRESSION = "the track had no impression for the need in the window"


@feature(unit="log1p(impressions)", bounds=(0, 40), windows=(1, 7, 28, 90))
def impressions_log1p(window: Window) -> Column:
    """ln(1 + impressions of the track for this need): the exposure behind every rate."""
    return F.log1p(window.sum("impressions").cast("double"))


@feature(unit="clicks/impression", bounds=(0, 1), windows=(7, 28, 90), null=NO_IMPRESSION)
def click_rate(window: Window) -> Column:
    """Share of the track's impressions for this need that were clicked; impressions on voice count, but cannot be clicked."""
    return share(window.sum("clicks"), window.sum("impressions"))


@feature(
    unit="plays/impression",
    bounds=(0, 1),
    windows=(1, 7, 28, 90),
    half_lives=(3, 14, 60),
    monotone=+1,
    null=NO_IMPRESSION,
)
def long_play_rate(window: Window) -> Column:
    """Share of impressions heard for 30 s (a stream, by the industry's count) or to the end; the positive signal on voice."""
    return share(window.sum("long_plays"), window.sum("impressions"))


@feature(unit="plays/impression", bounds=(0, 1), windows=(28,), null=NO_IMPRESSION)
def complete_rate(window: Window) -> Column:
    """Share of impressions heard to the end."""
    return share(window.sum("completes"), window.sum("impressions"))


@feature(unit="events/impression", bounds=(0, 1), windows=(7, 28), null=NO_IMPRESSION)
def short_stop_rate(window: Window) -> Column:
    """Share of impressions stopped or skipped within 30 s, or after an unknown time: the negative signal on voice."""
    return share(window.sum("short_stops"), window.sum("impressions"))


@feature(unit="events/impression", bounds=(0, 1), windows=(28,), null=NO_IMPRESSION)
def skip_rate(window: Window) -> Column:
    """Share of impressions that were skipped, at any time."""
    return share(window.sum("skips"), window.sum("impressions"))


@feature(unit="events/impression", bounds=(0, 1), windows=(28,), null=NO_IMPRESSION)
def stop_rate(window: Window) -> Column:
    """Share of impressions after which the listener stopped."""
    return share(window.sum("stops"), window.sum("impressions"))


@feature(unit="events/impression", bounds=(0, 1), windows=(28,), null=NO_IMPRESSION)
def like_rate(window: Window) -> Column:
    """Share of impressions that were liked."""
    return share(window.sum("likes"), window.sum("impressions"))


@feature(unit="events/impression", bounds=(0, 1), windows=(28,), null=NO_IMPRESSION)
def save_rate(window: Window) -> Column:
    """Share of impressions that were saved or added to a list."""
    return share(F.least(window.sum("saves"), window.sum("impressions")), window.sum("impressions"))


@feature(unit="searches/impression", bounds=(0, 1), windows=(28,), null=NO_IMPRESSION)
def rephrase_rate(window: Window) -> Column:
    """Share of impressions whose listener asked something else within two minutes, mostly the same request in other words."""
    return share(window.sum("rephrases"), window.sum("impressions"))


@feature(unit="s/play", bounds=(0, 86_400), windows=(28,), null="no play for the need has a known listening time")
def dwell_per_play_s(window: Window) -> Column:
    """Mean listening time, in seconds, of the plays with a known one; a play counts as one day at most."""
    return share(window.sum("dwell_ms"), window.timed_plays() * 1000)


@feature(unit="s", bounds=(0, 3_600), windows=(28,), null="no play for the need has a known listening time")
def dwell_p50_s(window: Window) -> Column:
    """Median listening time of the plays with a known one, as the centre of a bin (between a second and an hour off by at
    most 1.15 times).

    Unlike the mean, it is hardly changed by a single very long play.
    """
    return window.dwell_quantile(50)


@feature(unit="s", bounds=(0, 3_600), windows=(28,), null="no play for the need has a known listening time")
def dwell_p90_s(window: Window) -> Column:
    """90th percentile of the listening time of the plays with a known one, as the centre of a bin (between a second and an hour off
    by at most 1.15 times).
    """
    return window.dwell_quantile(90)


@feature(unit="log1p(plays)", bounds=(0, 40), half_lives=(14,), monotone=+1)
def long_plays_log1p(window: Window) -> Column:
    """ln(1 + long plays), where a day's plays lose half their weight in 14 days. Source: forward decay, Cormode et al. 2009."""
    return F.log1p(window.sum("long_plays").cast("double"))


@feature(unit="share", bounds=(0, 1), windows=(28,), null=NO_IMPRESSION)
def voice_impression_share(window: Window) -> Column:
    """Share of the pair's impressions on a voice surface: whether its voice rate or its screen rate is the more relevant."""
    return share(window.sum("voice_impressions"), window.sum("impressions"))


@feature(
    unit="plays/impression",
    bounds=(0, 1),
    windows=(28,),
    monotone=+1,
    null="no version of the work had an impression for the need",
)
def work_pair_long_play_rate(window: Window) -> Column:
    """Long plays per impression of all versions of the track's work for this need; a remaster keeps the work's history."""
    return share(window.sum("long_plays", "work_pair"), window.sum("impressions", "work_pair"))


@feature(unit="share", bounds=(0, 1), windows=(28,), monotone=+1, null="the need had no long play")
def play_share(window: Window) -> Column:
    """Share of the need's long plays that went to this track; near 1 for a need that names one recording."""
    return share(window.sum("long_plays"), window.sum("long_plays", "need"))


@feature(
    unit="plays/impression",
    bounds=(0, 1),
    windows=(28,),
    monotone=+1,
    null="the broader need had no impression of the track",
)
def broader_long_play_rate(window: Window) -> Column:
    """Long plays per impression of the track over all needs with the same broader need."""
    return share(window.sum("long_plays", "broader_pair"), window.sum("impressions", "broader_pair"))


@feature(
    unit="plays/impression",
    bounds=(0, 1),
    windows=(28,),
    null="the track never sounded on voice for the need in the window",
)
def voice_long_play_rate(window: Window) -> Column:
    """Share of the track's impressions on voice that were heard for 30 s or to the end."""
    return share(window.sum("voice_long_plays"), window.sum("voice_impressions"))


@feature(
    unit="clicks/impression",
    bounds=(0, 1),
    windows=(28,),
    null="the track was never shown on a screen for the need in the window",
)
def screen_click_rate(window: Window) -> Column:
    """Share of the track's impressions on screens that were clicked."""
    return share(window.sum("clicks"), window.sum("impressions") - window.sum("voice_impressions"))


@feature(
    unit="plays/impression",
    bounds=(0, 1),
    windows=(28,),
    null="the track had no impression for the need in the language",
)
def language_long_play_rate(window: Window) -> Column:
    """Long plays per impression of the pair over all locales of its language, to compare the locale's own rate with."""
    return share(window.sum("long_plays", "language_pair"), window.sum("impressions", "language_pair"))


@feature(unit="share", bounds=(0, 1), windows=(28,), null="the track had no long play for the need in the language")
def locale_play_share(window: Window) -> Column:
    """The locale's share of the pair's long plays in its language: whether the taste is of one country or of all."""
    return share(window.sum("long_plays"), window.sum("long_plays", "language_pair"))
