"""Traffic of each query: searches and people, in each locale and its roll-ups."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from lake.places import places
from lake.tables.nightly import QUERIES


def asked_queries(searches: DataFrame, first: date, before: date, k: int) -> DataFrame:
    """One row per (locale or roll-up, query) asked on days [first, before): searches_28d, people_28d, is_public.

    A roll-up is the language (`en`) or `*`. People are distinct pseudonyms, counted exactly. Rows of `*` that are not public are
    left out, because nothing reads them.

    Args:
        searches: Rows of `search_log`.
        first: First day.
        before: The day after the last one.
        k: Fewest people that make a query public.
    """
    days = searches.where((F.col("search_date") >= F.lit(first)) & (F.col("search_date") < F.lit(before)))
    per_person = days.groupBy("locale", "query", "user_id").agg(F.count("*").alias("n"))
    per_place = (
        per_person.withColumn("locale", F.explode(places()))
        .groupBy("locale", "query", "user_id")
        .agg(F.sum("n").alias("n"))
    )
    return (
        per_place.groupBy("locale", "query")
        .agg(F.sum("n").alias("searches_28d"), F.count("*").alias("people_28d"))
        .withColumn("is_public", F.col("people_28d") >= k)
        .where((F.col("locale") != "*") | F.col("is_public"))
    )


def readings_everywhere(asked: DataFrame, read: Callable[[DataFrame], DataFrame]) -> DataFrame:
    """Read each query once per language and join the reading to every locale of that language. Grain: (locale, query), unchanged.

    A reading depends on the language alone, so es-ES, es-MX and es share one.

    Args:
        asked: One row per (locale, query).
        read: Reads distinct (locale, query) whose locale is a language (`queries.nightly.understand.readings`).
    """
    language = F.when(F.col("locale") == "*", F.lit("*")).otherwise(F.substring("locale", 1, 2))
    with_language = asked.select("locale", "query", language.alias("_language"))
    readings = read(with_language.select(F.col("_language").alias("locale"), "query").distinct()).withColumnRenamed(
        "locale", "_language"
    )
    return with_language.join(readings, ["_language", "query"]).drop("_language")


def with_traffic(read: DataFrame, asked: DataFrame, shape: DataFrame, run_date: date) -> DataFrame:
    """Join the `queries` table of a night from readings, traffic and play shape. Grain: one row per (locale, query) of `read`.

    Args:
        read: The readings.
        asked: The traffic, with its tier.
        shape: Entropy and volatility of plays; may lack queries that nobody played.
        run_date: The night.
    """
    joined = read.join(asked, ["locale", "query"]).join(shape, ["locale", "query"], "left")
    joined = joined.withColumn("run_date", F.lit(run_date))
    language = F.when(F.col("locale") == "*", F.lit("*")).otherwise(F.substring("locale", 1, 2))
    return joined.withColumn("language", language).select(*[F.col(c.name).cast(c.type) for c in QUERIES.columns])
