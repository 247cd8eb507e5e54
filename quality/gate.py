"""The gate: what a partition must pass before anything may read it, and the error that holds the night."""

from __future__ import annotations

import time
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from lake.errors import QualityGateFailed
from lake.schema import Table
from quality.engine import GateContext, write_data_docs
from quality.keys import rows_sharing_a_key
from quality.profile import profile
from quality.suite import Rule, broken_rows, key_columns, missing_columns, rules, suite
from quality.verdict import WHOLE_TABLE, Failure, Verdict

if TYPE_CHECKING:
    import pandas as pd
    from pyspark.sql import DataFrame

__all__ = ["Failure", "GateContext", "Verdict", "hold", "judge", "write_data_docs"]


def judge(frame: DataFrame, table: Table, partition: str, context: GateContext) -> Verdict:
    """Judge one partition by the rules of its declaration; every broken rule at once, none raises here.

    The frame is the partition as read back from the lake. Spark scans it twice, for the profile and, the key columns
    alone, for keys that rows share; Great Expectations judges what was counted, a column at a time, and where one fails
    each rule by itself. (Its own check of uniqueness is a window over all rows: 19 tables of a night took it longer than
    all their profiles.)
    Columns beyond the declared ones are the schema check's business (`lake.io`).
    """
    begun = time.perf_counter()
    profiled = profile(frame, table)
    held, shared = rules(table), 0
    if missing_columns(profiled).intersection(key_columns(table)):
        # a lost column breaks its `type`; there is no key to count then
        held = tuple(r for r in held if r.name != "keys")
    else:
        shared = rows_sharing_a_key(frame, key_columns(table))
    counted = time.perf_counter()
    broken = broken_rows(profiled, shared, table, held)
    result = context.run(suite(table.name, held), broken, partition)
    if not result.success:
        result = context.run(suite(table.name, held, each_rule=True), broken, partition)
    context.counting_s += counted - begun
    context.expectations_s += time.perf_counter() - counted
    rows = int(profiled["rows"].iloc[0])
    found = _failures(result, table, profiled)
    return Verdict(table.name, partition, not found, rows, tuple(found), context.index, profiled)


def _failures(result: Any, table: Table, profiled: pd.DataFrame) -> list[Failure]:
    held = {(r.column, r.name): r for r in rules(table)}
    found_types = dict(zip(profiled["column"], profiled["type"], strict=True))
    failures = []
    for outcome in result.results:
        if not outcome.success:
            about = outcome.expectation_config.meta
            rule = held[(about["column"], about["rules"][0])]
            failures.append(_failure(rule, outcome, int(profiled["rows"].iloc[0]), found_types.get(rule.column, "")))
    return failures


def _failure(rule: Rule, outcome: Any, rows: int, found_type: str) -> Failure:
    said = outcome.result or {}
    if rule.name == "type":
        return Failure(rule.column, rule.name, f"{rule.expected}, found {found_type}", rows, rows)
    if rule.column == WHOLE_TABLE:
        return Failure(rule.column, rule.name, rule.expected, 0, rows)
    count = said.get("unexpected_count", said.get("observed_value"))
    if count is None:  # the check itself broke: it has not passed, and its message may hold raw values
        return Failure(rule.column, rule.name, f"{rule.expected} (could not be judged)", rows, rows)
    return Failure(rule.column, rule.name, rule.expected, int(count), rows)


def hold(verdicts: Iterable[Verdict]) -> None:
    """Raise QualityGateFailed (exit 3) with one line naming all that broke, unless every partition passed."""
    failed = [v for v in verdicts if not v.passed]
    if not failed:
        return
    told = "; ".join(f"{v.table} @ {v.partition}: {', '.join(str(f) for f in v.failures)}" for v in failed)
    raise QualityGateFailed(
        f"{told}. Next: read {failed[0].data_docs}; mend the input or the feature and run jobs.nightly again; "
        f"nothing was published."
    )
