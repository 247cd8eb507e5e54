"""The catalogue: every declared feature in matrix order, and the three feature tables that follow from it."""

from __future__ import annotations

import difflib
import importlib
from collections.abc import Sequence
from functools import cache

from features.spec import Feature, FeatureColumn, Grain
from lake.columns import LEVEL, NEED, RUN_DATE, TRACK_ID
from lake.errors import BadConfiguration
from lake.fingerprint import fingerprint
from lake.schema import Column, Table

FAMILIES = ("engagement", "coec", "trend", "sequence", "text", "constraints", "collaborative", "need", "track")
KEYS: dict[Grain, tuple[Column, ...]] = {
    "need_track": (LEVEL, NEED, TRACK_ID),
    "need": (LEVEL, NEED),
    "track": (Column("language", "string", "language, or `*`", values=("en", "es", "*")), TRACK_ID),
}
GRAIN_TEXT: dict[Grain, str] = {
    "need_track": "one row per candidate (place, need, track); of a back-dated snapshot, per training pair",
    "need": "one row per (place, need) with a candidate",
    "track": "one row per (language, track) with a candidate",
}


@cache
def features() -> tuple[Feature, ...]:
    """Every feature, family by family in declaration order. Raises ValueError if two columns share a name."""
    declared = [
        value
        for family in FAMILIES
        for value in vars(importlib.import_module(f"features.{family}")).values()
        if isinstance(value, Feature) and value.family == family
    ]
    names = [c.name for f in declared for c in f.columns()]
    twice = sorted({n for n in names if names.count(n) > 1})
    if twice:
        raise ValueError(f"feature columns declared twice: {', '.join(twice)}")
    return tuple(declared)


@cache
def columns() -> tuple[FeatureColumn, ...]:
    """Every column of the matrix, in its order."""
    return tuple(c for f in features() for c in f.columns())


def chosen(names: Sequence[str]) -> tuple[FeatureColumn, ...]:
    """The columns that belong to the named families, features or columns, in matrix order; all columns if `names` is empty.

    Raises BadConfiguration for an unknown name, and suggests the nearest known one.
    """
    known = {n for c in columns() for n in (c.feature.family, c.feature.name, c.name)}
    unknown = [
        f"{n} (nearest: {difflib.get_close_matches(n, sorted(known), 1, 0.0)[0]})" for n in names if n not in known
    ]
    if unknown:
        raise BadConfiguration(
            f"no family, feature or column of the catalogue: {', '.join(unknown)}; see docs/features.md"
        )
    return tuple(c for c in columns() if not names or {c.feature.family, c.feature.name, c.name} & set(names))


def matrix_names() -> tuple[str, ...]:
    """Names of the matrix's columns, in order."""
    return tuple(c.name for c in columns())


def monotone_constraints() -> tuple[int, ...]:
    """LightGBM's monotone constraint of each column, in matrix order."""
    return tuple(c.feature.monotone for c in columns())


def matrix_fingerprint() -> str:
    """Fingerprint of the columns' names, order, directions and units; a ranker trained with another fingerprint is stale."""
    return fingerprint([[c.name, c.feature.monotone, c.feature.unit] for c in columns()])


# parts of a snapshot's fingerprint: it was built by the night of its own date, or by a later one
OWN, BACK = ":own:", ":back:"


@cache
def feature_table(grain: Grain) -> Table:
    """The declaration of the Delta table with the features of a grain, derived from theirs."""
    declared = tuple(
        Column(
            c.name,
            "double",
            c.feature.summary,
            c.feature.unit,
            nullable=c.feature.null_means is not None,
            low=c.feature.low,
            high=c.feature.high,
        )
        for c in columns()
        if c.feature.grain == grain
    )
    keys = KEYS[grain]
    return Table(
        f"{grain}_features",
        GRAIN_TEXT[grain],
        tuple(k.name for k in keys),
        "run_date",
        (RUN_DATE, *keys, *declared),
        "build_features",
        sort_by=() if grain == "need_track" else tuple(k.name for k in keys),
        as_computed=grain == "need_track",
        gate="validate",
        expires="as_of",
        has_check=False,
    )


def feature_tables() -> tuple[Table, ...]:
    """The three feature tables."""
    return tuple(feature_table(g) for g in KEYS)
