"""`Estimate`: a difference with its standard error, from which intervals and one-sided tests are made."""

from dataclasses import dataclass

from evaluation.intervals import Interval, t_interval


@dataclass(frozen=True)
class Estimate:
    """An estimated difference.

    Args:
        mean: the estimate.
        error: its standard error.
        freedom: degrees of freedom of the standard error.
        n: number of independent units, both sides together.
        method: the name of the method, for reports.
    """

    mean: float
    error: float
    freedom: float
    n: int
    method: str

    def interval(self, level: float = 0.95) -> Interval:
        """The two-sided interval of Student's t, with the p-value against 0."""
        return t_interval(self.mean, self.error, self.freedom, self.n, level, self.method)

    def p_above(self, bound: float) -> float:
        """One-sided p-value of "the difference is `bound` or less"; a small one says that it is above."""
        return self._tail(self.mean - bound)

    def p_below(self, bound: float) -> float:
        """One-sided p-value of "the difference is `bound` or more"; a small one says that it is below."""
        return self._tail(bound - self.mean)

    def _tail(self, distance: float) -> float:
        from scipy import stats

        if self.error == 0:  # every unit has the same value
            return 0.0 if distance > 0 else 1.0
        return float(stats.t.sf(distance / self.error, self.freedom))
