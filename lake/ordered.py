"""Frames in a total order that no single task or process has to hold: the place of each row, and its rows as a stream."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import accumulate
from typing import TYPE_CHECKING

from pyspark.sql import functions as F

from lake.checkpoint import checkpointed

if TYPE_CHECKING:
    import pyarrow as pa
    from pyspark.sql import Column, DataFrame

_PART_OF_ID = 33  # bits of `monotonically_increasing_id` below the number of the part


def numbered(frame: DataFrame, *order: Column | str) -> DataFrame:
    """Add `number`, the place of each row in `order`, from 0. Grain unchanged; the rows are computed now.

    Each task sorts one range of the order, so that no task sees all rows. The number follows from the order alone if no two rows
    are equal in it: it does not depend on how many ranges there are.
    """
    parts = int(frame.sparkSession.conf.get("spark.sql.shuffle.partitions") or 1)
    in_range = frame.repartitionByRange(parts, *order).sortWithinPartitions(*order)
    placed = checkpointed(in_range.withColumn("_id", F.monotonically_increasing_id()))
    part = F.shiftright("_id", _PART_OF_ID)
    counts = {int(r[0]): int(r[1]) for r in placed.groupBy(part).count().collect()}
    before = [0, *accumulate(counts.get(one, 0) for one in range(max(counts, default=0)))]
    within = F.col("_id").bitwiseAND(F.lit((1 << _PART_OF_ID) - 1))
    return placed.withColumn("number", F.get(F.lit(before), part.cast("int")) + within).drop("_id")


def in_order(frame: DataFrame, order: Sequence[str], parts: int) -> Iterator[pa.Table]:
    """The rows of a frame in an order, a few thousand at a time; the driver has one part in memory.

    Args:
        frame: the rows; computed once an iteration.
        order: the columns of the order.
        parts: into how many ranges the executors sort them.
    """
    import pyarrow as pa

    sorted_rows = frame.repartitionByRange(parts, *order).sortWithinPartitions(*order)
    for row in sorted_rows.mapInArrow(_packed, "rows binary").toLocalIterator():
        yield pa.ipc.open_stream(row[0]).read_all()


def _packed(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    """Each batch as one value: a value of many rows reaches the driver faster than many rows."""
    import pyarrow as pa

    for batch in batches:
        sink = pa.BufferOutputStream()
        with pa.ipc.new_stream(sink, batch.schema) as stream:
            stream.write_batch(batch)
        yield pa.RecordBatch.from_arrays([pa.array([sink.getvalue().to_pybytes()], pa.binary())], ["rows"])
