"""Non-inferiority segment by segment: the worst segment can veto a change whose mean looks harmless."""

from collections.abc import Mapping
from dataclasses import dataclass

from evaluation.errors import MetricInput
from evaluation.estimate import Estimate
from evaluation.intervals import z_sum
from evaluation.many_tests import holm

ACCEPTED, VETOED, UNDECIDED = "accepted", "vetoed", "undecided"
NOT_WORSE, WORSE, OPEN, TOO_SMALL = "not worse", "worse", "open", "too small"


@dataclass(frozen=True)
class Segment:
    """The verdict on one segment.

    Args:
        difference: new minus old, with its standard error.
        state: `not worse` (shown to lose less than the margin), `worse` (shown to lose more), `open` (neither, though the segment
            is large enough to tell), `too small` (neither, and it could not tell).
        p_not_worse: one-sided p-value of "loses the margin or more".
        p_worse: one-sided p-value of "loses the margin or less", adjusted over all segments by Holm.
        detectable: the margin that this segment resolves with a power of 80 %, in the unit of the difference.
    """

    difference: Estimate
    state: str
    p_not_worse: float
    p_worse: float
    detectable: float


@dataclass(frozen=True)
class SegmentVerdict:
    """`accepted`, `vetoed` or `undecided`; the segment that is worst off; and the verdict on each segment."""

    verdict: str
    worst: str
    segments: dict[str, Segment]


def worst_segment_veto(differences: Mapping[str, Estimate], margin: float, *, alpha: float = 0.05) -> SegmentVerdict:
    """Judge whether a change loses less than `margin` in every segment.

    A change is accepted only if every segment that is large enough (all segments, if none is) is shown, at level α by itself, to
    lose less than the margin. No correction is needed for that: if one of these segments loses the margin or more, the chance to
    accept is α at most (intersection-union test). It is vetoed if any segment, small ones too, is shown to lose more than the
    margin; these tests are adjusted by Holm, so that a change that loses the margin or less everywhere is vetoed with probability
    α at most. A segment is large enough if a true difference of 0 would be shown to be within the margin with a power of 80 %.
    Source: Berger 1982, "Multiparameter hypothesis testing and acceptance sampling" (intersection-union); Schuirmann 1987.

    Args:
        differences: segment → new minus old; greater is better.
        margin: the greatest loss that is tolerated, above 0, in the unit of the differences.
        alpha: the level of the tests.

    Raises:
        MetricInput: there is no segment, or the margin is not above 0.
    """
    if not differences or margin <= 0:
        raise MetricInput(
            f"worst_segment_veto: {len(differences)} segments and margin {margin}, expected one segment or more and a margin above 0"
        )
    names = list(differences)
    adjusted = holm([differences[name].p_below(-margin) for name in names])
    z = z_sum(2 * alpha, 0.8)
    segments: dict[str, Segment] = {}
    for name, p_worse in zip(names, adjusted, strict=True):
        one = differences[name]
        p_not_worse, detectable = one.p_above(-margin), z * one.error
        if p_worse <= alpha:
            state = WORSE
        elif p_not_worse <= alpha:
            state = NOT_WORSE
        else:
            state = OPEN if detectable <= margin else TOO_SMALL
        segments[name] = Segment(one, state, p_not_worse, float(p_worse), detectable)
    states = {segment.state for segment in segments.values()}
    must_pass = {s.state for s in segments.values() if s.detectable <= margin} or states
    verdict = VETOED if WORSE in states else ACCEPTED if must_pass == {NOT_WORSE} else UNDECIDED
    return SegmentVerdict(verdict, max(names, key=lambda name: segments[name].p_not_worse), segments)
