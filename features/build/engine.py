"""Compute declared features: the sums they ask for, once (`features.build.sums`), and one select a grain.

Several snapshots (`as_of`) are computed in the same pass.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import date

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from features.build.attributes import with_query_attributes, with_track_attributes
from features.build.inputs import FeatureInputs
from features.build.keys import cluster_kinds, near_queries, track_keys, with_cluster_of, with_keys
from features.build.sums import (
    rolled_up,
    sums_per_pair,
    with_listeners,
    with_long_sums,
    with_ranks,
    with_short_sums,
)
from features.build.vectors import with_vectors
from features.catalogue import KEYS, chosen
from features.measures import CHAIN, UNFITTED_STRENGTH, Sum
from features.spec import FeatureColumn, Grain
from features.window import Window


@dataclass(frozen=True)
class Prepared:
    """The wanted pairs and the sums of their keys, cached: what all frames of a build are made from."""

    inputs: FeatureInputs
    pairs: DataFrame
    placed: DataFrame | None
    of_grain: Mapping[Grain, tuple[list[Sum], dict[str, Column], frozenset[str]]]

    def frames(self, *, with_sums: bool = False) -> dict[Grain, DataFrame]:
        """A frame per grain; see `feature_frames`."""
        inputs = self.inputs
        out: dict[Grain, DataFrame] = {}
        for grain, keys in KEYS.items():
            sums, made, attributes = self.of_grain[grain]
            base = self.pairs
            if grain != "query_track":
                base = base.select("as_of", *_grain_columns(grain)).distinct()
            if self.placed is not None:
                base = with_ranks(with_short_sums(base, self.placed, sums), inputs, sums)
            base = with_long_sums(base, inputs.history, inputs.tracks, sums)
            base = with_listeners(base, inputs.listeners, sums)
            base = base.select("*", *_strengths(inputs))
            if grain != "track":
                base = with_query_attributes(base, inputs.queries, inputs.tracks, attributes)
            if grain == "query_track":
                base = with_vectors(base, inputs.vectors, inputs.tracks)
            if grain != "query":
                base = with_track_attributes(base, inputs.tracks, inputs.popularity)
            stored = [_stored(value).alias(name) for name, value in made.items()]
            beside = [c for c in base.columns if with_sums and "__" in c]
            out[grain] = base.select("as_of", *[k.name for k in keys], *stored, *beside)
        return out

    def sums_of_some(self, wanted: Sequence[Sum], met: Sum, most_rows: int) -> DataFrame:
        """Pairs of which the sum `met` is above 0, by their keys, with `<level>__<sum>` of the wanted sums, which a column must ask for.

        Of all queries near the wanted ones and all their tracks, wanted or not: which pairs of a past snapshot are wanted is told
        by what came after it. Of every n-th work only, so that they are about `most_rows` at most.
        """
        assert self.placed is not None  # a column asks for the sums
        placed = self.placed.where(F.col("locale") != "*")  # the languages once more
        here = placed.where(F.col("query_key").isNotNull() & (F.col(met.column) > 0))
        some = F.pmod(F.col("work_id_key"), F.lit(max(1, -(-here.count() // most_rows)))) == 0
        keys = ("as_of", "locale", "language", "query_key", "cluster_id_key", "track_id_key", "work_id_key")
        return with_short_sums(here.where(some).select(*keys).distinct(), placed.where(some), wanted)

    def with_strengths(self, strengths: Mapping[date, Mapping[str, float]]) -> Prepared:
        """The same, with other strengths of the back-off."""
        return replace(self, inputs=replace(self.inputs, strengths=strengths))


@contextmanager
def prepared(inputs: FeatureInputs, only: Sequence[str] = ()) -> Iterator[Prepared]:
    """The sums that columns of `only` (all if empty) ask for; cached while the block runs, and given back at its end."""
    wanted = chosen(only)
    of_grain = {grain: asked_sums([c for c in wanted if c.feature.grain == grain]) for grain in KEYS}
    # both sides lie by work once: every level that has the track, or its work, then sums and joins without another exchange
    parts = int(inputs.pairs.sparkSession.conf.get("spark.sql.shuffle.partitions", "4") or 4)
    pairs = _with_names(inputs).repartition(parts, "work_id_key").persist()
    short = sorted(
        {s for sums, *_ in of_grain.values() for s in sums if not s.is_long}, key=lambda s: (s.level, s.column)
    )
    placed = near = None
    if short:
        near = near_queries(inputs).persist()
        fine = sums_per_pair(inputs, short, near)
        placed = rolled_up(fine, inputs, near).repartition(parts, "work_id_key").persist()
    try:
        yield Prepared(inputs, pairs, placed, of_grain)
    finally:
        for kept in (pairs, placed, near):
            if kept is not None:
                kept.unpersist()


@contextmanager
def feature_frames(
    inputs: FeatureInputs, only: Sequence[str] = (), *, with_sums: bool = False
) -> Iterator[dict[Grain, DataFrame]]:
    """A frame per grain with `as_of`, its keys and feature columns in matrix order; doubles rounded to 1e-9.

    `only` names families, features or columns (`catalogue.chosen`); all if empty. Grain: query_track as `pairs`; query
    and track once per key in `pairs`. `with_sums` adds the sums that the features were made of
    (`<level>__<measure>__<span>`). The sums behind the frames are cached, and given back at the end of the block.
    """
    with prepared(inputs, only) as sums:
        yield sums.frames(with_sums=with_sums)


def _grain_columns(grain: Grain) -> tuple[str, ...]:
    place: tuple[str, ...] = ("language",)
    named: tuple[str, ...] = ("track_id", "artist", "work_id")
    if grain == "query":
        place, named = ("locale", "language"), ("query", "cluster_id")
    return (*place, *named, *[f"{n}_key" for n in named])


def _strengths(inputs: FeatureInputs) -> list[Column]:
    """`strength__<level>` of each row's snapshot."""
    out = []
    for level in CHAIN:
        value = F.lit(UNFITTED_STRENGTH)
        for as_of, known in sorted(inputs.strengths.items()):
            value = F.when(F.col("as_of") == F.lit(as_of), F.lit(known.get(level, UNFITTED_STRENGTH))).otherwise(value)
        out.append(value.alias(f"strength__{level}"))
    return out


def asked_sums(wanted: Sequence[FeatureColumn]) -> tuple[list[Sum], dict[str, Column], frozenset[str]]:
    """The sums that the columns ask for, in a fixed order, each column's expression, and the attributes they read."""
    sums: set[Sum] = set()
    attributes: set[str] = set()
    made = {}
    for column in wanted:
        window = Window(column.days, column.half_life)
        made[column.name] = column.feature.compute(window)
        sums |= window.asked
        attributes |= window.attributes
    return sorted(sums, key=lambda s: (s.level, s.column)), made, frozenset(attributes)


def _stored(value: Column) -> Column:
    """Doubles rounded to 1e-9 before they are stored, so that the last bit does not depend on the plan.

    By `rint`, of which Spark compiles one instruction: its `round` goes through decimal text, ten times the time of a logarithm.
    """
    return F.rint(value.cast("double") * F.lit(1e9)) / F.lit(1e9)


def _with_names(inputs: FeatureInputs) -> DataFrame:
    """The wanted pairs with everything that a level sums by: its name, and its key (`keys.key_of`)."""
    kinds = cluster_kinds(inputs)
    # of the wanted queries alone: the tail must not be sent to every core
    asked = F.broadcast(inputs.pairs.select("locale", "query").distinct())
    clusters = with_keys(
        inputs.queries.join(asked, ["locale", "query"], "left_semi").select("locale", "query", "language", *kinds)
    )
    made_by = with_keys(track_keys(inputs.tracks))
    named = inputs.pairs.join(F.broadcast(clusters), ["locale", "query"]).join(F.broadcast(made_by), "track_id")
    return with_cluster_of(named, inputs, "cluster_id", "cluster_id_key")
