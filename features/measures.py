"""What can be summed: which measure, at which level, over which span.

A measure is one number of each row of `daily_engagement`. A derived one is ONE declaration here, for instance

    WEEKEND_LONG_PLAYS = derived("weekend_long_plays", LONG_PLAYS, lambda: F.dayofweek("search_date").isin(1, 7))

after which a feature may ask for `window.sum("weekend_long_plays")` at every level, over windows of at most LONGEST_DAYS days.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Literal

from pyspark.sql import Column
from pyspark.sql import functions as F

from events.dwell import PACKED, packed
from events.engagement import SUMS
from lake.columns import POSITIONS

LONGEST_DAYS = 90  # of pairs; beyond them only queries, tracks, artists and works are kept
LONG_LEVELS = ("query", "track", "artist", "work")
MICRO = 1_000_000
MEASURES: dict[str, Measure] = {}


@dataclass(frozen=True)
class Measure:
    """One summable number of a row of `daily_engagement` (bigint).

    Args:
        name: what a feature asks for.
        value: the number, of the row's columns and of `rates_micro`, the exposure curve's expected rates of the row's client and
            intent group at ranks 1 to 10 and the tail, in millionths.
        is_kept: whether it is kept for all time, by query and by track; the others reach back LONGEST_DAYS days.
    """

    name: str
    value: Callable[[], Column]
    is_kept: bool = False

    def __post_init__(self) -> None:
        if self.name in MEASURES:
            raise ValueError(f"measure {self.name} is declared twice")
        MEASURES[self.name] = self


def derived(
    name: str, source: Measure, where: Callable[[], Column], minus: Callable[[], Column] | None = None
) -> Measure:
    """Declare a measure: the source's number (less `minus`) in the rows where a condition holds, 0 in the others."""

    def value() -> Column:
        number = source.value() - minus() if minus else source.value()
        return F.when(where(), number).otherwise(0)

    return Measure(name, value)


def _counted(name: str) -> Measure:
    return Measure(name, lambda: F.col(name), is_kept=True)


def _is_voice() -> Column:
    return F.col("client") == "alexa"


def _expected() -> Column:
    """Σ impressions at a rank · expected rate there, spelt out rank by rank: a function over the array would not be compiled."""
    shown, rates = F.col("impressions_by_position"), F.col("rates_micro")
    total = shown[0] * rates[0]
    for at in range(1, POSITIONS + 1):
        total = total + shown[at] * rates[at]
    return F.coalesce(total, F.lit(0))


def _first(name: str) -> Callable[[], Column]:
    return lambda: F.col(f"{name}_by_position")[0]


COUNTED = SUMS
for _name in SUMS:
    _counted(_name)
IMPRESSIONS, LONG_PLAYS = MEASURES["impressions"], MEASURES["long_plays"]
RESPONSES = Measure("responses", lambda: F.when(_is_voice(), F.col("long_plays")).otherwise(F.col("clicks")))
EXPECTED = Measure("expected_micro", _expected)  # responses expected at the ranks where it was shown, in millionths
# what sounded on the voice surface
VOICE_IMPRESSIONS = derived("voice_impressions", IMPRESSIONS, _is_voice)
VOICE_LONG_PLAYS = derived("voice_long_plays", LONG_PLAYS, _is_voice)
VOICE_EXPECTED = derived("voice_expected_micro", EXPECTED, _is_voice)
# of a voice queue, at ranks beyond the first
VOICE_FOLLOWS = derived("voice_follows", IMPRESSIONS, _is_voice, minus=_first("impressions"))
VOICE_FOLLOW_LONG_PLAYS = derived("voice_follow_long_plays", LONG_PLAYS, _is_voice, minus=_first("long_plays"))
for _name in PACKED:  # plays by time heard, two bins in one number
    Measure(_name, lambda name=_name: packed(F.col("plays_by_dwell"))[name])  # type: ignore[misc]

LISTENERS = "listeners"  # no sum: the distinct accounts that asked, from sketches
NEWEST = "newest"  # no sum: the age in days of the newest day with an impression
# level -> what its sums are taken over, besides the window; in the order in which they are joined to the pairs (`sums.level_keys`)
LEVELS = {
    "work_pair": ("language", "query", "work_id"),
    "cluster_pair": ("language", "cluster_id", "track_id"),
    "pair": ("locale", "query", "track_id"),
    "language_pair": ("language", "query", "track_id"),
    "track": ("language", "track_id"),
    "query": ("locale", "query"),
    "artist": ("language", "artist"),
    "work": ("language", "work_id"),
}
# of these keys, long strings: summed and joined by `keys.key_of`
NAMES = ("query", "cluster_id", "text_cluster_id", "track_id", "artist", "work_id")
# COEC's back-off: each level is shrunk to the one before, the first to 1
CHAIN = ("track", "cluster_pair", "language_pair", "pair")
# expected responses that weigh as much as the level above, where none was fitted (features.build.backoff)
UNFITTED_STRENGTH = 3.0
# a decayed sum weighs a day in whole units of 2^-32 (a sum of millionths or milliseconds in units of 2^-18), so that it is exact
# whatever the order; a bigint then has room for two billion events of one key, and for 35 million expected ones
WEIGHT_BITS, FINE_WEIGHT_BITS = 32, 18
WEEK = 7
# How a level's value follows from its pairs' sums n. `sum`: Σ n. `top`: the largest n. `spread`: Σ n·log2(n) in millionths, rounded
# pair by pair. `steady`: Σ min(n, n of the last week · days/7), what a window like the last week would share with the window.
# `ahead`: how many queries of the place have a larger n.
How = Literal["sum", "top", "spread", "steady", "ahead"]


def decay_weights(half_life: int, bits: int) -> tuple[int, ...]:
    """The weight of a day of age 1, 2 … LONGEST_DAYS: 2^(-(age − 1) / half-life), rounded to whole 2^-bits and given in those.

    Source: forward decay, read at the snapshot (Cormode et al. 2009, "Forward decay: a practical time decay model").
    """
    return tuple(round(2.0 ** (bits - (age - 1) / half_life)) for age in range(1, LONGEST_DAYS + 1))


@dataclass(frozen=True)
class Sum:
    """One wanted sum: of a measure, at a level, over days or decayed by a half-life (days)."""

    level: str
    measure: str
    days: int | None
    half_life: int | None
    how: How = "sum"

    @property
    def by_pair(self) -> Sum:
        """The pair's sum over the same span: itself for a sum, which rolls up."""
        return replace(self, how="sum")

    @property
    def bits(self) -> int:
        """Binary digits behind the point of a day's weight; 0 for a sum over days."""
        fine = self.measure.endswith("_micro") or self.measure == "dwell_ms"
        return 0 if not self.half_life else FINE_WEIGHT_BITS if fine else WEIGHT_BITS

    @property
    def scale(self) -> int:
        """How many stored units make a sum of 1."""
        return MICRO if self.how == "spread" else 1 << self.bits

    @property
    def is_long(self) -> bool:
        """Whether it looks back further than pairs are kept, so that it is read from tiles. Listeners always are."""
        return self.measure == LISTENERS or (self.days is not None and self.days > LONGEST_DAYS)

    @property
    def of_pairs(self) -> tuple[Sum, ...]:
        """The sums of pairs that it is computed from."""
        return (self.by_pair, replace(self.by_pair, days=WEEK)) if self.how == "steady" else (self.by_pair,)

    @property
    def column(self) -> str:
        """Name of its column, without the level (sums of every level roll up from the same one)."""
        span = f"{self.days}d" if self.days else f"h{self.half_life}d"
        return f"{self.measure}__{span}" + ("" if self.how == "sum" else f"__{self.how}")
