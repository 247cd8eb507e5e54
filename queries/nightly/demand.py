"""Demand for a need: head, torso or tail of the traffic, and how concentrated and how stable its plays are."""

from __future__ import annotations

from datetime import date, timedelta

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from lake.places import places

HEAD_SHARE, TORSO_SHARE = 0.5, 0.9
STAY_SHARE = 0.05  # hysteresis: a need leaves its tier only if it falls this far beyond the bound
MIN_PLAYS = 10
RECENT_DAYS = 7


def with_tier(traffic: DataFrame, previous: DataFrame | None) -> DataFrame:
    """Add `traffic_tier` to one row per (locale, need) with `searches_28d`. Grain: as in.

    In each locale needs are ranked by searches (ties by key). The head has the first HEAD_SHARE of the searches, the torso those up
    to TORSO_SHARE, the tail the rest; all are tail where nobody searched. A need that was in a better tier the night before keeps it
    until it falls STAY_SHARE behind the bound, so that tiers do not change from night to night by chance.

    Args:
        traffic: One row per (locale, need) with `searches_28d`.
        previous: Rows (locale, need, traffic_tier) of the night before, or None.
    """
    from pyspark.sql import Window

    place = Window.partitionBy("locale")
    ranked = place.orderBy(F.desc("searches_28d"), "need").rowsBetween(Window.unboundedPreceding, -1)
    total = F.sum("searches_28d").over(place)
    ahead = F.try_divide(F.coalesce(F.sum("searches_28d").over(ranked), F.lit(0)), total)
    frame = traffic.withColumn("_ahead", F.coalesce(ahead, F.lit(1.0)))
    if previous is None:
        frame = frame.withColumn("_was", F.lit(None).cast("string"))
    else:
        was = previous.select("locale", "need", F.col("traffic_tier").alias("_was"))
        frame = frame.join(was, ["locale", "need"], "left")

    def within(share: float, *tiers: str) -> Column:
        stays = F.coalesce(F.col("_was").isin(*tiers), F.lit(False))
        return F.col("_ahead") < F.when(stays, F.lit(share + STAY_SHARE)).otherwise(F.lit(share))

    tier = F.when(within(HEAD_SHARE, "head"), "head").when(within(TORSO_SHARE, "head", "torso"), "torso")
    return frame.withColumn("traffic_tier", tier.otherwise("tail")).drop("_ahead", "_was")


def play_shape(plays: DataFrame, run_date: date) -> DataFrame:
    """One row per (locale or roll-up, need) with long plays: `play_entropy` and `play_volatility`.

    `play_entropy` is Shannon's entropy, in bits, of the tracks played. `play_volatility` is the Jensen-Shannon divergence
    (Lin 1991; base 2, 0 to 1) between the plays of the last RECENT_DAYS days and those before. Each is null with less than
    MIN_PLAYS plays (volatility: in either period). Rounded to 1e-9.

    Args:
        plays: One row per long play before `run_date`: (locale, need, track_id, search_date).
        run_date: The night.
    """
    recent = F.col("search_date") >= F.lit(run_date - timedelta(days=RECENT_DAYS))
    counted = plays.select(F.explode(places()).alias("locale"), "need", "track_id", recent.cast("int").alias("late"))
    counted = counted.groupBy("locale", "need", "track_id").agg(
        F.count("*").cast("double").alias("n"), F.sum("late").cast("double").alias("late")
    )
    counted = counted.withColumn("early", F.col("n") - F.col("late"))
    totals = counted.groupBy("locale", "need").agg(*[F.sum(c).alias(f"{c}_all") for c in ("n", "late", "early")])
    joined = counted.join(totals, ["locale", "need"])
    p, q = F.try_divide(F.col("late"), F.col("late_all")), F.try_divide(F.col("early"), F.col("early_all"))
    middle = (p + q) / 2
    divergence = (_plogp(p, middle) + _plogp(q, middle)) / 2
    all_of = F.col("n") / F.col("n_all")
    shaped = joined.groupBy("locale", "need").agg(
        F.sum(-all_of * F.log2(all_of)).alias("entropy"),
        F.sum(divergence).alias("divergence"),
        F.first("n_all").alias("n_all"),
        F.first("late_all").alias("late_all"),
        F.first("early_all").alias("early_all"),
    )
    both = F.least("late_all", "early_all") >= MIN_PLAYS
    return shaped.select(
        "locale",
        "need",
        F.when(F.col("n_all") >= MIN_PLAYS, F.greatest(F.lit(0.0), F.round("entropy", 9))).alias("play_entropy"),
        F.when(both, F.least(F.lit(1.0), F.greatest(F.lit(0.0), F.round("divergence", 9)))).alias("play_volatility"),
    )


def _plogp(p: Column, middle: Column) -> Column:
    return F.when(p > 0, p * F.log2(p / middle)).otherwise(0.0)
