"""Which genres keep company in the catalog: how far a track's genres are from one asked for that it does not have."""

from __future__ import annotations

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

COMPANY = 24  # genres kept for each one asked for, the nearest; it is one of them


def with_genre_company(asked: DataFrame, tracks: DataFrame) -> DataFrame:
    """Add `genre_company` (genre -> nearness, 0 to 1) to the queries that ask for genres; null for the others.

    Grain: as in, (locale, query) with `genre`. Nearness of two genres = tracks of both / √(tracks of one · tracks of the other), 1 for a
    genre and itself; the nearest of those asked for counts. Source: Ochiai 1957, the cosine of two sets. Over the catalog of tonight.
    """
    from pyspark.sql import Window

    wanted = asked.select(F.explode("genre").alias("wanted")).distinct()
    held = tracks.select(F.array_distinct("genres").alias("genres")).where(F.size("genres") > 0)
    sizes = held.select(F.explode("genres").alias("near_genre")).groupBy("near_genre").agg(F.count("*").alias("size"))
    met = held.select(F.explode("genres").alias("wanted"), "genres").join(F.broadcast(wanted), "wanted")
    met = met.select("wanted", F.explode("genres").alias("near_genre")).groupBy("wanted", "near_genre").count()
    of_wanted = Window.partitionBy("wanted")
    # a genre met with itself is met on all its tracks
    own = F.max(F.when(F.col("near_genre") == F.col("wanted"), F.col("count"))).over(of_wanted)
    together = met.join(F.broadcast(sizes), "near_genre").withColumn(
        "nearness", F.col("count") / F.sqrt(own * F.col("size"))
    )
    place = F.row_number().over(of_wanted.orderBy(F.desc("nearness"), "near_genre"))
    nearest = (
        together.withColumn("_place", place)
        .where(F.col("_place") <= COMPANY)
        .select("wanted", "near_genre", "nearness")
    )
    of_query = (
        asked.select("locale", "query", F.explode("genre").alias("wanted"))
        .join(F.broadcast(nearest), "wanted")
        .groupBy("locale", "query", "near_genre")
        .agg(F.max("nearness").alias("nearness"))
        .groupBy("locale", "query")
        .agg(
            F.map_from_entries(F.array_sort(F.collect_list(F.struct("near_genre", "nearness")))).alias("genre_company")
        )
    )
    return asked.join(F.broadcast(of_query), ["locale", "query"], "left")
