"""Tables of sweeps, audits and gates, which do not belong to a single night."""

from __future__ import annotations

from lake.columns import RUN_DATE
from lake.schema import Column, Table

TRIALS = Table(
    "trials",
    "one row per finished trial of a sweep",
    ("sweep", "trial_id"),
    None,
    (
        Column("sweep", "string", "name of the sweep"),
        Column("trial_id", "string", "Ray's id of the trial"),
        RUN_DATE,
        Column("params", "string", "LightGBM parameters, canonical JSON"),
        Column("trees", "int", "trees at the best iteration", low=1),
        Column("valid_ndcg10", "double", "validation NDCG@10 over queries with a positive", low=0, high=1),
        Column("seconds", "double", "wall time", "s", low=0),
        Column("state", "string", "how it ended", values=("completed", "stopped", "failed")),
    ),
    "tune",
    write_unit="sweep",
)


FEATURE_AUDITS = Table(
    "feature_audits",
    "one row per audit and column of the matrix, of the newest code",
    ("audit", "column_name"),
    None,
    (
        Column("audit", "string", "kind of audit", values=("future", "future, popularity known")),
        Column("column_name", "string", "column of the matrix"),
        Column("reads", "string", "the fitted and stored inputs that it reads besides daily counts, comma-separated"),
        Column("verdict", "string", "result of the audit"),
        RUN_DATE,
        Column("as_of", "date", "the snapshot that was built from several variants of its inputs"),
    ),
    "assemble",
    write_unit="audit",
)


LEDGER = Table(
    "ledger",
    "one row per state change of a table's partition",
    ("table_name", "part", "state", "at"),
    None,
    (
        Column("table_name", "string", "table"),
        Column("part", "string", "partition value, or * for an unpartitioned table"),
        Column("fingerprint", "string", "fingerprint of the commit the state is about"),
        Column("state", "string", "built by a step, then judged by the gate", values=("built", "passed", "failed")),
        Column("rows", "bigint", "rows of the partition", "rows", low=0),
        Column("run_id", "string", "the run that recorded it"),
        Column("at", "timestamp", "when, UTC"),
    ),
    "every step",
)
