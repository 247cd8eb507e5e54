"""P-values of several tests, adjusted so that one threshold holds for all of them together."""

import numpy as np
import numpy.typing as npt

from evaluation.errors import MetricInput

Floats = npt.NDArray[np.float64]


def holm(p_values: npt.ArrayLike) -> Floats:
    """Adjusted p-values; rejecting those up to α makes any false rejection at all with probability α at most.

    The i-th smallest of m p-values is multiplied by m − i + 1, and no adjusted value is below the one before it. It holds under
    any dependence of the tests.
    Source: Holm 1979, "A simple sequentially rejective multiple test procedure".
    """
    values, order = _sorted("holm", p_values)
    m = len(values)
    return _in_order(np.minimum(np.maximum.accumulate(values * np.arange(m, 0, -1)), 1.0), order)


def benjamini_hochberg(p_values: npt.ArrayLike) -> Floats:
    """Adjusted p-values; of those rejected up to α, a share of α at most is expected to be false.

    The i-th smallest of m p-values is multiplied by m / i, and no adjusted value is above the one after it. It holds for
    independent and for positively dependent tests (Benjamini & Yekutieli 2001).
    Source: Benjamini & Hochberg 1995, "Controlling the false discovery rate".
    """
    values, order = _sorted("benjamini_hochberg", p_values)
    m = len(values)
    scaled = values * m / np.arange(1, m + 1)
    return _in_order(np.minimum(np.minimum.accumulate(scaled[::-1])[::-1], 1.0), order)


def _sorted(where: str, p_values: npt.ArrayLike) -> tuple[Floats, npt.NDArray[np.intp]]:
    values = np.asarray(p_values, np.float64)
    if values.ndim != 1 or not bool(((values >= 0) & (values <= 1)).all()):
        raise MetricInput(f"{where}: p-values of shape {values.shape}, expected a flat array of numbers from 0 to 1")
    order = np.argsort(values, kind="stable")
    return values[order], order


def _in_order(adjusted: Floats, order: npt.NDArray[np.intp]) -> Floats:
    out = np.empty_like(adjusted)
    out[order] = adjusted
    return out
