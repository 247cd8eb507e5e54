"""What listeners of like queries played: the nearness of query and track in the vectors of `features.vectors`. Grain: query-track."""

from __future__ import annotations

from typing import TYPE_CHECKING

from features.inputs import Window
from features.spec import feature
from features.vectors import dot

if TYPE_CHECKING:
    from pyspark.sql import Column

GRAIN = "query_track"
NO_VECTOR = "query or track had fewer than two long plays in the 28 days or a vector of zeros, or the row is of all languages together"


@feature(unit="preference", bounds=(-10, 10), monotone=+1, null=NO_VECTOR)
def affinity(window: Window) -> Column:
    """The preference for the track that the query's vector foretells: near 1 where it is played, near 0 where nothing like it is.

    Source: Hu, Koren & Volinsky 2008, "Collaborative filtering for implicit feedback datasets".
    """
    return dot(window.col("query_vector"), window.col("track_vector"))


@feature(unit="cosine", bounds=(-1.000001, 1.000001), monotone=+1, null=NO_VECTOR)
def taste_cosine(window: Window) -> Column:
    """Cosine of the query's and the track's vector: alike in kind, however much either is played."""
    from pyspark.sql import functions as F

    query, track = window.col("query_vector"), window.col("track_vector")
    return F.try_divide(dot(query, track), F.sqrt(dot(query, query) * dot(track, track)))
