"""Every table that a night writes, and which of them a gate judges or a retention removes units of, by their declarations."""

from __future__ import annotations

from typing import Literal

from features.catalogue import feature_tables
from lake.schema import Table
from lake.tables import TABLES
from ranking.examples import training_examples_table


def all_tables() -> tuple[Table, ...]:
    """The tables of `lake.tables`, the feature tables and the training examples."""
    return (*TABLES, *feature_tables(), training_examples_table())


def gated(step: Literal["validate", "publish"]) -> tuple[Table, ...]:
    """The tables that the gate of the step judges."""
    return tuple(t for t in all_tables() if t.gate == step)


def expiring(retention: Literal["as_of", "quarantine"]) -> tuple[Table, ...]:
    """The tables whose old units `jobs.maintain` removes by the retention: `as_of` (old nights) or `quarantine`."""
    return tuple(t for t in all_tables() if t.expires == retention)
