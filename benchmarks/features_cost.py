"""What the runs of `benchmarks.features` say about cost: its growth with size, and what a day of many impressions would take."""

from __future__ import annotations

import math
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Run:
    """One child: what it told, and the peak of its memory in bytes."""

    told: dict[str, Any]
    peak: int

    @property
    def seconds(self) -> float:
        """Seconds of all its timed steps."""
        return float(sum(self.told["seconds"].values()))


def exponent(sizes: Sequence[float], seconds: Sequence[float]) -> float:
    """Slope of the least-squares line of ln(seconds) on ln(size): 1 is proportional."""
    return float(statistics.linear_regression([math.log(s) for s in sizes], [math.log(s) for s in seconds]).slope)


@dataclass(frozen=True)
class Predicted:
    """Seconds of a night and of a recomputation, both also as they were if the head set had no bound, and what they rest on."""

    night_s: float
    full_s: float
    unbounded_night_s: float
    unbounded_full_s: float
    candidates: float
    us_per_candidate: float
    us_per_impression: float  # of one day, the candidates' cost aside
    history_s: float  # what a year of the measured days adds to a night, beside what a year of empty ones adds


def predicted(nights: Mapping[str, Run], full_s: float, full_fixed_s: float, per_day: float) -> Predicted:
    """What days of `per_day` impressions would cost, with a year of them.

    A night's build costs something for each candidate (`larger` against `fewer`: the same logs, other candidates). Counting costs
    something for each impression of a day, and so does the build, the candidates' cost aside (`larger` against `short`: 28 days of
    another size). What the year's night (`long`) takes longer than that of 28 such days is for its history: a part of it is for
    the number of days, whatever they hold (`empty_long` against `empty`: a year and 28 days with nearly nothing in them), the rest
    grows with the day. The recompute grows by what the year cost beyond `full_fixed_s`, its cost over a nearly empty year. Candidates
    grow as they did from `short` to `larger`, for both alike, up to as many as the settings allow: so many lists of so many tracks.
    """
    short, larger, fewer, year = (nights[n] for n in ("short", "larger", "fewer", "long"))
    days_apart, times = a_day(larger) - a_day(short), per_day / a_day(year)

    def held(run: Run) -> float:
        return float(run.told["candidates"])

    def slower(a: Run, b: Run, step: str) -> float:
        return float(a.told["seconds"][step] - b.told["seconds"][step])

    each = max(slower(larger, fewer, "build") / (held(larger) - held(fewer)), 0.0)
    building = max(slower(larger, short, "build") - each * (held(larger) - held(short)), 0.0) / days_apart
    impression = max(slower(larger, short, "count"), 0.0) / days_apart + building
    of_days = max(nights["empty_long"].seconds - nights["empty"].seconds, 0.0)
    history = max(year.seconds - short.seconds - each * (held(year) - held(short)) - of_days, 0.0)
    wanted = held(year) + (per_day - a_day(year)) * (held(larger) - held(short)) / days_apart
    bounded = min(wanted, max(float(year.told["most_candidates"]), held(year)))

    def night(candidates: float) -> float:
        days = impression * (per_day - a_day(year)) + history * (times - 1)
        return year.seconds + days + each * (candidates - held(year))

    def full(candidates: float) -> float:
        return full_fixed_s + (full_s - full_fixed_s - each * held(year)) * times + each * candidates

    return Predicted(
        night(bounded), full(bounded), night(wanted), full(wanted), bounded, each * 1e6, impression * 1e6, history
    )


def a_day(run: Run) -> float:
    """Impressions of a day."""
    return float(run.told["impressions"]) / float(run.told["days_held"])
