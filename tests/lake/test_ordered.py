"""The place of a row in an order follows from the order alone, and a stream has the rows in order."""

from __future__ import annotations

import random

from lake.ordered import in_order, numbered
from lake.rows import frame_of

ROWS = [(kind, n / 7, f"name {n}") for kind in "ab" for n in range(57)]
SCHEMA = "kind string, popularity double, name string"


def test_rows_are_numbered_by_their_order_however_they_lie(spark) -> None:
    from pyspark.sql import functions as F

    rows = random.Random(5).sample(ROWS, len(ROWS))
    expected = {row: n for n, row in enumerate(sorted(ROWS, key=lambda r: (r[0], -r[1], r[2])))}
    for parts in (1, 5):
        placed = numbered(frame_of(spark, rows, SCHEMA).repartition(parts), "kind", F.desc("popularity"), "name")
        assert {tuple(r)[:3]: r["number"] for r in placed.collect()} == expected
    assert numbered(frame_of(spark, [], SCHEMA), "kind").collect() == []


def test_a_stream_has_all_rows_in_order_part_by_part(spark) -> None:
    rows = random.Random(7).sample(ROWS, len(ROWS))
    for parts in (1, 4):
        tables = list(in_order(frame_of(spark, rows, SCHEMA).repartition(3), ("kind", "name"), parts))
        streamed = [tuple(row.values()) for table in tables for row in table.to_pylist()]
        assert streamed == sorted(ROWS, key=lambda r: (r[0], r[2]))
        assert len(tables) >= parts
