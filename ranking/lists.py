"""The released lists: candidates ordered by score, changed by each re-rank rule, and cut to length."""

from __future__ import annotations

from datetime import date
from functools import reduce

from pyspark.sql import DataFrame, Window
from pyspark.sql import functions as F

from ranking.head import HeadSettings
from ranking.rerank import RULES
from ranking.rerank.rule import with_rule


def ranked_lists(
    scored: DataFrame, queries: DataFrame, tracks: DataFrame, run_date: date, settings: HeadSettings
) -> DataFrame:
    """One row per (locale, query, rank): the lists as released.

    Args:
        scored: (locale, query, track_id, model_score, sources).
        queries: the interpretations of the queries that have a list; they are broadcast, so pass no others.
        tracks: the catalog.
        run_date: part of the hash by which exploration chooses lists.
        settings: settings of lists and rules. Rules see the best 4 · `tracks_per_entry` tracks of a query.
    """
    artists = tracks.select("track_id", F.col("artists_normal")[0].alias("artist"))
    groups = queries.select("locale", "query", "intent_group")
    rows = scored.join(F.broadcast(groups), ["locale", "query"]).join(F.broadcast(artists), "track_id")
    of_list = Window.partitionBy("locale", "query")
    rows = rows.withColumn("place", F.row_number().over(of_list.orderBy(F.desc("model_score"), "track_id")))
    rows = rows.where(F.col("place") <= 4 * settings.tracks_per_entry)
    untouched = {"rank": F.col("place"), "propensity": F.lit(1.0), "moved_by": F.array().cast("array<string>")}
    rows = reduce(lambda frame, rule: with_rule(frame, rule, settings, run_date), RULES, rows.withColumns(untouched))
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
