"""Intervals and tests for paired differences: t, clustered and weighted t, Poisson bootstrap, sign flips, power analysis.

There is no Wilcoxon and no sign test: on differences with many zeros their type I error reaches 1.
Each function is a pure function of its arrays and seed.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from evaluation.errors import MetricInput

Floats = npt.NDArray[np.float64]
_POISSON_OF_BITS = np.searchsorted(
    np.cumsum([math.exp(-1) / math.factorial(count) for count in range(12)]), (np.arange(1 << 16) + 0.5) / (1 << 16)
).astype(np.uint8)


@dataclass(frozen=True)
class Interval:
    """A mean with its two-sided interval. `n` is the number of independent units (queries or clusters)."""

    mean: float
    low: float
    high: float
    n: int
    p_value: float | None = None
    method: str = "paired t"


def paired_t(differences: npt.ArrayLike, *, level: float = 0.95) -> Interval:
    """Student's t interval and p-value of the mean of per-query differences; the queries must be independent.

    It needs two or more differences.
    Source: Student 1908; recommended for IR by Urbano et al. 2019.
    """
    values = _values("paired_t", differences)
    spread = float(values.std(ddof=1)) / float(np.sqrt(len(values)))
    return t_interval(float(values.mean()), spread, len(values) - 1, len(values), level, "paired t")


def clustered_interval(
    differences: npt.ArrayLike,
    weights: npt.ArrayLike,
    clusters: npt.ArrayLike,
    *,
    level: float = 0.95,
    fits: Sequence[float] = (),
    refits: Sequence[float] = (),
) -> Interval:
    """Interval of the weighted mean Σ w·d / Σ w when the rows of one cluster are correlated (such as the entries of one need).

    The mean is a ratio of cluster sums S_c / W_c, linearised by the delta method: u_c = S_c − mean·W_c. The variance is a
    jackknife over G clusters, (G−1)/G Σ (u_c / (W − W_c))², and the degrees of freedom of t are Kish's effective number of
    clusters (ΣW_c)² / ΣW_c² minus 1. Why not the plain Σu² with G − 1 degrees: under Zipf traffic one need holds 15 % of the
    weight, and with skewed differences the plain form errs in 7–10 % of draws and the percentile bootstrap in 10–12 %; this
    form errs in 4–5 %, and in less than 3 % with symmetric differences (tests/evaluation/test_intervals.py).
    Source: Cochran 1977 §6 (ratio); Bell & McCaffrey 2002, MacKinnon et al. 2023 (cluster jackknife); Kish 1965.

    Args:
        differences: one difference per row.
        weights: the weight of each row, 0 or more.
        clusters: the cluster of each row.
        level: the level of the interval.
        fits: the weighted mean difference of each fit, where `differences` are means over S repeated fits. The variance between
            fits, s² / S with S − 1 degrees of freedom, is then added, and the degrees of freedom are combined as in
            Satterthwaite 1946. With none or one, the interval is conditional on the given fits.
        refits: the weighted mean difference of each of S further fits, where `differences` are of a single fit. The variance of one
            fit, s² with S − 1 degrees of freedom, is then added in the same way. Not together with `fits`.

    Raises:
        MetricInput: an array is invalid, or fewer than two clusters have weight.
    """
    sums, mass = _cluster_sums("clustered_interval", differences, weights, clusters)
    effective = float(mass.sum()) ** 2 / float((mass**2).sum())
    mean, spread = float(sums.sum()) / float(mass.sum()), _clustered_spread(sums, mass)
    free, method = max(effective - 1.0, 1.0), "clustered t (jackknifed delta)"
    others, averaged = (refits, 1) if len(refits) > 1 else (fits, len(fits))
    of_fits = float(np.var(others, ddof=1)) / averaged if len(others) > 1 else 0.0
    if of_fits > 0:
        both = spread**2 + of_fits
        free = both**2 / (spread**4 / free + of_fits**2 / (len(others) - 1))
        spread, method = both**0.5, f"{method}, and over {len(others)} fits"
    return t_interval(mean, spread, free, len(mass), level, method)


def two_way_interval(
    differences: npt.ArrayLike,
    weights: npt.ArrayLike,
    needs: npt.ArrayLike,
    people: npt.ArrayLike,
    *,
    level: float = 0.95,
) -> Interval:
    """Interval of Σ w·d / Σ w when rows of one need are correlated and rows of one person are, too.

    The variance is V(by need) + V(by person) − V(by need and person), each as in `clustered_interval`, and never less than the
    greater of the first two. The degrees of freedom are the lesser effective number of clusters minus 1.
    Source: Cameron, Gelbach & Miller 2011, "Robust inference with multiway clustering".

    Args:
        differences: one difference per row, such as a search.
        weights: the weight of each row, 0 or more.
        needs: the need of each row.
        people: the person of each row.
        level: the level of the interval.

    Raises:
        MetricInput: an array is invalid, or fewer than two needs or people have weight.
    """
    where = "two_way_interval"
    by_need = _cluster_sums(where, differences, weights, needs)
    by_person = _cluster_sums(where, differences, weights, people)
    both = _cluster_sums(where, differences, weights, _crossed(needs, people))
    variances = [_clustered_spread(*part) ** 2 for part in (by_need, by_person, both)]
    spread = max(variances[0] + variances[1] - variances[2], variances[0], variances[1]) ** 0.5
    effective = min(float(mass.sum()) ** 2 / float((mass**2).sum()) for _, mass in (by_need, by_person))
    sums, mass = both
    mean, count = float(sums.sum()) / float(mass.sum()), min(len(by_need[1]), len(by_person[1]))
    return t_interval(mean, spread, max(effective - 1.0, 1.0), count, level, "clustered t by need and person")


def clustered_error(values: npt.ArrayLike, clusters: npt.ArrayLike) -> float:
    """Standard error of the plain mean of `values` when those of one cluster are correlated; see `clustered_interval`.

    It is 0 where all values are of one cluster, because one cluster gives no estimate.
    """
    if len(np.unique(np.asarray(clusters))) < 2:
        return 0.0
    return _clustered_spread(*_cluster_sums("clustered_error", values, np.ones(np.shape(values)), clusters))


def bootstrap_interval(
    differences: npt.ArrayLike,
    weights: npt.ArrayLike,
    clusters: npt.ArrayLike,
    *,
    people: npt.ArrayLike | None = None,
    repetitions: int = 2000,
    seed: int = 0,
    level: float = 0.95,
) -> Interval:
    """Percentile interval of the weighted mean, with clusters resampled by independent Poisson(1) counts; seeded.

    It is too narrow where few clusters hold most of the weight; decide by `clustered_interval`. With `people` a row counts as
    often as the count of its cluster times that of its person. That interval is right where needs and people make most of the
    variance, and too wide (by up to √3) where the rows alone do.
    Source: Chamandy et al. 2012, "Estimating uncertainty for massive data streams" (Poisson bootstrap); Owen & Eckles 2012,
    "Bootstrapping data arrays of arbitrary order" (products of counts).

    Args:
        differences: one difference per row.
        weights: the weight of each row, 0 or more.
        clusters: the cluster of each row, such as its need.
        people: the person of each row, where rows of one person are correlated across clusters; None to resample clusters alone.
        repetitions: number of resamples.
        seed: of the counts.
        level: the level of the interval.

    Raises:
        MetricInput: an array is invalid, or fewer than two clusters have weight.
    """
    where = "bootstrap_interval"
    sums, mass = _cluster_sums(where, differences, weights, clusters)
    mean, count, sides = float(sums.sum()) / float(mass.sum()), len(mass), [np.arange(len(mass))]
    if people is not None:
        of_people = _cluster_sums(where, differences, weights, people)
        count = min(count, len(of_people[0]))
        has_weight = np.asarray(weights, np.float64) > 0
        sums = (np.asarray(differences, np.float64) * np.asarray(weights, np.float64))[has_weight]
        mass = np.asarray(weights, np.float64)[has_weight]
        sides = [np.unique(np.asarray(side)[has_weight], return_inverse=True)[1] for side in (clusters, people)]
    rng, means = np.random.default_rng(seed), []
    step = max(1, 4_000_000 // len(mass))  # bounds memory to 32 MB a block
    for start in range(0, repetitions, step):
        rows = min(step, repetitions - start)
        draws = _poisson_counts(rng, (rows, int(sides[0].max()) + 1))
        if people is not None:
            of_person = _poisson_counts(rng, (rows, int(sides[1].max()) + 1))
            draws = draws[:, sides[0]] * of_person[:, sides[1]]
        drawn_mass = draws @ mass
        means.append((draws @ sums)[drawn_mass > 0] / drawn_mass[drawn_mass > 0])
    low, high = np.quantile(np.concatenate(means), [(1 - level) / 2, (1 + level) / 2])
    method = f"Poisson {'cluster' if people is None else 'cluster and person'} bootstrap ×{repetitions}"
    return Interval(mean, float(low), float(high), count, None, method)


def sign_flip_p_value(
    differences: npt.ArrayLike,
    *,
    weights: npt.ArrayLike | None = None,
    clusters: npt.ArrayLike | None = None,
    repetitions: int = 10_000,
    seed: int = 0,
) -> float:
    """Two-sided p-value of Σ w·d under random signs, one sign per cluster (per row if no clusters are given).

    It is exact over all 2^n sign vectors where these are at most `repetitions`; otherwise signs are drawn, and the p-value is
    (hits + 1) / (draws + 1), so that it is never 0.
    Source: Fisher's randomisation test; Smucker et al. 2007; Phipson & Smyth 2010 (the + 1).
    """
    values = np.asarray(differences, np.float64)
    weight = np.ones(len(values)) if weights is None else np.asarray(weights, np.float64)
    groups = np.arange(len(values)) if clusters is None else np.asarray(clusters)
    sums, _ = _cluster_sums("sign_flip_p_value", values, weight, groups)
    observed = abs(float(sums.sum())) - 1e-12 * float(np.abs(sums).sum())  # equal up to rounding
    if len(sums) < 60 and 2 ** len(sums) <= repetitions:
        bits = (np.arange(2 ** len(sums))[:, None] >> np.arange(len(sums))) & 1
        return float((np.abs((2.0 * bits - 1.0) @ sums) >= observed).mean())
    rng, hits = np.random.default_rng(seed), 0
    step = max(1, 4_000_000 // len(sums))
    for start in range(0, repetitions, step):
        signs = rng.integers(0, 2, size=(min(step, repetitions - start), len(sums))) * 2.0 - 1.0
        hits += int((np.abs(signs @ sums) >= observed).sum())
    return (hits + 1) / (repetitions + 1)


def minimum_detectable_effect(sd: float, n: int, *, alpha: float = 0.05, power: float = 0.8) -> float:
    """The smallest true mean difference that n queries of this per-query sd detect with `power`: z·sd / √n.

    z = 2.802 at the defaults (z_{1−α/2} + z_{power}); sd .10 and n 3,140 give .005.
    """
    return z_sum(alpha, power) * sd / float(np.sqrt(n))


def queries_needed(sd: float, effect: float, *, alpha: float = 0.05, power: float = 0.8) -> int:
    """The number of queries that detect a true mean difference `effect` with `power`: (z·sd / effect)², rounded up."""
    if effect <= 0:
        raise MetricInput(f"queries_needed: effect is {effect}, expected above 0")
    return int(np.ceil((z_sum(alpha, power) * sd / effect) ** 2))


def _poisson_counts(rng: np.random.Generator, shape: tuple[int, int]) -> npt.NDArray[np.uint8]:
    """Poisson(1) counts by inversion of 16 random bits: mean 1, variance .99997, and ten times as fast as numpy's own."""
    return _POISSON_OF_BITS[rng.integers(0, 1 << 16, size=shape, dtype=np.uint16)]


def z_sum(alpha: float, power: float) -> float:
    """z_{1−α/2} + z_{power}: the standard errors by which a true difference must lie from 0 to be detected with `power`."""
    from scipy import stats

    return float(stats.norm.ppf(1 - alpha / 2) + stats.norm.ppf(power))


def t_interval(mean: float, spread: float, freedom: float, n: int, level: float, method: str) -> Interval:
    """Student's t interval and p-value of an estimate.

    Args:
        mean: the estimate.
        spread: its standard error.
        freedom: degrees of freedom of the standard error.
        n: number of independent units.
        level: the level of the interval.
        method: the name of the method, for reports.
    """
    from scipy import stats

    half = float(stats.t.ppf((1 + level) / 2, freedom)) * spread
    certain = 1.0 if mean == 0 else 0.0  # without any spread every cluster has the same value
    p_value = float(2 * stats.t.sf(abs(mean) / spread, freedom)) if spread > 0 else certain
    return Interval(mean, mean - half, mean + half, n, p_value, method)


def _clustered_spread(sums: Floats, mass: Floats) -> float:
    """Standard error of Σ sums / Σ mass by the jackknife over clusters."""
    total, groups = float(mass.sum()), len(mass)
    left_out = (sums - float(sums.sum()) / total * mass) / (total - mass)
    return float(np.sqrt((groups - 1) / groups * float((left_out**2).sum())))


def _crossed(needs: npt.ArrayLike, people: npt.ArrayLike) -> npt.NDArray[np.int64]:
    """One number per (need, person)."""
    _, need = np.unique(np.asarray(needs), return_inverse=True)
    names, person = np.unique(np.asarray(people), return_inverse=True)
    return np.asarray(need, np.int64) * len(names) + person


def _values(where: str, differences: npt.ArrayLike) -> Floats:
    values = np.asarray(differences, np.float64)
    if values.ndim != 1 or len(values) < 2 or not bool(np.isfinite(values).all()):
        raise MetricInput(
            f"{where}: differences of shape {values.shape}, expected two or more finite numbers; "
            "leave excluded (NaN) queries out on both sides first"
        )
    return values


def _cluster_sums(
    where: str, differences: npt.ArrayLike, weights: npt.ArrayLike, clusters: npt.ArrayLike
) -> tuple[Floats, Floats]:
    """(Σ w·d, Σ w) of each cluster of positive weight."""
    values, weight, names = _values(where, differences), np.asarray(weights, np.float64), np.asarray(clusters)
    if weight.shape != values.shape or names.shape != values.shape or not bool((weight >= 0).all()):
        raise MetricInput(
            f"{where}: weights {weight.shape} and clusters {names.shape}, expected the {values.shape} of "
            "the differences and no weight below 0"
        )
    _, codes = np.unique(names, return_inverse=True)
    mass = np.bincount(codes, weights=weight).astype(np.float64)
    sums = np.bincount(codes, weights=weight * values).astype(np.float64)
    if int((mass > 0).sum()) < 2:
        raise MetricInput(
            f"{where}: {int((mass > 0).sum())} cluster with weight, expected two or more; "
            "an interval needs independent units: judge a longer or busier day"
        )
    return sums[mass > 0], mass[mass > 0]
