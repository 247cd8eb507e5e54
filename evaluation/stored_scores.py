"""The scores that a sweep's best trial gave its held-out needs, on disk, and their NDCG@10."""

from __future__ import annotations

import io
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from evaluation.metrics import ndcg_by_group
from lake.store import write_file

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

FILE = "scores.parquet"  # of a sweep's folder
K = 10


def write_scores(
    file: Path,
    parts: Iterable[tuple[npt.NDArray[np.int32], npt.NDArray[np.float64], npt.NDArray[np.int64]]],
) -> None:
    """Write rows (need: int64, running over all parts; grade: int32; score: float64), needs one after another.

    Args:
        file: the Parquet file; it is replaced.
        parts: (grades, scores, rows of each need) of each fold.
    """
    import numpy as np
    import pyarrow as pa
    import pyarrow.parquet as pq

    columns: dict[str, list[npt.NDArray[np.generic]]] = {"need": [], "grade": [], "score": []}
    first = 0
    for grades, scores, sizes in parts:
        columns["need"].append(np.repeat(np.arange(first, first + len(sizes), dtype=np.int64), sizes))
        columns["grade"].append(grades.astype(np.int32))
        columns["score"].append(scores.astype(np.float64))
        first += len(sizes)
    content = io.BytesIO()
    pq.write_table(pa.table({name: np.concatenate(values) for name, values in columns.items()}), content)
    write_file(file, content.getvalue())


def stored_ndcg10(file: Path) -> float:
    """NDCG@10 of the stored rows: exp2 gain, expected value over ties, mean over the needs with a positive grade."""
    import numpy as np
    import pyarrow.parquet as pq

    rows = pq.read_table(file)
    need, grade, score = (rows.column(name).to_numpy() for name in ("need", "grade", "score"))
    sizes = np.diff(np.append(np.flatnonzero(np.diff(need, prepend=-1)), len(need)))
    return float(np.nanmean(ndcg_by_group(grade, score, sizes, K, gain="exp2", ties="expected")))
