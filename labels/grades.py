"""Where clicks become grades: the exposure-corrected success rate of each shown track, cut into grades 0–4."""

from __future__ import annotations

from dataclasses import dataclass

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from lake.places import places


@dataclass(frozen=True)
class GradeSettings:
    """Settings of the grades.

    Attributes:
        label_days: Days of reactions after the snapshot that count.
        strength: Shrinkage strength, in examined impressions.
        min_exposure: Pairs with less exposure than this get no grade.
        cuts: The least relevance of grades 1, 2, 3 and 4.
    """

    label_days: int
    strength: float
    min_exposure: float
    cuts: tuple[float, float, float, float]


def judgements(daily: DataFrame, curves: DataFrame, needs: DataFrame, settings: GradeSettings) -> DataFrame:
    """One row per (as_of, locale or language, need, track) shown in the label window.

    exposure = Σ impressions · propensity of their position (screens) + tracks that sounded (voice); successes = impressions
    heard for 30 s or to the end, saved or liked, each counted once; relevance = successes / exposure, shrunk to the need's own
    rate by `strength`; grade = the number of `cuts` that the relevance reaches.
    Source: inverse propensity by position, Joachims et al. 2017. The shrinkage keeps one lucky click from becoming a grade 4.

    Args:
        daily: daily_engagement with `as_of`, only days of [as_of, as_of + label_days).
        curves: exposure_curves of the run_date.
        needs: locale, need and intent_group of each need; a need that is missing counts as `open`.
        settings: Shrinkage, least exposure and cuts.
    """
    groups = needs.select("need", "intent_group")
    frame = daily.join(F.broadcast(groups), "need", "left").fillna("open", ["intent_group"])
    rates = curves.groupBy("client", "intent_group").agg(
        F.transform(F.array_sort(F.collect_list(F.struct("position", "propensity"))), lambda r: r["propensity"]).alias(
            "p"
        )
    )
    frame = frame.join(F.broadcast(rates), ["client", "intent_group"], "left")
    examined = F.aggregate(
        F.zip_with("impressions_by_position", "p", lambda n, p: F.round(n * p * 1_000_000).cast("bigint")),
        F.lit(0).cast("bigint"),
        lambda a, x: a + x,
    )
    heard = F.col("impressions") * 1_000_000
    frame = frame.withColumn("exposure_micro", F.when(F.col("client") == "alexa", heard).otherwise(examined))
    pairs = (
        frame.withColumn("locale", F.explode(places()))
        .groupBy("as_of", "locale", "need", "track_id")
        .agg(
            (F.sum("exposure_micro") / 1_000_000).alias("exposure"),
            F.sum("satisfied").cast("double").alias("successes"),
        )
    )
    of_need = pairs.groupBy("as_of", "locale", "need").agg(
        ((F.sum("successes") + 0.5) / (F.sum("exposure") + 2.0)).alias("need_rate")
    )
    rate = F.least(
        F.lit(1.0),
        (F.col("successes") + settings.strength * F.col("need_rate")) / (F.col("exposure") + settings.strength),
    )
    graded = pairs.join(of_need, ["as_of", "locale", "need"]).withColumn("relevance", F.round(rate, 9))
    grade = sum(((F.col("relevance") >= cut).cast("int") for cut in settings.cuts), F.lit(0))
    return (
        graded.where(F.col("exposure") >= settings.min_exposure)
        .withColumn("exposure", F.round("exposure", 9))
        .withColumn("grade", grade.cast("int"))
        .drop("need_rate")
    )
