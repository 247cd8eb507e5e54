"""Intervals against scipy, exact enumeration and simulated coverage."""

import itertools

import numpy as np
import pytest
from scipy import stats

from evaluation.errors import MetricInput
from evaluation.intervals import (
    _poisson_counts,
    bootstrap_interval,
    clustered_error,
    clustered_interval,
    minimum_detectable_effect,
    paired_t,
    queries_needed,
    sign_flip_p_value,
    two_way_interval,
)


def test_paired_t_is_scipys():
    values = np.random.default_rng(1).normal(0.1, 1, 40)
    ours, theirs = paired_t(values), stats.ttest_1samp(values, 0)
    low, high = theirs.confidence_interval(0.95)
    assert (ours.mean, ours.low, ours.high, ours.p_value) == pytest.approx((values.mean(), low, high, theirs.pvalue))
    assert ours.n == 40


def test_clusters_of_one_row_and_equal_weight_are_the_paired_t():
    values = np.random.default_rng(2).normal(0.1, 1, 60)
    clustered, plain = clustered_interval(values, np.ones(60), np.arange(60)), paired_t(values)
    assert (clustered.low, clustered.high, clustered.p_value) == pytest.approx((plain.low, plain.high, plain.p_value))


def test_splitting_an_entry_within_its_need_changes_nothing():
    # 3 needs; the first asked in two wordings that always agree: as good as one row of the summed weight
    whole = clustered_interval([0.2, -0.1, 0.3], [5, 2, 1], ["a", "b", "c"])
    split = clustered_interval([0.2, 0.2, -0.1, 0.3], [4, 1, 2, 1], ["a", "a", "b", "c"])
    assert (split.mean, split.low, split.high, split.n) == pytest.approx((whole.mean, whole.low, whole.high, 3))
    assert whole.mean == pytest.approx((5 * 0.2 - 2 * 0.1 + 0.3) / 8)
    as_if_independent = clustered_interval([0.2, 0.2, -0.1, 0.3], [4, 1, 2, 1], [0, 1, 2, 3])
    assert as_if_independent.high - as_if_independent.low < split.high - split.low


def test_the_variance_is_that_of_leaving_each_cluster_out():
    rng = np.random.default_rng(5)
    values, weights, clusters = rng.normal(size=30), rng.pareto(1.5, 30) + 1, rng.integers(0, 8, 30)
    names = np.unique(clusters)
    left_out = [np.average(values[clusters != c], weights=weights[clusters != c]) for c in names]
    whole = np.average(values, weights=weights)
    spread = np.sqrt((len(names) - 1) / len(names) * sum((m - whole) ** 2 for m in left_out))
    mass = np.array([weights[clusters == c].sum() for c in names])
    quantile = stats.t.ppf(0.975, mass.sum() ** 2 / (mass**2).sum() - 1)
    ours = clustered_interval(values, weights, clusters)
    assert (ours.low, ours.high) == pytest.approx((whole - quantile * spread, whole + quantile * spread))


def test_the_error_of_a_mean_counts_what_moves_together_once():
    values = np.random.default_rng(7).normal(size=12)
    alone = clustered_error(values, np.arange(12))
    assert alone == pytest.approx(values.std(ddof=1) / np.sqrt(12))
    assert clustered_error(np.repeat(values, 4), np.repeat(np.arange(12), 4)) == pytest.approx(alone)
    assert clustered_error(values, ["one"] * 12) == 0.0


def misses(interval, skewed, clusters=200, repetitions=800):
    """Share of draws of zero-mean differences (60 % exact zeros, Zipf weights) whose interval leaves 0 out."""
    rng, weights, wrong = np.random.default_rng(11), 1 / np.arange(1, clusters + 1), 0
    for _ in range(repetitions):
        noise = rng.exponential(1, clusters) - 1 if skewed else rng.normal(size=clusters)
        found = interval(np.where(rng.random(clusters) < 0.4, noise, 0.0), weights, np.arange(clusters))
        wrong += not found.low <= 0 <= found.high
    return wrong / repetitions


@pytest.mark.parametrize("skewed", [False, True])
def test_under_zipf_weights_the_clustered_interval_keeps_its_level(skewed):
    assert misses(clustered_interval, skewed) < 0.065  # 800 draws at .05: sd .008
    assert misses(clustered_interval, skewed) > 0.005  # and is not empty caution


def test_and_the_percentile_bootstrap_does_not():
    # why it only stands beside the interval that decides
    wrong = misses(lambda d, w, c: bootstrap_interval(d, w, c, repetitions=200), skewed=True, repetitions=300)
    assert wrong > 0.065


def test_with_equal_weights_all_three_agree():
    values = np.random.default_rng(4).normal(0.15, 1, 300)
    t = paired_t(values)
    boot = bootstrap_interval(values, np.ones(300), np.arange(300), repetitions=4000, seed=1)
    assert (boot.low, boot.high) == pytest.approx((t.low, t.high), abs=0.02)
    assert sign_flip_p_value(values, repetitions=8000, seed=1) == pytest.approx(t.p_value, abs=0.01)


def test_bootstrap_repeats_with_its_seed():
    values = np.random.default_rng(6).normal(size=30)

    def interval(seed):
        return bootstrap_interval(values, np.ones(30), np.arange(30), repetitions=50, seed=seed)

    assert interval(7) == interval(7)
    assert interval(7) != interval(8)


def test_sign_flips_are_exact_for_few_clusters():
    values, weights = np.array([0.3, 0.1, -0.05, 0.2, 0.4]), np.array([1.0, 2, 1, 5, 1])
    clusters = np.array([0, 0, 1, 2, 3])
    sums = np.array([0.3 + 0.2, -0.05, 1.0, 0.4])
    flips = [abs(np.dot(s, sums)) >= abs(sums.sum()) - 1e-12 for s in itertools.product([-1, 1], repeat=4)]
    assert sign_flip_p_value(values, weights=weights, clusters=clusters) == np.mean(flips)


def test_sign_flips_drawn_are_near_the_exact_ones_and_never_zero():
    values = np.random.default_rng(8).normal(0.3, 1, 12)
    exact = sign_flip_p_value(values, repetitions=5000)
    assert sign_flip_p_value(values, repetitions=4000, seed=3) == pytest.approx(exact, abs=0.03)
    assert 0 < sign_flip_p_value(np.ones(100), repetitions=999) <= 0.001


def test_detectable_effects_are_those_of_the_table():
    assert queries_needed(0.10, 0.005) == pytest.approx(3_140, abs=1)
    assert queries_needed(0.10, 0.002) == pytest.approx(19_628, abs=6)
    assert minimum_detectable_effect(0.10, 3_140) == pytest.approx(0.005, abs=1e-5)
    with pytest.raises(MetricInput):
        queries_needed(0.1, 0.0)


@pytest.mark.parametrize(
    "call,says",
    [
        (lambda: paired_t([0.1]), "two or more"),
        (lambda: paired_t([0.1, float("nan")]), "finite"),
        (lambda: clustered_interval([1, 2], [1, 1], ["a", "a"]), "1 cluster with weight"),
        (lambda: clustered_interval([1, 2], [1, -1], ["a", "b"]), "no weight below 0"),
        (lambda: bootstrap_interval([1, 2], [1], ["a", "b"]), "expected the"),
    ],
)
def test_bad_input_is_named(call, says):
    with pytest.raises(MetricInput, match=says):
        call()


def test_no_difference_at_all():
    same = clustered_interval([0.0, 0.0, 0.0], [1, 2, 3], ["a", "b", "c"])
    assert (same.mean, same.low, same.high, same.p_value) == (0, 0, 0, 1)


def test_what_other_fits_would_give_is_in_the_interval():
    """Entries that agree, fits that do not: Student's interval of the three fits; fits that agree change nothing."""
    entries, clusters = np.full(40, 0.02), np.arange(40)
    fits = [0.01, 0.02, 0.03]
    found = clustered_interval(entries, np.ones(40), clusters, fits=fits)
    wanted = paired_t(fits)
    assert (found.low, found.high) == pytest.approx((wanted.low, wanted.high)) and found.n == 40
    noisy = entries + np.linspace(-0.1, 0.1, 40)
    given = clustered_interval(noisy, np.ones(40), clusters)
    assert clustered_interval(noisy, np.ones(40), clusters, fits=[0.02] * 3) == given
    assert clustered_interval(noisy, np.ones(40), clusters, fits=[0.02]) == given
    wider = clustered_interval(noisy, np.ones(40), clusters, fits=fits)
    assert wider.mean == given.mean and wider.low < given.low and wider.high > given.high


def test_with_fits_the_interval_holds_the_truth_as_often_as_it_says():
    """Fits and needs both vary: 95 % of draws hold 0 with the fits counted, and far fewer given the fits alone."""
    rng = np.random.default_rng(11)
    held = alone = 0
    for _ in range(600):
        of_fit, of_need = rng.normal(0, 0.02, 3), rng.normal(0, 0.1, 60)
        values = of_fit.mean() + of_need
        one = clustered_interval(values, np.ones(60), np.arange(60), fits=list(of_fit + of_need.mean()))
        other = clustered_interval(values, np.ones(60), np.arange(60))
        held += one.low <= 0 <= one.high
        alone += other.low <= 0 <= other.high
    assert held / 600 >= 0.93 and alone / 600 < 0.92


def crossed(rng, needs=12, people=20, rows=90):
    return rng.normal(size=rows), rng.integers(1, 4, rows), rng.integers(0, needs, rows), rng.integers(0, people, rows)


def test_the_two_way_variance_is_of_three_jackknives():
    values, weights, need, person = crossed(np.random.default_rng(3))
    whole = np.average(values, weights=weights)

    def jackknifed(names):
        out = [np.average(values[names != c], weights=weights[names != c]) for c in np.unique(names)]
        return (len(out) - 1) / len(out) * sum((m - whole) ** 2 for m in out)

    parts = [jackknifed(names) for names in (need, person, need * 100 + person)]
    spread = max(parts[0] + parts[1] - parts[2], parts[0], parts[1]) ** 0.5
    mass = [np.array([weights[names == c].sum() for c in np.unique(names)]) for names in (need, person)]
    freedom = min(m.sum() ** 2 / (m**2).sum() for m in mass) - 1
    ours = two_way_interval(values, weights, need, person)
    assert ours.high - ours.mean == pytest.approx(stats.t.ppf(0.975, freedom) * spread)
    assert ours.n == min(len(np.unique(need)), len(np.unique(person)))


def test_where_every_person_has_one_search_the_two_ways_are_one():
    rng = np.random.default_rng(4)
    noise, weights, need, _ = crossed(rng)
    values = noise + 3 * rng.normal(size=12)[need]
    both, one = two_way_interval(values, weights, need, np.arange(90)), clustered_interval(values, weights, need)
    assert (both.low, both.high) == pytest.approx((one.low, one.high))


def test_resampling_people_too_widens_the_bootstrap_by_what_they_share():
    """Every row of a person has one value: resampled by need alone the mean looks far more certain than it is."""
    rng = np.random.default_rng(6)
    person, need = rng.integers(0, 30, 900), rng.integers(0, 200, 900)
    values = rng.normal(size=30)[person]
    by_need = bootstrap_interval(values, np.ones(900), need, seed=1)
    by_both = bootstrap_interval(values, np.ones(900), need, people=person, seed=1)
    by_person = clustered_interval(values, np.ones(900), person)
    assert by_need.high - by_need.low < 0.4 * (by_person.high - by_person.low)
    assert by_both.high - by_both.low > 0.9 * (by_person.high - by_person.low)
    assert by_both.n == 30 and "person" in by_both.method


def test_bootstrap_counts_are_poisson():
    counts = _poisson_counts(np.random.default_rng(1), (200, 1_000))
    for k in range(6):
        expected = stats.poisson.pmf(k, 1)
        assert (counts == k).mean() == pytest.approx(expected, abs=5 * (expected / counts.size) ** 0.5)
    assert counts.max() < 16  # products of two counts stay below 256
