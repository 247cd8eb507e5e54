"""Hand-made rows of a declared table, of which a test names what matters to it."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from lake.columns import NEED
from lake.schema import struct
from lake.tables.daily import DAILY_ENGAGEMENT
from lake.tables.nightly import NEEDS
from queries.grammar.constraints import TYPED, typed

AS_OF = date(2026, 3, 1)
# daily counts whose wordings were replaced by the needs that they lead to
DAILY_BY_NEED = replace(
    DAILY_ENGAGEMENT,
    keys=(),
    sort_by=(),
    columns=tuple(NEED if c.name == "query" else c for c in DAILY_ENGAGEMENT.columns),
)


def filled(frame: DataFrame, table, **columns) -> DataFrame:  # type: ignore[no-untyped-def]
    """The frame with every column of the table: those named, else empty arrays, false, zero or the empty string; of a request's
    typed constraints, null: nothing is asked."""
    unasked = {n: F.lit(None) for n, kind in TYPED.items() if not kind.startswith("array")} if table is NEEDS else {}
    columns = unasked | columns
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


def as_said(daily: DataFrame, *dates: date) -> DataFrame:
    """(as_of, language, query, need): in each snapshot every wording of `daily` leads to the need of its own name."""
    asked = daily.select(F.substring("locale", 1, 2).alias("language"), "query").distinct()
    days = F.explode(F.array(*[F.lit(d) for d in dates]))
    return asked.select(days.alias("as_of"), "language", "query", F.col("query").alias("need"))


def sparse(frame: DataFrame, table, **columns) -> DataFrame:  # type: ignore[no-untyped-def]
    """Like `filled`, of the frame's own columns and those named; of the others null is what may be null."""
    nothing = {c.name: F.lit(None) for c in table.columns if c.nullable}
    return filled(frame, table, **(nothing | {n: F.col(n) for n in frame.columns} | columns))


def asked(key: str) -> tuple[object, ...]:
    """The typed columns (TYPED, in its order) of a key such as `genre!=rap|year=1990-1995`, read apart from the product's own code."""
    constraints: dict[str, object] = {"not": {}}
    refused: dict[str, list[object]] = constraints["not"]  # type: ignore[assignment]
    for part in filter(None, key.split("|")):
        field, value = part.split("=", 1)
        if field.startswith("year"):
            first, _, last = value.partition("-")
            span = {
                "from": int(first) if first else None,
                "to": int(last) if last else None if "-" in value else int(first),
            }
        if field.endswith("!"):
            kept = span if field == "year!" else int(value) if field == "decade!" else value
            refused.setdefault(field[:-1], []).append(kept)
        elif field not in ("genre", "decade"):
            constraints[field] = span if field == "year" else value == "true" if field == "explicit" else value
    return tuple(typed(constraints)[name] for name in TYPED)
