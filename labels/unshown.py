"""What was proposed for a named song or artist and never shown teaches too: such a request has few answers, and most tracks are none."""

from __future__ import annotations

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

NAMED = ("known_item", "artist")  # intent groups
PAIR = ["as_of", "locale", "query", "track_id"]
REQUEST = PAIR[:3]


def unshown(pairs: DataFrame, shown: DataFrame, queries: DataFrame, per_query: int) -> DataFrame:
    """(as_of, locale, query, track_id) of `pairs` that are not in `shown`, at most `per_query` of a request and snapshot, by hash.

    `pairs`: what could be shown; `shown`: what was, in the label week. Of requests that name a song or an artist and were shown
    something that week. A broad request has thousands of answers: that it was not shown one of them says nothing.
    Source: missing answers are not missing at random, Steck 2010 (a ranker of shown tracks alone never meets those that the served
    order leaves out, and they are most of what it must rank).
    """
    from pyspark.sql import Window

    named = queries.where(F.col("intent_group").isin(*NAMED)).select("locale", "query")
    left = pairs.select(*PAIR).join(F.broadcast(named), ["locale", "query"], "left_semi")
    left = left.join(shown.select(*REQUEST).distinct(), REQUEST, "left_semi").join(shown, PAIR, "left_anti")
    place = F.row_number().over(Window.partitionBy(*REQUEST).orderBy(F.xxhash64(*PAIR), "track_id"))
    return left.withColumn("_place", place).where(F.col("_place") <= per_query).drop("_place")


def with_unshown(graded: DataFrame, unshown_pairs: DataFrame) -> DataFrame:
    """Judgements of tracks shown, and grade 0 without any exposure for those that were not; `is_shown` tells which."""
    nothing = {c: F.lit(0.0) for c in ("exposure", "successes", "relevance")} | {"grade": F.lit(0)}
    return graded.withColumn("is_shown", F.lit(True)).unionByName(
        unshown_pairs.select(*PAIR).withColumns(nothing | {"is_shown": F.lit(False)})
    )
