"""Every table of the lake that is not derived from the feature catalogue: grain, keys, partition, gate, retention, columns.

A new table is one declaration, in the module of its kind. The schema check, the gate, the retention of `jobs.maintain`,
`docs/tables.md`, the Great Expectations suites and the tests read these declarations; nothing repeats them. Feature tables are
declared by `features.catalogue` in the same form, training examples by `ranking.examples`.
"""

from __future__ import annotations

from lake.schema import Table
from lake.tables import daily, logs, models, nightly

TABLES: tuple[Table, ...] = tuple(
    declared
    for room in (logs, daily, nightly, models)
    for declared in vars(room).values()
    if isinstance(declared, Table)
)
