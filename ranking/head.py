"""The head set: which queries get a list ahead of time, and the settings of these lists."""

from __future__ import annotations

from dataclasses import dataclass

from pyspark.sql import DataFrame
from pyspark.sql import functions as F


@dataclass
class HeadSettings:
    """Size of the head set and of its lists: section `ranking` of conf/night.yaml, which gives the values.

    Args:
        head_share: share of each locale's traffic that the head covers.
        min_people_in_locale: people who must have asked a query in a locale before the locale gets a list of its own for it.
        max_entries: lists at most.
        tracks_per_entry: tracks of a list at most.
        explore_share: share of the lists that swap two neighbours (`ranking.rerank.exploration`).
        max_per_artist: tracks of one main artist at most among the first `artist_span` of a broad list.
        artist_span: ranks that `max_per_artist` applies to.
    """

    head_share: float
    min_people_in_locale: int
    max_entries: int
    tracks_per_entry: int
    explore_share: float
    max_per_artist: int
    artist_span: int


def head_queries(queries: DataFrame, settings: HeadSettings) -> DataFrame:
    """The most asked public music queries that cover `head_share` of the traffic of each locale, at most `max_entries` in all.

    The list of a language serves its locales. A locale has an entry of its own only if `min_people_in_locale` people asked the
    query there, and `*` only if no language has the query. Grain: (locale, query), as in `queries`.
    """
    from pyspark.sql import Window

    public = queries.where(F.col("is_public") & F.col("is_music"))
    is_language = F.length("locale") == 2
    in_a_language = public.where(is_language).select("query").distinct().withColumn("_known", F.lit(True))
    own = (F.length("locale") > 2) & (F.col("people_28d") >= settings.min_people_in_locale)
    nowhere_else = (F.col("locale") == "*") & F.col("_known").isNull()
    public = (
        public.join(F.broadcast(in_a_language), "query", "left").where(is_language | own | nowhere_else).drop("_known")
    )
    in_locale = Window.partitionBy("locale").orderBy(F.desc("searches_28d"), "query")
    before = F.sum("searches_28d").over(in_locale.rowsBetween(Window.unboundedPreceding, -1))
    total = F.sum("searches_28d").over(Window.partitionBy("locale"))
    head = public.withColumn("_covered", F.coalesce(before / total, F.lit(0.0)))
    head = head.where(F.col("_covered") < settings.head_share)
    overall = Window.orderBy(F.desc("searches_28d"), "locale", "query")
    return (
        head.withColumn("_n", F.row_number().over(overall))
        .where(F.col("_n") <= settings.max_entries)
        .drop("_covered", "_n")
    )
