"""Count rows with duplicate keys; for a table without any, this costs one shuffle of 64-bit hashes."""

from __future__ import annotations

from collections.abc import Sequence

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F


def rows_sharing_a_key(frame: DataFrame, keys: Sequence[str]) -> int:
    """Number of rows whose values of the columns `keys` occur in another row too (null counts as a value); 0 without keys.

    Equal keys have equal hashes. So if all hashes differ, all keys differ, and a table without duplicates needs no more than
    that. Otherwise the keys themselves are counted, so that two keys with the same hash do not count as duplicates.
    """
    if not keys or not _sharing(frame, [F.xxhash64(*keys).alias("key")]):
        return 0
    return _sharing(frame, [F.col(k) for k in keys])


def _sharing(frame: DataFrame, by: Sequence[Column]) -> int:
    duplicates = frame.groupBy(*by).agg(F.count("*").alias("rows")).where("rows > 1")
    [total] = duplicates.agg(F.coalesce(F.sum("rows"), F.lit(0))).collect()
    return int(total[0])
