"""Whether the track is rising or falling for this need, and how long ago it was last shown. Grain: need-track.

Windows of different length show a trend only if a feature compares them (Walmart, arXiv 2409.17456).
"""

from __future__ import annotations

from pyspark.sql import Column
from pyspark.sql import functions as F

from features.expressions import capped, share, shrunk
from features.measures import LONGEST_DAYS, WEEK
from features.spec import feature
from features.window import Window

GRAIN = "need_track"
MONTH = 28  # days
PRIOR_IMPRESSIONS = 10.0  # shrinkage strength: impressions that weigh as much as the longer window's rate
PRIOR_LONG_PLAYS = 3.0  # shrinkage strength: long plays that weigh as much as the share shrunk to


@feature(unit="share", bounds=(0, 1), windows=(28, 90), null="the track had no long play for the need in the window")
def long_play_trend(window: Window) -> Column:
    """Long plays of the last 7 days over those of the whole window: 7 / (days of the window) if steady, larger if rising."""
    return share(window.over(WEEK).sum("long_plays"), window.sum("long_plays"))


@feature(unit="share", bounds=(0, 1), windows=(28,), null="the track had no impression for the need in the window")
def impression_trend(window: Window) -> Column:
    """Impressions of the last 7 days over those of the whole window: whether the system shows the track more or less often."""
    return share(window.over(WEEK).sum("impressions"), window.sum("impressions"))


@feature(unit="ratio", bounds=(0, 1_000), windows=(28,), monotone=+1, null="the window had no long play for the need")
def long_play_rate_lift(window: Window) -> Column:
    """Long-play rate of the last 7 days, shrunk to the window's with strength 10, over the window's; 1 is steady."""
    whole = share(window.sum("long_plays"), window.sum("impressions"))
    week = window.over(WEEK)
    recent = shrunk(week.sum("long_plays"), week.sum("impressions"), whole, PRIOR_IMPRESSIONS)
    return capped(F.try_divide(recent, whole), 1_000.0)


@feature(unit="share", bounds=(0, 1), windows=(90,), null="the track had no long play for the need in the window")
def long_play_volatility(window: Window) -> Column:
    """How unevenly long plays are spread over the last week, the three weeks before and the rest of the window; 0 is steady.

    It is the share of long plays that would have to move for all three to have equally many a day. Source: the total variation
    distance, ½ Σ |p − q|.
    """
    days = window.days or LONGEST_DAYS
    upto = [window.over(until).sum("long_plays") for until in (WEEK, MONTH, days)]
    spans = [(upto[0], WEEK), (upto[1] - upto[0], MONTH - WEEK), (upto[2] - upto[1], days - MONTH)]
    away = [F.abs(share(plays, upto[2]) - F.lit(length / days)) for plays, length in spans]
    return (away[0] + away[1] + away[2]) / 2


@feature(unit="share", bounds=(0, 1), windows=(28,))
def long_plays_against_need_trend(window: Window) -> Column:
    """Long plays of the last 7 days over those of the window (`long_play_trend`), shrunk to the same share of the whole need.

    Both shrinkages have strength 3. The value is the steady 7 / (days of the window) if the need itself had no long play.
    """
    days = float(window.days or WEEK)
    need = shrunk(
        window.over(WEEK).sum("long_plays", "need"),
        window.sum("long_plays", "need"),
        F.lit(WEEK / days),
        PRIOR_LONG_PLAYS,
    )
    return shrunk(window.over(WEEK).sum("long_plays"), window.sum("long_plays"), need, PRIOR_LONG_PLAYS)


@feature(unit="days", bounds=(1, 90), windows=(90,), oracle="exact", null="the track had no impression in the window")
def last_seen_days(window: Window) -> Column:
    """Days since the track last had an impression for the need, on a screen or by voice; 1 is the day before the snapshot."""
    return window.newest()
