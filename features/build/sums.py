"""The sums that features ask for, from `daily_engagement` and from the tiles of longer history.

A row of the log is read once whatever the number of features: everything up to 90 days comes from one aggregation by (as_of,
locale, query, track), of which every level is a roll-up. Queries that no wanted pair's alias cluster holds are summed by track
alone: they count for tracks, artists and works only, and are most of what is ever asked. 365 days and all time are kept by
query and track, in tiles (`events.tiles`); artists and works are roll-ups of tracks.

Names (`inputs.NAMES`) are summed and joined by a key of 64 bits, `<name>_key`, which costs half of what strings do; the frames of
wanted rows have both, so the names come back without a join. That no two queries of a night share a key is checked in the plan:
their words come from outside. Names of the catalog are its owner's; among ten million, two share a key with a chance of 3e-6.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import reduce
from operator import or_
from typing import TYPE_CHECKING

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from features.build.keys import cluster_kinds, key_of, track_keys, with_cluster_of, with_keys
from features.measures import (
    LEVELS,
    LISTENERS,
    LONGEST_DAYS,
    MEASURES,
    MICRO,
    NAMES,
    NEWEST,
    WEEK,
    Sum,
    decay_weights,
)

if TYPE_CHECKING:
    from features.build.inputs import FeatureInputs


def sums_per_pair(inputs: FeatureInputs, asked: Sequence[Sum], near: DataFrame) -> DataFrame:
    """One row per (as_of, locale, query_key, track_id_key) with every asked sum up to 90 days, bigint (decayed ones in
    `Sum.scale`); `near` is what `near_queries` makes.

    Queries beside the wanted ones have no row of their own: theirs are summed under query null and the language as locale.
    """
    dates = F.array(*[F.lit(d) for d in sorted(inputs.as_of)])
    groups = inputs.queries.select("locale", "query", "intent_group")
    daily = inputs.daily.join(F.broadcast(groups), ["locale", "query"], "left").fillna("open", ["intent_group"])
    daily = daily.join(F.broadcast(near), "query", "left")
    daily = daily.withColumn("as_of", F.explode(dates)).withColumn("age_days", F.datediff("as_of", "search_date"))
    daily = daily.where((F.col("age_days") >= 1) & (F.col("age_days") <= LONGEST_DAYS))
    rates = inputs.curves.groupBy(F.col("run_date").alias("as_of"), "client", "intent_group").agg(
        F.transform(
            F.array_sort(F.collect_list(F.struct("position", "expected_rate"))),
            lambda r: F.round(r["expected_rate"] * MICRO).cast("bigint"),
        ).alias("rates_micro")
    )
    daily = daily.join(F.broadcast(rates), ["as_of", "client", "intent_group"], "left")
    # a sum asked at several levels is the pair's sum, rolled up
    once = {of.column: of for s in asked for of in s.of_pairs}
    weights = [
        F.array(*[F.lit(w).cast("bigint") for w in decay_weights(h, bits)])[F.col("age_days") - 1].alias(
            _weight(h, bits)
        )
        for h, bits in sorted({(s.half_life, s.bits) for s in once.values() if s.half_life})
    ]
    measures = {s.measure for s in once.values()}
    is_near = F.col("query_key").isNotNull()
    daily = daily.select(
        "as_of",
        "age_days",
        F.when(is_near, F.col("locale")).otherwise(F.substring("locale", 1, 2)).alias("locale"),
        "query_key",
        key_of("track_id"),
        *weights,
        *[(F.col("age_days") if m == NEWEST else MEASURES[m].value()).alias(m) for m in sorted(measures)],
    )
    return daily.groupBy("as_of", "locale", "query_key", "track_id_key").agg(
        *[_span_sum(s).alias(name) for name, s in sorted(once.items())]
    )


def _span_sum(wanted: Sum) -> Column:
    age, value = F.col("age_days"), F.col(wanted.measure)
    if wanted.measure == NEWEST:
        return F.min(F.when(age <= F.lit(wanted.days), value)).cast("bigint")
    if wanted.half_life:
        return F.sum(value * F.col(_weight(wanted.half_life, wanted.bits)))
    return F.sum(F.when(age <= F.lit(wanted.days), value).otherwise(0)).cast("bigint")


def _weight(half_life: int, bits: int) -> str:
    return f"_weight_{half_life}d_{bits}"


def places(locale: str = "locale") -> Column:
    """Where a row of a locale counts: there, in its language and in `*`; array of (locale, language)."""
    language = F.substring(locale, 1, 2)
    wider = [
        F.struct(language.alias("locale"), language.alias("language")),
        F.struct(F.lit("*").alias("locale"), F.lit("*").alias("language")),
    ]
    own = F.struct(F.col(locale).alias("locale"), language.alias("language"))
    return F.when(F.length(locale) > 2, F.array(own, *wider)).otherwise(F.array(*wider))


def rolled_up(fine: DataFrame, inputs: FeatureInputs, near: DataFrame) -> DataFrame:
    """The pair sums once for each place they count at: their locale, its language and `*`, with every level's keys."""
    sums = [c for c in fine.columns if "__" in c]
    spread = fine.withColumn("_at", F.explode(places())).select("as_of", "_at.*", "query_key", "track_id_key", *sums)
    # of these queries alone: a tail's query that shares a key with one of them must not be taken for it
    kinds = [key_of(kind) for kind in cluster_kinds(inputs)]
    clusters = inputs.queries.join(F.broadcast(near), "query").select("locale", "query_key", *kinds)
    made_by = with_keys(track_keys(inputs.tracks))
    of_track = made_by.select("track_id_key", "artist_key", "work_id_key")
    placed = spread.join(F.broadcast(clusters), ["locale", "query_key"], "left").join(
        F.broadcast(of_track), "track_id_key", "left"
    )
    placed = with_cluster_of(placed, inputs, "cluster_id_key")
    # a language's rows are all summed (by cluster, track, artist); a locale's and `*`'s only where a pair asks for them
    asked = inputs.pairs.select("locale", "query").distinct()
    wanted = asked.select("locale", key_of("query")).withColumn("_wanted", F.lit(True))
    anywhere = inputs.pairs.where(F.col("locale") == "*").join(F.broadcast(made_by), "track_id")
    placed = placed.join(F.broadcast(wanted), ["locale", "query_key"], "left")
    needed = (F.length("locale") == 2) | F.col("_wanted").isNotNull()
    for key in ("artist_key", "work_id_key"):
        mark = anywhere.select(key).distinct().withColumn(f"_by_{key}", F.lit(True))
        placed = placed.join(F.broadcast(mark), key, "left")
        needed = needed | ((F.col("locale") == "*") & F.col(f"_by_{key}").isNotNull())
    return placed.where(needed).drop("_wanted", "_by_artist_key", "_by_work_id_key")


_ORDER = ("work_id_key", "track_id_key", "as_of", "language", "query_key", "locale", "cluster_id_key", "artist_key")


def level_keys(level: str) -> list[str]:
    """What a level's sums lie by: columns of the sums, and of the rows they are joined to.

    A track's work and a locale's language are named with them, which changes no sum, and all in one order: rows that lie by
    work need not be exchanged to meet by track, and rows sorted for the pair are sorted for its language and its track.
    """
    keys = {f"{k}_key" if k in NAMES else k for k in LEVELS[level]} | {"as_of"}
    keys |= {"work_id_key"} if "track_id_key" in keys else set()
    keys |= {"language"} if "locale" in keys else set()
    return sorted(keys, key=_ORDER.index)


def with_short_sums(base: DataFrame, placed: DataFrame, asked: Sequence[Sum]) -> DataFrame:
    """Add `<level>__<sum>` for every asked sum up to 90 days; the base frame holds the level's keys."""
    for level in LEVELS:
        keys = level_keys(level)
        here = [s for s in asked if s.level == level and not s.is_long and s.how != "ahead"]
        if not here:
            continue
        # a level over a whole language reads the language's own roll-up rows, so that nothing counts twice
        rows = placed if "locale" in keys else placed.where(F.col("locale") == F.col("language"))
        if any(s.how != "sum" for s in here):
            rows = _by_pair(rows, keys, here)
        summed = rows.groupBy(*keys).agg(*[_rolled(s).alias(f"{level}__{s.column}") for s in here])
        small = level in ("query", "artist")  # one row a query or an artist: cheaper to send than to exchange the pairs
        base = base.join(F.broadcast(summed) if small else summed, keys, "left")
    return base


def _by_pair(rows: DataFrame, keys: Sequence[str], wanted: Sequence[Sum]) -> DataFrame:
    """The rows added up to one a level's key and track: what the largest of them is can be told of whole sums only."""
    whole = sorted({of for s in wanted for of in s.of_pairs}, key=lambda s: s.column)
    return rows.groupBy(*keys, "track_id_key", "work_id_key").agg(*[_rolled(s).alias(s.column) for s in whole])


def _rolled(wanted: Sum) -> Column:
    """A level's value from the sums of its rows."""
    n = F.col(wanted.by_pair.column)
    if wanted.how == "top":
        return F.max(n)
    if wanted.how == "spread":
        return F.sum(F.when(n > 0, F.round(n * F.log2(n.cast("double")) * MICRO).cast("bigint")).otherwise(0))
    if wanted.how == "steady":
        return F.sum(F.least(n, F.col(wanted.of_pairs[1].column) * F.lit((wanted.days or WEEK) // WEEK)))
    return F.min(n) if wanted.measure == NEWEST else F.sum(n)


def with_ranks(base: DataFrame, inputs: FeatureInputs, asked: Sequence[Sum]) -> DataFrame:
    """Add `query__<sum>` for the asked `ahead`; the base frame holds the query's own sum.

    Of every query that was asked, wanted or not, so each is summed here once more; what is kept of them is how many had how much.
    A rank then needs no join by query. (Two of the tail that shared a key would count as one; see `KEY_SALT`.)
    """
    from pyspark.sql.window import Window

    for wanted in (s for s in asked if s.how == "ahead"):
        own = f"query__{wanted.by_pair.column}"
        ages, n = [F.datediff(F.lit(d), "search_date") for d in inputs.as_of], F.col(wanted.measure)
        is_within = [(a >= 1) & (a <= F.lit(wanted.days)) for a in ages]
        spans = [F.sum(F.when(within, n).otherwise(0)) for within in is_within]
        of_day = [F.struct(F.lit(d).alias("as_of"), s.alias("n")) for d, s in zip(inputs.as_of, spans, strict=True)]
        daily = inputs.daily.where(reduce(or_, is_within))  # the days that no snapshot needs are not read
        rows = daily.groupBy("locale", key_of("query")).agg(F.array(*of_day).alias("_n"))
        rows = rows.withColumn("_at", F.explode(places())).select("_at.locale", "query_key", F.inline("_n"))
        summed = (
            rows.where(F.col("n") > 0).groupBy("as_of", "locale", "query_key").agg(F.sum("n").cast("bigint").alias(own))
        )
        alike = summed.groupBy("as_of", "locale", own).agg(F.count("*").alias("queries"))
        more = Window.partitionBy("as_of", "locale").orderBy(F.desc(own)).rowsBetween(Window.unboundedPreceding, -1)
        told = F.coalesce(F.sum("queries").over(more), F.lit(0)).alias(f"query__{wanted.column}")
        ranks = alike.select("as_of", "locale", own, told)
        base = base.join(F.broadcast(ranks), ["as_of", "locale", own], "left")
    return base


def with_long_sums(base: DataFrame, history: DataFrame | None, tracks: DataFrame, asked: Sequence[Sum]) -> DataFrame:
    """Add `<level>__<sum>` for the asked sums over 365 days and all time, from `history` (see `FeatureInputs`)."""
    for level in LEVELS:
        keys = level_keys(level)
        here = {s.column: s for s in asked if s.level == level and s.is_long and s.measure != LISTENERS}
        if not here:
            continue
        if history is None:
            raise ValueError(
                f"no history given, but a feature looks back {max(s.days or 0 for s in here.values())} days"
            )
        rows = history.where(F.col("level") == ("query" if level == "query" else "track"))
        rows = rows.withColumn("_at", F.explode(places("place"))).select(
            "as_of",
            "span_days",
            "_at.*",
            F.col("key").alias("query" if level == "query" else "track_id"),
            *sorted({s.measure for s in here.values()}),
        )
        named = F.broadcast(with_keys(track_keys(tracks)))
        rows = _of_wanted_queries(rows, base) if level == "query" else rows.join(named, "track_id")
        summed = rows.groupBy(*keys).agg(
            *[
                F.sum(F.when(F.col("span_days") == F.lit(s.days), F.col(s.measure)).otherwise(0)).alias(
                    f"{level}__{name}"
                )
                for name, s in sorted(here.items())
            ]
        )
        base = base.join(F.broadcast(summed) if level in ("query", "artist") else summed, keys, "left")
    return base


def with_listeners(base: DataFrame, listeners: DataFrame | None, asked: Sequence[Sum]) -> DataFrame:
    """Add `query__<sum>` for the asked counts of listeners, from `listeners` (see `FeatureInputs`)."""
    here = {s.column: s for s in asked if s.measure == LISTENERS}
    if not here:
        return base
    if listeners is None:
        raise ValueError("no sketches of listeners given, but a feature counts them")
    rows = listeners.withColumn("_at", F.explode(places())).select("as_of", "span_days", "_at.*", "query", "listeners")
    keys = level_keys("query")
    merged = (
        _of_wanted_queries(rows, base)
        .groupBy(*keys)
        .agg(
            *[
                F.hll_sketch_estimate(
                    F.hll_union_agg(F.when(F.col("span_days") == F.lit(s.days), F.col("listeners")))
                ).alias(f"query__{name}")
                for name, s in sorted(here.items())
            ]
        )
    )
    return base.join(F.broadcast(merged), keys, "left")


def _of_wanted_queries(rows: DataFrame, base: DataFrame) -> DataFrame:
    """The rows of the base's queries (at their places), with their keys."""
    return rows.join(F.broadcast(base.select("locale", "query", "query_key").distinct()), ["locale", "query"])
