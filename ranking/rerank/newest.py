"""Re-rank rule: lists of the newest or oldest are ordered by year first, as a listener understands the request."""

from __future__ import annotations

from pyspark.sql import DataFrame, Window
from pyspark.sql import functions as F

from ranking.head import HeadSettings
from ranking.rerank.rule import Rule

YEARS = 2  # of release that count as equally new where no artist is named


def newest(rows: DataFrame, settings: HeadSettings) -> DataFrame:
    """Order lists of the newest (oldest) by release year: an artist's year by year, others by steps of YEARS from the newest of the list.

    Within a step, and for undated tracks at the end, the order is kept.
    """
    of_list = Window.partitionBy("locale", "need")
    age = F.when(F.col("sort_by") == "newest", F.max("release_year").over(of_list) - F.col("release_year")).when(
        F.col("sort_by") == "oldest", F.col("release_year") - F.min("release_year").over(of_list)
    )
    step = F.when(F.col("artist_name").isNotNull(), age).otherwise(F.floor(age / F.lit(YEARS)))
    return (
        rows.withColumn("_step", step)
        .withColumn("new_rank", F.row_number().over(of_list.orderBy(F.col("_step").asc_nulls_last(), "rank")))
        .drop("_step")
    )


RULE = Rule("newest", newest, "lists of the newest or oldest by release year, an artist's year by year")
