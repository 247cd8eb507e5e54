"""Compute the declared features: all sums that they ask for in one pass (`features.build.sums`), then one select for each grain.

Several snapshots (`as_of`) are computed in the same pass.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import date

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from features.build.attributes import with_need_attributes, with_track_attributes
from features.build.inputs import FeatureInputs
from features.build.keys import near_needs, track_keys, with_keys
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
from lake.checkpoint import shared
from lake.joins import if_small
from lake.places import language_of
from lake.session import released


@dataclass(frozen=True)
class Prepared:
    """The checkpointed frames from which the feature frames of all grains are built.

    Args:
        inputs: what the build reads.
        pairs: the wanted pairs (`inputs.pairs`) with the names and keys of every level.
        placed: the sums of each pair at each place where it counts (`features.build.sums.rolled_up`); None if no column asks for
            any.
        of_grain: grain -> what `asked_sums` returns for its columns.
    """

    inputs: FeatureInputs
    pairs: DataFrame
    placed: DataFrame | None
    of_grain: Mapping[Grain, tuple[list[Sum], dict[str, Column], frozenset[str]]]

    def frames(self, *, with_sums: bool = False) -> dict[Grain, DataFrame]:
        """One frame for each grain; see `feature_frames`."""
        inputs = self.inputs
        out: dict[Grain, DataFrame] = {}
        for grain, keys in KEYS.items():
            sums, expressions, attributes = self.of_grain[grain]
            base = self.pairs
            if grain != "need_track":
                base = base.select("as_of", *_grain_columns(grain)).distinct()
            if self.placed is not None:
                base = with_ranks(with_short_sums(base, self.placed, sums), inputs, sums)
            base = with_long_sums(base, inputs, sums)
            base = with_listeners(base, inputs, sums)
            base = base.select("*", *_strengths(inputs))
            if grain != "track":
                base = with_need_attributes(base, inputs.needs, inputs.tracks, attributes)
            if grain == "need_track":
                base = with_vectors(base, inputs.vectors, inputs.tracks)
            if grain != "need":
                base = with_track_attributes(base, inputs.tracks, inputs.popularity)
            stored = [_stored(value).alias(name) for name, value in expressions.items()]
            beside = [c for c in base.columns if with_sums and "__" in c]
            out[grain] = base.select("as_of", *[k.name for k in keys], *stored, *beside)
        return out

    def sums_of_sample(self, wanted: Sequence[Sum], positive: Sum, most_rows: int) -> DataFrame:
        """The wanted sums (`<level>__<sum>`) of a sample of the pairs whose sum `positive` is above 0, with the pairs' keys.

        The sample is drawn from all tracks of the wanted needs and of their broader needs, not from the wanted pairs: which
        pairs of a past snapshot are wanted depends on what happened after it.

        Args:
            wanted: sums to return; a column of the build must ask for each of them.
            positive: the pair's sum that must be above 0; a column must ask for it, too.
            most_rows: about how many pairs are returned at most; to this end one in n works is kept, by hash.
        """
        assert self.placed is not None  # some column asks for these sums, so they were prepared
        placed = self.placed.where(F.col("locale") != "*")  # its rows repeat those of the languages
        here = placed.where(F.col("need_key").isNotNull() & (F.col(positive.column) > 0))
        some = F.pmod(F.col("work_id_key"), F.lit(max(1, -(-here.count() // most_rows)))) == 0
        keys = ("as_of", "locale", "language", "need_key", "broader_key", "track_id_key", "work_id_key")
        return with_short_sums(here.where(some).select(*keys).distinct(), placed.where(some), wanted)

    def with_strengths(self, strengths: Mapping[date, Mapping[str, float]]) -> Prepared:
        """The same frames with these back-off strengths (snapshot -> level -> strength)."""
        return replace(self, inputs=replace(self.inputs, strengths=strengths))


@contextmanager
def prepared(inputs: FeatureInputs, only: Sequence[str] = ()) -> Iterator[Prepared]:
    """Compute the sums that the columns of `only` (all if empty) ask for; they are kept until the block ends."""
    wanted = chosen(only)
    of_grain = {grain: asked_sums([c for c in wanted if c.feature.grain == grain]) for grain in KEYS}
    # both sides are partitioned by work once, so that the levels with a track or a work are summed and joined without an exchange
    parts = int(inputs.pairs.sparkSession.conf.get("spark.sql.shuffle.partitions", "4") or 4)
    pairs = shared(_with_names(inputs).repartition(parts, "work_id_key"))
    short = sorted(
        {s for sums, *_ in of_grain.values() for s in sums if not s.is_long}, key=lambda s: (s.level, s.column)
    )
    placed = near = None
    if short:
        near = shared(near_needs(inputs))
        fine = sums_per_pair(inputs, short, near)
        placed = shared(rolled_up(fine, inputs, near).repartition(parts, "work_id_key"))
    try:
        yield Prepared(inputs, pairs, placed, of_grain)
    finally:
        for kept in (pairs, placed, near):
            if kept is not None:
                released(kept)


@contextmanager
def feature_frames(
    inputs: FeatureInputs, only: Sequence[str] = (), *, with_sums: bool = False
) -> Iterator[dict[Grain, DataFrame]]:
    """One frame for each grain, with `as_of`, the grain's keys and the feature columns in matrix order; doubles rounded to 1e-9.

    Grain: need_track as `inputs.pairs`; need and track one row for each of their keys in it. The frames read sums that are
    kept only until the block ends.

    Args:
        inputs: what the features are computed from.
        only: families, features or columns (`features.catalogue.chosen`); all if empty.
        with_sums: also return the sums that the features are computed from, as columns `<level>__<measure>__<span>`.
    """
    with prepared(inputs, only) as sums:
        yield sums.frames(with_sums=with_sums)


def _grain_columns(grain: Grain) -> tuple[str, ...]:
    place: tuple[str, ...] = ("language",)
    named: tuple[str, ...] = ("track_id", "artist", "work_id")
    if grain == "need":
        place, named = ("locale", "language"), ("need", "broader")
    return (*place, *named, *[f"{n}_key" for n in named])


def _strengths(inputs: FeatureInputs) -> list[Column]:
    """A column `strength__<level>` for each level of CHAIN: the strength of the row's snapshot."""
    out = []
    for level in CHAIN:
        value = F.lit(UNFITTED_STRENGTH)
        for as_of, known in sorted(inputs.strengths.items()):
            value = F.when(F.col("as_of") == F.lit(as_of), F.lit(known.get(level, UNFITTED_STRENGTH))).otherwise(value)
        out.append(value.alias(f"strength__{level}"))
    return out


def asked_sums(wanted: Sequence[FeatureColumn]) -> tuple[list[Sum], dict[str, Column], frozenset[str]]:
    """The sums that the columns ask for, in a fixed order; each column's expression by name; and the attributes they read."""
    sums: set[Sum] = set()
    attributes: set[str] = set()
    expressions = {}
    for column in wanted:
        window = Window(column.days, column.half_life)
        expressions[column.name] = column.feature.compute(window)
        sums |= window.asked
        attributes |= window.attributes
    return sorted(sums, key=lambda s: (s.level, s.column)), expressions, frozenset(attributes)


def _stored(value: Column) -> Column:
    """The value as a double rounded to 1e-9, so that its last bits do not depend on the plan.

    `rint` is used because Spark compiles it to one instruction; `round` goes through decimal text and takes ten times as long as a
    logarithm.
    """
    return F.rint(value.cast("double") * F.lit(1e9)) / F.lit(1e9)


def _with_names(inputs: FeatureInputs) -> DataFrame:
    """The wanted pairs with every name that a level sums by, and its key (`features.build.keys.key_of`)."""
    # only the wanted needs are broadcast: all needs of a night would be too many
    asked = F.broadcast(inputs.pairs.select("need").distinct())
    broader = with_keys(inputs.needs.join(asked, "need", "left_semi").select("need", "broader"))
    of_track = with_keys(track_keys(inputs.tracks))
    named = inputs.pairs.join(F.broadcast(broader), "need").join(if_small(of_track), "track_id")
    return named.withColumn("language", language_of())
