"""Sampled negatives: tracks that could have been shown for a request that names a song or an artist, but were not.

Such a request has few right answers, so a track that was not shown is most likely a wrong one, and the ranker learns it as
grade 0.
"""

from __future__ import annotations

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from lake.columns import NAMED_GROUPS

PAIR = ["as_of", "locale", "need", "track_id"]
REQUEST = PAIR[:3]


def sampled_negatives(pairs: DataFrame, shown: DataFrame, needs: DataFrame, per_need: int) -> DataFrame:
    """One row per sampled negative: (as_of, locale, need, track_id) of `pairs` that is not in `shown`.

    Only requests that name a song or an artist, and for which something was shown in the label week, have negatives. A broad
    request has thousands of right answers, so that one of them was not shown says nothing about it.
    Source: missing answers are not missing at random, Steck 2010. A ranker trained on shown tracks alone never sees the tracks
    that the served order leaves out, and they are most of what it must rank.

    Args:
        pairs: (as_of, locale, need, track_id) that could have been shown.
        shown: (as_of, locale, need, track_id) that were shown in the label week.
        needs: locale, need and intent_group of each need.
        per_need: The most negatives of one need and snapshot; those with the smallest hashes are taken.
    """
    from pyspark.sql import Window

    named = needs.where(F.col("intent_group").isin(*NAMED_GROUPS)).select("locale", "need")
    negatives = pairs.select(*PAIR).join(F.broadcast(named), ["locale", "need"], "left_semi")
    negatives = negatives.join(shown.select(*REQUEST).distinct(), REQUEST, "left_semi").join(shown, PAIR, "left_anti")
    place = F.row_number().over(Window.partitionBy(*REQUEST).orderBy(F.xxhash64(*PAIR), "track_id"))
    return negatives.withColumn("_place", place).where(F.col("_place") <= per_need).drop("_place")


def with_negatives(graded: DataFrame, negatives: DataFrame) -> DataFrame:
    """The judgements of shown tracks, and the negatives with grade 0 and no exposure; `is_shown` tells them apart."""
    zeros = {c: F.lit(0.0) for c in ("exposure", "successes", "relevance")} | {"grade": F.lit(0)}
    return graded.withColumn("is_shown", F.lit(True)).unionByName(
        negatives.select(*PAIR).withColumns(zeros | {"is_shown": F.lit(False)})
    )
