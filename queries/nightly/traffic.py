"""Traffic of wordings and of needs: searches and people, in each locale and its roll-ups."""

from __future__ import annotations

from datetime import date

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from lake.places import language_of, places


def with_need(rows: DataFrame, need_of: DataFrame) -> DataFrame:
    """The rows whose wording leads to a need, with `language` and `need`.

    Args:
        rows: rows with locale and query.
        need_of: (language, query, need).
    """
    return rows.withColumn("language", language_of()).join(need_of, ["language", "query"])


def asked_wordings(searches: DataFrame, first: date, k: int) -> DataFrame:
    """One row per (place, query) of `searches`: searches_28d, people_28d, is_public. A place is a locale, a language or `*`.

    People are distinct pseudonyms, counted exactly. Wordings that were asked before `first` only have a row in their language, so
    that their older plays are known by need, and no traffic. Rows of `*` that are not public are left out: nothing reads them.

    Args:
        searches: Rows (search_date, locale, query, user_id) of all days whose plays are to be known by need.
        first: First of the days whose traffic counts.
        k: Fewest people that make a wording public.
    """
    recent = (F.col("search_date") >= F.lit(first)).cast("int")
    per_person = searches.groupBy("locale", "query", "user_id").agg(F.sum(recent).alias("n"))
    per_place = (
        per_person.withColumn("locale", F.explode(places()))
        .groupBy("locale", "query", "user_id")
        .agg(F.sum("n").alias("n"))
    )
    counted = per_place.groupBy("locale", "query").agg(
        F.sum("n").alias("searches_28d"), F.sum((F.col("n") > 0).cast("int")).alias("people_28d")
    )
    counted = counted.withColumn("is_public", F.col("people_28d") >= k)
    is_language = F.length("locale") == 2
    return counted.where(is_language | F.col("is_public") | ((F.col("locale") != "*") & (F.col("searches_28d") > 0)))


def asked_needs(searches: DataFrame, need_of: DataFrame, first: date, k: int) -> DataFrame:
    """One row per (place, need) asked from `first` on: searches_28d, people_28d and is_public, as of `asked_wordings`.

    A person who asks for a need in several wordings counts once.

    Args:
        searches: Rows (search_date, locale, query, user_id).
        need_of: (language, query, need); wordings without a need are left out.
        first: First of the days that count.
        k: Fewest people that make a need warm.
    """
    days = searches.where(F.col("search_date") >= F.lit(first))
    per_person = days.groupBy("locale", "query", "user_id").agg(F.count("*").alias("n"))
    by_need = with_need(per_person, need_of)
    per_place = (
        by_need.groupBy("locale", "need", "user_id")
        .agg(F.sum("n").alias("n"))
        .withColumn("locale", F.explode(places()))
        .groupBy("locale", "need", "user_id")
        .agg(F.sum("n").alias("n"))
    )
    counted = per_place.groupBy("locale", "need").agg(
        F.sum("n").alias("searches_28d"), F.count("*").alias("people_28d")
    )
    return counted.withColumn("is_public", F.col("people_28d") >= k)


def heard_by(plays: DataFrame, need_of: DataFrame) -> DataFrame:
    """One row per (place, need, track): `plays` heard long, saved or liked, and the `listeners` behind them, counted exactly.

    Args:
        plays: `events.engagement.pleased_plays` of the last 28 days.
        need_of: (language, query, need).
    """
    placed = with_need(plays, need_of).withColumn("locale", F.explode(places()))
    per_person = placed.groupBy("locale", "need", "track_id", "user_id").agg(F.count("*").alias("n"))
    return per_person.groupBy("locale", "need", "track_id").agg(
        F.sum("n").alias("plays"), F.count("*").alias("listeners")
    )
