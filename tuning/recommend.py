"""Parameters without a trial of one's own: those that won an earlier sweep on the most similar data."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Any

from ranking.examples import SPACING_DAYS
from tuning.data import SweepData
from tuning.winner import Winner

RESULT, NIGHTS_RESULTS = "result.json", "winner-*.json"


@dataclass(frozen=True)
class Recommendation:
    """Parameters that won the sweep `sweep`; `distance` is how far its data are from the data in question (0: alike)."""

    params: dict[str, Any]
    sweep: str
    distance: float

    @property
    def why(self) -> str:
        """Where the parameters come from, in words."""
        near = "whose data are not described" if math.isinf(self.distance) else f"at distance {self.distance:.2f}"
        return f"sweep {self.sweep} ({near})"


def recommended(sweeps: Path, data: SweepData, features_fingerprint: str, but: str) -> Recommendation | None:
    """The winner of the finished sweep whose data are nearest; of equally near ones the last one by name. None without any.

    Nearness of meta-features as the start of a search: Feurer et al. 2015, "Initializing Bayesian hyperparameter optimization via
    meta-learning" (AAAI), here with its k = 1. A winner that was chosen by labels of the snapshot that is held back here is none of
    them: the comparison on that snapshot would not be one on data that the sweep never read.

    Args:
        sweeps: the folder of the sweeps, with the winners of the nights beside them.
        data: the data in question.
        features_fingerprint: fingerprint of today's features; winners with the same ones are preferred.
        but: the name of a sweep to leave out.
    """
    candidates = []
    for file in sorted([*sweeps.glob(f"*/{RESULT}"), *sweeps.glob(NIGHTS_RESULTS)]):
        winner = Winner.from_dict(json.loads(file.read_text())["winner"])
        if winner.sweep != but and not winner.data.get("permuted") and not _knows(data.held_back, winner.data):
            distance = distance_of(data.facts(), winner.data)
            is_of_others = winner.features_fingerprint != features_fingerprint
            candidates.append((is_of_others, distance, Recommendation(winner.params, winner.sweep, round(distance, 4))))
    if not candidates:
        return None
    nearest = min(candidates, key=lambda one: one[:2])[:2]
    return [one for *at, one in candidates if tuple(at) == nearest][-1]


def _knows(held_back: str, data: Mapping[str, Any]) -> bool:
    """Whether a sweep over `data` may have read labels of the snapshot `held_back`; also if it does not say what it read."""
    if not held_back:
        return False
    judged_on = data.get("judged_on")
    return not judged_on or date.fromisoformat(judged_on) + timedelta(days=SPACING_DAYS) > date.fromisoformat(held_back)


def distance_of(facts: Mapping[str, Any], others: Mapping[str, Any]) -> float:
    """Euclidean distance of two data sets: by the logarithms of rows and needs, and the log odds of a positive row.

    Both are `tuning.data.SweepData.facts`. Infinite for the facts of an earlier version, which are missing.
    """
    if not others:
        return math.inf

    def place(of: Mapping[str, Any]) -> tuple[float, ...]:
        share = min(max(float(of["positive_share"]), 1e-6), 1 - 1e-6)
        rows, needs = max(int(of["rows"]), 1), max(int(of["needs"]), 1)
        return math.log(rows), math.log(needs), math.log(share / (1 - share))

    return math.dist(place(facts), place(others))
