"""Collaborative filtering: nearness of need and track in the vectors of `features.build.vectors`. Grain: need-track."""

from __future__ import annotations

from pyspark.sql import Column
from pyspark.sql import functions as F

from features.expressions import dot
from features.spec import feature
from features.window import Window

GRAIN = "need_track"
LEAST_WEIGHT = 0.5  # one play weighs ln 2; a smaller weight is the rounding error of an empty sum
NO_VECTOR = (
    "need or track had fewer than two long plays in the 28 days, or none with a track or need that had two itself"
)
NO_LENGTH = NO_VECTOR + ", or a vector is all zeros"
NO_CONTEXT = (
    NO_LENGTH + ", or the row is of one language and the need names something, whose vector is of all languages"
)


def _near_others(window: Window, mine: str, other: str) -> Column:
    """Mean cosine of `other`'s vector to everything played with `mine` except `other` itself, weighted by ln(1 + long plays)."""
    vector = window.col(f"{other}_vector")
    length = F.sqrt(dot(vector, vector))
    own = F.log1p(window.sum("long_plays", "language_pair").cast("double"))
    weight = window.col(f"{mine}_company_weight") - own
    total = F.try_divide(dot(window.col(f"{mine}_company"), vector), length) - own
    return F.when(weight > LEAST_WEIGHT, total / weight)


@feature(
    unit="cosine",
    bounds=(-1.000001, 1.000001),
    windows=(28,),
    monotone=+1,
    null=NO_CONTEXT + ", or the need played nothing else",
)
def near_played_tracks(window: Window) -> Column:
    """Mean cosine of the track's vector to those of the other tracks played for the need, weighted by ln(1 + long plays).

    Source: Sarwar et al. 2001, "Item-based collaborative filtering recommendation algorithms", over all neighbours instead of the
    nearest ones.
    """
    return _near_others(window, "need", "track")


@feature(
    unit="cosine",
    bounds=(-1.000001, 1.000001),
    windows=(28,),
    monotone=+1,
    null=NO_CONTEXT + ", or the track was played for nothing else",
)
def near_playing_needs(window: Window) -> Column:
    """Mean cosine of the need's vector to those of other needs that the track was played for, weighted by ln(1 + long plays).

    Source: Herlocker et al. 1999, "An algorithmic framework for performing collaborative filtering", over all neighbours.
    """
    return _near_others(window, "track", "need")


@feature(unit="preference", bounds=(-10, 10), monotone=+1, null=NO_VECTOR)
def affinity(window: Window) -> Column:
    """Preference for the track that both vectors predict: near 1 if it is played for the need, near 0 if nothing like it is.

    Source: Hu, Koren & Volinsky 2008, "Collaborative filtering for implicit feedback datasets".
    """
    return dot(window.col("need_vector"), window.col("track_vector"))


@feature(unit="cosine", bounds=(-1.000001, 1.000001), monotone=+1, null=NO_LENGTH)
def taste_cosine(window: Window) -> Column:
    """Cosine of the need's and the track's vector: similarity of taste, whatever the number of plays of either."""
    need, track = window.col("need_vector"), window.col("track_vector")
    return F.try_divide(dot(need, track), F.sqrt(dot(need, need) * dot(track, track)))
