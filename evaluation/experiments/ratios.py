"""The difference of two arms in a ratio metric, such as successes per search, with the person as the unit (delta method, CUPED)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from evaluation.errors import MetricInput
from evaluation.estimate import Estimate

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Arm:
    """The units of one variant.

    Args:
        numerator: [units] sum of the metric's numerator, such as successful searches.
        denominator: [units] sum of its denominator, such as searches; ones for a mean per unit.
        covariates: [units, covariates] what was known of each unit before the experiment; none: [units, 0].
    """

    numerator: Floats
    denominator: Floats
    covariates: Floats

    @classmethod
    def of(cls, numerator: npt.ArrayLike, denominator: npt.ArrayLike, covariates: npt.ArrayLike | None = None) -> Arm:
        """An arm of checked arrays; raises MetricInput if they do not fit together or there are fewer than two units."""
        top, below = np.asarray(numerator, np.float64), np.asarray(denominator, np.float64)
        before = np.zeros((len(top), 0)) if covariates is None else np.asarray(covariates, np.float64)
        before = before[:, None] if before.ndim == 1 else before
        shapes = f"numerator {top.shape}, denominator {below.shape}, covariates {before.shape}"
        if top.ndim != 1 or top.shape != below.shape or len(before) != len(top) or len(top) < 2:
            raise MetricInput(f"Arm: {shapes}, expected two units or more and equal lengths; run the experiment longer")
        if not all(bool(np.isfinite(part).all()) for part in (top, below, before)):
            raise MetricInput(f"Arm: {shapes}: a value is not finite; leave such units out first")
        if bool((below < 0).any()) or float(below.sum()) <= 0:
            raise MetricInput(
                "Arm: the denominator is below 0 for a unit, or 0 for all of them; expected a sum above 0"
            )
        return cls(top, below, before)

    @property
    def ratio(self) -> float:
        """Σ numerator / Σ denominator."""
        return float(self.numerator.sum()) / float(self.denominator.sum())

    @property
    def linear(self) -> Floats:
        """[units] values whose mean is the ratio, and whose variance over √n is its standard error: R + (S − R·W) / mean W."""
        return self.ratio + (self.numerator - self.ratio * self.denominator) / float(self.denominator.mean())


def ratio_difference(treatment: Arm, control: Arm) -> Estimate:
    """Ratio of the treatment minus that of the control; units are independent, what happens within one is not.

    The variance of each ratio is that of its linear form (delta method), and the two are combined as by Welch 1947. To treat
    every search as independent instead errs in a quarter of A/A comparisons.
    Source: Deng, Knoblich & Lu 2018, "Applying the delta method in metric analytics"; Budylin et al. 2018 (linearisation).
    """
    return _welch(treatment.ratio - control.ratio, treatment.linear, control.linear, 0, "delta method")


def adjusted_difference(treatment: Arm, control: Arm) -> Estimate:
    """`ratio_difference`, with what the covariates predict taken out (CUPED): the same mean, and a variance of 1 − R² of it.

    The coefficients are those of the within-arm regression of the linear form on the covariates, the same in both arms; with one
    covariate, cov(Y, X) / var(X). Covariates must be from before the experiment, which cannot have changed them.
    Source: Deng, Xu, Kohavi & Walker 2013, "Improving the sensitivity of online controlled experiments by utilizing
    pre-experiment data".
    """
    ys = [arm.linear - arm.ratio for arm in (treatment, control)]
    xs = [arm.covariates - arm.covariates.mean(axis=0) for arm in (treatment, control)]
    coefficients, _, rank, _ = np.linalg.lstsq(np.concatenate(xs), np.concatenate(ys), rcond=None)
    shift = (treatment.covariates.mean(axis=0) - control.covariates.mean(axis=0)) @ coefficients
    left = [y - x @ coefficients for y, x in zip(ys, xs, strict=True)]
    mean = treatment.ratio - control.ratio - float(shift)
    return _welch(mean, left[0], left[1], int(rank), "CUPED")


def _welch(mean: float, treatment: Floats, control: Floats, fitted: int, method: str) -> Estimate:
    """The difference with Welch's error and degrees of freedom; `fitted` coefficients, shared by the arms, are taken off them."""
    n = len(treatment) + len(control)
    inflation = (n - 2) / max(n - 2 - fitted, 1)  # residuals of a fit are smaller than errors
    parts = [inflation * float(values.var(ddof=1)) / len(values) for values in (treatment, control)]
    total = sum(parts)
    squares = sum(p**2 / (len(v) - 1) for p, v in zip(parts, (treatment, control), strict=True))
    return Estimate(mean, total**0.5, total**2 / squares if squares > 0 else float(n - 2), n, method)
