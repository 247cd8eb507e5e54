"""What listeners of like queries played: the nearness of query and track in the vectors of `features.build.vectors`. Grain: query-track."""

from __future__ import annotations

from pyspark.sql import Column
from pyspark.sql import functions as F

from features.expressions import dot
from features.spec import feature
from features.window import Window

GRAIN = "query_track"
LEAST_WEIGHT = 0.5  # one play weighs ln 2; below it is the rounding of a sum that holds nothing
NO_VECTOR = "query or track had fewer than two long plays in the 28 days, or the row is of all languages together"
NO_LENGTH = NO_VECTOR + ", or a vector of zeros"


def _near_others(window: Window, mine: str, other: str) -> Column:
    """Mean cosine of `other`'s vector to all that was played with `mine` but `other` itself, each by ln(1 + long plays)."""
    vector = window.col(f"{other}_vector")
    length = F.sqrt(dot(vector, vector))
    own = F.log1p(window.sum("long_plays", "language_pair").cast("double"))
    beside = window.col(f"{mine}_company_weight") - own
    near = F.try_divide(dot(window.col(f"{mine}_company"), vector), length) - own
    return F.when(beside > LEAST_WEIGHT, near / beside)


@feature(
    unit="cosine",
    bounds=(-1.000001, 1.000001),
    windows=(28,),
    monotone=+1,
    null=NO_LENGTH + ", or the query played nothing else",
)
def near_played_tracks(window: Window) -> Column:
    """How near the track is to the other tracks played for the query: their mean cosine, each by ln(1 + long plays).

    Source: Sarwar et al. 2001, "Item-based collaborative filtering recommendation algorithms", over all neighbours instead of the nearest.
    """
    return _near_others(window, "query", "track")


@feature(
    unit="cosine",
    bounds=(-1.000001, 1.000001),
    windows=(28,),
    monotone=+1,
    null=NO_LENGTH + ", or the track was played for nothing else",
)
def near_playing_queries(window: Window) -> Column:
    """How near the query is to the other queries that the track was played for: their mean cosine, each by ln(1 + long plays).

    Source: Herlocker et al. 1999, "An algorithmic framework for performing collaborative filtering", over all neighbours.
    """
    return _near_others(window, "track", "query")


@feature(unit="preference", bounds=(-10, 10), monotone=+1, null=NO_VECTOR)
def affinity(window: Window) -> Column:
    """The preference for the track that the query's vector foretells: near 1 where it is played, near 0 where nothing like it is.

    Source: Hu, Koren & Volinsky 2008, "Collaborative filtering for implicit feedback datasets".
    """
    return dot(window.col("query_vector"), window.col("track_vector"))


@feature(unit="cosine", bounds=(-1.000001, 1.000001), monotone=+1, null=NO_LENGTH)
def taste_cosine(window: Window) -> Column:
    """Cosine of the query's and the track's vector: alike in kind, however much either is played."""
    query, track = window.col("query_vector"), window.col("track_vector")
    return F.try_divide(dot(query, track), F.sqrt(dot(query, query) * dot(track, track)))
