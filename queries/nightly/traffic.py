"""How much each query is asked, by how many people, in each locale and its roll-ups."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from lake.places import places
from lake.tables.nightly import QUERIES


def asked_queries(searches: DataFrame, first: date, before: date, k: int) -> DataFrame:
    """One row per (locale or roll-up, query) asked on days [first, before): searches_28d, people_28d, is_public.

    `searches`: search_log. A roll-up is the language (`en`) or `*`. People are distinct pseudonyms, counted exactly;
    `is_public` means at least `k` of them. Rows of `*` that are not public are left out: nothing would read them.
    """
    days = searches.where((F.col("search_date") >= F.lit(first)) & (F.col("search_date") < F.lit(before)))
    per_person = days.groupBy("locale", "query", "user_id").agg(F.count("*").alias("n"))
    spread = (
        per_person.withColumn("locale", F.explode(places()))
        .groupBy("locale", "query", "user_id")
        .agg(F.sum("n").alias("n"))
    )
    return (
        spread.groupBy("locale", "query")
        .agg(F.sum("n").alias("searches_28d"), F.count("*").alias("people_28d"))
        .withColumn("is_public", F.col("people_28d") >= k)
        .where((F.col("locale") != "*") | F.col("is_public"))
    )


def readings_everywhere(asked: DataFrame, read: Callable[[DataFrame], DataFrame]) -> DataFrame:
    """Read each query once a language and hand the reading to every locale of it. Grain: (locale, query), as in.

    `read` takes distinct (locale = language, query) and gives their readings (`queries.nightly.understand.readings`): a reading
    depends on the language alone, so es-ES, es-MX and es share one.
    """
    language = F.when(F.col("locale") == "*", F.lit("*")).otherwise(F.substring("locale", 1, 2))
    placed = asked.select("locale", "query", language.alias("_language"))
    once = read(placed.select(F.col("_language").alias("locale"), "query").distinct()).withColumnRenamed(
        "locale", "_language"
    )
    return placed.join(once, ["_language", "query"]).drop("_language")


def with_traffic(read: DataFrame, asked: DataFrame, shape: DataFrame, run_date: date) -> DataFrame:
    """The `queries` table of a night: readings, traffic (`asked`, with its tier) and play shape side by side.

    Grain: (locale, query), as `read`; `shape` may lack queries nobody played.
    """
    joined = read.join(asked, ["locale", "query"]).join(shape, ["locale", "query"], "left")
    joined = joined.withColumn("run_date", F.lit(run_date))
    language = F.when(F.col("locale") == "*", F.lit("*")).otherwise(F.substring("locale", 1, 2))
    return joined.withColumn("language", language).select(*[F.col(c.name).cast(c.type) for c in QUERIES.columns])
