"""Does a feature read what its snapshot cannot know? One build of one past snapshot in several worlds tells.

Every world holds the same days before the snapshot, under dates of its own (`SHIFT_DAYS` apart), so that the shipped engine builds
them all in one pass as it builds several snapshots, and no world sees another's rows. In one world the future is added; in others
one fitted input is replaced. A column must be equal with and without the future, and must change with its own snapshot's inputs:
one that reads whatever snapshot is the newest stays the same in all worlds, and is named for that.

Source: noninterference of Goguen & Meseguer 1982, "Security policies and security models", tested by metamorphic relations (Chen
et al. 1998): what must not matter is changed, what must matter is changed, and the outputs are compared.
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
from lake.rows import frame_of

FLOOD = 1_000  # by which every count of the flood is raised
SHIFT_DAYS = 10_227  # 28 years: the same weekday, day and month, so that only a year read as a number differs
LATER_DAYS = (
    1,
    7,
    10,
)  # after the snapshot, of which the flooded world has curves, strengths, vectors and tiles of other values
TAG = "\x01"  # between a track's id and its world: release dates move with the snapshot, so each world has tracks of its own
AS_IT_WAS, FLOODED = "as it was", "with the future"
CURVE, STRENGTH, VECTOR, TILE, LISTENER, POPULARITY = (
    "exposure curve",
    "back-off strength",
    "vectors",
    "tiles of long history",
    "sketches of listeners",
    "catalog popularity",
)
WORLDS = (AS_IT_WAS, FLOODED, CURVE, STRENGTH, VECTOR, TILE, LISTENER, POPULARITY)


def future_dependent(inputs: FeatureInputs, as_of: date, only: Sequence[str] = ()) -> dict[str, str]:
    """Column (of `only`, else all) -> what is wrong with it, in matrix order; {} if none reads what its snapshot cannot know.

    `inputs.pairs` are of `as_of` alone; a sample is enough, and every frame of `inputs` may be cut to it: all worlds see the same
    cut. A feature that is another one each time is among them. A fit of strengths that reads later days counts for its readers.
    """
    wanted = chosen(only)
    with prepared(in_worlds(inputs, as_of), only) as sums:
        strengths = refitted_strengths(sums, as_of)
        frames = {g: f for g, f in sums.frames().items() if any(c.feature.grain == g for c in wanted)}
        values = {
            g: compared(frame, g, [c.name for c in wanted if c.feature.grain == g], as_of)
            for g, frame in frames.items()
        }
    reads = {c.name: sources_of(c) for c in wanted}
    wrong: dict[str, str] = {}
    for grain, told in values.items():
        for name in (c.name for c in wanted if c.feature.grain == grain):
            row = told[name]
            if row[FLOODED]:
                wrong[name] = "changes when days, curves, strengths, vectors or tiles after its snapshot are added"
            elif STRENGTH in reads[name] and strengths:
                wrong[name] = f"reads a back-off strength that is fitted with days after its snapshot ({strengths})"
            elif unread := [
                s for s in sorted(reads[name]) if given(inputs, s) and not row[s] and _says_something(row, reads[name])
            ]:
                wrong[name] = f"reads the {unread[0]} of another snapshot than its own"
    return {c.name: wrong[c.name] for c in wanted if c.name in wrong}


def _says_something(row: Mapping[str, bool], reads: frozenset[str]) -> bool:
    """Whether a column's staying the same in the world of an input means that it did not read it there.

    It does if the column has several values; and if it has one value (null) as it was and another in a world whose inputs it never
    reads: then it took the newest snapshot's, whose keys are that world's alone.
    """
    return row["varies"] or any(row[w] for w in WORLDS[1:] if w not in reads)


def sources_of(column: FeatureColumn) -> frozenset[str]:
    """Which fitted or kept inputs of a snapshot the column's declaration asks for."""
    sums, _, attributes = asked_sums([column])
    found = {CURVE for s in sums if s.measure.endswith("expected_micro")}
    found |= {LISTENER if s.measure == LISTENERS else TILE for s in sums if s.is_long}
    found |= {
        VECTOR for a in attributes if a.startswith(("query_vector", "query_company", "track_vector", "track_company"))
    }
    found |= {POPULARITY for a in attributes if a.startswith("popularity")}
    found |= {STRENGTH for a in attributes if a.startswith("strength__")}
    return frozenset(found)


def given(inputs: FeatureInputs, source: str) -> bool:
    """Whether the night has such an input at all."""
    frames = {VECTOR: inputs.vectors, TILE: inputs.history, LISTENER: inputs.listeners, POPULARITY: inputs.popularity}
    return frames.get(source, inputs.curves) is not None


def sample(inputs: FeatureInputs, as_of: date, queries: int) -> FeatureInputs:
    """The inputs of some queries of the snapshot, every frame cut to them and to their tracks and kept: small, whatever the night."""
    pairs = inputs.pairs.where(F.col("as_of") == F.lit(as_of))
    few = pairs.select("query").distinct().orderBy(F.xxhash64("query"), "query").limit(queries).localCheckpoint()
    pairs = pairs.join(F.broadcast(few), "query").select("as_of", "locale", "query", "track_id").localCheckpoint()
    daily = inputs.daily.join(F.broadcast(few), "query").localCheckpoint()
    some = pairs.select("track_id").unionByName(daily.select("track_id")).distinct().localCheckpoint()

    def cut(frame: DataFrame, kind: Column | None = None, query: str = "query", track: str = "track_id") -> DataFrame:
        """Rows of the queries where the frame has such a key, and of the tracks; `kind` separates rows of a query from those of a track."""
        of_query, of_track = (
            F.broadcast(f.withColumnRenamed(f.columns[0], n)) for f, n in ((few, query), (some, track))
        )
        if kind is None:
            return (
                frame.join(of_query, query) if query in frame.columns else frame.join(of_track, track)
            ).localCheckpoint()
        return (
            frame.where(kind)
            .join(of_query, query)
            .unionByName(frame.where(~kind).join(of_track, track))
            .localCheckpoint()
        )

    def cut_own(frame: DataFrame | None, kind: Column | None = None, key: str = "") -> DataFrame | None:
        """The same of the snapshot's rows of an input that a night may lack."""
        if frame is None:
            return None
        return cut(frame.where(F.col("as_of") == F.lit(as_of)), kind, key or "query", key or "track_id")

    return replace(
        inputs,
        as_of=(as_of,),
        pairs=pairs,
        daily=daily,
        queries=cut(inputs.queries),
        tracks=cut(inputs.tracks),
        curves=inputs.curves.where(F.col("run_date") == F.lit(as_of)).localCheckpoint(),
        history=cut_own(inputs.history, F.col("level") == "query", "key"),
        listeners=cut_own(inputs.listeners),
        vectors=cut_own(inputs.vectors, F.col("kind") == "query", "key"),
        popularity=cut_own(inputs.popularity),
    )


# -- the worlds ---------------------------------------------------------------------------------------------------


def dated(as_of: date, world: str) -> date:
    """The snapshot's date in a world."""
    return as_of + timedelta(days=SHIFT_DAYS * WORLDS.index(world))


def in_worlds(inputs: FeatureInputs, as_of: date) -> FeatureInputs:
    """The inputs of one snapshot once for each world."""
    spark = inputs.pairs.sparkSession
    everywhere = frame_of(spark, [(i,) for i in range(len(WORLDS))], "_world int")

    def copies(
        frame: DataFrame, day: str | None = None, track: Column | None = None, name: str = "track_id"
    ) -> DataFrame:
        """The frame once for each world; `track`: of which rows the key names a track."""
        frame = frame.crossJoin(F.broadcast(everywhere))
        if day:
            frame = frame.withColumn(day, F.date_add(day, SHIFT_DAYS * F.col("_world")))
        return frame if track is None else frame.withColumn(name, F.when(track, tagged(name)).otherwise(F.col(name)))

    def tagged(name: str) -> Column:
        return F.when(F.col("_world") > 0, F.concat(name, F.lit(TAG), F.col("_world"))).otherwise(F.col(name))

    def varied(frame: DataFrame, source: str, day: str, other: Mapping[str, Column], **of: object) -> DataFrame:
        """An input of the snapshot in every world: other values in the world named after it, and after the snapshot in the flooded one."""
        own = frame.where(F.col(day) == F.lit(as_of))
        placed = copies(own, day, **of)  # type: ignore[arg-type]
        here, changed = F.col("_world") == WORLDS.index(source), placed.withColumns(dict(other))
        later = changed.where(F.col("_world") == WORLDS.index(FLOODED))
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
        daily=daily.unionByName(
            flood(daily.where(F.col("_world") == WORLDS.index(FLOODED)), dated(as_of, FLOODED))
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
            {m: F.col(m) * 3 + FLOOD for m in SUMS},
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


def flood(daily: DataFrame, as_of: date) -> DataFrame:
    """As many rows as there are, on the snapshot and the four days after, with every count raised."""
    later = F.date_add(F.lit(as_of), F.pmod(F.xxhash64("track_id"), F.lit(5)).cast("int"))
    return daily.withColumn("search_date", later).withColumns({m: F.col(m) + FLOOD for m in SUMS})


def _strengths_of_worlds(inputs: FeatureInputs, as_of: date) -> dict[date, dict[str, float]]:
    own = {level: inputs.strengths.get(as_of, {}).get(level, UNFITTED_STRENGTH) for level in CHAIN}
    others = {level: 5 * value + 1 for level, value in own.items()}
    later = {dated(as_of, FLOODED) + timedelta(days=n): others for n in LATER_DAYS}
    return {dated(as_of, w): others if w == STRENGTH else own for w in WORLDS} | later


# -- what they show -----------------------------------------------------------------------------------------------


def compared(frame: DataFrame, grain: str, names: Sequence[str], as_of: date) -> dict[str, dict[str, bool]]:
    """Column -> for each other world, whether some pair has another value there than as it was; `varies`: whether it has two values.

    One aggregation by pair of one array a world: 161 columns side by side would be planned and compiled for longer than they take.
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
    told = by_pair.select(F.posexplode(F.arrays_zip(F.col("_0").alias("value"), *differ)).alias("at", "told")).groupBy(
        "at"
    )
    found = told.agg(
        (F.count_distinct(F.coalesce("told.value", F.lit(float("nan")))) > 1).alias("varies"),
        *[(F.max(F.coalesce(F.col(f"told.`{w}`"), F.lit(1))) > 0).alias(w) for w in WORLDS[1:]],
    ).toPandas()
    return {
        names[int(row["at"])]: {str(k): bool(v) for k, v in row.items() if k != "at"}
        for row in found.to_dict("records")
    }


def refitted_strengths(sums: Prepared, as_of: date) -> str:
    """What differs between the strengths fitted in the world as it was and in the flooded one; "" if nothing does."""
    from features.build.backoff import fitted

    found = fitted(sums, sys.maxsize)  # all pairs: which ones a part would take follows from the ids, which differ
    if not found:
        return ""
    alone, flooded = (found[dated(as_of, w)] for w in (AS_IT_WAS, FLOODED))
    return ", ".join(f"{a.level} {a.strength} and {b.strength}" for a, b in zip(alone, flooded, strict=True) if a != b)
