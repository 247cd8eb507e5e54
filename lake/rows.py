"""Create a Spark DataFrame from rows in the driver's memory, through one Arrow table."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession
    from pyspark.sql.types import StructType


def frame_of(spark: SparkSession, rows: Sequence[Sequence[object]], schema: StructType | str) -> DataFrame:
    """A DataFrame of `rows`.

    `createDataFrame` on a list of tuples keeps them in a Python worker, which every scan of the frame reads again: 0.4 s per
    scan, against 0.01 s for an Arrow table.

    Args:
        spark: The session.
        rows: Tuples in the column order of `schema`; a datetime without a time zone is UTC.
        schema: A StructType, or DDL text.

    Raises:
        TypeError: The schema names no columns, or a value is not of its column's type (also pyarrow's error).
        ValueError: A value does not fit its column's type (pyarrow's error).
    """
    import pyarrow as pa
    from pyspark.sql.pandas.types import to_arrow_schema
    from pyspark.sql.types import StructType

    struct = StructType.fromDDL(schema) if isinstance(schema, str) else schema
    if not isinstance(struct, StructType):
        raise TypeError(f"{schema}: names no columns")
    if not rows:
        return spark.createDataFrame([], struct)
    types = to_arrow_schema(struct, timestamp_utc=True)
    columns = []
    for field, values in zip(types, zip(*rows, strict=True), strict=True):
        if pa.types.is_integer(field.type) and any(isinstance(v, float) for v in values):
            raise TypeError(f"column {field.name} is {field.type} and has a fraction")  # Arrow would truncate it
        columns.append(pa.array(values, field.type))
    return spark.createDataFrame(pa.Table.from_arrays(columns, schema=types), struct)
