"""Which genres occur together in the catalog: how similar a track's genres are to one that is asked for."""

from __future__ import annotations

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

MAX_NEIGHBOURS = 24  # most similar genres kept for each one asked for, itself included


def with_genre_neighbours(asked: DataFrame, tracks: DataFrame) -> DataFrame:
    """Add `genre_company` to the needs that ask for genres: a map of genre -> similarity (0 to 1); null for the other needs.

    Similarity of two genres = tracks with both / √(tracks with one · tracks with the other), which is 1 for a genre and itself.
    If several genres are asked for, the largest similarity counts. Source: Ochiai 1957, the cosine of two sets.

    Args:
        asked: one row per (language, need), with `genre`, the array of genres asked for. The grain stays the same.
        tracks: the catalog of the run date, with `genres`.
    """
    from pyspark.sql import Window

    wanted = asked.select(F.explode("genre").alias("wanted")).distinct()
    track_genres = tracks.select(F.array_distinct("genres").alias("genres")).where(F.size("genres") > 0)
    sizes = (
        track_genres.select(F.explode("genres").alias("near_genre"))
        .groupBy("near_genre")
        .agg(F.count("*").alias("size"))
    )
    pairs = track_genres.select(F.explode("genres").alias("wanted"), "genres").join(F.broadcast(wanted), "wanted")
    pairs = pairs.select("wanted", F.explode("genres").alias("near_genre")).groupBy("wanted", "near_genre").count()
    of_wanted = Window.partitionBy("wanted")
    # a genre paired with itself counts all of its tracks
    own = F.max(F.when(F.col("near_genre") == F.col("wanted"), F.col("count"))).over(of_wanted)
    together = pairs.join(F.broadcast(sizes), "near_genre").withColumn(
        "nearness", F.col("count") / F.sqrt(own * F.col("size"))
    )
    place = F.row_number().over(of_wanted.orderBy(F.desc("nearness"), "near_genre"))
    nearest = (
        together.withColumn("_place", place)
        .where(F.col("_place") <= MAX_NEIGHBOURS)
        .select("wanted", "near_genre", "nearness")
    )
    of_need = (
        asked.select("need", F.explode("genre").alias("wanted"))
        .join(F.broadcast(nearest), "wanted")
        .groupBy("need", "near_genre")
        .agg(F.max("nearness").alias("nearness"))
        .groupBy("need")
        .agg(
            F.map_from_entries(F.array_sort(F.collect_list(F.struct("near_genre", "nearness")))).alias("genre_company")
        )
    )
    return asked.join(F.broadcast(of_need), "need", "left")
