"""Rows in hand as a frame: as Spark itself makes it of a list."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest
from pyspark.sql import SparkSession

from lake.rows import frame_of

SCHEMA = (
    "a string, b array<string>, c struct<x: int, y: double>, t timestamp, d date, f float, n bigint, "
    "yes boolean, raw binary, items array<struct<k: string, v: double>>"
)
NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)
ROWS = [
    ("x", ["q", None], (1, 2.0), NOON, date(2026, 1, 1), 0.5, 2**40, True, b"x", [("k", 1.0), ("l", None)]),
    (None,) * 10,
    ("", [], (None, None), NOON, date(1, 1, 1), float("inf"), 0, False, b"", []),
]


def test_a_frame_of_rows_is_sparks_own(spark: SparkSession) -> None:
    # the session's own way: `createDataFrame` of the tests' session goes through `frame_of`
    own = SparkSession.createDataFrame(spark, ROWS, SCHEMA)  # type: ignore[type-var]
    assert frame_of(spark, ROWS, SCHEMA).collect() == own.collect()
    assert frame_of(spark, ROWS, own.schema).schema == frame_of(spark, [], SCHEMA).schema == own.schema
    assert not frame_of(spark, [], SCHEMA).collect()


@pytest.mark.parametrize(("value", "kind"), [(1.5, "int"), (300, "tinyint"), ("x", "bigint"), (1, "string")])
def test_a_value_of_another_type_is_refused(spark: SparkSession, value: object, kind: str) -> None:
    with pytest.raises((TypeError, ValueError)):
        frame_of(spark, [(value,)], f"v {kind}")
