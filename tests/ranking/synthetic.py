"""Tiny training examples with a known order: grade follows f0 + .6 f1 - .5 f2, the rest is noise."""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path

import numpy as np
import pandas as pd

from ranking.dataset import FeatureList

FEATURES = FeatureList(("f0", "f1", "f2", "f3", "f4"), (1, 0, -1, 0, 0), "fp-5")
SPANS = ("train", "train", "valid")


def frame(queries: int = 30, rows: int = 10, seed: int = 0) -> pd.DataFrame:
    """One row per (as_of, query, track): two train spans and one validation span; two queries a cluster."""
    rng = np.random.default_rng(seed)
    count = queries * rows * len(SPANS)
    values = rng.normal(size=(count, len(FEATURES.names)))
    values[rng.random(values.shape) < 0.03] = np.nan
    known = np.nan_to_num(values)
    worth = known[:, 0] + 0.6 * known[:, 1] - 0.5 * known[:, 2] + rng.normal(size=count) * 0.5
    query, span = (np.arange(count) // rows) % queries, np.arange(count) // (rows * queries)
    keys = pd.DataFrame(
        {
            "as_of": [date(2026, 10, 1) + timedelta(days=7 * int(s)) for s in span],
            "locale": "es-ES",
            "need": [f"pon {q}" for q in query],
            "track_id": [f"t{i % rows}" for i in range(count)],
            "fold_key": [f"c{q // 2}" for q in query],
            "qid": span * queries + query,
            "split": [SPANS[s] for s in span],
            "grade": np.clip(np.floor(worth), 0, 4).astype(np.int32),
            "relevance": 1 / (1 + np.exp(-worth)),
            "weight": rng.gamma(1, 5, size=count),
        }
    )
    return pd.concat([keys, pd.DataFrame(values, columns=list(FEATURES.names))], axis=1)


def write(rows: pd.DataFrame, folder: Path, name: str = "examples.parquet") -> Path:
    """The rows as one Parquet file."""
    rows.to_parquet(folder / name, index=False)
    return folder / name
