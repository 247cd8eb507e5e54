"""Vectors of needs and tracks, fitted to long plays: a need's vector is near those of the tracks that listeners played for it.

They are fitted for each snapshot by alternating least squares on implicit feedback (Hu, Koren & Volinsky 2008), over the long
plays of the 28 days before it, and stored. The same plays give the same vectors to the last digit, whatever the number of task
slots. Floating point sums depend on their order; therefore the ratings are in one sorted partition and in one block on each side
(with several, Spark adds up the blocks as they arrive), and sums outside of the fit are taken in whole multiples of 1e-11.

Each vector is stored with its co-play context: the weighted sum of the unit vectors of everything it was played with (columns
`company` and `company_weight`). The mean cosine of a track to all other tracks played for a need then takes one dot product.
"""

from __future__ import annotations

from datetime import date

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from features.build.keys import key_of, track_keys, with_keys
from features.expressions import VECTOR_RANK, dot
from lake.checkpoint import checkpointed
from lake.columns import NAMED_GROUPS
from lake.joins import if_small
from lake.schema import struct
from lake.tables.nightly import VECTORS
from queries.nightly.by_need import by_need

DAYS = 28
STORED = ("vector", "company", "company_weight")
LEAST_PLAYS = 2  # long plays that a need or track needs for a vector: a single one relates it to nothing else
ROUNDS, PENALTY, CONFIDENCE, SEED = 8, 0.05, 4.0, 7
PARTS = 1e11  # sums of unit vectors are taken in whole multiples of 1 / PARTS


def fitted_vectors(daily: DataFrame, wordings: DataFrame, needs: DataFrame, as_of: date) -> DataFrame:
    """Fit the vectors of a snapshot. Columns and grain: see VECTORS, without its run_date; days on or after `as_of` are not read.

    A need that names something has one vector for all languages (language `*`), as has a track; another need has one for each
    language. Empty if there was no long play.

    Args:
        daily: table `daily_engagement`.
        wordings: see `FeatureInputs`.
        needs: see `FeatureInputs`; a need without a row counts as one that names nothing.
        as_of: the snapshot.
    """
    from pyspark.ml.recommendation import ALS
    from pyspark.sql.window import Window

    age = F.datediff(F.lit(as_of), F.col("search_date"))
    recent = daily.where((age >= 1) & (age <= DAYS) & (F.col("long_plays") > 0)).withColumn("as_of", F.lit(as_of))
    recent = by_need(recent, wordings).where(F.col("need").isNotNull())
    recent = recent.join(F.broadcast(needs.select("need", "intent_group")), "need", "left")
    # persisted, because it is read three times below
    plays = (
        recent.groupBy(language_of_vector(F.substring("locale", 1, 2)).alias("language"), "need", "track_id")
        .agg(F.sum("long_plays").alias("plays"))
        .persist()
    )

    def numbered(*keys: str) -> DataFrame:
        often = plays.groupBy(*keys).agg(F.sum("plays").alias("_n")).where(F.col("_n") >= LEAST_PLAYS)
        place = F.row_number().over(Window.orderBy(*keys)).cast("int")
        return often.select(*keys, place.alias(f"{keys[-1]}_number"))

    needs, tracks = numbered("language", "need").persist(), numbered("track_id").persist()
    # logarithm: a thousand plays are not a thousand times the evidence of one
    rated = plays.join(if_small(needs), ["language", "need"]).join(if_small(tracks), "track_id")
    rated = rated.select(
        "need_number", "track_id_number", F.log1p(F.col("plays").cast("double")).alias("rating")
    ).persist()
    in_order = rated.repartition(1).sortWithinPartitions("need_number", "track_id_number")
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
            userCol="need_number",
            itemCol="track_id_number",
            ratingCol="rating",
        )
        model = als.fit(in_order)
        vector = F.transform("features", lambda x: F.rint(x.cast("double") * 1e6) / 1e6).alias("vector")
        of_needs = model.userFactors.select(F.col("id").alias("need_number"), vector).join(
            if_small(needs), "need_number"
        )
        of_tracks = model.itemFactors.select(F.col("id").alias("track_id_number"), vector).join(
            if_small(tracks), "track_id_number"
        )
        of_tracks = of_tracks.withColumns({"language": F.lit("*"), "key": F.col("track_id")})
        of_needs = of_needs.withColumn("key", F.col("need"))
        sides = (("need", of_needs, of_tracks), ("track", of_tracks, of_needs))
        both = [_with_context(kind, mine, others, rated) for kind, mine, others in sides]
        return checkpointed(both[0].unionByName(both[1]))
    finally:
        for kept in (plays, needs, tracks, rated):
            kept.unpersist()


def language_of_vector(language: Column) -> Column:
    """The language under which a need's vector is stored: `*` if it names something, else the given language."""
    return F.when(F.col("intent_group").isin(*NAMED_GROUPS), F.lit("*")).otherwise(language)


def _with_context(kind: str, mine: DataFrame, others: DataFrame, rated: DataFrame) -> DataFrame:
    """Rows of VECTORS for one side (needs or tracks), with their co-play context.

    Args:
        kind: `need` or `track`, the side of `mine`.
        mine: vectors of that side.
        others: vectors of the other side; their unit vectors are summed, weighted by ln(1 + plays).
        rated: (need_number, track_id_number, rating = ln(1 + plays)).
    """
    number, other = ("need_number", "track_id_number") if kind == "need" else ("track_id_number", "need_number")
    vector = F.col("vector")
    length = F.sqrt(dot(vector, vector))
    directions = others.where(length > 0).select(other, F.transform(vector, lambda x: x / length).alias("_direction"))

    def total(part: Column) -> Column:
        return F.sum(F.rint(part * PARTS).cast("bigint")) / F.lit(PARTS)

    context = (
        rated.join(if_small(directions), other)
        .groupBy(number)
        .agg(
            F.array(*[total(F.col("rating") * F.col("_direction")[i]) for i in range(VECTOR_RANK)]).alias("company"),
            total(F.col("rating")).alias("company_weight"),
        )
    )
    beside = mine.join(context, number, "left")
    return beside.select(F.lit(kind).alias("kind"), "language", "key", "vector", "company", "company_weight")


def with_vectors(base: DataFrame, vectors: DataFrame | None, tracks: DataFrame) -> DataFrame:
    """Add `need_<column>` and `track_<column>` for each column of STORED, of the row's snapshot; null if there is no vector.

    Args:
        base: rows with as_of, language and intent_group of the need, and the keys of `features.build.keys`, partitioned by work.
        vectors: rows of VECTORS with as_of; None leaves all columns null. The co-play context is also null in the rows of one
            language of a need whose vector is of all.
        tracks: the catalog.
    """
    stored = [c for c in VECTORS.columns if c.name in STORED]
    if vectors is None:
        return base.withColumns(
            {f"{side}_{c.name}": F.lit(None).cast(c.type) for side in ("need", "track") for c in stored}
        )
    of_need = vectors.where(F.col("kind") == "need").select(
        "as_of",
        F.col("language").alias("_language"),
        key_of("key").alias("need_key"),
        *[F.col(c.name).alias(f"need_{c.name}") for c in stored],
    )
    known = (
        vectors.where(F.col("kind") == "track")
        .withColumnRenamed("key", "track_id")
        .join(track_keys(tracks), "track_id")
    )
    of_track = with_keys(known).select(
        "work_id_key", "track_id_key", "as_of", *[F.col(c.name).alias(f"track_{c.name}") for c in stored]
    )
    base = base.withColumn("_language", language_of_vector(F.col("language")))
    base = base.join(F.broadcast(of_need), ["as_of", "_language", "need_key"], "left")
    base = base.join(of_track, ["work_id_key", "track_id_key", "as_of"], "left")
    # the context has the pair's own plays of all languages, and a row of one language knows only its own
    is_own = F.col("_language") == F.col("language")
    context = [f"{side}_{name}" for side in ("need", "track") for name in ("company", "company_weight")]
    return base.withColumns({name: F.when(is_own, F.col(name)) for name in context}).drop("_language")
