"""The Spark form of every measure: one row per list, computed by the same functions as in memory.

There is one definition of a measure, over flat arrays. The rows of a list are collected into one row; an Arrow batch of such rows is
flat arrays already, so that one call computes a measure for all lists of a batch.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
from pyspark.sql import DataFrame
from pyspark.sql import functions as F
from pyspark.sql.types import DoubleType, StructField, StructType

from evaluation.measure import Measure

if TYPE_CHECKING:
    import pyarrow as pa


def by_list(rows: DataFrame, keys: Sequence[str], measures: Mapping[str, Measure]) -> DataFrame:
    """The measures of each list. Grain: one row per list, which are the rows with equal `keys`.

    A column is a measure's value (double), null for a list that the measure leaves out. A null in a column that a measure reads is
    NaN to it.

    Args:
        rows: one row per (keys, item), with the columns that the measures read.
        keys: the columns that name a list, such as place and need.
        measures: name of the new column -> measure.
    """
    read = sorted({column for m in measures.values() for column in m.columns.values()})
    lists = rows.groupBy(*keys).agg(F.collect_list(F.struct(*read)).alias("_rows"))
    named = [field for field in lists.schema.fields if field.name in keys]
    schema = StructType([*named, *[StructField(name, DoubleType()) for name in measures]])
    return lists.mapInArrow(_computed(dict(measures)), schema)


def _computed(measures: Mapping[str, Measure]) -> Callable[[Iterable[pa.RecordBatch]], Iterator[pa.RecordBatch]]:
    """The function that `mapInArrow` runs in the workers."""

    def computed(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        import pyarrow as pa
        import pyarrow.compute as pc

        for batch in (b for b in batches if b.num_rows):
            lists = batch.column("_rows")
            sizes = pc.list_value_length(lists).to_numpy(zero_copy_only=False)
            items = lists.flatten()
            columns = {field.name: _array(of) for field, of in zip(items.type, items.flatten(), strict=True)}
            keys = {name: batch.column(name) for name in batch.schema.names if name != "_rows"}
            values = {name: pa.array(m.by_group(columns, sizes), from_pandas=True) for name, m in measures.items()}
            yield pa.RecordBatch.from_pydict({**keys, **values})

    return computed


def _array(column: pa.Array) -> npt.NDArray[Any]:
    """One value per row; a column of vectors of one length becomes rows × dimensions."""
    import pyarrow.types as types

    if types.is_list(column.type) or types.is_large_list(column.type):
        return np.array([vector.as_py() for vector in column], dtype=np.float64)
    return np.asarray(column.to_numpy(zero_copy_only=False))
