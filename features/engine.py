"""Compute declared features: the sums they ask for, once, and one select a grain.

All sums come from one aggregation of `daily_engagement` by (as_of, locale, query, track): every level is a roll-up
of it, so a row of the log is read once whatever the number of features. Several snapshots (`as_of`) are computed in
the same pass.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING

from features.attributes import with_query_attributes, with_track_attributes
from features.catalogue import KEYS, chosen
from features.inputs import LEVELS, MICRO, NEWEST, Sum, Window
from features.spec import FeatureColumn, Grain

if TYPE_CHECKING:
    from pyspark.sql import Column, DataFrame

LONGEST_DAYS = 90


@dataclass(frozen=True)
class FeatureInputs:
    """What a night computes features from. Frames may hold more than is needed; nothing on or after `as_of` is used.

    `pairs`: (as_of, locale, query, track_id), one row per wanted row. `daily`: daily_engagement. `queries`: the reading
    of every (locale or roll-up, query). `tracks`: the snapshot. `curves`: exposure_curves with run_date = as_of.
    `popularity_known`: whether the catalog's popularity may be read for these snapshots (DESIGN §4).
    """

    pairs: DataFrame
    daily: DataFrame
    queries: DataFrame
    tracks: DataFrame
    curves: DataFrame
    as_of: tuple[date, ...]
    popularity_known: bool = False


@contextmanager
def feature_frames(
    inputs: FeatureInputs, only: Sequence[str] = (), *, with_sums: bool = False
) -> Iterator[dict[Grain, DataFrame]]:
    """A frame per grain with `as_of`, its keys and feature columns in matrix order; doubles rounded to 1e-9.

    `only` names families, features or columns (`catalogue.chosen`); all if empty. Grain: query_track as `pairs`; query
    and track once per key in `pairs`. `with_sums` adds the sums that the features were made of
    (`<level>__<measure>__<span>`). The sums behind the frames are cached, and given back at the end of the block.
    """
    wanted = chosen(only)
    asked, _ = asked_sums(wanted)
    # both sides lie by track once: every level that has the track then sums and joins without another exchange
    parts = int(inputs.pairs.sparkSession.conf.get("spark.sql.shuffle.partitions", "4") or 4)
    pairs = _with_keys(inputs).repartition(parts, "track_id").persist()
    placed = rolled_up(sums_per_pair(inputs, asked), inputs).repartition(parts, "track_id").persist() if asked else None
    out: dict[Grain, DataFrame] = {}
    try:
        for grain, keys in KEYS.items():
            sums, made = asked_sums([c for c in wanted if c.feature.grain == grain])
            base = pairs if grain == "query_track" else pairs.select("as_of", *_grain_columns(grain)).distinct()
            if placed is not None:
                base = _with_sums(base, placed, sums)
            if grain != "track":
                base = with_query_attributes(base, inputs.queries, inputs.tracks)
            if grain != "query":
                base = with_track_attributes(base, inputs.tracks, popularity_known=inputs.popularity_known)
            stored = [_stored(value).alias(name) for name, value in made.items()]
            beside = [c for c in base.columns if with_sums and "__" in c]
            out[grain] = base.select("as_of", *[k.name for k in keys], *stored, *beside)
        yield out
    finally:
        for kept in (pairs, placed):
            if kept is not None:
                kept.unpersist()


def _grain_columns(grain: Grain) -> tuple[str, ...]:
    return (
        ("language", "track_id", "artist", "work_id")
        if grain == "track"
        else ("locale", "query", "language", "cluster_id")
    )


def asked_sums(wanted: Sequence[FeatureColumn]) -> tuple[list[Sum], dict[str, Column]]:
    """The sums that the columns ask for, in a fixed order, and each column's expression."""
    sums: set[Sum] = set()
    made = {}
    for column in wanted:
        window = Window(column.days, column.half_life)
        made[column.name] = column.feature.compute(window)
        sums |= window.asked
    return sorted(sums, key=lambda s: (s.level, s.column)), made


def _stored(value: Column) -> Column:
    """Doubles rounded to 1e-9 before they are stored, so that the last bit does not depend on the plan."""
    from pyspark.sql import functions as F

    return F.round(value.cast("double"), 9)


def sums_per_pair(inputs: FeatureInputs, asked: Sequence[Sum]) -> DataFrame:
    """One row per (as_of, locale, query, track) with every asked sum, bigint (decayed ones in `Sum.scale`)."""
    from pyspark.sql import functions as F

    dates = F.array(*[F.lit(d) for d in sorted(inputs.as_of)])
    groups = inputs.queries.select("locale", "query", "intent_group")
    daily = inputs.daily.join(F.broadcast(groups), ["locale", "query"], "left").fillna("open", ["intent_group"])
    daily = daily.withColumn("as_of", F.explode(dates)).withColumn("age_days", F.datediff("as_of", "search_date"))
    daily = daily.where((F.col("age_days") >= 1) & (F.col("age_days") <= LONGEST_DAYS))
    rates = inputs.curves.groupBy(F.col("run_date").alias("as_of"), "client", "intent_group").agg(
        F.transform(
            F.array_sort(F.collect_list(F.struct("position", "expected_rate"))),
            lambda r: F.round(r["expected_rate"] * MICRO).cast("bigint"),
        ).alias("rates_micro")
    )
    daily = daily.join(F.broadcast(rates), ["as_of", "client", "intent_group"], "left")
    by_position = F.zip_with("impressions_by_position", "rates_micro", lambda n, rate: n * rate)
    voice = F.col("client") == "alexa"
    daily = daily.withColumn(
        "expected_micro",
        F.coalesce(F.aggregate(by_position, F.lit(0).cast("bigint"), lambda a, x: a + x), F.lit(0)),
    )
    derived = {
        "responses": F.when(voice, F.col("long_plays")).otherwise(F.col("clicks")),
        **{f"voice_{m}": F.when(voice, F.col(m)).otherwise(0) for m in ("impressions", "long_plays", "expected_micro")},
        NEWEST: F.col("age_days"),
    }
    once = {s.column: s for s in asked}  # a sum asked at several levels is the pair's sum, rolled up
    daily = daily.select(
        "as_of", "age_days", "locale", "query", "track_id",
        *[derived.get(m, F.col(m)).alias(m) for m in sorted({s.measure for s in once.values()})],
    )  # fmt: skip
    return daily.groupBy("as_of", "locale", "query", "track_id").agg(
        *[_span_sum(s).alias(name) for name, s in sorted(once.items())]
    )


def _span_sum(wanted: Sum) -> Column:
    from pyspark.sql import functions as F

    age, value = F.col("age_days"), F.col(wanted.measure)
    if wanted.measure == NEWEST:
        return F.min(F.when(age <= F.lit(wanted.days), value)).cast("bigint")
    if wanted.half_life:
        # forward decay read at as_of (Cormode et al. 2009), in whole small units: exact in any order
        weight = F.pow(F.lit(2.0), -(age - 1) / F.lit(float(wanted.half_life)))
        return F.sum(F.round(value * weight * wanted.scale).cast("bigint"))
    return F.sum(F.when(age <= F.lit(wanted.days), value).otherwise(0)).cast("bigint")


def rolled_up(fine: DataFrame, inputs: FeatureInputs) -> DataFrame:
    """The pair sums once for each place they count at: their locale, its language and `*`, with every level's keys."""
    from pyspark.sql import functions as F

    language = F.substring("locale", 1, 2)
    places = F.array(
        F.struct(F.col("locale").alias("locale"), language.alias("language")),
        F.struct(language.alias("locale"), language.alias("language")),
        F.struct(F.lit("*").alias("locale"), F.lit("*").alias("language")),
    )
    sums = [c for c in fine.columns if "__" in c]
    spread = fine.withColumn("_at", F.explode(places)).select("as_of", "_at.*", "query", "track_id", *sums)
    clusters = inputs.queries.select("locale", "query", "cluster_id")
    made_by = track_keys(inputs.tracks)
    placed = spread.join(F.broadcast(clusters), ["locale", "query"], "left").join(
        F.broadcast(made_by), "track_id", "left"
    )
    # a language's rows are all summed (by cluster, track, artist); a locale's and `*`'s only where a pair asks for them
    wanted = inputs.pairs.select("locale", "query").distinct().withColumn("_wanted", F.lit(True))
    anywhere = inputs.pairs.where(F.col("locale") == "*").join(F.broadcast(made_by), "track_id")
    placed = placed.join(F.broadcast(wanted), ["locale", "query"], "left")
    needed = (F.length("locale") == 2) | F.col("_wanted").isNotNull()
    for key in ("artist", "work_id"):
        mark = anywhere.select(key).distinct().withColumn(f"_by_{key}", F.lit(True))
        placed = placed.join(F.broadcast(mark), key, "left")
        needed = needed | ((F.col("locale") == "*") & F.col(f"_by_{key}").isNotNull())
    return placed.where(needed).drop("_wanted", "_by_artist", "_by_work_id")


def _with_keys(inputs: FeatureInputs) -> DataFrame:
    """The wanted pairs with every key that a level sums by."""
    from pyspark.sql import functions as F

    clusters = inputs.queries.select("locale", "query", "language", "cluster_id")
    return inputs.pairs.join(F.broadcast(clusters), ["locale", "query"]).join(
        F.broadcast(track_keys(inputs.tracks)), "track_id"
    )


def track_keys(tracks: DataFrame) -> DataFrame:
    """(track_id, artist, work_id): the main artist, and the work of which the track is a version (itself if unknown)."""
    from pyspark.sql import functions as F

    work = F.coalesce("work_id", "track_id").alias("work_id")
    return tracks.select("track_id", F.col("artists_normal")[0].alias("artist"), work)


def _with_sums(base: DataFrame, placed: DataFrame, asked: Sequence[Sum]) -> DataFrame:
    """Add `<level>__<sum>` for every asked sum; the base frame holds the level's keys."""
    from pyspark.sql import functions as F

    for level, keys in LEVELS.items():
        here = sorted({s.column for s in asked if s.level == level})
        if not here:
            continue
        # a level over a whole language reads the language's own roll-up rows, so that nothing counts twice
        rows = placed if "locale" in keys else placed.where(F.col("locale") == F.col("language"))
        total = {c: F.min(c) if c.startswith(f"{NEWEST}__") else F.sum(c) for c in here}
        summed = rows.groupBy("as_of", *keys).agg(*[a.alias(f"{level}__{c}") for c, a in total.items()])
        small = level in ("query", "artist")  # one row a query or an artist: cheaper to send than to exchange the pairs
        base = base.join(F.broadcast(summed) if small else summed, ["as_of", *keys], "left")
    return base
