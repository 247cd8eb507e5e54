"""What a table is held to, read off its declaration, as data and as Great Expectations suites."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from lake.schema import Column, Table
from quality.profile import COUNTS, MISSING
from quality.verdict import WHOLE_TABLE

if TYPE_CHECKING:
    import pandas as pd
    from great_expectations import ExpectationSuite

RULE = "judged_rule"  # the column of the judged frame that names the rule


@dataclass(frozen=True)
class Rule:
    """One thing that must hold: on a column of the profile, or (`keys`, `not_empty`) on the big table itself.

    `expected` is the sentence a person reads; `broken_if` names the count of the profile that must be 0 ("" where
    there is none); `expectation` and `kwargs` are what Great Expectations is asked.
    """

    column: str
    name: str
    expected: str
    broken_if: str = ""
    expectation: str = "ExpectColumnMaxToBeBetween"
    kwargs: Mapping[str, Any] = field(default_factory=dict)


def rules(table: Table) -> tuple[Rule, ...]:
    """Every rule of a table, columns in declared order, then `keys` and `not_empty`.

    Per column: `type`; `not_null` unless nullable (a key never may be); `no_null_elements` for arrays; `finite` for
    doubles (NaN ≥ 0 is true in Spark); `low`, `high`, `values` where declared (elementwise for arrays).
    """
    by_column = [rule for column in table.columns for rule in _column_rules(column, column.name in table.keys)]
    return (*by_column, *_table_rules(table))


def _column_rules(column: Column, is_key: bool) -> list[Rule]:
    def rule(name: str, expected: str, broken_if: str) -> Rule:
        kwargs = {"column": column.name, "min_value": 0, "max_value": 0}
        return Rule(column.name, name, expected, broken_if, kwargs=kwargs)

    each = "every element " if column.type.startswith("array<") else ""
    held = [rule("type", f"is {column.type.replace('<', ' of ').rstrip('>')}", "type")]
    if is_key or not column.nullable:
        held.append(rule("not_null", "is never null", "null_count"))
    if each:
        held.append(rule("no_null_elements", "holds no null element", "null_element_count"))
    if column.type in ("double", "array<double>"):
        held.append(rule("finite", f"{each or 'is '}never NaN or infinite", "not_finite_count"))
    if column.low is not None:
        held.append(rule("low", f"{each}≥ {column.low:g}", "below_count"))
    if column.high is not None:
        held.append(rule("high", f"{each}≤ {column.high:g}", "above_count"))
    if column.values:
        held.append(rule("values", f"{each}one of {', '.join(column.values)}", "outside_count"))
    return held


def key_columns(table: Table) -> tuple[str, ...]:
    """The columns that name a row: the keys, and the partition column, since keys are unique inside a partition."""
    return tuple(dict.fromkeys([*table.keys, *filter(None, [table.partition])]))


def _table_rules(table: Table) -> list[Rule]:
    named = []
    if keys := key_columns(table):
        one, where = len(keys) == 1, ", ".join(keys)
        named.append(
            Rule(
                where, "keys", "no two rows share it",
                expectation="ExpectColumnValuesToBeUnique" if one else "ExpectCompoundColumnsToBeUnique",
                kwargs={"column": keys[0]} if one else {"column_list": list(keys)},
            )
        )  # fmt: skip
    if not table.may_be_empty:
        named.append(
            Rule(
                WHOLE_TABLE, "not_empty", "at least one row",
                expectation="ExpectTableRowCountToBeBetween", kwargs={"min_value": 1},
            )
        )  # fmt: skip
    return named


def broken_rows(profile: pd.DataFrame, table: Table) -> pd.DataFrame:
    """The frame that Great Expectations judges: how many rows of each column break each rule.

    Grain: one row per rule name (column RULE), one column per column of the table; 0 where a rule does not apply.
    A column of another type, or missing, breaks its `type` in every row (and in one, if there is none).
    """
    import pandas as pd

    of = {str(r["column"]): r for r in profile.to_dict("records")}
    broken: dict[str, dict[str, int]] = {}
    for rule in rules(table):
        if not rule.broken_if:
            continue
        here = of[rule.column]
        cells = broken.setdefault(rule.name, dict.fromkeys((c.name for c in table.columns), 0))
        if rule.broken_if in COUNTS:
            cells[rule.column] = int(here[rule.broken_if])
        elif here["type"] != table.column(rule.column).type:
            cells[rule.column] = max(int(here["rows"]), 1)
    return pd.DataFrame([{RULE: name} | cells for name, cells in broken.items()])


def missing_columns(profile: pd.DataFrame) -> set[str]:
    """Declared columns that the frame does not have."""
    return set(profile.loc[profile["type"] == MISSING, "column"])


def profile_suite(table: Table) -> ExpectationSuite:
    """The suite for `broken_rows` of a profile: one expectation per rule, each count 0."""
    return _suite(f"{table.name}_columns", [r for r in rules(table) if r.broken_if])


def key_suite(table: Table) -> ExpectationSuite:
    """The suite for the big table itself: unique keys, at least one row."""
    return _suite(f"{table.name}_rows", [r for r in rules(table) if not r.broken_if])


def _suite(name: str, held: list[Rule]) -> ExpectationSuite:
    from quality.engine import great_expectations

    gx = great_expectations()
    # expectation objects can't be shared between suites, so they are made here, from the rules
    made = []
    for r in held:
        only = {"row_condition": f'{RULE}=="{r.name}"', "condition_parser": "pandas"} if r.broken_if else {}
        # the pages name a column in a heading of its own, but not the columns of a key
        told = f"{r.name} of ({r.column})" if r.name == "keys" else r.name
        made.append(
            getattr(gx.expectations, r.expectation)(
                **r.kwargs, **only, description=f"{told}: {r.expected}", meta={"column": r.column, "rule": r.name}
            )
        )
    return gx.ExpectationSuite(name=name, expectations=made)  # type: ignore[no-any-return, unused-ignore]
