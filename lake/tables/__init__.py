"""Declarations of the lake's tables: grain, keys, partition, gate, retention and columns.

A new table is one declaration, in the module of its kind. The schema check, the gate, the retention of `jobs.maintain`,
`docs/tables.md`, the Great Expectations suites and the tests read these declarations; nothing repeats them. Two kinds of tables
are declared elsewhere in the same form: feature tables by `features.catalogue`, and training examples by `ranking.examples`.
"""

from __future__ import annotations

from lake.schema import Table
from lake.tables import daily, logs, models, nightly

TABLES: tuple[Table, ...] = tuple(
    declared
    for module in (logs, daily, nightly, models)
    for declared in vars(module).values()
    if isinstance(declared, Table)
)
