"""Intervals that hold at every look at once: an experiment may be watched daily and stopped when it is decided."""

from __future__ import annotations

import math

from evaluation.errors import MetricInput
from evaluation.intervals import Interval


def always_valid_interval(mean: float, error: float, n: int, planned_error: float, *, level: float = 0.95) -> Interval:
    """Interval of one look; all looks together cover the truth with probability `level` or more, however often one looks.

    With information v = 1 / error², the running sum mean·v leaves ± √((v + ρ)·log((v + ρ) / (ρ·α²))) with probability α at most
    over all v (two-sided normal mixture). ρ is chosen so that the interval is narrowest at the planned information; any ρ fixed
    beforehand is valid. With the exact variance proxy of bounded values (error 1 / (2√n) for means of values in [0, 1]) it holds
    for every n; with an estimated error from the first hundred units or so on, asymptotically.
    Source: Howard, Ramdas, McAuliffe & Sekhon 2021, "Time-uniform, nonparametric, nonasymptotic confidence sequences", §3.2 and
    §3.5; Waudby-Smith et al. 2021, "Time-uniform central limit theory and asymptotic confidence sequences" (estimated error).

    Args:
        mean: the estimate at this look.
        error: its standard error at this look.
        n: independent units so far.
        planned_error: the standard error expected at the planned end; fixed before the first look.
        level: the level of the interval.

    Returns:
        The interval; its p-value is always valid, too: the least α at which 0 is left out.

    Raises:
        MetricInput: an error is not above 0.
    """
    if not (error > 0 and planned_error > 0):
        raise MetricInput(
            f"always_valid_interval: error is {error} and planned error {planned_error}, expected both above 0"
        )
    alpha, information = 1 - level, 1 / error**2
    rho = mixture_strength(1 / planned_error**2, alpha)
    half = math.sqrt((information + rho) * math.log((information + rho) / (rho * alpha**2))) / information
    # the greatest α for which |mean|·v = √((v + ρ)·log((v + ρ) / (ρ·α²)))
    exponent = -((mean * information) ** 2) / (information + rho)
    p_value = min(1.0, math.sqrt((information + rho) / rho) * math.exp(exponent / 2))
    return Interval(mean, mean - half, mean + half, n, p_value, "always valid (normal mixture)")


def mixture_strength(planned: float, alpha: float) -> float:
    """The ρ of the normal mixture whose interval is narrowest at the information `planned`: v / (2·log(1/α) + log(1 + 2·log(1/α))).

    Source: Howard et al. 2021, §3.5 (an approximation by the Lambert function's expansion; within a few percent of the optimum).
    """
    twice = -2 * math.log(alpha)
    return planned / (twice + math.log(1 + twice))
