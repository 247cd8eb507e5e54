"""Sample-ratio mismatch: whether the units fell into the variants in the planned proportions."""

from __future__ import annotations

from collections.abc import Mapping

from evaluation.errors import MetricInput

SUSPICIOUS = 0.001  # below it a comparison is not to be trusted (Fabijan et al. 2019)


def sample_ratio_p_value(counts: Mapping[str, int], shares: Mapping[str, float]) -> float:
    """P-value of the counts under the planned shares (Pearson's χ², variants − 1 degrees of freedom).

    A p-value below SUSPICIOUS says that units were lost or added on the way to one of the variants, and whoever was lost was not
    lost by chance: no difference between the variants means anything then.
    Source: Fabijan et al. 2019, "Diagnosing sample ratio mismatch in online controlled experiments".

    Args:
        counts: variant → units in it.
        shares: variant → planned share of all units; scaled to a sum of 1.

    Raises:
        MetricInput: the variants differ, there are fewer than two, a share is not above 0, or there is no unit.
    """
    from scipy import stats

    if set(counts) != set(shares) or len(counts) < 2:
        raise MetricInput(
            f"sample_ratio_p_value: counts of {sorted(counts)} and shares of {sorted(shares)}, expected the same two variants or more"
        )
    total, mass = sum(counts.values()), sum(shares.values())
    if total <= 0 or min(shares.values()) <= 0 or min(counts.values()) < 0:
        raise MetricInput(
            f"sample_ratio_p_value: counts {dict(counts)} and shares {dict(shares)}, expected shares above 0 and a unit or more"
        )
    expected = [total * shares[name] / mass for name in counts]
    return float(stats.chisquare(list(counts.values()), expected).pvalue)
