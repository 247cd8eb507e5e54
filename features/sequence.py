"""How the track does in a voice queue as the second or a later one: who follows well keeps the music on. Grain: query-track.

On voice the tracks of an answer sound one after another, so a rank beyond the first is a place after another track.
"""

from __future__ import annotations

from pyspark.sql import Column
from pyspark.sql import functions as F

from features.expressions import capped, share, shrunk
from features.spec import feature
from features.window import Window

GRAIN = "query_track"
PRIOR_FOLLOWS = 10.0  # that weigh as much as the level above
EVEN = 0.5  # the rate of a track that never followed another


def _track_rate(window: Window) -> Column:
    return shrunk(
        window.sum("voice_follow_long_plays", "track"), window.sum("voice_follows", "track"), F.lit(EVEN), PRIOR_FOLLOWS
    )


@feature(unit="plays/impression", bounds=(0, 1), windows=(28,), monotone=+1)
def follow_long_play_rate(window: Window) -> Column:
    """Long plays per time it sounded after another track of the queue for this query, shrunk to the track's over all queries by ten times."""
    return shrunk(
        window.sum("voice_follow_long_plays"), window.sum("voice_follows"), _track_rate(window), PRIOR_FOLLOWS
    )


@feature(unit="plays/impression", bounds=(0, 1), windows=(28,), monotone=+1)
def track_follow_long_play_rate(window: Window) -> Column:
    """Long plays per time the track sounded after another one, over all queries of the language, shrunk to one half by ten times."""
    return _track_rate(window)


@feature(
    unit="events/impression",
    bounds=(0, 1),
    windows=(28,),
    null="the track never sounded after another one for the query",
)
def follow_short_stop_rate(window: Window) -> Column:
    """Share of the times it sounded after another track of the queue for this query that it was skipped or stopped within 30 s."""
    return share(window.sum("follow_short_stops"), window.sum("voice_follows"))


@feature(unit="ratio", bounds=(0, 1_000), windows=(28,), null="the track had no long play on voice in the window")
def follow_lift(window: Window) -> Column:
    """The track's rate as a follower over its rate anywhere on voice: above 1 it goes better after another than as the first.

    The first is shrunk to one half by ten times, the second is not: a track that never followed has one half over its rate.
    """
    anywhere = share(window.sum("voice_long_plays", "track"), window.sum("voice_impressions", "track"))
    return capped(F.try_divide(_track_rate(window), anywhere), 1_000.0)
