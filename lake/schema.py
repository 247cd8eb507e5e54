"""What a table declaration is: grain, keys, partition and columns with unit, meaning and bounds."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from lake.errors import SchemaMismatch

if TYPE_CHECKING:
    from pyspark.sql import DataFrame
    from pyspark.sql.types import DataType, StructType

SIMPLE_TYPES = ("string", "bigint", "int", "double", "boolean", "date", "timestamp", "binary")


@dataclass(frozen=True)
class Column:
    """One column: Spark type, meaning, unit, and what validation may hold it to (bounds are inclusive)."""

    name: str
    type: str
    meaning: str
    unit: str = ""
    nullable: bool = False
    low: float | None = None
    high: float | None = None
    values: tuple[str, ...] = ()
    personal: bool = False  # what one person is or said: kept out of the log's statistics

    def __post_init__(self) -> None:
        element = self.type.removeprefix("array<").removesuffix(">")
        if element not in SIMPLE_TYPES:
            raise ValueError(f"column {self.name}: type {self.type} is none of {', '.join(SIMPLE_TYPES)}, array<...>")


@dataclass(frozen=True)
class Table:
    """One Delta table. `grain` starts with "one row per"; `keys` are unique inside a partition."""

    name: str
    grain: str
    keys: tuple[str, ...]
    partition: str | None
    columns: tuple[Column, ...]
    written_by: str
    restricted: bool = False
    sort_by: tuple[str, ...] = ()
    may_be_empty: bool = False
    write_unit: str | None = None  # the column whose values a write replaces, where it is not the partition
    as_computed: bool = (
        False  # rows stay in the files and the order they come in: wide ones are dear to exchange and to sort
    )
    gate: Literal["validate", "publish"] | None = None  # the step that judges it before anybody else reads it
    expires: Literal["as_of", "quarantine"] | None = None  # which retention of `jobs.maintain` removes its old units
    has_check: bool = True  # whether Delta refuses rows out of bounds; the gate judges feature tables instead

    def __post_init__(self) -> None:
        names = [c.name for c in self.columns]
        missing = [k for k in (*self.keys, *filter(None, (self.partition, self.write_unit))) if k not in names]
        if missing or len(set(names)) != len(names):
            raise ValueError(f"table {self.name}: keys without a column {missing} or columns declared twice")

    def column(self, name: str) -> Column:
        """The declared column of that name; KeyError names the table."""
        for column in self.columns:
            if column.name == name:
                return column
        raise KeyError(f"{self.name} has no column {name}")

    @property
    def unit_column(self) -> str | None:
        """The column whose values one write replaces: the partition, or `write_unit` where declared."""
        return self.write_unit or self.partition


def spark_type(name: str) -> DataType:
    """The Spark type of a declared type name (StructType.fromDDL would need a session on Spark 4.1)."""
    from pyspark.sql import types as t

    if name.startswith("array<"):
        return t.ArrayType(spark_type(name.removeprefix("array<").removesuffix(">")))
    return {
        "string": t.StringType(),
        "bigint": t.LongType(),
        "int": t.IntegerType(),
        "double": t.DoubleType(),
        "boolean": t.BooleanType(),
        "date": t.DateType(),
        "timestamp": t.TimestampType(),
        "binary": t.BinaryType(),
    }[name]


def struct(table: Table) -> StructType:
    """The Spark schema of a table, in declared order."""
    from pyspark.sql.types import StructField, StructType

    return StructType([StructField(c.name, spark_type(c.type), True, _told(c)) for c in table.columns])


def _told(column: Column) -> dict[str, str]:
    """What the stored schema says of a column: Delta shows `comment` in DESCRIBE."""
    return {"comment": f"{column.meaning} ({column.unit})" if column.unit else column.meaning}


def check_clauses(table: Table) -> dict[str, str]:
    """Column -> the SQL condition that its declared bounds, values and non-null make; columns without one left out.

    Both bounds of a double also refuse NaN, which Spark holds to be greater than any number: `x >= 0` alone accepts it.
    """
    clauses = {}
    for column in table.columns:
        name, conditions = f"`{column.name}`", []
        if column.type == "double":
            conditions.append(f"NOT isnan({name})")
        if column.type in ("double", "int", "bigint"):
            conditions += [f"{name} >= {column.low}"] if column.low is not None else []
            conditions += [f"{name} <= {column.high}"] if column.high is not None else []
        if column.values and column.type == "string":
            listed = ", ".join(f"'{v}'" for v in column.values)
            conditions.append(f"{name} IN ({listed})")
        held = " AND ".join(conditions)
        if not column.nullable:
            clauses[column.name] = f"{name} IS NOT NULL" + (f" AND {held}" if held else "")
        elif held:
            clauses[column.name] = f"({name} IS NULL OR ({held}))"
    return clauses


def check_clause(table: Table) -> str:
    """Every condition of `check_clauses` in one, for the table's CHECK constraint; "" if there is none."""
    return " AND ".join(check_clauses(table).values())


def count(name: str, meaning: str, unit: str = "events") -> Column:
    """A non-negative integer count."""
    return Column(name, "bigint", meaning, unit, low=0)


def check_schema(table: Table, frame: DataFrame, where: str, *, extra_allowed: bool = False) -> None:
    """Compare a frame's columns with the declaration; SchemaMismatch names all differences at once."""
    found = {f.name: f.dataType.simpleString() for f in frame.schema.fields}
    wanted = {c.name: c.type for c in table.columns}
    wrong = [f"column {n} is {found[n]}, expected {t}" for n, t in wanted.items() if n in found and found[n] != t]
    missing = [n for n in wanted if n not in found]
    extra = [] if extra_allowed else [n for n in found if n not in wanted]
    said = wrong + ([f"missing: {', '.join(missing)}"] if missing else [])
    said += [f"not declared: {', '.join(extra)}"] if extra else []
    if said:
        raise SchemaMismatch(f"{where}: {'; '.join(said)}. Run jobs.{table.written_by}, or mend its declaration.")
