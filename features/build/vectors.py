"""Vectors of queries and tracks from what listeners played: queries near a track in them were answered by tracks like it.

Fitted for each snapshot by alternating least squares on implicit feedback (Hu, Koren & Volinsky 2008) over the long plays of the 28
days before it, and stored. The same plays give the same vectors to the last digit, whatever the number of task slots: floating point
sums depend on their order, so the ratings lie in one sorted partition and in one block on each side (with several, Spark adds up the
blocks as they arrive), and what is summed outside of the fit is summed in whole numbers of 1e-11. Beside each vector lie the directions of
what it was played with, added up: how near a track is to everything else that was played for a query is then one product, whatever
their number.
"""

from __future__ import annotations

from datetime import date

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from features.build.keys import key_of, track_keys, with_keys
from features.expressions import VECTOR_RANK, dot
from lake.schema import struct
from lake.tables.nightly import VECTORS

DAYS = 28
TOLD = ("vector", "company", "company_weight")
LEAST_PLAYS = 2  # long plays of a query or track: one alone teaches nothing of its likes
ROUNDS, PENALTY, CONFIDENCE, SEED = 8, 0.05, 4.0, 7
PARTS = 1e11  # sums of directions are whole numbers of such parts


def fitted_vectors(daily: DataFrame, as_of: date) -> DataFrame:
    """Vectors as of a snapshot. Grain: see VECTORS, without its run_date; days on or after `as_of` are not read.

    A query is one of its language; tracks are shared by languages. Empty where nothing was played long.
    """
    from pyspark.ml.recommendation import ALS
    from pyspark.sql.window import Window

    age = F.datediff(F.lit(as_of), F.col("search_date"))
    language = F.substring("locale", 1, 2)
    recent = daily.where((age >= 1) & (age <= DAYS) & (F.col("long_plays") > 0))
    # read three times below
    plays = (
        recent.groupBy(language.alias("language"), "query", "track_id")
        .agg(F.sum("long_plays").alias("plays"))
        .persist()
    )

    def numbered(*keys: str) -> DataFrame:
        often = plays.groupBy(*keys).agg(F.sum("plays").alias("_n")).where(F.col("_n") >= LEAST_PLAYS)
        place = F.row_number().over(Window.orderBy(*keys)).cast("int")
        return often.select(*keys, place.alias(f"{keys[-1]}_number"))

    queries, tracks = numbered("language", "query").persist(), numbered("track_id").persist()
    # a thousand plays are not a thousand times the evidence of one
    rated = plays.join(F.broadcast(queries), ["language", "query"]).join(F.broadcast(tracks), "track_id")
    rated = rated.select(
        "query_number", "track_id_number", F.log1p(F.col("plays").cast("double")).alias("rating")
    ).persist()
    in_order = rated.repartition(1).sortWithinPartitions("query_number", "track_id_number")
    try:
        if rated.isEmpty():
            return daily.sparkSession.createDataFrame([], struct(VECTORS)).drop("run_date")
        als = ALS(
            rank=VECTOR_RANK,
            maxIter=ROUNDS,
            regParam=PENALTY,
            alpha=CONFIDENCE,
            implicitPrefs=True,
            seed=SEED,
            numUserBlocks=1,
            numItemBlocks=1,
            userCol="query_number",
            itemCol="track_id_number",
            ratingCol="rating",
        )
        model = als.fit(in_order)
        vector = F.transform("features", lambda x: F.rint(x.cast("double") * 1e6) / 1e6).alias("vector")
        of_queries = model.userFactors.select(F.col("id").alias("query_number"), vector).join(
            F.broadcast(queries), "query_number"
        )
        of_tracks = model.itemFactors.select(F.col("id").alias("track_id_number"), vector).join(
            F.broadcast(tracks), "track_id_number"
        )
        of_tracks = of_tracks.withColumns({"language": F.lit("*"), "key": F.col("track_id")})
        of_queries = of_queries.withColumn("key", F.col("query"))
        sides = (("query", of_queries, of_tracks), ("track", of_tracks, of_queries))
        both = [_with_company(kind, mine, others, rated) for kind, mine, others in sides]
        return both[0].unionByName(both[1]).localCheckpoint()
    finally:
        for kept in (plays, queries, tracks, rated):
            kept.unpersist()


def _with_company(kind: str, mine: DataFrame, others: DataFrame, rated: DataFrame) -> DataFrame:
    """Rows of VECTORS for one side: `mine`, and for each the directions of `others` it was played with, by ln(1 + plays)."""
    number, other = ("query_number", "track_id_number") if kind == "query" else ("track_id_number", "query_number")
    vector = F.col("vector")
    length = F.sqrt(dot(vector, vector))
    directions = others.where(length > 0).select(other, F.transform(vector, lambda x: x / length).alias("_direction"))

    def total(part: Column) -> Column:
        return F.sum(F.rint(part * PARTS).cast("bigint")) / F.lit(PARTS)

    company = (
        rated.join(F.broadcast(directions), other)
        .groupBy(number)
        .agg(
            F.array(*[total(F.col("rating") * F.col("_direction")[i]) for i in range(VECTOR_RANK)]).alias("company"),
            total(F.col("rating")).alias("company_weight"),
        )
    )
    beside = mine.join(company, number, "left")
    return beside.select(F.lit(kind).alias("kind"), "language", "key", "vector", "company", "company_weight")


def with_vectors(base: DataFrame, vectors: DataFrame | None, tracks: DataFrame) -> DataFrame:
    """Add `query_<what>` and `track_<what>` of each row's snapshot for each of TOLD, null where there is none.

    The base holds as_of, the query's language and the keys of `features.build.keys`, and lies by work. A roll-up over all
    languages has no vector.
    """
    told = [c for c in VECTORS.columns if c.name in TOLD]
    if vectors is None:
        return base.withColumns(
            {f"{side}_{c.name}": F.lit(None).cast(c.type) for side in ("query", "track") for c in told}
        )
    of_query = vectors.where(F.col("kind") == "query").select(
        "as_of", "language", key_of("key").alias("query_key"), *[F.col(c.name).alias(f"query_{c.name}") for c in told]
    )
    known = (
        vectors.where(F.col("kind") == "track")
        .withColumnRenamed("key", "track_id")
        .join(track_keys(tracks), "track_id")
    )
    of_track = with_keys(known).select(
        "work_id_key", "track_id_key", "as_of", *[F.col(c.name).alias(f"track_{c.name}") for c in told]
    )
    base = base.join(F.broadcast(of_query), ["as_of", "language", "query_key"], "left")
    return base.join(of_track, ["work_id_key", "track_id_key", "as_of"], "left")
