"""The rules that a table's declaration implies, as data and as Great Expectations suites."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from lake.schema import Column, Table
from quality.profile import COUNTS, MISSING
from quality.verdict import WHOLE_TABLE

if TYPE_CHECKING:
    import pandas as pd
    from great_expectations import ExpectationSuite

RULE = "judged_rule"  # the column of the judged frame with the rule's name


@dataclass(frozen=True)
class Rule:
    """One rule about a column, about the columns of the key (`keys`), or about the whole table (`not_empty`).

    Attributes:
        column: The column, the columns of the key, or WHOLE_TABLE.
        name: The rule's name.
        expected: The expectation in words, for error messages and pages.
        broken_if: Name of the profile's count that must be 0; not one of COUNTS for rules that are judged in another way.
    """

    column: str
    name: str
    expected: str
    broken_if: str = ""


def rules(table: Table) -> tuple[Rule, ...]:
    """All rules of a table: those of its columns in declared order, then `keys` and `not_empty`.

    A column has the rules `type`; `not_null` unless it is nullable (a key column never is); `no_null_elements` for arrays;
    `finite` for doubles (NaN ≥ 0 is true in Spark); and `low`, `high` and `values` where declared (for each element of an
    array).
    """
    by_column = [rule for column in table.columns for rule in _column_rules(column, column.name in table.keys)]
    return (*by_column, *_table_rules(table))


def _column_rules(column: Column, is_key: bool) -> list[Rule]:
    def rule(name: str, expected: str, broken_if: str) -> Rule:
        return Rule(column.name, name, expected, broken_if)

    each = "every element " if column.type.startswith("array<") else ""
    column_rules = [rule("type", f"is {column.type.replace('<', ' of ').rstrip('>')}", "type")]
    if is_key or not column.nullable:
        column_rules.append(rule("not_null", "is never null", "null_count"))
    if each:
        column_rules.append(rule("no_null_elements", "holds no null element", "null_element_count"))
    if column.type in ("double", "array<double>"):
        column_rules.append(rule("finite", f"{each or 'is '}never NaN or infinite", "not_finite_count"))
    if column.low is not None:
        column_rules.append(rule("low", f"{each}≥ {column.low:g}", "below_count"))
    if column.high is not None:
        column_rules.append(rule("high", f"{each}≤ {column.high:g}", "above_count"))
    if column.values:
        column_rules.append(rule("values", f"{each}one of {', '.join(column.values)}", "outside_count"))
    return column_rules


def key_columns(table: Table) -> tuple[str, ...]:
    """The columns that identify a row: the keys and the partition column, because keys are unique inside a partition only."""
    return tuple(dict.fromkeys([*table.keys, *filter(None, [table.partition])]))


def _table_rules(table: Table) -> list[Rule]:
    table_rules = []
    if keys := key_columns(table):
        table_rules.append(Rule(", ".join(keys), "keys", "no two rows share it"))
    if not table.may_be_empty:
        table_rules.append(Rule(WHOLE_TABLE, "not_empty", "at least one row"))
    return table_rules


def broken_rows(profile: pd.DataFrame, sharing_a_key: int, table: Table, judged: Sequence[Rule]) -> pd.DataFrame:
    """The frame that Great Expectations judges: how many rows break each rule.

    Grain: one row per rule name (column RULE), with one column per column that a rule is about; 0 where a rule does not apply.
    A column that is missing or has another type breaks its `type` in every row; an empty table breaks `not_empty` in one row.

    Args:
        profile: The partition's profile, as from `quality.profile.profile`.
        sharing_a_key: Number of rows whose key another row has too.
        table: The declaration.
        judged: The rules to judge.
    """
    import pandas as pd

    by_column = {str(r["column"]): r for r in profile.to_dict("records")}
    rows = int(profile["rows"].iloc[0])
    broken: dict[str, dict[str, int]] = {}
    for rule in judged:
        cells = broken.setdefault(rule.name, dict.fromkeys((r.column for r in judged), 0))
        if rule.broken_if in COUNTS:
            cells[rule.column] = int(by_column[rule.column][rule.broken_if])
        elif rule.name == "keys":
            cells[rule.column] = sharing_a_key
        elif rule.name == "not_empty":
            cells[rule.column] = int(rows == 0)
        elif by_column[rule.column]["type"] != table.column(rule.column).type:
            cells[rule.column] = max(rows, 1)
    return pd.DataFrame([{RULE: name} | cells for name, cells in broken.items()])


def missing_columns(profile: pd.DataFrame) -> set[str]:
    """Declared columns that the frame does not have."""
    return set(profile.loc[profile["type"] == MISSING, "column"])


def suite(name: str, judged: Sequence[Rule], each_rule: bool = False) -> ExpectationSuite:
    """The Great Expectations suite for the frame of `broken_rows`.

    It has one expectation per column: that no row breaks any of the column's rules.

    Args:
        name: The suite's name: that of the table.
        judged: The rules, as given to `broken_rows`.
        each_rule: Make one expectation per rule instead, to tell which one is broken. Each then selects its row of the frame by
            a condition, which takes three times as long.
    """
    from quality.engine import great_expectations

    gx = great_expectations()
    # not itertools.groupby: `keys` of a single key column comes last, apart from that column's other rules
    by_column = {r.column: [s for s in judged if s.column == r.column] for r in judged}
    groups = [[r] for r in judged] if each_rule else list(by_column.values())
    expectations = []
    for group in groups:
        picked = {"row_condition": f'{RULE}=="{group[0].name}"', "condition_parser": "pandas"} if each_rule else {}
        expectations.append(
            gx.expectations.ExpectColumnMaxToBeBetween(
                column=group[0].column,
                min_value=0,
                max_value=0,
                description="; ".join(f"{r.name}: {r.expected}" for r in group),
                meta={"column": group[0].column, "rules": [r.name for r in group]},
                **picked,
            )
        )
    return gx.ExpectationSuite(name=name, expectations=expectations)  # type: ignore[no-any-return, unused-ignore]
