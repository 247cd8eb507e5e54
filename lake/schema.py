"""Table declarations: grain, keys, partition, and columns with type, unit, meaning and bounds."""

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
    """One column: Spark type, meaning, unit, and the limits that validation checks.

    `low` and `high` are inclusive bounds; `values` lists the allowed strings.
    """

    name: str
    type: str
    meaning: str
    unit: str = ""
    nullable: bool = False
    low: float | None = None
    high: float | None = None
    values: tuple[str, ...] = ()
    personal: bool = False  # data about one person or in their words: kept out of the Delta log's statistics

    def __post_init__(self) -> None:
        element = self.type.removeprefix("array<").removesuffix(">")
        if element not in SIMPLE_TYPES:
            raise ValueError(f"column {self.name}: type {self.type} is none of {', '.join(SIMPLE_TYPES)}, array<...>")


@dataclass(frozen=True)
class Table:
    """One Delta table; `grain` starts with "one row per", and `keys` are unique inside a partition."""

    name: str
    grain: str
    keys: tuple[str, ...]
    partition: str | None
    columns: tuple[Column, ...]
    written_by: str  # the step that writes it: a module of `jobs`
    restricted: bool = False  # holds what people said or did: only public queries may leave it
    sort_by: tuple[str, ...] = ()
    may_be_empty: bool = False
    write_unit: str | None = None  # the column whose values one write replaces, where that is not the partition
    as_computed: bool = False  # write rows in the files and order of the tasks: wide rows are slow to shuffle and sort
    gate: Literal["validate", "publish"] | None = None  # the step that validates it before other steps read it
    expires: Literal["as_of", "quarantine"] | None = None  # the retention by which `jobs.maintain` removes old units
    has_check: bool = True  # whether Delta refuses rows out of bounds; feature tables leave that to the gate

    def __post_init__(self) -> None:
        names = [c.name for c in self.columns]
        missing = [k for k in (*self.keys, *filter(None, (self.partition, self.write_unit))) if k not in names]
        if missing or len(set(names)) != len(names):
            raise ValueError(f"table {self.name}: keys without a column {missing} or columns declared twice")

    def column(self, name: str) -> Column:
        """The declared column of that name; raises KeyError, which names the table, if there is none."""
        for column in self.columns:
            if column.name == name:
                return column
        raise KeyError(f"{self.name} has no column {name}")

    @property
    def unit_column(self) -> str | None:
        """The column whose values one write replaces: the partition, or `write_unit` where declared."""
        return self.write_unit or self.partition


def spark_type(name: str) -> DataType:
    """The Spark type of a declared type name; StructType.fromDDL would need a session on Spark 4.1."""
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

    return StructType([StructField(c.name, spark_type(c.type), True, _column_metadata(c)) for c in table.columns])


def _column_metadata(column: Column) -> dict[str, str]:
    """The metadata stored with a column: `comment` holds meaning and unit, and Delta shows it in DESCRIBE."""
    return {"comment": f"{column.meaning} ({column.unit})" if column.unit else column.meaning}


def check_clauses(table: Table) -> dict[str, str]:
    """Column -> the SQL condition that follows from its declared bounds, values and nullability; unlimited columns are left out.

    A double is always checked for NaN too: Spark orders NaN above every number, so `x >= 0` alone would accept it.
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
        limits = " AND ".join(conditions)
        if not column.nullable:
            clauses[column.name] = f"{name} IS NOT NULL" + (f" AND {limits}" if limits else "")
        elif limits:
            clauses[column.name] = f"({name} IS NULL OR ({limits}))"
    return clauses


def check_clause(table: Table) -> str:
    """All conditions of `check_clauses` joined by AND, for the table's CHECK constraint; "" if there is none."""
    return " AND ".join(check_clauses(table).values())


def count(name: str, meaning: str, unit: str = "events") -> Column:
    """Declare a column that holds a non-negative integer count."""
    return Column(name, "bigint", meaning, unit, low=0)


def check_schema(table: Table, frame: DataFrame, where: str, *, extra_allowed: bool = False) -> None:
    """Compare the names and types of a frame's columns with the declaration.

    Args:
        table: The declaration.
        frame: The frame to check.
        where: Start of the error message: what the frame is.
        extra_allowed: Accept columns that are not declared.

    Raises:
        SchemaMismatch: The columns differ; the message lists all differences.
    """
    actual = {f.name: f.dataType.simpleString() for f in frame.schema.fields}
    wanted = {c.name: c.type for c in table.columns}
    wrong = [f"column {n} is {actual[n]}, expected {t}" for n, t in wanted.items() if n in actual and actual[n] != t]
    missing = [n for n in wanted if n not in actual]
    extra = [] if extra_allowed else [n for n in actual if n not in wanted]
    differences = wrong + ([f"missing: {', '.join(missing)}"] if missing else [])
    differences += [f"not declared: {', '.join(extra)}"] if extra else []
    if differences:
        raise SchemaMismatch(
            f"{where}: {'; '.join(differences)}. Run jobs.{table.written_by}, or mend its declaration."
        )
