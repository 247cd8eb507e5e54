"""Mines pairs of wordings that ask for the same from the logs: asked again after a failure and then played, or played alike.

Sources: query reformulations in sessions (Jones et al. 2006; for voice Ponnusamy et al. 2020), kept if the second wording led to
a play; similarity of plays as cosine over the query-track graph (Craswell & Szummer 2007), where each play is weighted by
1 / probability that its position was examined.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from queries.text.phonetic import sounds_like

if TYPE_CHECKING:
    import pandas as pd

REPHRASE_S = 120
_TRACKS_OF_A_QUERY = 20
_QUERIES_OF_A_TRACK = 50
_MAX_WEIGHT = 10.0
PAIRS_SCHEMA = (
    "language string, query string, other string, evidence string, people bigint, strength double, is_served boolean"
)


@dataclass(frozen=True)
class AliasRules:
    """Thresholds of an alias pair.

    Attributes:
        min_people: Fewest people who went from one wording to the other, and fewest people who played a query.
        min_share: Lowest share of these people among those whose first wording failed and who asked again.
        min_overlap: Lowest cosine between the plays of two queries.
        min_likeness: Lowest edit similarity of their stripped forms (0 to 100); forms that sound the same pass too.
    """

    min_people: int = 3
    min_share: float = 0.2
    min_overlap: float = 0.5
    min_likeness: float = 75.0


def asked_again(searches: DataFrame, pleased: DataFrame, previous: DataFrame | None, rules: AliasRules) -> DataFrame:
    """One row per (language, query, other): people whose `query` failed and who within two minutes asked `other` and played.

    A pair is `is_served` if both wordings were in one cluster the night before and our releases answered the first search of each
    of these steps: it may be our own rewrite, so it is shown, but nothing is learned from it again.

    Args:
        searches: Rows (search_id, user_id, ts, locale, query, release_id).
        pleased: Rows (search_id) of searches that led to a long play, save or like.
        previous: Rows (language, query, cluster_id) of the night before, or None.
        rules: The thresholds.
    """
    from pyspark.sql import Window

    language = F.substring("locale", 1, 2)
    successes = pleased.select("search_id", F.lit(True).alias("is_pleased")).distinct()
    outcomes = searches.join(successes, "search_id", "left").select(
        "user_id",
        "ts",
        "search_id",
        language.alias("language"),
        "query",
        F.coalesce("is_pleased", F.lit(False)).alias("is_pleased"),
        F.col("release_id").isNotNull().alias("is_ours"),
    )
    order = Window.partitionBy("user_id", "language").orderBy("ts", "search_id")
    follows = F.unix_seconds(F.lead("ts").over(order)) - F.unix_seconds("ts")
    steps = outcomes.select(
        "language",
        "query",
        "user_id",
        "is_pleased",
        "is_ours",
        F.lead("query").over(order).alias("other"),
        F.lead("is_pleased").over(order).alias("then_pleased"),
        follows.alias("gap_s"),
    )
    failed = steps.where((F.col("gap_s") < REPHRASE_S) & ~F.col("is_pleased") & (F.col("query") != F.col("other")))
    tried = failed.groupBy("language", "query").agg(F.count_distinct("user_id").alias("tried"))
    pairs = (
        failed.where("then_pleased")
        .groupBy("language", "query", "other")
        .agg(F.count_distinct("user_id").alias("people"), F.bool_and("is_ours").alias("is_ours"))
    )
    pairs = pairs.where(F.col("people") >= rules.min_people).join(tried, ["language", "query"])
    share = F.col("people") / F.col("tried")
    pairs = pairs.where(share >= rules.min_share).withColumn("strength", F.round(share, 9))
    served = F.lit(False)
    if previous is not None:
        one = previous.select("language", "query", F.col("cluster_id").alias("_c"))
        two = previous.select("language", F.col("query").alias("other"), F.col("cluster_id").alias("_d"))
        pairs = pairs.join(one, ["language", "query"], "left").join(two, ["language", "other"], "left")
        served = F.coalesce(F.col("is_ours") & (F.col("_c") == F.col("_d")), F.lit(False))
    return pairs.select(
        "language",
        "query",
        "other",
        F.lit("asked_again").alias("evidence"),
        "people",
        "strength",
        served.alias("is_served"),
    )


def played_alike(plays: DataFrame, readings: DataFrame, rules: AliasRules) -> DataFrame:
    """One row per (language, query, other), query < other: known-item and artist queries whose debiased plays overlap.

    A query needs `min_people` people and a (query, track) two. To limit the join, only the 20 heaviest tracks of a query and the
    50 heaviest queries of a track are used.

    Args:
        plays: Long plays as (locale, query, user_id, track_id, position).
        readings: One row per (language of the locale, query) with stripped and intent_group.
        rules: The thresholds.
    """
    from pyspark.sql import Window

    # examination probability 1 / position (Joachims et al. 2017, eta = 1): exposure curves are fitted later in the night
    weight = F.least(F.col("position").cast("double"), F.lit(_MAX_WEIGHT))
    narrow = readings.where(F.col("intent_group").isin("known_item", "artist")).select("language", "query", "stripped")
    named_plays = plays.withColumn("language", F.substring("locale", 1, 2)).join(narrow, ["language", "query"])
    people_per_query = named_plays.groupBy("language", "query").agg(F.count_distinct("user_id").alias("people"))
    edges = named_plays.groupBy("language", "query", "stripped", "track_id").agg(
        F.sum(weight).alias("w"), F.count_distinct("user_id").alias("listeners")
    )
    edges = edges.join(people_per_query.where(F.col("people") >= rules.min_people), ["language", "query"]).where(
        "listeners >= 2"
    )
    of_query = Window.partitionBy("language", "query")
    heaviest = Window.partitionBy("language", "query").orderBy(F.desc("w"), "track_id")
    edges = edges.withColumn("_n", F.row_number().over(heaviest)).where(F.col("_n") <= _TRACKS_OF_A_QUERY)
    edges = edges.withColumn("u", F.col("w") / F.sqrt(F.sum(F.col("w") * F.col("w")).over(of_query)))
    of_track = Window.partitionBy("language", "track_id").orderBy(F.desc("w"), "query")
    edges = edges.withColumn("_n", F.row_number().over(of_track)).where(F.col("_n") <= _QUERIES_OF_A_TRACK)
    left = edges.select("language", "track_id", "query", "stripped", "people", "u")
    right = edges.select(
        "language",
        "track_id",
        F.col("query").alias("other"),
        F.col("stripped").alias("other_stripped"),
        F.col("people").alias("other_people"),
        F.col("u").alias("v"),
    )
    pairs = left.join(right, ["language", "track_id"]).where(F.col("query") < F.col("other"))
    both = ["language", "query", "other", "stripped", "other_stripped"]
    pairs = pairs.groupBy(*both).agg(
        F.round(F.sum(F.col("u") * F.col("v")), 9).alias("strength"),
        F.min(F.least("people", "other_people")).alias("people"),
    )
    aliases = pairs.where(F.col("strength") >= rules.min_overlap).mapInPandas(_alike(rules.min_likeness), PAIRS_SCHEMA)
    return aliases


def _alike(min_likeness: float) -> Callable[[Iterable[pd.DataFrame]], Iterator[pd.DataFrame]]:
    def only(batches: Iterable[pd.DataFrame]) -> Iterator[pd.DataFrame]:
        from rapidfuzz import fuzz

        for batch in batches:
            texts = zip(batch["language"], batch["stripped"], batch["other_stripped"], strict=True)
            kept = batch[
                [
                    fuzz.ratio(one, other) >= min_likeness or sounds_like(one, lang) == sounds_like(other, lang)
                    for lang, one, other in texts
                ]
            ]
            yield kept.assign(evidence="played_alike", is_served=False)[
                ["language", "query", "other", "evidence", "people", "strength", "is_served"]
            ]

    return only
