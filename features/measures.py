"""What features can sum: which measure, at which level, over which span.

A measure is one number of each row of `daily_engagement`. A derived measure takes one declaration here, for instance

    WEEKEND_LONG_PLAYS = derived("weekend_long_plays", LONG_PLAYS, lambda: F.dayofweek("search_date").isin(1, 7))

after which a feature may ask for `window.sum("weekend_long_plays")` at every level, over at most LONGEST_DAYS days.
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

LONGEST_DAYS = 90  # longest window of a pair; longer ones exist only for LONG_LEVELS
LONG_LEVELS = ("need", "track", "artist", "work")
MICRO = 1_000_000
MEASURES: dict[str, Measure] = {}


@dataclass(frozen=True)
class Measure:
    """One summable number of a row of `daily_engagement` (bigint).

    Args:
        name: the name by which a feature asks for it.
        value: the number as an expression over the row's columns and `rates_micro`: an array of the expected rates, in
            millionths, at ranks 1 to 10 and in the tail, from the exposure curve of the row's client and intent group.
    """

    name: str
    value: Callable[[], Column]

    def __post_init__(self) -> None:
        if self.name in MEASURES:
            raise ValueError(f"measure {self.name} is declared twice")
        MEASURES[self.name] = self


def derived(
    name: str, source: Measure, where: Callable[[], Column], minus: Callable[[], Column] | None = None
) -> Measure:
    """Declare a measure that is another measure restricted to some rows.

    Args:
        name: the name of the new measure.
        source: the measure it is derived from.
        where: the condition; in rows where it does not hold, the value is 0.
        minus: subtracted from the source's value, if given.
    """

    def value() -> Column:
        number = source.value() - minus() if minus else source.value()
        return F.when(where(), number).otherwise(0)

    return Measure(name, value)


def _counted(name: str) -> Measure:
    return Measure(name, lambda: F.col(name))


def _is_voice() -> Column:
    return F.col("client") == "alexa"


def _expected() -> Column:
    """Σ impressions at a rank · expected rate there; written out, because Spark would not compile a function over the arrays."""
    shown, rates = F.col("impressions_by_position"), F.col("rates_micro")
    total = shown[0] * rates[0]
    for at in range(1, POSITIONS + 1):
        total = total + shown[at] * rates[at]
    return F.coalesce(total, F.lit(0))


def _first(name: str) -> Callable[[], Column]:
    return lambda: F.col(f"{name}_by_position")[0]


COUNTED = SUMS  # kept for all time, by need and by track; all other measures reach back LONGEST_DAYS days
for _name in SUMS:
    _counted(_name)
IMPRESSIONS, LONG_PLAYS = MEASURES["impressions"], MEASURES["long_plays"]
RESPONSES = Measure("responses", lambda: F.when(_is_voice(), F.col("long_plays")).otherwise(F.col("clicks")))
EXPECTED = Measure("expected_micro", _expected)  # responses expected at the ranks of the impressions, in millionths
# impressions and plays on the voice surface alone
VOICE_IMPRESSIONS = derived("voice_impressions", IMPRESSIONS, _is_voice)
VOICE_LONG_PLAYS = derived("voice_long_plays", LONG_PLAYS, _is_voice)
VOICE_EXPECTED = derived("voice_expected_micro", EXPECTED, _is_voice)
# tracks of a voice queue that follow another one, at rank 2 or later
VOICE_FOLLOWS = derived("voice_follows", IMPRESSIONS, _is_voice, minus=_first("impressions"))
VOICE_FOLLOW_LONG_PLAYS = derived("voice_follow_long_plays", LONG_PLAYS, _is_voice, minus=_first("long_plays"))
for _name in PACKED:  # plays by listening time, two bins packed into one number
    Measure(_name, lambda name=_name: packed(F.col("plays_by_dwell"))[name])  # type: ignore[misc]

LISTENERS = "listeners"  # not a sum: the number of distinct accounts that asked, from sketches
NEWEST = "newest"  # not a sum: the age in days of the newest day with an impression
# level -> the keys its sums are grouped by; in the order in which they are joined to the pairs (`features.build.sums.level_keys`)
LEVELS = {
    "work_pair": ("language", "need", "work_id"),
    "broader_pair": ("language", "broader", "track_id"),
    "pair": ("locale", "need", "track_id"),
    "language_pair": ("language", "need", "track_id"),
    "track": ("language", "track_id"),
    "need": ("locale", "need"),
    "artist": ("language", "artist"),
    "work": ("language", "work_id"),
}
# keys that are long strings, and are therefore grouped and joined by a 64-bit key (`features.build.keys.key_of`)
NAMES = ("need", "broader", "track_id", "artist", "work_id")
# the back-off chain of COEC: each level is shrunk to the one before it, the first to 1
CHAIN = ("track", "broader_pair", "language_pair", "pair")
# shrinkage strength, in expected responses, where none was fitted (features.build.backoff)
UNFITTED_STRENGTH = 3.0
# weights of days in a decayed sum are whole multiples of 2^-32 (2^-18 for sums of millionths or milliseconds), so that the sum is
# exact in any order; a bigint then has room for two billion events of one key, and for 35 million expected ones
WEIGHT_BITS, FINE_WEIGHT_BITS = 32, 18
WEEK = 7
# How a level's value is computed from the sums n of its pairs. `sum`: Σ n. `top`: the largest n. `spread`: Σ n·log2(n) in
# millionths, rounded for each pair. `steady`: Σ min(n, n of the last week · days/7), the overlap of the window with the last week
# scaled to the window's length. `ahead`: how many needs of the place have a larger n.
How = Literal["sum", "top", "spread", "steady", "ahead"]


def decay_weights(half_life: int, bits: int) -> tuple[int, ...]:
    """The weights of days of age 1, 2 … LONGEST_DAYS, 2^(-(age − 1) / half_life), as whole numbers in units of 2^-bits.

    Source: forward decay, read at the snapshot (Cormode et al. 2009, "Forward decay: a practical time decay model").
    """
    return tuple(round(2.0 ** (bits - (age - 1) / half_life)) for age in range(1, LONGEST_DAYS + 1))


@dataclass(frozen=True)
class Sum:
    """A sum that a feature asks for: of a measure, at a level, over a window of `days` or decayed by a `half_life` in days.

    Args:
        level: a key of LEVELS.
        measure: a name of MEASURES, LISTENERS or NEWEST.
        days: the window; None for a decayed sum.
        half_life: the half-life; None for a sum over a window.
        how: how the level's value is computed from the sums of its pairs.
    """

    level: str
    measure: str
    days: int | None
    half_life: int | None
    how: How = "sum"

    @property
    def by_pair(self) -> Sum:
        """The plain sum of the same measure and span, from which this one is computed; for `how` = sum it is this one."""
        return replace(self, how="sum")

    @property
    def bits(self) -> int:
        """Binary digits after the point of a day's weight; 0 for a sum over a window."""
        fine = self.measure.endswith("_micro") or self.measure == "dwell_ms"
        return 0 if not self.half_life else FINE_WEIGHT_BITS if fine else WEIGHT_BITS

    @property
    def scale(self) -> int:
        """The integer that stands for a sum of 1: the stored value divided by it is the sum."""
        return MICRO if self.how == "spread" else 1 << self.bits

    @property
    def is_long(self) -> bool:
        """Whether it is read from tiles: its window is longer than LONGEST_DAYS, or it counts listeners."""
        return self.measure == LISTENERS or (self.days is not None and self.days > LONGEST_DAYS)

    @property
    def of_pairs(self) -> tuple[Sum, ...]:
        """The plain sums of pairs that it is computed from."""
        return (self.by_pair, replace(self.by_pair, days=WEEK)) if self.how == "steady" else (self.by_pair,)

    @property
    def column(self) -> str:
        """Name of its column without the level, because all levels are rolled up from the same column of the pairs."""
        span = f"{self.days}d" if self.days else f"h{self.half_life}d"
        return f"{self.measure}__{span}" + ("" if self.how == "sum" else f"__{self.how}")
