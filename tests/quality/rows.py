"""The table that the tests of this room judge, and its rows."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING

from lake.schema import Column, Table, count, struct

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession

RUN_DATE = dt.date(2026, 11, 22)
TOY = Table(
    "toy_features",
    "one row per (user, query)",
    ("user_id", "query"),
    "run_date",
    (
        Column("run_date", "date", "the night"),
        Column("user_id", "string", "a person"),
        Column("query", "string", "a query"),
        Column("click_rate", "double", "a share", nullable=True, low=0, high=1),
        count("clicks", "a count"),
        Column("client", "string", "an enumeration", values=("alexa", "web")),
        Column("genres", "array<string>", "names", values=("rock", "pop")),
        Column("by_position", "array<bigint>", "counts", low=0),
    ),
    "nobody",
    restricted=True,
)

CLEAN = (RUN_DATE, "PERSON-1", "play hello", 0.5, 3, "alexa", ["rock"], [1, 0])


def row(**changed: object) -> tuple[object, ...]:
    """The clean row with some columns changed."""
    names = [c.name for c in TOY.columns]
    assert set(changed) <= set(names)
    return tuple(changed.get(n, v) for n, v in zip(names, CLEAN, strict=True))


def toy(spark: SparkSession, rows: list[tuple[object, ...]]) -> DataFrame:
    """A frame of the toy table."""
    return spark.createDataFrame(rows, struct(TOY))
