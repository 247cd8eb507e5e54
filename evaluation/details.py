"""What the report shows of a judged night beside the means: segments, calibration, and the lists that lose the most."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from evaluation.calibration import grade_calibration, score_calibration
from evaluation.judge import Judge
from evaluation.segments import OURS, segments
from evaluation.worst import worst_entries

Floats = npt.NDArray[np.float64]


def details(
    judge: Judge,
    arms: Mapping[str, Floats],
    ndcg: Mapping[str, Floats],
    rival: str,
    own_order: str,
    labels: pd.DataFrame | None,
) -> dict[str, Any]:
    """The parts of `night.json` that the page of the report shows: `segments`, `calibration` and `worst`, as plain values.

    Args:
        judge: the entries of the night.
        arms: arm → its score of each row of `judge.rows`.
        ndcg: arm → NDCG@10 of each entry.
        rival: the arm that playfirst is compared with.
        own_order: name of the arm with the ranker's own scores; without it the scores are not calibrated.
        labels: (locale, need, track_id, grade) of the newest label week; None without one.
    """
    shipped = arms[OURS]
    return {
        "segments": {"rival": rival, **segments(judge, ndcg, rival, shipped)},
        "calibration": {
            "scores": score_calibration(judge, arms[own_order]) if own_order in arms else [],
            "grades": grade_calibration(judge, labels) if labels is not None else [],
        },
        "worst": worst_entries(judge, ndcg, rival, shipped),
    }
