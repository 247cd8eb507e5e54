"""Test whether a feature reads data that its snapshot could not know: build a past snapshot from several variants of its inputs.

Each variant is called a world. Every world has the same days before the snapshot, shifted to dates of its own (`SHIFT_DAYS`
apart). The production engine therefore builds all worlds in one pass, as it builds several snapshots, and no world sees the rows
of another. One world also contains the future; each of the others has one fitted input replaced. A column must be equal with and
without the future, and it must change when an input of its own snapshot changes. A column that reads the newest snapshot instead
of its own stays the same in all worlds, and is reported for that.

Source: noninterference of Goguen & Meseguer 1982, "Security policies and security models", tested by metamorphic relations (Chen
et al. 1998): inputs that must not matter and inputs that must matter are changed in turn, and the outputs are compared.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date, timedelta

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from events.engagement import SUMS
from events.tiles import SKETCH_BITS
from features.build.engine import Prepared, asked_sums, prepared
from features.build.inputs import FeatureInputs
from features.catalogue import KEYS, chosen
from features.measures import CHAIN, LISTENERS, UNFITTED_STRENGTH
from features.spec import FeatureColumn
from lake.checkpoint import checkpointed, shared
from lake.rows import frame_of

FUTURE_EXTRA = 1_000  # added to every count of the future rows
SHIFT_DAYS = 10_227  # 28 years: the same weekday, day and month, so that only the year differs
# days after the snapshot for which the world with the future has other curves, strengths, vectors and tiles
LATER_DAYS = (1, 7, 10)
# separates a track's id from its world's number: release dates shift with the snapshot, so each world needs tracks of its own
TAG = "\x01"
UNCHANGED, WITH_FUTURE = "as it was", "with the future"
CURVE, STRENGTH, VECTOR, TILE, LISTENER, POPULARITY = (
    "exposure curve",
    "back-off strength",
    "vectors",
    "tiles of long history",
    "sketches of listeners",
    "catalog popularity",
)
WORLDS = (UNCHANGED, WITH_FUTURE, CURVE, STRENGTH, VECTOR, TILE, LISTENER, POPULARITY)


def future_dependent(inputs: FeatureInputs, as_of: date, only: Sequence[str] = ()) -> dict[str, str]:
    """Find the feature columns that read data which their snapshot could not know.

    A column whose values differ from run to run is reported too. If the fit of the back-off strengths reads later days, every
    column that reads such a strength is reported.

    Args:
        inputs: what the features are built from. Its pairs are of `as_of` alone. A sample is enough, and every frame may be cut
            to it (`sample`), for all worlds see the same cut.
        as_of: the snapshot.
        only: families, features or columns to test; all if empty.

    Returns:
        Column -> what is wrong with it, in matrix order; {} if no column is at fault.
    """
    wanted = chosen(only)
    # a world is unions and joins, which dozens of references would have planned again each time
    with prepared(computed_once(in_worlds(inputs, as_of)), only) as sums:
        strengths = refitted_strengths(sums, as_of)
        frames = {g: f for g, f in sums.frames().items() if any(c.feature.grain == g for c in wanted)}
        values = {
            g: compared(frame, g, [c.name for c in wanted if c.feature.grain == g], as_of)
            for g, frame in frames.items()
        }
    reads = {c.name: sources_of(c) for c in wanted}
    wrong: dict[str, str] = {}
    for grain, changes in values.items():
        for name in (c.name for c in wanted if c.feature.grain == grain):
            row = changes[name]
            if row[WITH_FUTURE]:
                wrong[name] = "changes when days, curves, strengths, vectors or tiles after its snapshot are added"
            elif STRENGTH in reads[name] and strengths:
                wrong[name] = f"reads a back-off strength that is fitted with days after its snapshot ({strengths})"
            elif unread := [
                s
                for s in sorted(reads[name])
                if is_provided(inputs, s) and not row[s] and _is_conclusive(row, reads[name])
            ]:
                wrong[name] = f"reads the {unread[0]} of another snapshot than its own"
    return {c.name: wrong[c.name] for c in wanted if c.name in wrong}


def _is_conclusive(row: Mapping[str, bool], reads: frozenset[str]) -> bool:
    """Whether a column that stays the same when an input is replaced has certainly not read it from its own snapshot.

    This is so if the column has several values. It is also so if the column has a single value (null) in the unchanged world and
    another one in a world whose input it does not declare: it then read the newest snapshot, whose keys exist in that world only.
    """
    return row["varies"] or any(row[w] for w in WORLDS[1:] if w not in reads)


def sources_of(column: FeatureColumn) -> frozenset[str]:
    """The fitted or stored inputs of a snapshot that the column's declaration asks for."""
    sums, _, attributes = asked_sums([column])
    sources = {CURVE for s in sums if s.measure.endswith("expected_micro")}
    sources |= {LISTENER if s.measure == LISTENERS else TILE for s in sums if s.is_long}
    sources |= {
        VECTOR for a in attributes if a.startswith(("need_vector", "need_company", "track_vector", "track_company"))
    }
    sources |= {POPULARITY for a in attributes if a.startswith("popularity")}
    sources |= {STRENGTH for a in attributes if a.startswith("strength__")}
    return frozenset(sources)


def is_provided(inputs: FeatureInputs, source: str) -> bool:
    """Whether `inputs` contain this source (one of the names in WORLDS) at all."""
    frames = {VECTOR: inputs.vectors, TILE: inputs.history, LISTENER: inputs.listeners, POPULARITY: inputs.popularity}
    return frames.get(source, inputs.curves) is not None


def sample(inputs: FeatureInputs, as_of: date, needs: int) -> FeatureInputs:
    """The inputs of some needs of one snapshot, so that an audit costs the same on a night of any size.

    Every frame is cut to these needs and their tracks, and checkpointed. `needs` is how many are kept, chosen by hash.
    """
    pairs = inputs.pairs.where(F.col("as_of") == F.lit(as_of))
    few = checkpointed(pairs.select("need").distinct().orderBy(F.xxhash64("need"), "need").limit(needs))
    pairs = checkpointed(pairs.join(F.broadcast(few), "need").select("as_of", "locale", "need", "track_id"))
    wordings = checkpointed(inputs.wordings.where(F.col("as_of") == F.lit(as_of)).join(F.broadcast(few), "need"))
    asked = checkpointed(wordings.select("query").distinct())
    daily = checkpointed(inputs.daily.join(F.broadcast(asked), "query"))
    some = checkpointed(pairs.select("track_id").unionByName(daily.select("track_id")).distinct())

    def cut(frame: DataFrame, by: DataFrame, key: str = "") -> DataFrame:
        """The rows whose `key` is one of the names in the only column of `by`."""
        names = by.withColumnRenamed(by.columns[0], key or by.columns[0])
        return frame.join(F.broadcast(names), key or by.columns[0])

    def cut_own(frame: DataFrame | None, by: DataFrame, kind: Column | None = None) -> DataFrame | None:
        """The same for the snapshot's rows of an optional input; None stays None.

        `kind` is for frames with names of both kinds in `key`: where it is false, the name is a track.
        """
        if frame is None:
            return None
        own = frame.where(F.col("as_of") == F.lit(as_of))
        if kind is None:
            return checkpointed(cut(own, by))
        both = cut(own.where(kind), by, "key").unionByName(cut(own.where(~kind), some, "key"))
        return checkpointed(both)

    return replace(
        inputs,
        as_of=(as_of,),
        pairs=pairs,
        daily=daily,
        needs=checkpointed(cut(inputs.needs, few)),
        wordings=wordings,
        tracks=checkpointed(cut(inputs.tracks, some)),
        curves=checkpointed(inputs.curves.where(F.col("run_date") == F.lit(as_of))),
        history=cut_own(inputs.history, asked, F.col("level") == "query"),
        listeners=cut_own(inputs.listeners, asked),
        vectors=cut_own(inputs.vectors, few, F.col("kind") == "need"),
        popularity=cut_own(inputs.popularity, some),
    )


# -- the worlds ---------------------------------------------------------------------------------------------------


def dated(as_of: date, world: str) -> date:
    """The snapshot's date in a world."""
    return as_of + timedelta(days=SHIFT_DAYS * WORLDS.index(world))


def in_worlds(inputs: FeatureInputs, as_of: date) -> FeatureInputs:
    """The inputs of one snapshot, copied once for each world and changed as the world's name says."""
    spark = inputs.pairs.sparkSession
    everywhere = frame_of(spark, [(i,) for i in range(len(WORLDS))], "_world int")

    def copies(
        frame: DataFrame, day: str | None = None, track: Column | None = None, name: str = "track_id"
    ) -> DataFrame:
        """The frame once for each world; `track` is true for the rows whose column `name` is a track's id."""
        frame = frame.crossJoin(F.broadcast(everywhere))
        if day:
            frame = frame.withColumn(day, F.date_add(day, SHIFT_DAYS * F.col("_world")))
        return frame if track is None else frame.withColumn(name, F.when(track, tagged(name)).otherwise(F.col(name)))

    def tagged(name: str) -> Column:
        return F.when(F.col("_world") > 0, F.concat(name, F.lit(TAG), F.col("_world"))).otherwise(F.col(name))

    def varied(frame: DataFrame, source: str, day: str, other: Mapping[str, Column], **of: object) -> DataFrame:
        """The snapshot's rows of an input in every world.

        The world named `source` gets the values of `other` instead. The world with the future gets them too, as rows of later
        days.
        """
        own = frame.where(F.col(day) == F.lit(as_of))
        placed = copies(own, day, **of)  # type: ignore[arg-type]
        here, changed = F.col("_world") == WORLDS.index(source), placed.withColumns(dict(other))
        later = changed.where(F.col("_world") == WORLDS.index(WITH_FUTURE))
        later = later.withColumn(day, F.explode(F.array(*[F.date_add(day, n) for n in LATER_DAYS])))
        return placed.where(~here).unionByName(changed.where(here)).unionByName(later).drop("_world")

    always = F.lit(True)
    past = inputs.daily.where(F.col("search_date") < F.lit(as_of))
    daily = copies(past, "search_date", always)
    strange = spark.range(5_000).agg(F.hll_sketch_agg(F.col("id").cast("string"), SKETCH_BITS).alias("_strange"))
    listeners = None if inputs.listeners is None else inputs.listeners.crossJoin(F.broadcast(strange))
    if listeners is not None:
        listeners = varied(listeners, LISTENER, "as_of", {"listeners": F.col("_strange")}).drop("_strange")
    tracks = copies(inputs.tracks, "released_at", always)
    return replace(
        inputs,
        as_of=tuple(dated(as_of, w) for w in WORLDS),
        pairs=copies(inputs.pairs, "as_of", always).drop("_world"),
        wordings=copies(inputs.wordings, "as_of").drop("_world"),
        daily=daily.unionByName(
            future_rows(daily.where(F.col("_world") == WORLDS.index(WITH_FUTURE)), dated(as_of, WITH_FUTURE))
        ).drop("_world"),
        tracks=tracks.withColumn("work_id", tagged("work_id")).drop("_world"),
        curves=varied(inputs.curves, CURVE, "run_date", {"expected_rate": 1 - F.col("expected_rate")}),
        popularity=varied(
            inputs.popularity,
            POPULARITY,
            "as_of",
            {"popularity": 100 - F.col("popularity"), "popularity_before": F.col("popularity_before") / 2},
            track=always,
        )
        if inputs.popularity is not None
        else None,
        history=varied(
            inputs.history,
            TILE,
            "as_of",
            {m: F.col(m) * 3 + FUTURE_EXTRA for m in SUMS},
            track=F.col("level") == "track",
            name="key",
        )
        if inputs.history is not None
        else None,
        listeners=listeners,
        vectors=varied(
            inputs.vectors,
            VECTOR,
            "as_of",
            {n: F.transform(n, lambda x, i: x * (i - 5)) for n in ("vector", "company")}
            | {"company_weight": F.col("company_weight") + 1},
            track=F.col("kind") == "track",
            name="key",
        )
        if inputs.vectors is not None
        else None,
        strengths=_strengths_of_worlds(inputs, as_of),
    )


def computed_once(inputs: FeatureInputs) -> FeatureInputs:
    """The inputs with every frame computed once (`lake.checkpoint.shared`)."""

    def kept(frame: DataFrame | None) -> DataFrame | None:
        return None if frame is None else shared(frame)

    return replace(
        inputs,
        pairs=shared(inputs.pairs),
        daily=shared(inputs.daily),
        needs=shared(inputs.needs),
        wordings=shared(inputs.wordings),
        tracks=shared(inputs.tracks),
        curves=shared(inputs.curves),
        popularity=kept(inputs.popularity),
        history=kept(inputs.history),
        listeners=kept(inputs.listeners),
        vectors=kept(inputs.vectors),
    )


def future_rows(daily: DataFrame, as_of: date) -> DataFrame:
    """The same rows moved to the snapshot's day and the four days after it, with FUTURE_EXTRA added to every count."""
    later = F.date_add(F.lit(as_of), F.pmod(F.xxhash64("track_id"), F.lit(5)).cast("int"))
    return daily.withColumn("search_date", later).withColumns({m: F.col(m) + FUTURE_EXTRA for m in SUMS})


def _strengths_of_worlds(inputs: FeatureInputs, as_of: date) -> dict[date, dict[str, float]]:
    own = {level: inputs.strengths.get(as_of, {}).get(level, UNFITTED_STRENGTH) for level in CHAIN}
    others = {level: 5 * value + 1 for level, value in own.items()}
    later = {dated(as_of, WITH_FUTURE) + timedelta(days=n): others for n in LATER_DAYS}
    return {dated(as_of, w): others if w == STRENGTH else own for w in WORLDS} | later


# -- comparing the worlds -----------------------------------------------------------------------------------------


def compared(frame: DataFrame, grain: str, names: Sequence[str], as_of: date) -> dict[str, dict[str, bool]]:
    """Compare the feature values of every world with those of the unchanged one.

    The columns of a world are aggregated as one array per key: planned as 161 separate columns, the comparison would take longer
    to compile than to run.

    Args:
        frame: features of all worlds, at `grain`.
        grain: need_track, need or track; `frame` has its keys.
        names: the feature columns to compare.
        as_of: the snapshot in the unchanged world.

    Returns:
        Column -> {world: whether any row has another value there than in the unchanged world}, for every other world. The entry
        `varies` says whether the column has at least two distinct values in the unchanged world.
    """
    keys = [k.name for k in KEYS[grain]]  # type: ignore[index]
    world = (F.datediff("as_of", F.lit(as_of)) / F.lit(SHIFT_DAYS)).cast("int")
    named = [F.substring_index(k, TAG, 1).alias(k) if k == "track_id" else F.col(k) for k in keys]
    rows = frame.select(world.alias("_world"), *named, F.array(*names).alias("_row"))
    by_pair = rows.groupBy(*keys).agg(
        *[F.max(F.when(F.col("_world") == i, F.col("_row"))).alias(f"_{i}") for i in range(len(WORLDS))]
    )
    differ = [
        F.transform(F.zip_with("_0", f"_{i}", lambda a, b: ~a.eqNullSafe(b)), lambda x: x.cast("int")).alias(w)
        for i, w in enumerate(WORLDS)
        if i
    ]
    cells = F.arrays_zip(F.col("_0").alias("value"), *differ)
    by_column = by_pair.select(F.posexplode(cells).alias("at", "cell")).groupBy("at")
    changes = by_column.agg(
        (F.count_distinct(F.coalesce("cell.value", F.lit(float("nan")))) > 1).alias("varies"),
        *[(F.max(F.coalesce(F.col(f"cell.`{w}`"), F.lit(1))) > 0).alias(w) for w in WORLDS[1:]],
    ).toPandas()
    return {
        names[int(row["at"])]: {str(k): bool(v) for k, v in row.items() if k != "at"}
        for row in changes.to_dict("records")
    }


def refitted_strengths(sums: Prepared, as_of: date) -> str:
    """The levels whose strength fitted in the unchanged world differs from the one fitted with the future; "" if none does."""
    from features.build.backoff import fitted

    # all pairs: a sample is drawn by ids, and these differ between worlds
    strengths = fitted(sums, sys.maxsize)
    if not strengths:
        return ""
    past, future = (strengths[dated(as_of, w)] for w in (UNCHANGED, WITH_FUTURE))
    return ", ".join(f"{a.level} {a.strength} and {b.strength}" for a, b in zip(past, future, strict=True) if a != b)
