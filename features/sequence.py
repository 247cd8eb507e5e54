"""How well the track does in a voice queue at rank 2 or later, where it keeps a listener playing. Grain: need-track.

On voice the tracks of an answer sound one after another, so a track at rank 2 or later follows another track.
"""

from __future__ import annotations

from pyspark.sql import Column
from pyspark.sql import functions as F

from features.expressions import capped, share, shrunk
from features.spec import feature
from features.window import Window

GRAIN = "need_track"
PRIOR_FOLLOWS = 10.0  # shrinkage strength: impressions at rank 2 or later that weigh as much as the rate shrunk to
EVEN = 0.5  # the rate assumed for a track that never followed another one


def _track_rate(window: Window) -> Column:
    return shrunk(
        window.sum("voice_follow_long_plays", "track"), window.sum("voice_follows", "track"), F.lit(EVEN), PRIOR_FOLLOWS
    )


@feature(unit="plays/impression", bounds=(0, 1), windows=(28,), monotone=+1)
def follow_long_play_rate(window: Window) -> Column:
    """Long plays per impression at rank 2 or later of a voice queue for this need, shrunk to the track's rate with strength 10.

    The track's rate is `track_follow_long_play_rate`.
    """
    return shrunk(
        window.sum("voice_follow_long_plays"), window.sum("voice_follows"), _track_rate(window), PRIOR_FOLLOWS
    )


@feature(unit="plays/impression", bounds=(0, 1), windows=(28,), monotone=+1)
def track_follow_long_play_rate(window: Window) -> Column:
    """Long plays per impression of the track at rank 2 or later of voice queues of the language, shrunk to ½ with strength 10."""
    return _track_rate(window)


@feature(
    unit="events/impression",
    bounds=(0, 1),
    windows=(28,),
    null="the track never sounded after another one for the need",
)
def follow_short_stop_rate(window: Window) -> Column:
    """Share of impressions at rank 2 or later of a voice queue for this need that were skipped or stopped within 30 s."""
    return share(window.sum("follow_short_stops"), window.sum("voice_follows"))


@feature(unit="ratio", bounds=(0, 1_000), windows=(28,), null="the track had no long play on voice in the window")
def follow_lift(window: Window) -> Column:
    """The track's long-play rate at rank 2 or later of voice queues over its rate at all ranks; above 1 if it does better there.

    The numerator is shrunk to ½ with strength 10 (`track_follow_long_play_rate`), the denominator is not: a track that never
    followed another one has ½ over its rate.
    """
    anywhere = share(window.sum("voice_long_plays", "track"), window.sum("voice_impressions", "track"))
    return capped(F.try_divide(_track_rate(window), anywhere), 1_000.0)
