"""The profile of a frame: a small table of counts and statistics per column, which the gate judges and drift compares."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING, Any

from lake.schema import Column, Table
from quality.bins import bin_numbers, quantile

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd
    import pyarrow as pa
    from pyspark.sql import DataFrame

COUNTS = ("null_count", "null_element_count", "not_finite_count", "below_count", "above_count", "outside_count")
STATISTICS = ("min", "mean", "p50", "p99", "max")
PARTIAL = "column string, rows bigint, counts array<bigint>, bins string, low double, high double, total double"
MISSING = "missing"


def profile(frame: DataFrame, table: Table) -> pd.DataFrame:
    """Profile every declared column in one Spark pass over the frame.

    Grain: one row per column of `table`, in declared order. Columns: `table`, `column`, `type` (the frame's type, or
    "missing"), `rows`, COUNTS (rows that are or contain such a value), `measures`, STATISTICS and `bins` (JSON: bin number ->
    count of values).

    Statistics are taken of finite numbers: of values, or of the lengths of strings (characters) and arrays (elements), so a
    string column never shows its text. They are NaN where nothing was measured. p50 and p99 have an error of at most 12 %.

    The pass uses Arrow and NumPy in the workers, and works over Spark Connect. It took 6-13 s for 500,000 rows x 57 numbers on
    2 cores (one run); the same counts as Spark expressions took 35 s, and 61 s with bins.
    """
    import pandas as pd

    types = {f.name: f.dataType.simpleString() for f in frame.schema.fields}
    present = tuple(c for c in table.columns if c.name in types)
    # without any declared column the rows can still be counted
    narrow = frame.select(*[c.name for c in present]) if present else frame
    partials = narrow.mapInArrow(partial_profiles(present), PARTIAL).collect()
    rows = sum(p["rows"] for p in partials if p["column"] == "*")
    by_column = {c.name: [p for p in partials if p["column"] == c.name] for c in present}
    return pd.DataFrame(
        [_row(table, c, types.get(c.name, MISSING), rows, by_column.get(c.name, [])) for c in table.columns]
    )


def _row(table: Table, column: Column, stored_type: str, rows: int, partials: list[Any]) -> dict[str, object]:
    counts = [sum(p["counts"][i] for p in partials) for i in range(len(COUNTS))]
    bins: Counter[int] = Counter()
    for p in partials:
        bins.update({int(k): int(n) for k, n in json.loads(p["bins"]).items()})
    nothing = float("nan")
    low = min((p["low"] for p in partials if p["low"] is not None), default=nothing)
    high = max((p["high"] for p in partials if p["high"] is not None), default=nothing)
    # positions in `values` have bins, but no minimum, mean or maximum
    measured = bins.total() if low == low else 0
    mean = sum(p["total"] for p in partials) / measured if measured else nothing
    p50, p99 = (min(max(quantile(bins, q), low), high) if measured else nothing for q in (0.5, 0.99))
    return {
        "table": table.name,
        "column": column.name,
        "type": stored_type,
        "rows": rows,
        **dict(zip(COUNTS, counts, strict=True)),
        "measures": measures(column),
        # rounded, because the last digits of a sum of doubles depend on the partitioning
        "min": low,
        "mean": float(f"{mean:.9g}"),
        "p50": p50,
        "p99": p99,
        "max": high,
        "bins": json.dumps({str(k): bins[k] for k in sorted(bins)}),
    }


def measures(column: Column) -> str:
    """What a column's bins and statistics describe: `value`, `length`, `elements`, `place in values`, or "" for nothing."""
    if column.type.startswith("array<"):
        return "elements"
    if column.type == "string":
        return "place in values" if column.values else "length"
    return "" if column.type in ("date", "timestamp", "binary") else "value"


def partial_profiles(columns: tuple[Column, ...]) -> Callable[[Iterable[pa.RecordBatch]], Iterator[pa.RecordBatch]]:
    """The function that `mapInArrow` runs in the workers to profile each Arrow batch.

    Per batch it returns one row per column, and one row named `*` with the row count; the schema is PARTIAL.
    """

    def run(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        import pyarrow as pa

        schema = pa.schema(
            [
                ("column", pa.string()),
                ("rows", pa.int64()),
                ("counts", pa.list_(pa.int64())),
                ("bins", pa.string()),
                ("low", pa.float64()),
                ("high", pa.float64()),
                ("total", pa.float64()),
            ]
        )
        for batch in batches:
            whole = {"column": "*", "rows": batch.num_rows, "counts": [0] * len(COUNTS), "bins": "{}", "total": 0.0}
            parts = [partial_profile(batch.column(i), c) for i, c in enumerate(columns)]
            yield pa.RecordBatch.from_pylist([whole, *parts], schema=schema)

    return run


def partial_profile(array: pa.Array, column: Column) -> dict[str, object]:
    """Profile one Arrow array under one declaration, as counts that can be added up over arrays.

    For an array that is neither numeric, text nor a list, only nulls are counted.
    """
    import numpy as np
    import pyarrow as pa
    import pyarrow.compute as pc

    is_list = pa.types.is_list(array.type) or pa.types.is_large_list(array.type)
    present = array.drop_null()
    values = pc.list_flatten(present) if is_list else present
    owner = pc.list_parent_indices(present).to_numpy() if is_list else np.empty(0, int)
    known = values.is_valid().to_numpy(zero_copy_only=False)
    numbers = _numbers(values.drop_null())

    def rows_with(broken: np.ndarray[Any, Any]) -> int:
        return len(np.unique(owner[known][broken])) if is_list else int(np.count_nonzero(broken))

    counts = [array.null_count, len(np.unique(owner[~known])) if is_list else 0, 0, 0, 0, 0]
    if numbers is not None:
        counts[2] = rows_with(~np.isfinite(numbers))
        counts[3] = rows_with(numbers < column.low) if column.low is not None else 0
        counts[4] = rows_with(numbers > column.high) if column.high is not None else 0
    places = None
    if column.values and _is_text(values.type):
        places = pc.index_in(values.drop_null(), pa.array(column.values, values.type)).fill_null(-1).to_numpy() + 1
        counts[5] = rows_with(places == 0)
    measured = pc.list_value_length(present).to_numpy().astype(float) if is_list else numbers
    if measured is None and places is None and _is_text(array.type):
        measured = pc.utf8_length(present).to_numpy().astype(float)
    return {"column": column.name, "rows": len(array), "counts": counts, **_spread(measured, places)}


def _spread(measured: np.ndarray[Any, Any] | None, places: np.ndarray[Any, Any] | None) -> dict[str, object]:
    import numpy as np

    if measured is None:
        kinds, counts = np.unique(places if places is not None else np.array([], int), return_counts=True)
        bins = {str(k): int(n) for k, n in zip(kinds, counts, strict=True)}
        return {"bins": json.dumps(bins), "low": None, "high": None, "total": 0.0}
    finite = measured[np.isfinite(measured)]
    bins = {str(k): n for k, n in bin_numbers(finite).items()}
    low, high = (float(finite.min()), float(finite.max())) if len(finite) else (None, None)
    return {"bins": json.dumps(bins), "low": low, "high": high, "total": float(finite.sum())}


def _numbers(values: pa.Array) -> np.ndarray[Any, Any] | None:
    import pyarrow as pa

    kind = values.type
    if pa.types.is_boolean(kind):
        values = values.cast(pa.int8())
    elif not (pa.types.is_integer(kind) or pa.types.is_floating(kind)):
        return None
    # integers beyond 2^53 lose their last digits here, but no bound is that large
    return values.cast(pa.float64(), safe=False).to_numpy(zero_copy_only=False)  # type: ignore[no-any-return]


def _is_text(kind: pa.DataType) -> bool:
    import pyarrow as pa

    return bool(pa.types.is_string(kind) or pa.types.is_large_string(kind))
