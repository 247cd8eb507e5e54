"""Where clicks become grades: the exposure-corrected success rate of each shown track, cut into grades 0–4."""

from __future__ import annotations

from dataclasses import dataclass

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from lake.places import places

VOICE = "alexa"
RATIO_STRENGTH = 30.0  # successes at which the measured ratio of the surfaces and a ratio of 1 weigh the same
MICRO = 1_000_000


@dataclass(frozen=True)
class GradeSettings:
    """Settings of the grades.

    Attributes:
        label_days: Days of reactions after the snapshot that count.
        strength: Shrinkage strength, in examined impressions.
        prior_share: The success rate that a track is assumed to have before it was examined, as a share of its need's rate.
        cuts: The least relevance of grades 1, 2, 3 and 4.
    """

    label_days: int
    strength: float
    prior_share: float
    cuts: tuple[float, float, float, float]


def judgements(daily: DataFrame, curves: DataFrame, needs: DataFrame, settings: GradeSettings) -> DataFrame:
    """One row per (as_of, locale or language, need, track) shown in the label window.

    exposure = Σ impressions · propensity of their position (screens) + ratio · tracks that sounded (voice), where `ratio` is
    `surface_ratios`; successes = impressions heard for 30 s or to the end, saved or liked, each counted once; relevance =
    successes / exposure, shrunk to `prior_share` of the need's own rate by `strength`; grade = the number of `cuts` that the
    relevance reaches. The relevance is therefore on the scale of a screen for every track.
    Source: inverse propensity by position, Joachims et al. 2017. The shrinkage keeps one lucky click from becoming a grade 4. The prior
    is low because most tracks that were hardly examined stood low in the list for a reason: with the whole rate of the need as the
    prior, three in four tracks without a success got a grade above 0.

    Args:
        daily: daily_engagement with `as_of`, only days of [as_of, as_of + label_days).
        curves: exposure_curves of the run_date.
        needs: need and intent_group, one row per need (`queries.nightly.by_need.distinct_needs`); one that is missing counts as `open`.
        settings: Shrinkage, prior and cuts.
    """
    surfaces = _by_surface(daily, curves, needs)
    pairs = (
        surfaces.join(F.broadcast(surface_ratios(surfaces)), "intent_group")
        .withColumn("locale", F.explode(places()))
        .groupBy("as_of", "locale", "need", "track_id")
        .agg(
            # the ratio is the same for all rows of a need, so that only whole numbers are summed
            ((F.sum("screen_micro") + F.max("ratio") * F.sum("voice_micro")) / MICRO).alias("exposure"),
            F.sum(F.col("screen_successes") + F.col("voice_successes")).cast("double").alias("successes"),
            F.sum("screen_micro").alias("screen_micro"),
            F.sum("voice_micro").alias("voice_micro"),
            F.max("ratio").alias("ratio"),
        )
    )
    exposure_of_need = (F.sum("screen_micro") + F.max("ratio") * F.sum("voice_micro")) / MICRO
    of_need = pairs.groupBy("as_of", "locale", "need").agg(
        ((F.sum("successes") + 0.5) / (exposure_of_need + 2.0)).alias("need_rate")
    )
    prior = F.col("need_rate") * settings.prior_share
    rate = F.try_divide(
        F.col("successes") + settings.strength * prior,
        F.col("exposure") + settings.strength,
    )
    relevance = F.round(F.least(F.lit(1.0), F.coalesce(rate, prior)), 9)
    graded = pairs.join(of_need, ["as_of", "locale", "need"]).withColumn("relevance", relevance)
    grade = sum(((F.col("relevance") >= cut).cast("int") for cut in settings.cuts), F.lit(0))
    return (
        graded.withColumn("exposure", F.round("exposure", 9))
        .withColumn("grade", grade.cast("int"))
        .drop("need_rate", "screen_micro", "voice_micro", "ratio")
    )


def _by_surface(daily: DataFrame, curves: DataFrame, needs: DataFrame) -> DataFrame:
    """One row per (as_of, locale, need, track_id, intent_group): exposure in millionths and successes, on screens and on voice."""
    groups = needs.select("need", "intent_group")
    frame = daily.join(F.broadcast(groups), "need", "left").fillna("open", ["intent_group"])
    rates = curves.groupBy("client", "intent_group").agg(
        F.transform(F.array_sort(F.collect_list(F.struct("position", "propensity"))), lambda r: r["propensity"]).alias(
            "p"
        )
    )
    frame = frame.join(F.broadcast(rates), ["client", "intent_group"], "left")
    examined = F.aggregate(
        F.zip_with("impressions_by_position", "p", lambda n, p: F.round(n * p * MICRO).cast("bigint")),
        F.lit(0).cast("bigint"),
        lambda a, x: a + x,
    )
    zero, is_voice = F.lit(0).cast("bigint"), F.col("client") == VOICE
    return frame.groupBy("as_of", "locale", "need", "track_id", "intent_group").agg(
        F.sum(F.when(is_voice, zero).otherwise(F.coalesce(examined, zero))).alias("screen_micro"),
        F.sum(F.when(is_voice, F.col("impressions") * MICRO).otherwise(zero)).alias("voice_micro"),
        F.sum(F.when(is_voice, zero).otherwise(F.col("satisfied"))).alias("screen_successes"),
        F.sum(F.when(is_voice, F.col("satisfied")).otherwise(zero)).alias("voice_successes"),
    )


def surface_ratios(surfaces: DataFrame) -> DataFrame:
    """(intent_group, ratio): how many times as often a track that sounded on voice is a success as one examined on a screen.

    The same track is compared with itself, for the same need and locale, so that its relevance cancels: with exposures s and v and
    successes a and b on screen and voice, ratio = Σ b·s/(s+v) / Σ a·v/(s+v), shrunk to 1 by RATIO_STRENGTH successes.
    Source: the rate ratio of Mantel & Haenszel 1959.

    Args:
        surfaces: exposures (`screen_micro`, `voice_micro`) and successes of tracks on both surfaces, with their `intent_group`.
    """
    s, v = F.col("screen_micro").cast("double"), F.col("voice_micro").cast("double")

    def summed(successes: str, exposure: Column) -> Column:
        # whole millionths, since a sum of doubles depends on their order
        each = F.coalesce(F.try_divide(F.col(successes) * exposure, s + v), F.lit(0.0))
        return F.sum(F.round(each * MICRO).cast("bigint")) / MICRO

    on_voice, on_screens = summed("voice_successes", s), summed("screen_successes", v)
    ratio = (on_voice + RATIO_STRENGTH) / (on_screens + RATIO_STRENGTH)
    return surfaces.groupBy("intent_group").agg(F.round(ratio, 6).alias("ratio"))
