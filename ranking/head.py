"""The head set: which queries are answered ahead of time, and the last touches on their lists."""

from __future__ import annotations

from dataclasses import dataclass

from pyspark.sql import DataFrame
from pyspark.sql import functions as F


@dataclass
class HeadSettings:
    """Size of the head set and of its lists: section `ranking` of conf/night.yaml, which gives the values.

    Args:
        head_share: share of each locale's traffic that the head covers.
        min_people_in_locale: people who must have asked in a locale before it gets a list of its own.
        max_entries: lists at most.
        tracks_per_entry: tracks of a list.
        explore_share: share of the lists that swap two neighbours.
        max_per_artist: tracks of one main artist among the first `artist_span` of a broad list.
        artist_span: see there.
    """

    head_share: float
    min_people_in_locale: int
    max_entries: int
    tracks_per_entry: int
    explore_share: float
    max_per_artist: int
    artist_span: int


def head_queries(queries: DataFrame, settings: HeadSettings) -> DataFrame:
    """The public music queries that cover `head_share` of the traffic of each locale, at most `max_entries` in all.

    A language answers for its locales: a locale has an entry of its own only where `min_people_in_locale` people asked
    there, and `*` only where no language has one. Grain: (locale, query), as in `queries`; most asked first.
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
