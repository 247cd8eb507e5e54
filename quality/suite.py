"""What a table is held to, read off its declaration, as data and as Great Expectations suites."""

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

RULE = "judged_rule"  # the column of the judged frame that names the rule


@dataclass(frozen=True)
class Rule:
    """One thing that must hold of a column, of the columns of the key (`keys`), or of the table (`not_empty`).

    `expected` is the sentence a person reads; `broken_if` names the count of the profile that must be 0, where it is one.
    """

    column: str
    name: str
    expected: str
    broken_if: str = ""


def rules(table: Table) -> tuple[Rule, ...]:
    """Every rule of a table, columns in declared order, then `keys` and `not_empty`.

    Per column: `type`; `not_null` unless nullable (a key never may be); `no_null_elements` for arrays; `finite` for
    doubles (NaN ≥ 0 is true in Spark); `low`, `high`, `values` where declared (elementwise for arrays).
    """
    by_column = [rule for column in table.columns for rule in _column_rules(column, column.name in table.keys)]
    return (*by_column, *_table_rules(table))


def _column_rules(column: Column, is_key: bool) -> list[Rule]:
    def rule(name: str, expected: str, broken_if: str) -> Rule:
        return Rule(column.name, name, expected, broken_if)

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
        named.append(Rule(", ".join(keys), "keys", "no two rows share it"))
    if not table.may_be_empty:
        named.append(Rule(WHOLE_TABLE, "not_empty", "at least one row"))
    return named


def broken_rows(profile: pd.DataFrame, sharing_a_key: int, table: Table, held: Sequence[Rule]) -> pd.DataFrame:
    """The frame that Great Expectations judges: how many rows break each rule of `held`.

    Grain: one row per rule name (column RULE), one column per column that a rule names; 0 where a rule does not apply.
    A column of another type, or missing, breaks its `type` in every row, and an empty table `not_empty` in one.
    """
    import pandas as pd

    of = {str(r["column"]): r for r in profile.to_dict("records")}
    rows = int(profile["rows"].iloc[0])
    broken: dict[str, dict[str, int]] = {}
    for rule in held:
        cells = broken.setdefault(rule.name, dict.fromkeys((r.column for r in held), 0))
        if rule.broken_if in COUNTS:
            cells[rule.column] = int(of[rule.column][rule.broken_if])
        elif rule.name == "keys":
            cells[rule.column] = sharing_a_key
        elif rule.name == "not_empty":
            cells[rule.column] = int(rows == 0)
        elif of[rule.column]["type"] != table.column(rule.column).type:
            cells[rule.column] = max(rows, 1)
    return pd.DataFrame([{RULE: name} | cells for name, cells in broken.items()])


def missing_columns(profile: pd.DataFrame) -> set[str]:
    """Declared columns that the frame does not have."""
    return set(profile.loc[profile["type"] == MISSING, "column"])


def suite(name: str, held: Sequence[Rule], each_rule: bool = False) -> ExpectationSuite:
    """The suite for `broken_rows` of a table of that name: one expectation per column, that no row breaks any of its rules.

    `each_rule`: one expectation per rule instead, to tell which is broken. Each then picks its row of the frame by a condition,
    which takes three times as long.
    """
    from quality.engine import great_expectations

    gx = great_expectations()
    of_column = {
        r.column: [s for s in held if s.column == r.column] for r in held
    }  # `keys` of one column stands apart from its others
    groups = [[r] for r in held] if each_rule else list(of_column.values())
    made = []
    for ruled in groups:
        picked = {"row_condition": f'{RULE}=="{ruled[0].name}"', "condition_parser": "pandas"} if each_rule else {}
        made.append(
            gx.expectations.ExpectColumnMaxToBeBetween(
                column=ruled[0].column,
                min_value=0,
                max_value=0,
                description="; ".join(f"{r.name}: {r.expected}" for r in ruled),
                meta={"column": ruled[0].column, "rules": [r.name for r in ruled]},
                **picked,
            )
        )
    return gx.ExpectationSuite(name=name, expectations=made)  # type: ignore[no-any-return, unused-ignore]
