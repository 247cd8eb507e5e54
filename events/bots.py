"""Who is no listener: a verdict per (user, day) from that user's trailing seven days, by three documented rules."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

TRAILING_DAYS = 7


@dataclass(frozen=True)
class BotRules:
    """Thresholds of the rules; all counts are per user.

    scraper: more than `max_searches_per_hour` searches in one clock hour: no voice or hand does that.
    replay: at least `min_replays` searches in the trailing week, of which one (query, client) has the share
    `max_one_query_share` or more.
    farm: at least `min_farm_reactions` searches with a reaction in the trailing week, over at least
    `min_farm_queries` different queries, and the share of `max_one_artist_share` or more of them on one artist.
    A household speaker asks much, but many things, of many artists, and sleeps: none of the rules meets it.
    """

    max_searches_per_hour: int = 30
    min_replays: int = 30
    max_one_query_share: float = 0.8
    min_farm_reactions: int = 6
    min_farm_queries: int = 3
    max_one_artist_share: float = 0.9


def bot_days(searches: DataFrame, reactions: DataFrame, rules: BotRules) -> DataFrame:
    """One row per (user_id, search_date) that is no listener's, with the first `rule` it breaks.

    `searches`: search_id, user_id, ts, client, query, search_date; `reactions`: search_id, artist (one row per search and
    main artist of a track reacted to). A day's verdict looks back over `TRAILING_DAYS` days up to and with that day,
    never ahead, so it is final with the day.
    """
    from pyspark.sql import functions as F

    hourly = searches.groupBy("user_id", "search_date", F.date_trunc("hour", "ts").alias("hour")).count()
    fast = hourly.groupBy("user_id", "search_date").agg(F.max("count").alias("busiest_hour"))
    asked = searches.groupBy("user_id", "search_date", F.concat_ws("|", "client", "query").alias("item")).agg(
        F.count("*").alias("n")
    )
    replay = _most_of_trailing(asked, "replay")
    reacted = (
        searches.join(reactions, "search_id")
        .groupBy("user_id", "search_date", F.col("artist").alias("item"))
        .agg(F.count_distinct("search_id").alias("n"))
    )
    farm = _most_of_trailing(reacted, "farm")
    variety = _trailing(
        searches.join(reactions.select("search_id").distinct(), "search_id").select("user_id", "search_date", "query"),
        "query",
    )
    variety = variety.groupBy("user_id", "search_date").agg(F.count_distinct("query").alias("farm_queries"))
    keys = ["user_id", "search_date"]
    judged = fast.join(replay, keys, "left").join(farm, keys, "left").join(variety, keys, "left")
    rule = (
        F.when(F.col("busiest_hour") > rules.max_searches_per_hour, F.lit("scraper"))
        .when(
            (F.col("replay_n") >= rules.min_replays) & (F.col("replay_share") >= rules.max_one_query_share),
            F.lit("replay"),
        )
        .when(
            (F.col("farm_n") >= rules.min_farm_reactions)
            & (F.col("farm_queries") >= rules.min_farm_queries)
            & (F.col("farm_share") >= rules.max_one_artist_share),
            F.lit("farm"),
        )
    )
    return judged.withColumn("rule", rule).where(F.col("rule").isNotNull()).select(*keys, "rule")


def _trailing(frame: DataFrame, *items: str) -> DataFrame:
    """Each row of day d again on d+1 … d+6: a group by day then sees its trailing week."""
    from pyspark.sql import functions as F

    shifted = F.explode(F.sequence(F.lit(0), F.lit(TRAILING_DAYS - 1)))
    return frame.select("user_id", "search_date", *items, shifted.alias("_shift")).select(
        "user_id", F.expr("date_add(search_date, _shift)").alias("search_date"), *items
    )


def _most_of_trailing(counted: DataFrame, name: str) -> DataFrame:
    """Per user and day: reactions of the trailing week (`<name>_n`) and the commonest item's share of them."""
    from pyspark.sql import functions as F

    weekly = _trailing(counted, "item", "n").groupBy("user_id", "search_date", "item").agg(F.sum("n").alias("n"))
    return weekly.groupBy("user_id", "search_date").agg(
        F.sum("n").alias(f"{name}_n"), (F.max("n") / F.sum("n")).alias(f"{name}_share")
    )
