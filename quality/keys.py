"""Keys that rows share, counted at the cost of one exchange of 64-bit numbers."""

from __future__ import annotations

from collections.abc import Sequence

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F


def rows_sharing_a_key(frame: DataFrame, keys: Sequence[str]) -> int:
    """Rows whose values of `keys` another row has too (null is a value); 0 without keys.

    Rows of one key have one hash: where no two rows share a hash, no two share a key, and that is all that a clean table
    costs. Otherwise the keys themselves are counted, so two keys of one hash are no error.
    """
    if not keys or not _sharing(frame, [F.xxhash64(*keys).alias("key")]):
        return 0
    return _sharing(frame, [F.col(k) for k in keys])


def _sharing(frame: DataFrame, by: Sequence[Column]) -> int:
    alone = frame.groupBy(*by).agg(F.count("*").alias("rows")).where("rows > 1")
    [total] = alone.agg(F.coalesce(F.sum("rows"), F.lit(0))).collect()
    return int(total[0])
