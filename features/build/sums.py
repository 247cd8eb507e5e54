"""Compute the sums that features ask for, from `daily_engagement` and from the tiles of longer history.

Each row of `daily_engagement` is read once, whatever the number of features: all sums up to 90 days come from one aggregation by
(as_of, locale, need, track), and every level is a roll-up of it. Needs outside of the broader needs of the wanted pairs are
summed by track alone, because they count for tracks, artists and works only; most needs are of this kind. Sums over 365 days
and all time come from tiles (`events.tiles`), which are stored by need and by track; artists and works are roll-ups of tracks.

Names (`features.measures.NAMES`) are grouped and joined by a 64-bit key, `<name>_key`, which costs half as much as strings. The
frames of wanted rows have both, so that the names come back without a join. The plan checks that no two needs of a night share
a key, because anybody can choose the words of a need. Names of the catalog are not checked: among ten million, the probability
that any two share a key is 3e-6.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import reduce
from operator import or_
from typing import TYPE_CHECKING

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from events.tiles import listener_estimate
from features.build.keys import key_of, track_keys, with_keys
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
from lake.joins import if_small
from queries.nightly.by_need import by_need

if TYPE_CHECKING:
    from features.build.inputs import FeatureInputs


def sums_per_pair(inputs: FeatureInputs, asked: Sequence[Sum], near: DataFrame) -> DataFrame:
    """Every sum up to 90 days, one row per (as_of, locale, need_key, track_id_key); bigint, if decayed in units of `Sum.scale`.

    Needs that are not in `near` have no rows of their own: they are summed with a null need_key and the language as locale.

    Args:
        inputs: what the build reads.
        asked: the sums to compute.
        near: (need, need_key) of the needs that keep their own rows (`features.build.keys.near_needs`).
    """
    dates = F.array(*[F.lit(d) for d in sorted(inputs.as_of)])
    daily = inputs.daily.withColumn("as_of", F.explode(dates))
    daily = daily.withColumn("age_days", F.datediff("as_of", "search_date"))
    daily = daily.where((F.col("age_days") >= 1) & (F.col("age_days") <= LONGEST_DAYS))
    daily = by_need(daily, inputs.wordings)
    groups = inputs.needs.select("need", "intent_group")
    daily = daily.join(F.broadcast(groups), "need", "left").fillna("open", ["intent_group"])
    daily = daily.join(F.broadcast(near), "need", "left")
    rates = inputs.curves.groupBy(F.col("run_date").alias("as_of"), "client", "intent_group").agg(
        F.transform(
            F.array_sort(F.collect_list(F.struct("position", "expected_rate"))),
            lambda r: F.round(r["expected_rate"] * MICRO).cast("bigint"),
        ).alias("rates_micro")
    )
    daily = daily.join(F.broadcast(rates), ["as_of", "client", "intent_group"], "left")
    # a sum that is asked for at several levels is computed once, for pairs, and rolled up later
    once = {of.column: of for s in asked for of in s.of_pairs}
    weights = [
        F.array(*[F.lit(w).cast("bigint") for w in decay_weights(h, bits)])[F.col("age_days") - 1].alias(
            _weight(h, bits)
        )
        for h, bits in sorted({(s.half_life, s.bits) for s in once.values() if s.half_life})
    ]
    measures = {s.measure for s in once.values()}
    is_near = F.col("need_key").isNotNull()
    daily = daily.select(
        "as_of",
        "age_days",
        F.when(is_near, F.col("locale")).otherwise(F.substring("locale", 1, 2)).alias("locale"),
        "need_key",
        key_of("track_id"),
        *weights,
        *[(F.col("age_days") if m == NEWEST else MEASURES[m].value()).alias(m) for m in sorted(measures)],
    )
    return daily.groupBy("as_of", "locale", "need_key", "track_id_key").agg(
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
    """The places where a row of a locale counts: the locale, its language and `*`, as an array of (locale, language) structs."""
    language = F.substring(locale, 1, 2)
    wider = [
        F.struct(language.alias("locale"), language.alias("language")),
        F.struct(F.lit("*").alias("locale"), F.lit("*").alias("language")),
    ]
    own = F.struct(F.col(locale).alias("locale"), language.alias("language"))
    return F.when(F.length(locale) > 2, F.array(own, *wider)).otherwise(F.array(*wider))


def rolled_up(fine: DataFrame, inputs: FeatureInputs, near: DataFrame) -> DataFrame:
    """The sums of pairs, repeated for each place where they count (`places`), with the keys of every level.

    Args:
        fine: what `sums_per_pair` returns.
        inputs: what the build reads.
        near: (need, need_key), see `sums_per_pair`.
    """
    sums = [c for c in fine.columns if "__" in c]
    spread = fine.withColumn("_at", F.explode(places())).select("as_of", "_at.*", "need_key", "track_id_key", *sums)
    # only these needs: another need that happens to share a key with one of them must not get its broader need
    broader = inputs.needs.join(F.broadcast(near), "need").select("need_key", key_of("broader"))
    named_tracks = with_keys(track_keys(inputs.tracks))
    of_track = named_tracks.select("track_id_key", "artist_key", "work_id_key")
    placed = spread.join(F.broadcast(broader), "need_key", "left").join(if_small(of_track), "track_id_key", "left")
    # all rows of a language are needed (by cluster, track, artist), but those of a locale or of `*` only for wanted pairs
    asked = inputs.pairs.select("locale", "need").distinct()
    wanted = asked.select("locale", key_of("need")).withColumn("_wanted", F.lit(True))
    anywhere = inputs.pairs.where(F.col("locale") == "*").join(if_small(named_tracks), "track_id")
    placed = placed.join(F.broadcast(wanted), ["locale", "need_key"], "left")
    # those of `*` also for its broader needs
    is_near = (F.col("locale") == "*") & F.col("need_key").isNotNull()
    needed = (F.length("locale") == 2) | F.col("_wanted").isNotNull() | is_near
    for key in ("artist_key", "work_id_key"):
        mark = anywhere.select(key).distinct().withColumn(f"_by_{key}", F.lit(True))
        placed = placed.join(F.broadcast(mark), key, "left")
        needed = needed | ((F.col("locale") == "*") & F.col(f"_by_{key}").isNotNull())
    return placed.where(needed).drop("_wanted", "_by_artist_key", "_by_work_id_key")


_ORDER = ("work_id_key", "track_id_key", "as_of", "language", "need_key", "locale", "broader_key", "artist_key")


def level_keys(level: str) -> list[str]:
    """The key columns of a level's sums, which are also the columns that they are joined by.

    A track's work and a locale's language are added to the keys, which changes no sum, and the keys of all levels have one order.
    Rows partitioned by work then need no exchange for a join by track, and rows sorted for the pair are sorted for its language
    and track.
    """
    keys = {f"{k}_key" if k in NAMES else k for k in LEVELS[level]} | {"as_of"}
    keys |= {"work_id_key"} if "track_id_key" in keys else set()
    keys |= {"language"} if "locale" in keys else set()
    return sorted(keys, key=_ORDER.index)


def with_short_sums(base: DataFrame, placed: DataFrame, asked: Sequence[Sum]) -> DataFrame:
    """Add a column `<level>__<sum>` to `base` for every asked sum up to 90 days.

    Args:
        base: rows with the keys of every level that is asked for; the grain stays the same.
        placed: what `rolled_up` returns.
        asked: the sums; those over longer spans and those of `ahead` are ignored.
    """
    for level in LEVELS:
        keys = level_keys(level)
        here = [s for s in asked if s.level == level and not s.is_long and s.how != "ahead"]
        if not here:
            continue
        # a level over a whole language reads only the language's rows, so that nothing counts twice
        rows = placed if "locale" in keys else placed.where(F.col("locale") == F.col("language"))
        if any(s.how != "sum" for s in here):
            rows = _by_pair(rows, keys, here)
        summed = rows.groupBy(*keys).agg(*[_rolled(s).alias(f"{level}__{s.column}") for s in here])
        small = level in ("need", "artist")  # one row for each: a broadcast is cheaper than an exchange of the pairs
        base = base.join(if_small(summed) if small else summed, keys, "left")
    return base


def _by_pair(rows: DataFrame, keys: Sequence[str], wanted: Sequence[Sum]) -> DataFrame:
    """The rows added up to one row for each key of the level and track, because `top` and the like need whole sums of tracks."""
    whole = sorted({of for s in wanted for of in s.of_pairs}, key=lambda s: s.column)
    return rows.groupBy(*keys, "track_id_key", "work_id_key").agg(*[_rolled(s).alias(s.column) for s in whole])


def _rolled(wanted: Sum) -> Column:
    """The aggregate that gives a level's value from the sums of its rows; see `How`."""
    n = F.col(wanted.by_pair.column)
    if wanted.how == "top":
        return F.max(n)
    if wanted.how == "spread":
        return F.sum(F.when(n > 0, F.round(n * F.log2(n.cast("double")) * MICRO).cast("bigint")).otherwise(0))
    if wanted.how == "steady":
        return F.sum(F.least(n, F.col(wanted.of_pairs[1].column) * F.lit((wanted.days or WEEK) // WEEK)))
    return F.min(n) if wanted.measure == NEWEST else F.sum(n)


def with_ranks(base: DataFrame, inputs: FeatureInputs, asked: Sequence[Sum]) -> DataFrame:
    """Add a column `need__<sum>` for every asked sum of kind `ahead`: how many needs of the place have a larger sum.

    All needs count for the rank, wanted or not, so they are summed here again. Only the number of needs by (place, sum) is
    kept, and a rank is joined by the need's own sum, not by the need. Two needs outside of the wanted ones that share a key
    would count as one; see `features.build.keys.KEY_SALT`.

    Args:
        base: rows with as_of, locale and the need's own sum.
        inputs: what the build reads.
        asked: the sums; all kinds but `ahead` are ignored.
    """
    from pyspark.sql.window import Window

    for wanted in (s for s in asked if s.how == "ahead"):
        own = f"need__{wanted.by_pair.column}"
        ages, n = [F.datediff(F.lit(d), "search_date") for d in inputs.as_of], F.col(wanted.measure)
        is_within = [(a >= 1) & (a <= F.lit(wanted.days)) for a in ages]
        spans = [F.sum(F.when(within, n).otherwise(0)) for within in is_within]
        of_day = [F.struct(F.lit(d).alias("as_of"), s.alias("n")) for d, s in zip(inputs.as_of, spans, strict=True)]
        daily = inputs.daily.where(reduce(or_, is_within))  # days that no snapshot needs are not read
        rows = daily.groupBy("locale", "query").agg(F.array(*of_day).alias("_n"))
        rows = by_need(rows.select("locale", "query", F.inline("_n")).where(F.col("n") > 0), inputs.wordings)
        rows = rows.where(F.col("need").isNotNull()).withColumn("_at", F.explode(places()))
        rows = rows.select("as_of", "_at.locale", key_of("need"), "n")
        summed = rows.groupBy("as_of", "locale", "need_key").agg(F.sum("n").cast("bigint").alias(own))
        alike = summed.groupBy("as_of", "locale", own).agg(F.count("*").alias("needs"))
        more = Window.partitionBy("as_of", "locale").orderBy(F.desc(own)).rowsBetween(Window.unboundedPreceding, -1)
        rank = F.coalesce(F.sum("needs").over(more), F.lit(0)).alias(f"need__{wanted.column}")
        ranks = alike.select("as_of", "locale", own, rank)
        base = base.join(F.broadcast(ranks), ["as_of", "locale", own], "left")
    return base


def with_long_sums(base: DataFrame, inputs: FeatureInputs, asked: Sequence[Sum]) -> DataFrame:
    """Add a column `<level>__<sum>` for every asked sum over 365 days or all time, from the tiles of `inputs.history`.

    Raises ValueError if such a sum is asked for and there is no history.
    """
    for level in LEVELS:
        keys = level_keys(level)
        here = {s.column: s for s in asked if s.level == level and s.is_long and s.measure != LISTENERS}
        if not here:
            continue
        if inputs.history is None:
            raise ValueError(
                f"no history given, but a feature looks back {max(s.days or 0 for s in here.values())} days"
            )
        own, measures = "need" if level == "need" else "track_id", sorted({s.measure for s in here.values()})
        if level == "need":
            rows = inputs.history.where(F.col("level") == "query").withColumnRenamed("place", "locale")
            rows = by_need(rows, inputs.wordings, "key").where(F.col("need").isNotNull())
        else:
            rows = inputs.history.where(F.col("level") == "track").withColumnsRenamed({"place": "locale", "key": own})
        rows = rows.withColumn("_at", F.explode(places())).select("as_of", "span_days", "_at.*", own, *measures)
        named = if_small(with_keys(track_keys(inputs.tracks)))
        rows = _of_wanted_needs(rows, base) if level == "need" else rows.join(named, "track_id")
        summed = rows.groupBy(*keys).agg(
            *[
                F.sum(F.when(F.col("span_days") == F.lit(s.days), F.col(s.measure)).otherwise(0)).alias(
                    f"{level}__{name}"
                )
                for name, s in sorted(here.items())
            ]
        )
        base = base.join(if_small(summed) if level in ("need", "artist") else summed, keys, "left")
    return base


def with_listeners(base: DataFrame, inputs: FeatureInputs, asked: Sequence[Sum]) -> DataFrame:
    """Add a column `need__<sum>` for every asked count of listeners, from the sketches of `inputs.listeners`.

    Raises ValueError if such a count is asked for and there are no sketches.
    """
    here = {s.column: s for s in asked if s.measure == LISTENERS}
    if not here:
        return base
    if inputs.listeners is None:
        raise ValueError("no sketches of listeners given, but a feature counts them")
    rows = by_need(inputs.listeners, inputs.wordings).where(F.col("need").isNotNull())
    rows = rows.withColumn("_at", F.explode(places())).select("as_of", "span_days", "_at.*", "need", "listeners")
    keys = level_keys("need")
    merged = (
        _of_wanted_needs(rows, base)
        .groupBy(*keys)
        .agg(
            *[
                listener_estimate(F.when(F.col("span_days") == F.lit(s.days), F.col("listeners"))).alias(
                    f"need__{name}"
                )
                for name, s in sorted(here.items())
            ]
        )
    )
    return base.join(F.broadcast(merged), keys, "left")


def _of_wanted_needs(rows: DataFrame, base: DataFrame) -> DataFrame:
    """The rows whose (place, need) is in `base`, with the need's key."""
    return rows.join(F.broadcast(base.select("locale", "need", "need_key").distinct()), ["locale", "need"])
