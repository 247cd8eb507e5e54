"""Non-inferiority by segment: each state and verdict on hand-made differences."""

import pytest
from scipy import stats

from evaluation.errors import MetricInput
from evaluation.estimate import Estimate
from evaluation.worst_segment import worst_segment_veto


def difference(mean, error=0.002):
    return Estimate(mean, error, 999.0, 1_000, "t")


def states(verdict):
    return {name: segment.state for name, segment in verdict.segments.items()}


def test_a_gain_on_average_does_not_buy_one_segments_loss():
    verdict = worst_segment_veto({"en": difference(0.03), "es": difference(-0.02), "pt": difference(0.0)}, 0.01)
    assert (verdict.verdict, verdict.worst) == ("vetoed", "es")
    assert states(verdict) == {"en": "not worse", "es": "worse", "pt": "not worse"}


def test_every_large_segment_must_be_shown_to_be_within_the_margin():
    near = {"en": difference(0.0), "es": difference(-0.008)}  # .002 from the margin: one standard error
    assert worst_segment_veto(near, 0.01).verdict == "undecided"
    assert states(worst_segment_veto(near, 0.01)) == {"en": "not worse", "es": "open"}
    assert worst_segment_veto({"en": difference(0.0), "es": difference(-0.006)}, 0.01).verdict == "accepted"


def test_a_small_segment_holds_nothing_up_but_may_veto():
    assert worst_segment_veto({"en": difference(0.0), "es": difference(-0.01, 0.02)}, 0.01).verdict == "accepted"
    assert worst_segment_veto({"en": difference(0.0), "es": difference(-0.1, 0.02)}, 0.01).verdict == "vetoed"
    assert (
        worst_segment_veto({"es": difference(0.0, 0.02)}, 0.01).verdict == "undecided"
    )  # nothing large enough to tell


def test_the_p_values_are_those_of_the_shifted_t_tests():
    [one] = worst_segment_veto({"en": difference(-0.004)}, 0.01).segments.values()
    assert one.p_not_worse == pytest.approx(stats.t.sf((-0.004 + 0.01) / 0.002, 999))
    assert one.p_worse == pytest.approx(stats.t.cdf((-0.004 + 0.01) / 0.002, 999))
    assert one.detectable == pytest.approx((stats.norm.ppf(0.95) + stats.norm.ppf(0.8)) * 0.002)
    # the tests of harm are adjusted over the segments, those of its absence are not
    [first, _] = worst_segment_veto({"en": difference(-0.014), "es": difference(0.0)}, 0.01).segments.values()
    assert first.p_worse == pytest.approx(2 * stats.t.cdf((-0.014 + 0.01) / 0.002, 999))


def test_no_segment_and_no_margin_are_refused():
    with pytest.raises(MetricInput, match="0 segments"):
        worst_segment_veto({}, 0.01)
    with pytest.raises(MetricInput, match="a margin above 0"):
        worst_segment_veto({"en": difference(0.0)}, 0.0)


def test_an_estimate_without_any_spread_is_certain():
    sure = Estimate(0.1, 0.0, 10.0, 20, "t")
    assert (sure.p_above(0.0), sure.p_above(0.2), sure.p_below(0.2)) == (0.0, 1.0, 0.0)
