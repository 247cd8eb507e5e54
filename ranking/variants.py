"""Variants of the released lists: other first tens, drawn from what the night believes of its tracks, so that the logs can tell more.

Decision: docs/decisions/0017-exploration.md.
"""

from __future__ import annotations

from datetime import date
from functools import reduce
from math import pi

from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F

from ranking.head import HeadSettings
from ranking.misfits import with_misfits
from ranking.rerank import RULES
from ranking.rerank.rule import with_rule
from ranking.sources.source import tracks_by

FIRST = 10  # tracks of a variant; the rest of the list follows
_EXPLORED = ("broad", "open")  # intent groups
_STEPS = 2**53


def list_variants(
    lists: DataFrame, needs: DataFrame, tracks: DataFrame, evidence: DataFrame, run_date: date, settings: HeadSettings
) -> DataFrame:
    """The lists that have variants, with the probability of each. Grain: (place, need, variant).

    A draw orders the tracks of a list by u = θ / (T · s) + g, g ~ Gumbel: Plackett and Luce's model with weights exp(θ / (T · s))
    (Yellott 1977: the order of Gumbel-perturbed utilities). θ ~ N(score, s² / (1 + e / strength)) is a draw of the track's score; s
    is the standard deviation of the scores in the list, e the expected responses to the track for the need, T the temperature.

    Args:
        lists: rows of `head_rankings`: (locale, need, rank, track_id, score, moved_by).
        needs: (locale, need) with `ranking.lists.OF_NEED`, of the needs that have a list.
        tracks: `ranking.lists.of_track`.
        evidence: (locale, need, track_id, expected): expected responses of 28 days, the unit in which COEC is shrunk, too; a pair
            without a row has none.
        run_date: part of the hashes that draw.
        settings: the settings of exploration and of the rules.

    Returns:
        (locale, need, variant, probability, tracks): variant 0 is the list itself, tracks are its first ten. The probabilities of a list sum
        to 1. Lists of which all draws gave the list itself have no rows.
    """
    of_list = Window.partitionBy("locale", "need")
    asked = needs.where(F.col("intent_group").isin(*_EXPLORED) & F.col("sort_by").isNull())
    if not settings.explore_share:  # nobody gets a variant
        asked = asked.limit(0)
    rows = (
        lists.join(asked, ["locale", "need"])
        .join(tracks, "track_id")
        .join(evidence, ["locale", "need", "track_id"], "left")
    )
    rows = with_misfits(rows)
    spread = F.stddev_pop("score").over(of_list)
    rows = rows.withColumn("_spread", F.greatest(spread, F.lit(1e-9)))
    rows = rows.withColumn("draw", F.explode(F.sequence(F.lit(0), F.lit(settings.explore_variants))))
    deviation = F.col("_spread") / F.sqrt(1 + F.coalesce("expected", F.lit(0.0)) / settings.explore_strength)
    believed = F.col("score") + deviation * _normal(run_date)
    gumbel = -F.log(-F.log(_uniform(run_date, "gumbel")))
    utility = believed / (settings.explore_temperature * F.col("_spread")) + gumbel
    is_list = F.col("draw") == 0
    stays = (F.col("rank") == 1) & F.lit(not settings.explore_first)
    rows = rows.withColumns({"_stays": stays, "_utility": utility, "_listed": F.col("rank")})
    of_draw = Window.partitionBy("locale", "need", "draw")
    drawn_place = F.row_number().over(of_draw.orderBy(F.desc("_stays"), F.desc("_utility"), "track_id"))
    rows = rows.withColumn("rank", drawn_place).withColumn("place", F.col("rank"))
    # to a rule, a draw is a list of its own
    rows = rows.withColumn("need", F.struct("need", "draw"))
    rules = (rule for rule in RULES if rule.in_variants)
    rows = reduce(lambda frame, rule: with_rule(frame, rule, settings), rules, rows)
    rows = rows.withColumn("need", F.col("need.need")).withColumn(
        "_place", F.when(is_list, F.col("_listed")).otherwise(F.col("rank"))
    )
    first = rows.where(F.col("_place") <= FIRST)
    drawn = first.groupBy("locale", "need", "draw").agg(tracks_by("_place").alias("tracks"))
    share = F.lit(settings.explore_share)
    each = F.when(F.col("draw") == 0, 1 - share).otherwise(share / max(settings.explore_variants, 1))
    distinct = drawn.groupBy("locale", "need", "tracks").agg(
        F.min("draw").alias("draw"), F.sum(each).alias("probability")
    )
    numbered = distinct.withColumn("variant", F.row_number().over(of_list.orderBy("draw")) - 1)
    numbered = numbered.withColumn("_many", F.count("*").over(of_list)).where(F.col("_many") > 1)
    return numbered.select("locale", "need", "variant", F.round("probability", 9).alias("probability"), "tracks")


def _uniform(run_date: date, what: str) -> Column:
    """A number of (0, 1) that is a function of (run_date, place, need, track, draw)."""
    drawn = F.xxhash64(F.lit(f"{run_date} {what}"), "locale", "need", "track_id", "draw")
    return (F.pmod(drawn, F.lit(_STEPS)).cast("double") + 0.5) / float(_STEPS)


def _normal(run_date: date) -> Column:
    """A draw of the standard normal distribution. Source: Box and Muller 1958."""
    return F.sqrt(-2 * F.log(_uniform(run_date, "radius"))) * F.cos(2 * pi * _uniform(run_date, "angle"))
