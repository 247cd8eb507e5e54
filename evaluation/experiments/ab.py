"""The verdict of an A/B experiment, from one row per person and day: is it valid, what changed, for whom, and what to do."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date, timedelta

import numpy as np
import numpy.typing as npt
import pandas as pd

from evaluation.errors import MetricInput
from evaluation.estimate import Estimate
from evaluation.experiments.always_valid import always_valid_interval
from evaluation.experiments.plan import Plan
from evaluation.experiments.ratios import Arm, adjusted_difference, ratio_difference
from evaluation.experiments.sample_ratio import SUSPICIOUS, sample_ratio_p_value
from evaluation.intervals import Interval, z_sum
from evaluation.many_tests import benjamini_hochberg, holm
from evaluation.worst_segment import ACCEPTED, VETOED, SegmentVerdict, worst_segment_veto

Floats = npt.NDArray[np.float64]
COUNTS = ("searches", "successes", "first_successes", "satisfied_plays", "heard_s")
ROW = ("user_id", "variant", "search_date", "locale", "client", *COUNTS)
PRIMARY = "success"
METRICS = {  # per search
    PRIMARY: "successes",
    "first_success": "first_successes",
    "satisfied_plays": "satisfied_plays",
    "heard_s": "heard_s",
}
SEGMENTS = ("locale", "client")
MOST_CROSSED = 0.01  # of the people in more than one variant; above it the variants were not given to people
LEAST_PEOPLE = 30  # of an arm in a segment, below which the segment is not judged

INVALID, BETTER, WORSE, NOT_WORSE, STOPPED, OPEN = "invalid", "better", "worse", "not worse", "vetoed", "undecided"


@dataclass(frozen=True)
class MetricDifference:
    """One metric, treatment against control.

    Args:
        control: the control's ratio.
        treatment: the treatment's ratio.
        difference: treatment − control, adjusted by what was known before (CUPED); for one look at the planned end.
        adjusted_p: its p-value, by Holm over treatments (the primary metric) or Benjamini–Hochberg over the others.
        variance_left: variance after the adjustment over that before it.
    """

    control: float
    treatment: float
    difference: Interval
    adjusted_p: float
    variance_left: float


@dataclass(frozen=True)
class Look:
    """The primary metric with the days up to `day`: an interval that holds however often one looks."""

    day: date
    interval: Interval


@dataclass(frozen=True)
class TreatmentVerdict:
    """One treatment against the control.

    Args:
        decision: invalid, better, worse, not worse, vetoed or undecided.
        reason: why, and what to do next; one sentence each.
        metrics: metric → its difference.
        looks: the primary metric after each day.
        segments: non-inferiority by segment; None if no segment has enough people.
        unjudged: segments with fewer than LEAST_PEOPLE people in an arm.
        detectable: the smallest difference of the primary metric that the log detects with a power of 80 %.
    """

    decision: str
    reason: str
    metrics: dict[str, MetricDifference]
    looks: tuple[Look, ...]
    segments: SegmentVerdict | None
    unjudged: tuple[str, ...]
    detectable: float


@dataclass(frozen=True)
class AbVerdict:
    """The verdict of an A/B experiment.

    Args:
        plan: what was fixed beforehand.
        people: variant → people.
        searches: variant → searches.
        sample_ratio_p: p-value of the numbers of people under the planned shares.
        crossed: share of the people who were in more than one variant; they are left out.
        with_history: share of the people who searched before the experiment.
        treatments: treatment → its verdict.
    """

    plan: Plan
    people: dict[str, int]
    searches: dict[str, int]
    sample_ratio_p: float
    crossed: float
    with_history: float
    treatments: dict[str, TreatmentVerdict]

    @property
    def problem(self) -> str:
        """Why no difference of this log means anything; "" if it is sound."""
        if self.crossed > MOST_CROSSED:
            return (
                f"{self.crossed:.1%} of the people were in more than one variant, so variants were not given to people: assign by person, or "
                "judge single lists by their propensities (experiments.kind=off_policy)"
            )
        if self.sample_ratio_p < SUSPICIOUS:
            counts = ", ".join(f"{v} {n:,}" for v, n in self.people.items())
            return (
                f"sample-ratio mismatch (p = {self.sample_ratio_p:.1g}): {counts} people are not the planned shares; find where people are lost "
                "or added (assignment, logging, bots, crashes of one variant) before reading any difference"
            )
        return ""


def ab_verdict(rows: pd.DataFrame, plan: Plan) -> AbVerdict:
    """Judge an A/B experiment.

    Args:
        rows: one row per (person, variant, day, locale, client) with the columns ROW; days before the experiment serve as history.
        plan: what was fixed beforehand.

    Raises:
        MetricInput: a variant of the plan has fewer than two people.
    """
    day = pd.to_datetime(rows["search_date"]).dt.date
    during = rows[(day >= plan.first_day) & (day < plan.before) & rows["variant"].isin(plan.variants)]
    variants_of = during.groupby("user_id")["variant"].nunique()
    crossed = variants_of[variants_of > 1].index
    sound = during[~during["user_id"].isin(crossed)]
    people = {v: int(sound.loc[sound["variant"] == v, "user_id"].nunique()) for v in plan.variants}
    empty = [v for v, n in people.items() if n < 2]
    if empty:
        raise MetricInput(
            f"experiment: variant {empty[0]} has {people[empty[0]]} people who were in no other variant, from {plan.first_day} to "
            f"{plan.before - timedelta(days=1)}, expected two or more; {len(crossed):,} of {len(variants_of):,} people were in more "
            "than one variant. Assign variants by person, or judge single lists by their propensities (experiments.kind=off_policy)"
        )
    searches = {v: int(sound.loc[sound["variant"] == v, "searches"].sum()) for v in plan.variants}
    history = rows[day < plan.first_day].groupby("user_id")[list(COUNTS)].sum()
    known = sound["user_id"].drop_duplicates().isin(history.index)
    verdict = AbVerdict(
        plan,
        people,
        searches,
        sample_ratio_p_value(people, plan.shares),
        len(crossed) / len(variants_of),
        float(known.mean()),
        {},
    )
    compared = {t: _compared(sound, history, plan, t) for t in plan.treatments}
    return _decided(verdict, compared)


@dataclass(frozen=True)
class _Compared:
    """The estimates of one treatment, before p-values are adjusted over treatments."""

    arms: dict[str, tuple[Arm, Arm]]
    estimates: dict[str, Estimate]
    looks: tuple[Look, ...]
    segments: SegmentVerdict | None
    unjudged: tuple[str, ...]


def _compared(sound: pd.DataFrame, history: pd.DataFrame, plan: Plan, treatment: str) -> _Compared:
    pair = sound[sound["variant"].isin([plan.control, treatment])]
    arms = {metric: _arms(pair, history, plan.control, treatment, column) for metric, column in METRICS.items()}
    estimates = {metric: adjusted_difference(*both) for metric, both in arms.items()}
    looks = []
    days = pd.to_datetime(pair["search_date"]).dt.date
    for day in sorted(set(days)):
        so_far = pair[days <= day]
        if (
            so_far.groupby("variant")["user_id"].nunique().reindex([plan.control, treatment]).fillna(0).min()
            < LEAST_PEOPLE
        ):
            continue  # the error is not yet known well enough
        estimate = adjusted_difference(*_arms(so_far, history, plan.control, treatment, METRICS[PRIMARY]))
        if estimate.error > 0:
            interval = always_valid_interval(
                estimate.mean, estimate.error, estimate.n, plan.planned_error, level=plan.level
            )
            looks.append(Look(day, interval))
    judged, unjudged = {}, []
    for column in SEGMENTS:
        for name, part in pair.groupby(column):
            people = part.groupby("variant")["user_id"].nunique().reindex([plan.control, treatment]).fillna(0)
            if people.min() < LEAST_PEOPLE:
                unjudged.append(f"{column} {name}")
            else:
                both = _arms(part, history, plan.control, treatment, METRICS[PRIMARY])
                judged[f"{column} {name}"] = adjusted_difference(*both)
    # before the planned end one may look every day: Bonferroni's share of the error for each of these looks
    planned_looks = 1 if plan.is_over else (plan.before - plan.first_day).days
    segments = worst_segment_veto(judged, plan.margin, alpha=(1 - plan.level) / planned_looks) if judged else None
    return _Compared(arms, estimates, tuple(looks), segments, tuple(unjudged))


def _arms(rows: pd.DataFrame, history: pd.DataFrame, control: str, treatment: str, column: str) -> tuple[Arm, Arm]:
    """(treatment, control) with the people as units; covariates: whether a person has a history, and the metric's in it."""
    units = rows.groupby(["variant", "user_id"])[list(dict.fromkeys([column, "searches"]))].sum()
    before = history.reindex(units.index.get_level_values("user_id"))
    has_history = before["searches"].notna().to_numpy(dtype=np.float64)
    counted = before.fillna(0.0)
    rate = float(counted[column].sum()) / max(float(counted["searches"].sum()), 1.0)
    excess = (counted[column] - rate * counted["searches"]).to_numpy(dtype=np.float64)
    covariates = np.stack([has_history, excess], axis=1)
    variant = units.index.get_level_values("variant").to_numpy()
    top, below = (units[c].to_numpy(dtype=np.float64) for c in (column, "searches"))
    first, second = (
        Arm.of(top[here], below[here], covariates[here]) for here in (variant == treatment, variant == control)
    )
    return first, second


def _decided(verdict: AbVerdict, compared: Mapping[str, _Compared]) -> AbVerdict:
    """The verdict with its treatments: p-values adjusted over all of them, then the decisions."""
    plan = verdict.plan
    secondary = [(t, m) for t in compared for m in METRICS if m != PRIMARY]
    intervals = {(t, m): one.estimates[m].interval(plan.level) for t, one in compared.items() for m in METRICS}
    primary_p = holm([_p(intervals[t, PRIMARY]) for t in compared])
    p_of = dict(zip(((t, PRIMARY) for t in compared), primary_p, strict=True))
    p_of |= dict(zip(secondary, benjamini_hochberg([_p(intervals[key]) for key in secondary]), strict=True))
    looking_p = holm([_p(one.looks[-1].interval) if one.looks else 1.0 for one in compared.values()])
    treatments = {}
    for (name, one), p_look in zip(compared.items(), looking_p, strict=True):
        metrics = {}
        for metric in METRICS:
            treatment, control = one.arms[metric]
            plain = ratio_difference(treatment, control).error
            left = (one.estimates[metric].error / plain) ** 2 if plain > 0 else 1.0
            metrics[metric] = MetricDifference(
                control.ratio, treatment.ratio, intervals[name, metric], float(p_of[name, metric]), left
            )
        decision, reason = _decision(verdict, one, metrics[PRIMARY], float(p_look))
        detectable = z_sum(1 - plan.level, 0.8) * one.estimates[PRIMARY].error
        treatments[name] = TreatmentVerdict(
            decision, reason, metrics, one.looks, one.segments, one.unjudged, detectable
        )
    return replace(verdict, treatments=treatments)


def _decision(verdict: AbVerdict, one: _Compared, primary: MetricDifference, p_look: float) -> tuple[str, str]:
    """(decision, reason): before the planned end by the always-valid interval, at the end by the interval of one look."""
    plan, alpha = verdict.plan, 1 - verdict.plan.level
    if verdict.problem:
        return INVALID, verdict.problem
    interval = primary.difference if plan.is_over else one.looks[-1].interval if one.looks else None
    if interval is None:
        return OPEN, f"fewer than {LEAST_PEOPLE} people in an arm so far; run on to {plan.before - timedelta(days=1)}"
    is_clear = (primary.adjusted_p if plan.is_over else p_look) <= alpha
    by = "at the planned end" if plan.is_over else "before the planned end, by the interval that holds at every look"
    if is_clear and interval.mean < 0:
        return WORSE, f"{PRIMARY} fell by {-interval.mean:.4f} ({by}); keep the control"
    if one.segments is not None and one.segments.verdict == VETOED:
        return (
            STOPPED,
            f"segment {one.segments.worst} lost more than the margin {plan.margin:g}; look at its searches before anything else",
        )
    if is_clear and interval.mean > 0:
        return (
            BETTER,
            f"{PRIMARY} rose by {interval.mean:.4f} ({by}), and no segment is shown to lose more than {plan.margin:g}; ship it",
        )
    if not plan.is_over:
        return OPEN, f"not decided yet; run on to {plan.before - timedelta(days=1)}"
    is_within = one.estimates[PRIMARY].p_above(-plan.margin) <= alpha
    if is_within and one.segments is not None and one.segments.verdict == ACCEPTED:
        return (
            NOT_WORSE,
            f"no gain is shown, and a loss of {plan.margin:g} is ruled out over all and in every large segment; ship it for its other merits",
        )
    return (
        OPEN,
        "neither a gain nor the absence of a loss is shown; plan a longer experiment, or a larger effect to detect",
    )


def _p(interval: Interval) -> float:
    return 1.0 if interval.p_value is None else interval.p_value
