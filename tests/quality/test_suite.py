from dataclasses import replace

import pandas as pd
import pytest

from lake.schema import Column, Table
from lake.tables import TABLES
from quality.profile import COUNTS
from quality.suite import RULE, broken_rows, rules, suite
from tests.quality.rows import TOY


def named(table: Table) -> dict[tuple[str, str], str]:
    return {(r.column, r.name): r.expected for r in rules(table)}


def test_rules_are_read_off_the_declaration():
    assert named(TOY) == {
        ("run_date", "type"): "is date",
        ("run_date", "not_null"): "is never null",
        ("user_id", "type"): "is string",
        ("user_id", "not_null"): "is never null",
        ("query", "type"): "is string",
        ("query", "not_null"): "is never null",
        ("click_rate", "type"): "is double",
        ("click_rate", "finite"): "is never NaN or infinite",
        ("click_rate", "low"): "≥ 0",
        ("click_rate", "high"): "≤ 1",
        ("clicks", "type"): "is bigint",
        ("clicks", "not_null"): "is never null",
        ("clicks", "low"): "≥ 0",
        ("client", "type"): "is string",
        ("client", "not_null"): "is never null",
        ("client", "values"): "one of alexa, web",
        ("genres", "type"): "is array of string",
        ("genres", "not_null"): "is never null",
        ("genres", "no_null_elements"): "holds no null element",
        ("genres", "values"): "every element one of rock, pop",
        ("by_position", "type"): "is array of bigint",
        ("by_position", "not_null"): "is never null",
        ("by_position", "no_null_elements"): "holds no null element",
        ("by_position", "low"): "every element ≥ 0",
        ("user_id, query, run_date", "keys"): "no two rows share it",
        ("whole table", "not_empty"): "at least one row",
    }


def test_a_column_added_to_the_declaration_is_held_at_once():
    dwell = Column("dwell_s", "double", "heard", "s", low=0, high=600)
    wider = replace(TOY, columns=(*TOY.columns, dwell))
    added = named(wider).keys() - named(TOY).keys()
    assert added == {("dwell_s", r) for r in ("type", "not_null", "finite", "low", "high")}
    suites = {e.meta["column"]: e for e in suite("wider", rules(wider)).expectations}
    assert "dwell_s" in suites and suites["dwell_s"].column == "dwell_s"


def test_a_key_is_never_null_and_an_empty_table_passes_only_where_declared():
    loose = replace(TOY, columns=tuple(replace(c, nullable=True) for c in TOY.columns), may_be_empty=True)
    assert {c for c, rule in named(loose) if rule == "not_null"} == {"user_id", "query"}
    assert ("whole table", "not_empty") not in named(loose)


@pytest.mark.parametrize("table", TABLES, ids=lambda t: t.name)
def test_every_table_of_the_lake_has_its_suite(table):
    by_rule = suite(table.name, rules(table), each_rule=True).expectations
    assert len(by_rule) == len(rules(table)) == len(set(named(table)))
    by_column = suite(table.name, rules(table)).expectations
    told = [(e.meta["column"], rule) for e in by_column for rule in e.meta["rules"]]
    assert sorted(told) == sorted((e.meta["column"], *e.meta["rules"]) for e in by_rule)
    assert len({e.column for e in by_column}) == len(by_column) and {e.column for e in by_column} >= {
        c.name for c in table.columns
    }


def test_a_wrong_type_breaks_every_row_and_counts_stay_with_their_rule():
    clean = {"rows": 7} | dict.fromkeys(COUNTS, 0)
    seen = pd.DataFrame([{"column": c.name, "type": c.type, **clean} for c in TOY.columns])
    seen.loc[seen["column"] == "clicks", ["type", "below_count"]] = ["string", 2]
    judged = broken_rows(seen, 0, TOY, rules(TOY)).set_index(RULE)
    broken = {(c, r): int(judged.loc[r, c]) for r in judged.index for c in judged.columns if judged.loc[r, c]}
    assert broken == {("clicks", "type"): 7, ("clicks", "low"): 2}
