"""Hand-made rows of a declared table, of which a test names what matters to it."""

from __future__ import annotations

from datetime import date

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from lake.schema import struct

AS_OF = date(2026, 3, 1)


def filled(frame: DataFrame, table, **columns) -> DataFrame:  # type: ignore[no-untyped-def]
    """The frame with every column of the table: those named, else empty arrays, false, zero or the empty string."""
    blank = {
        "date": F.lit(AS_OF),
        "string": F.lit(""),
        "boolean": F.lit(False),
        "int": F.lit(0),
        "bigint": F.lit(0),
        "double": F.lit(0.0),
    }
    fields = {f.name: f.dataType.simpleString() for f in struct(table).fields}
    made = {
        n: columns.get(n, F.array() if t.startswith("array") else blank.get(t, F.lit(None))).cast(t)
        for n, t in fields.items()
    }
    return frame.select(*[c.alias(n) for n, c in made.items()])


def sparse(frame: DataFrame, table, **columns) -> DataFrame:  # type: ignore[no-untyped-def]
    """Like `filled`, of the frame's own columns and those named; of the others null is what may be null."""
    nothing = {c.name: F.lit(None) for c in table.columns if c.nullable}
    return filled(frame, table, **(nothing | {n: F.col(n) for n in frame.columns} | columns))
