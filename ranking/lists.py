"""The released lists: candidates ordered by score, changed by each re-rank rule, and cut to length."""

from __future__ import annotations

from datetime import date
from functools import reduce

from pyspark.sql import DataFrame, Window
from pyspark.sql import functions as F

from features.expressions import versions, words
from lake.checkpoint import shared
from lake.joins import if_small
from ranking.head import HeadSettings
from ranking.misfits import OF_NEED as CONSTRAINTS
from ranking.misfits import OF_TRACK as CONSTRAINED
from ranking.misfits import with_misfits
from ranking.rerank import RULES
from ranking.rerank.rule import with_rule
from ranking.rerank.unfit import is_noise

OF_NEED = (
    *("intent", "intent_group", "title_name", "artist_name", "sort_by", "mood", "activity", "genre"),
    *CONSTRAINTS,
)
SAME = 10  # ranks by which a list differs from that of a wider place


def only_differing(rows: DataFrame) -> DataFrame:
    """The rows without lists whose first ten, by score, are those of the list that stands in for them in a wider place.

    A locale's list is compared with that of its language, or of `*` if its language has none; a language's with that of `*`. Readers
    look in the wider places, too.

    Args:
        rows: (place, need, track_id, place): `place` is the rank by score, `locale` the place of the list.
    """
    first = F.array_sort(F.collect_list(F.when(F.col("place") <= SAME, F.struct("place", "track_id"))))
    tops = rows.groupBy("locale", "need").agg(F.transform(first, lambda t: t["track_id"]).alias("first"))
    wider = tops.select(F.col("locale").alias("_wider"), "need", F.col("first").alias("_first"))
    of_language = wider.where(F.length("_wider") == 2).withColumnsRenamed({"_wider": "_language", "_first": "_second"})
    everywhere = wider.where(F.col("_wider") == "*").drop("_wider")
    kept = tops.withColumn("_language", F.when(F.length("locale") > 2, F.substring("locale", 1, 2)))
    kept = kept.join(of_language, ["_language", "need"], "left").join(everywhere, "need", "left")
    above = F.when(F.col("locale") != "*", F.coalesce("_second", "_first"))
    kept = kept.where(~F.coalesce(above == F.col("first"), F.lit(False))).select("locale", "need")
    return rows.join(kept, ["locale", "need"], "left_semi")


def of_track(tracks: DataFrame) -> DataFrame:
    """What rules see of a track of the catalog (`ranking.rerank.rule.Rule`). Grain: track_id."""
    return tracks.select(
        "track_id",
        F.col("artists_normal")[0].alias("artist"),
        "album",
        *[name for name in CONSTRAINED if name not in ("versions", "title_tokens")],
        versions(F.col("title")).alias("versions"),
        words(F.col("title_normal")).alias("title_tokens"),
        is_noise().alias("is_noise"),
        F.exists(versions(F.col("title")), lambda one: one != "remaster").alias("is_version"),
    )


def moved_by_rule(lists: DataFrame) -> dict[str, int]:
    """How many tracks of the lists each rule moved, in the order of the rules.

    Args:
        lists: rows of `head_rankings`, with `moved_by`.
    """
    counts = [F.count_if(F.array_contains("moved_by", rule.name)).alias(rule.name) for rule in RULES]
    return {name: int(n) for name, n in lists.agg(*counts).collect()[0].asDict().items()}


def ranked_lists(
    scored: DataFrame, needs: DataFrame, tracks: DataFrame, run_date: date, settings: HeadSettings
) -> DataFrame:
    """One row per (place, need, rank): the lists as released.

    Args:
        scored: (place, need, track_id, model_score, sources).
        needs: the interpretations of the needs that have a list; they are broadcast, so pass no others.
        tracks: the catalog.
        run_date: D.
        settings: settings of lists and rules. Rules see the best 4 · `tracks_per_entry` tracks of a need.
    """
    asked = needs.select("locale", "need", *OF_NEED)
    rows = scored.join(F.broadcast(asked), ["locale", "need"]).join(if_small(of_track(tracks)), "track_id")
    rows = with_misfits(rows)
    of_list = Window.partitionBy("locale", "need")
    rows = rows.withColumn("place", F.row_number().over(of_list.orderBy(F.desc("model_score"), "track_id")))
    # scores cost most, and the lists are compared with each other before they are used
    rows = shared(rows.where(F.col("place") <= 4 * settings.tracks_per_entry))
    untouched = {"rank": F.col("place"), "moved_by": F.array().cast("array<string>")}
    rows = only_differing(rows)
    rows = reduce(lambda frame, rule: with_rule(frame, rule, settings), RULES, rows.withColumns(untouched))
    # the stored score falls with the rank, so that any reader that sorts by it gets the released order
    scores = F.sort_array(F.collect_list("model_score").over(of_list), asc=False)
    place = F.col("place").cast("string")
    moved = F.when(F.col("place") != F.col("rank"), F.concat(F.lit("; moved from "), place)).otherwise("")
    return (
        rows.withColumn("_scores", scores)
        .withColumn("rank", F.col("rank").cast("int"))
        .withColumn("reason", F.concat(F.array_join("sources", ", "), moved))
        .withColumn("score", F.round(F.element_at("_scores", F.col("rank")), 9))
        .where(F.col("rank") <= settings.tracks_per_entry)
        .withColumn("run_date", F.lit(run_date))
        .withColumn("model_score", F.round("model_score", 9))
    )
