"""A day's additive partials: what was shown or sounded for each query, and what listeners did with it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from lake.tables import DAILY_ENGAGEMENT, DAILY_SEARCHES, POSITIONS

if TYPE_CHECKING:
    from pyspark.sql import Column, DataFrame

LONG_PLAY_MS = 30_000
COUNT_VERSION = 1  # raise it when the meaning of a count changes: days are then counted again


@dataclass(frozen=True)
class DayCounts:
    """The two tables counted from the same impressions."""

    daily_engagement: DataFrame
    daily_searches: DataFrame


def chains(events: DataFrame) -> DataFrame:
    """One row per (search_id, track_id, position) with a reaction: the events of one chain folded together.

    `dwell_ms` is cumulative in a chain, so its value is the maximum, never the sum (input contract).
    A long play is 30 s heard, or the end reached.
    """
    from pyspark.sql import functions as F

    def has(*kinds: str) -> Column:
        return F.max(F.col("kind").isin(*kinds).cast("int"))

    grouped = events.groupBy("search_id", "track_id", "position").agg(
        has("click").alias("tapped"), has("play").alias("play"), has("complete").alias("complete"),
        has("skip").alias("skip"), has("stop").alias("stop"), has("save", "add").alias("save"),
        has("like").alias("like"), has("dislike").alias("dislike"),
        F.coalesce(F.max("dwell_ms"), F.lit(0)).alias("dwell_ms"),
    )  # fmt: skip
    heard = (F.col("dwell_ms") >= LONG_PLAY_MS) | (F.col("complete") == 1)
    return grouped.withColumn("long_play", heard.cast("int")).withColumn(
        "short_stop", (((F.col("stop") == 1) | (F.col("skip") == 1)) & ~heard).cast("int")
    )


def impressions(searches: DataFrame, chained: DataFrame) -> DataFrame:
    """One row per impression, with what became of it.

    Screens: every entry of `results`. Voice: only what sounded (a chain exists); a queued track that never sounded
    is no impression.
    """
    from pyspark.sql import functions as F

    shown = searches.select("*", F.posexplode("results").alias("_i", "track_id")).withColumn(
        "position", F.col("_i") + 1
    )
    joined = shown.drop("results", "_i").join(chained, ["search_id", "track_id", "position"], "left")
    return joined.where((F.col("surface") == "screen") | F.col("play").isNotNull()).fillna(
        0,
        [
            "tapped",
            "play",
            "complete",
            "skip",
            "stop",
            "save",
            "like",
            "dislike",
            "dwell_ms",
            "long_play",
            "short_stop",
        ],
    )


def counted_days(searches: DataFrame, events: DataFrame) -> DayCounts:
    """The partials of the days in `searches` (people only, with is_rephrased and is_bot); integer sums throughout.

    Grain out: (search_date, locale, query, track_id, client), and (search_date, locale, query, client).
    """
    from pyspark.sql import functions as F

    people = searches.where(~F.col("is_bot"))
    seen = impressions(people, chains(events))
    screen = F.col("surface") == "screen"
    # on a screen a play follows a choice, whether or not the client logged the tap itself
    clicked = (screen & ((F.col("tapped") == 1) | (F.col("play") == 1))).cast("int")
    seen = seen.withColumn("click", clicked)
    cell = F.least(F.col("position"), F.lit(POSITIONS + 1))

    def by_position(value: Column) -> Column:
        return F.array(*[F.sum(F.when(cell == p, value).otherwise(0)) for p in range(1, POSITIONS + 2)])

    one = F.lit(1)
    daily = seen.groupBy("search_date", "locale", "query", "track_id", "client").agg(
        F.count("*").alias("impressions"), F.sum("click").alias("clicks"), F.sum("play").alias("plays"),
        F.sum("long_play").alias("long_plays"), F.sum("complete").alias("completes"), F.sum("skip").alias("skips"),
        F.sum("stop").alias("stops"), F.sum("short_stop").alias("short_stops"), F.sum("save").alias("saves"),
        F.sum("like").alias("likes"), F.sum("dislike").alias("dislikes"),
        F.sum(F.col("is_rephrased").cast("int")).alias("rephrases"), F.sum("dwell_ms").alias("dwell_ms"),
        by_position(one).alias("impressions_by_position"), by_position(F.col("click")).alias("clicks_by_position"),
        by_position(F.col("long_play")).alias("long_plays_by_position"),
    )  # fmt: skip
    pleased = (
        seen.where((F.col("long_play") == 1) | (F.col("save") == 1) | (F.col("like") == 1))
        .select("search_id", F.lit(1).alias("pleased")).distinct()
    )  # fmt: skip
    human = (~F.col("is_bot")).cast("int")
    asked = searches.join(pleased, "search_id", "left").groupBy("search_date", "locale", "query", "client").agg(
        F.sum(human).alias("searches"), F.coalesce(F.sum("pleased"), F.lit(0)).cast("bigint").alias("satisfied"),
        F.sum(F.col("is_rephrased").cast("int") * human).alias("rephrased"),
        F.sum(F.col("is_bot").cast("int")).alias("bot_searches"),
    )  # fmt: skip
    return DayCounts(
        daily.select(*[_as_declared(c.name, c.type) for c in DAILY_ENGAGEMENT.columns]),
        asked.select(*[_as_declared(c.name, c.type) for c in DAILY_SEARCHES.columns]),
    )


def _as_declared(name: str, type_name: str) -> Column:
    from pyspark.sql import functions as F

    return F.col(name).cast(type_name).alias(name)
