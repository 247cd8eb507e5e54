"""The cost model of `benchmarks.features`: how the time grows with size, and the predicted time of days with many impressions."""

from __future__ import annotations

import math
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Run:
    """One action of a child process: the JSON that it wrote, and the peak memory of the process in bytes."""

    result: dict[str, Any]
    peak: int

    @property
    def seconds(self) -> float:
        """Seconds of all its timed steps."""
        return float(sum(self.result["seconds"].values()))


def exponent(sizes: Sequence[float], seconds: Sequence[float]) -> float:
    """Slope of the least-squares line of ln(seconds) on ln(size); 1 means proportional."""
    return float(statistics.linear_regression([math.log(s) for s in sizes], [math.log(s) for s in seconds]).slope)


@dataclass(frozen=True)
class Predicted:
    """Predicted seconds of a night and of a full recomputation, with and without the head set's bound, and the parameters."""

    night_s: float
    full_s: float
    unbounded_night_s: float
    unbounded_full_s: float
    candidates: float
    us_per_candidate: float
    us_per_impression: float  # of one day, without the cost of candidates
    history_s: float  # seconds that a year of the measured days adds to a night, beyond those of a year of empty days


def predicted(nights: Mapping[str, Run], full_s: float, full_fixed_s: float, per_day: float) -> Predicted:
    """Predict the seconds of a night and of a full recomputation with a year of days of `per_day` impressions.

    The model is linear:

    - The build costs a constant per candidate: `larger` minus `fewer`, the same logs with fewer candidates.
    - Counting, and the rest of the build, cost a constant per impression of a day: `larger` minus `short`, 28 days of different
      size.
    - The year's night (`long`) takes longer than the night of 28 such days (`short`) because of its history. A part of that
      depends on the number of days alone (`empty_long` minus `empty`, both with nearly empty days); the rest grows with the size
      of a day.
    - The full recomputation grows in proportion to its time over the year beyond `full_fixed_s`, its time over a nearly empty
      year.
    - The number of candidates grows as it did from `short` to `larger`, up to what the settings allow: the number of lists times
      their length.

    Args:
        nights: name -> the measured night: empty, empty_long, short, larger, fewer, long.
        full_s: seconds of the full recomputation of the year.
        full_fixed_s: the same over a nearly empty year.
        per_day: impressions per day to predict for.
    """
    short, larger, fewer, year = (nights[n] for n in ("short", "larger", "fewer", "long"))
    days_apart, times = a_day(larger) - a_day(short), per_day / a_day(year)

    def candidates_of(run: Run) -> float:
        return float(run.result["candidates"])

    def slower(a: Run, b: Run, step: str) -> float:
        return float(a.result["seconds"][step] - b.result["seconds"][step])

    each = max(slower(larger, fewer, "build") / (candidates_of(larger) - candidates_of(fewer)), 0.0)
    building = (
        max(slower(larger, short, "build") - each * (candidates_of(larger) - candidates_of(short)), 0.0) / days_apart
    )
    impression = max(slower(larger, short, "count"), 0.0) / days_apart + building
    of_days = max(nights["empty_long"].seconds - nights["empty"].seconds, 0.0)
    history = max(year.seconds - short.seconds - each * (candidates_of(year) - candidates_of(short)) - of_days, 0.0)
    wanted = candidates_of(year) + (per_day - a_day(year)) * (candidates_of(larger) - candidates_of(short)) / days_apart
    bounded = min(wanted, max(float(year.result["most_candidates"]), candidates_of(year)))

    def night(candidates: float) -> float:
        days = impression * (per_day - a_day(year)) + history * (times - 1)
        return year.seconds + days + each * (candidates - candidates_of(year))

    def full(candidates: float) -> float:
        return full_fixed_s + (full_s - full_fixed_s - each * candidates_of(year)) * times + each * candidates

    return Predicted(
        night(bounded), full(bounded), night(wanted), full(wanted), bounded, each * 1e6, impression * 1e6, history
    )


def a_day(run: Run) -> float:
    """Impressions of a day."""
    return float(run.result["impressions"]) / float(run.result["days_held"])
