"""Every table that a night writes, and which of them a gate judges or a retention removes units of, by their declarations."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Literal

from features.catalogue import chosen, feature_tables, matrix_names
from lake.schema import Table
from lake.tables import TABLES
from ranking.examples import training_examples_table


def all_tables() -> tuple[Table, ...]:
    """The tables of `lake.tables`, the feature tables and the training examples."""
    return (*TABLES, *feature_tables(), training_examples_table())


def gated(step: Literal["validate", "publish"]) -> tuple[Table, ...]:
    """The tables that the gate of the step judges."""
    return tuple(t for t in all_tables() if t.gate == step)


def as_built(table: Table, names: Sequence[str]) -> Table:
    """The declaration of a table in a night with `features.only` = `names`: feature columns that it leaves out are null there."""
    if table.name not in {t.name for t in feature_tables()}:
        return table
    left_out = set(matrix_names()) - {c.name for c in chosen(names)}
    return replace(table, columns=tuple(replace(c, nullable=True) if c.name in left_out else c for c in table.columns))


def expiring(retention: Literal["as_of", "quarantine"]) -> tuple[Table, ...]:
    """The tables whose old units `jobs.maintain` removes by the retention: `as_of` (old nights) or `quarantine`."""
    return tuple(t for t in all_tables() if t.expires == retention)
