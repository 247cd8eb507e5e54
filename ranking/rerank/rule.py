"""What a re-rank rule is: one named change of the order of lists."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from ranking.head import HeadSettings


@dataclass(frozen=True)
class Rule:
    """A rule over ranked rows.

    Args:
        name: its name in column `moved_by` of `head_rankings`, and in the night's summary.
        order: returns the rows it is given with column `new_rank`, 1-based and without gaps in each list. Rows have locale, need,
            track_id, intent, intent_group, title_name (of a title or album), artist_name, sort_by, version, mood, activity, genre; of the
            track artist (the main one), artists_normal, title_normal, album, release_year, is_noise, is_version; misfits (the number of
            constraints that the track violates); and model_score, `place` (the rank by score) and `rank` (after the rules before it).
        meaning: one line for the documents.
        in_variants: whether the rule holds in the variants of a list, too (`ranking.variants`), where it sees one draw as a list. Lists of
            the newest and oldest have no variants.
    """

    name: str
    order: Callable[[DataFrame, HeadSettings], DataFrame]
    meaning: str
    in_variants: bool = False


def with_rule(rows: DataFrame, rule: Rule, settings: HeadSettings) -> DataFrame:
    """Apply a rule: `rank` becomes the rule's rank, and the rule's name is added to `moved_by` of each row whose rank changed."""
    ordered = rule.order(rows, settings)
    moved = F.when(F.col("new_rank") != F.col("rank"), F.array(F.lit(rule.name))).otherwise(
        F.array().cast("array<string>")
    )
    ordered = ordered.withColumn("moved_by", F.concat("moved_by", moved))
    return ordered.drop("rank").withColumnRenamed("new_rank", "rank")
