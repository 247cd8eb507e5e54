"""`PolicyValue`: an off-policy estimate with what says how far it can be trusted, and the refusal of one that cannot."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from evaluation.errors import EvaluationError, MetricInput
from evaluation.intervals import Interval

Floats = npt.NDArray[np.float64]
LEAST_EFFECTIVE = 100.0  # searches; below it the normal approximation of the interval does not hold


class TooFewEffective(EvaluationError):
    """Nearly all weight lies on a few logged searches: the log does not tell what the target policy would earn."""


@dataclass(frozen=True)
class PolicyValue:
    """The estimated mean reward per search of a target policy.

    Args:
        method: the estimator.
        interval: the estimate with its interval, clustered by the given clusters.
        searches: logged searches.
        effective: effective sample size (Σw)² / Σw², in searches; of lists by position, that of the worst position.
        largest_share: the share of all weight on the search with the greatest weight.
        mean_weight: mean weight; its expectation is 1 if every list that the target may serve could be logged.
    """

    method: str
    interval: Interval
    searches: int
    effective: float
    largest_share: float
    mean_weight: float


def effective_sample_size(weights: npt.ArrayLike) -> float:
    """(Σw)² / Σw²: how many equally weighted searches are as informative; 0 if no weight is above 0.

    Source: Kish 1965; Owen 2013, "Monte Carlo theory, methods and examples", §9.3.
    """
    values = np.asarray(weights, np.float64)
    squares = float((values**2).sum())
    return float(values.sum()) ** 2 / squares if squares > 0 else 0.0


def importance_weights(target: npt.ArrayLike, logged: npt.ArrayLike) -> Floats:
    """Target probability over logged propensity of the list that was served, per search.

    Args:
        target: probability with which the target policy serves that list, 0 to 1.
        logged: probability with which the logging policy served it (`propensity`), above 0 and up to 1.

    Raises:
        MetricInput: the arrays differ in length or a value is out of range; the message names the first such search.
    """
    wanted, served = np.asarray(target, np.float64), np.asarray(logged, np.float64)
    if wanted.ndim != 1 or wanted.shape != served.shape:
        raise MetricInput(
            f"importance_weights: target {wanted.shape} and logged {served.shape}, expected equal lengths"
        )
    wrong = ~((wanted >= 0) & (wanted <= 1) & (served > 0) & (served <= 1))
    if bool(wrong.any()):
        first = int(np.flatnonzero(wrong)[0])
        raise MetricInput(
            f"importance_weights: search {first} (from 0) has target {wanted[first]} and propensity {served[first]}, expected "
            f"0 to 1, and above 0 and up to 1 ({int(wrong.sum())} such searches)"
        )
    return wanted / served


def checked_size(method: str, weights: Floats, least_effective: float, effective: float | None = None) -> float:
    """The effective sample size.

    Args:
        method: the estimator, for the message.
        weights: weight per search.
        least_effective: the floor.
        effective: the effective sample size, where it is not that of `weights`.

    Raises:
        TooFewEffective: it is below the floor.
    """
    size = effective_sample_size(weights) if effective is None else effective
    if size < least_effective or size == 0:
        raise TooFewEffective(
            f"{method}: effective sample size {size:.1f} of {len(weights):,} logged searches, expected {least_effective:g} or more: the "
            "log seldom served what the target would. Log longer or with more exploration, or judge a target closer to the log"
        )
    return size


def value_of(method: str, interval: Interval, weights: Floats, effective: float) -> PolicyValue:
    """The estimate with its diagnostics; `effective` is what `checked_size` gives."""
    share = float(np.abs(weights).max()) / float(np.abs(weights).sum())
    return PolicyValue(method, interval, len(weights), effective, share, float(weights.mean()))
