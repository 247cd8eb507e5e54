"""The quality gate: it judges partitions before other steps may read them, and raises the error that holds the night."""

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

__all__ = ["Failure", "GateContext", "Verdict", "judge", "require_passed", "write_data_docs"]


def judge(frame: DataFrame, table: Table, partition: str, context: GateContext) -> Verdict:
    """Judge one partition by the rules of its table's declaration; the verdict lists all broken rules, and none raises here.

    Spark scans the frame twice: all columns for the profile, and the key columns alone for keys that several rows share. Great
    Expectations then judges these counts, one column at a time; if any column fails, it judges each rule separately. (Its own
    uniqueness check is a window over all rows, which for the 19 tables of a night took longer than all their profiles.) Columns
    that are not declared are not judged here: the schema check (`lake.io`) refuses them.

    Args:
        frame: The partition, as read back from the lake.
        table: The declaration.
        partition: The partition's name, for the verdict and the Data Docs.
        context: The gate's Great Expectations context; its times are added up.
    """
    started = time.perf_counter()
    profiled = profile(frame, table)
    judged, shared = rules(table), 0
    if missing_columns(profiled).intersection(key_columns(table)):
        # a missing key column breaks its `type` rule, and there is no key to count then
        judged = tuple(r for r in judged if r.name != "keys")
    else:
        shared = rows_sharing_a_key(frame, key_columns(table))
    counted = time.perf_counter()
    broken = broken_rows(profiled, shared, table, judged)
    result = context.run(suite(table.name, judged), broken, partition)
    if not result.success:
        result = context.run(suite(table.name, judged, each_rule=True), broken, partition)
    context.counting_s += counted - started
    context.expectations_s += time.perf_counter() - counted
    rows = int(profiled["rows"].iloc[0])
    failures = _failures(result, table, profiled)
    return Verdict(table.name, partition, not failures, rows, tuple(failures), context.index, profiled)


def _failures(result: Any, table: Table, profiled: pd.DataFrame) -> list[Failure]:
    by_name = {(r.column, r.name): r for r in rules(table)}
    stored_types = dict(zip(profiled["column"], profiled["type"], strict=True))
    failures = []
    for outcome in result.results:
        if not outcome.success:
            about = outcome.expectation_config.meta
            rule = by_name[(about["column"], about["rules"][0])]
            failures.append(_failure(rule, outcome, int(profiled["rows"].iloc[0]), stored_types.get(rule.column, "")))
    return failures


def _failure(rule: Rule, outcome: Any, rows: int, stored_type: str) -> Failure:
    counts = outcome.result or {}
    if rule.name == "type":
        return Failure(rule.column, rule.name, f"{rule.expected}, found {stored_type}", rows, rows)
    if rule.column == WHOLE_TABLE:
        return Failure(rule.column, rule.name, rule.expected, 0, rows)
    count = counts.get("unexpected_count", counts.get("observed_value"))
    if (
        count is None
    ):  # the check itself failed: the rule has not passed, and the library's message may contain raw values
        return Failure(rule.column, rule.name, f"{rule.expected} (could not be judged)", rows, rows)
    return Failure(rule.column, rule.name, rule.expected, int(count), rows)


def require_passed(verdicts: Iterable[Verdict]) -> None:
    """Raise QualityGateFailed, which names all broken rules in one line, unless every partition has passed."""
    failed = [v for v in verdicts if not v.passed]
    if not failed:
        return
    summary = "; ".join(f"{v.table} @ {v.partition}: {', '.join(str(f) for f in v.failures)}" for v in failed)
    raise QualityGateFailed(
        f"{summary}. Next: read {failed[0].data_docs}; mend the input or the feature and run jobs.nightly again; "
        f"nothing was published."
    )
