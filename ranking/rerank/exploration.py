"""Re-rank rule: some lists swap two neighbours, so that the logs show what another order would have done."""

from __future__ import annotations

from datetime import date

from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F

from ranking.head import HeadSettings
from ranking.rerank.rule import Rule


def exploration(rows: DataFrame, settings: HeadSettings, run_date: date) -> DataFrame:
    """Swap one of ranks 2–4 with the rank below in `explore_share` of the lists.

    A hash of (run_date, locale, need) decides which lists and which rank. `propensity` is the probability of the resulting list.
    """
    size = F.count("*").over(Window.partitionBy("locale", "need"))
    choices = F.least(F.lit(3), size - 2)  # ranks 2, 3 or 4 with the one below
    draw: Column = F.pmod(F.xxhash64(F.lit(str(run_date)), "locale", "need"), F.lit(1_000_003))
    explores = (draw < F.lit(int(settings.explore_share * 1_000_003))) & (choices >= 1)
    swapped = F.lit(2) + F.pmod(F.xxhash64("need", "locale", F.lit(str(run_date))), F.greatest(choices, F.lit(1)))
    new_rank = (
        F.when(explores & (F.col("rank") == swapped), F.col("rank") + 1)
        .when(explores & (F.col("rank") == swapped + 1), F.col("rank") - 1)
        .otherwise(F.col("rank"))
    )
    share = F.lit(settings.explore_share)
    propensity = (
        F.when(explores, share / F.greatest(choices, F.lit(1)))
        .when(choices >= 1, F.lit(1.0) - share)
        .otherwise(F.lit(1.0))
    )
    return rows.withColumn("new_rank", new_rank).withColumn("propensity", F.round(propensity, 9))


RULE = Rule("exploration", exploration, "some lists swap one of ranks 2 to 4 with the rank below")
