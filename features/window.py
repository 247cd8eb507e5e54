"""What a feature function may ask for: sums over a window at some level, and attributes of need and track.

A `Window` returns columns by name and records what was asked for; `features.build.engine` then computes exactly those sums, once.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from pyspark.sql import Column
from pyspark.sql import functions as F

from events.contract import AUDIO
from events.dwell import PACKED, counted, quantile_s
from events.tiles import (
    ALL_TIME as ALL_TIME,  # a window of this many days is the whole history; its columns end in `_all`
)
from events.tiles import LISTENER_SPANS
from features.measures import (
    CHAIN,
    COUNTED,
    LEVELS,
    LISTENERS,
    LONG_LEVELS,
    LONGEST_DAYS,
    MEASURES,
    MICRO,
    NEWEST,
    WEEK,
    How,
    Sum,
)

NEED_ATTRIBUTES = (
    "text",
    "language",
    "intent",
    "intent_group",
    "genre",
    "decade",
    "mood",
    "activity",
    "sort_by",
    "artist_name",
    "title_name",
    "need_tokens",
    "need_terms",
    "need_trigrams",
    "version",
    "music_language",
    "is_explicit_wanted",
    "first_year",
    "last_year",
    "unwanted_genres",
    "genre_company",
    "need_vector",
    "need_company",
    "need_company_weight",
    "mood_range",
    "activity_range",
    "title_asked_sound",
    "artist_asked_sound",
)
TRACK_ATTRIBUTES = (
    "title",
    "title_normal",
    "artists_normal",
    "title_forms",
    "artist_forms",
    "album_forms",
    "release_year",
    "released_at",
    "genres",
    "moods",
    "duration_ms",
    "explicit",
    "popularity",
    "popularity_before",
    *AUDIO,
    "title_tokens",
    "artist_tokens",
    "track_tokens",
    "mean_tokens",
    "title_trigrams",
    "versions",
    "track_vector",
    "track_company",
    "track_company_weight",
    "title_sound_en",
    "title_sound_es",
    "artist_sound_en",
    "artist_sound_es",
)


@dataclass(frozen=True)
class Window:
    """The span of a feature: a window of `days`, or decay by a `half_life` in days; with neither it gives attributes only.

    `asked` and `attributes` record the sums and attributes that the feature function has asked for.
    """

    days: int | None = None
    half_life: int | None = None
    asked: set[Sum] = field(default_factory=set, compare=False)
    attributes: set[str] = field(default_factory=set, compare=False)

    def sum(self, measure: str, level: str = "pair") -> Column:
        """Sum of a measure over the span, 0 where nothing happened (bigint; double for a decayed sum).

        Args:
            measure: a name of `features.measures.MEASURES`.
            level: a key of `features.measures.LEVELS`.

        Raises:
            KeyError: no such measure or level, the feature declares no span, or the span is longer than the sum is kept.
        """
        if measure not in MEASURES or level not in LEVELS:
            raise KeyError(
                f"no sum of {measure} at {level}; measures: {', '.join(MEASURES)}; levels: {', '.join(LEVELS)}"
            )
        if self.days is None and self.half_life is None:
            raise KeyError(f"sum of {measure}: the feature declares neither windows nor half_lives")
        wanted = Sum(level, measure, self.days, self.half_life)
        if wanted.is_long and (level not in LONG_LEVELS or measure not in COUNTED):
            raise KeyError(
                f"sum of {measure} at {level} over {self.days} days: beyond {LONGEST_DAYS} days only counts "
                f"({', '.join(COUNTED)}) of {', '.join(LONG_LEVELS)} are kept"
            )
        self.asked.add(wanted)
        column = F.coalesce(F.col(f"{level}__{wanted.column}"), F.lit(0))
        return column / F.lit(float(wanted.scale)) if self.half_life else column

    def expected(self, level: str = "pair", measure: str = "expected_micro") -> Column:
        """Responses expected from the positions of the impressions (double)."""
        return self.sum(measure, level) / F.lit(float(MICRO))

    def top(self, measure: str) -> Column:
        """The largest sum of the measure that one track has for the need, 0 where nothing happened (bigint)."""
        return self._of_tracks(measure, "top")

    def entropy(self, measure: str) -> Column:
        """Entropy, in bits, of the distribution of the need's sum over tracks: 0 if one track has it all; null if the sum is 0.

        Source: Shannon 1948; log2 Σn − (Σ n·log2 n) / Σn, with each n·log2 n rounded to 1e-6, so that the sum is equal in any
        order.
        """
        whole, spread = self.sum(measure, "need"), self._of_tracks(measure, "spread") / F.lit(float(MICRO))
        return F.when(whole > 0, F.greatest(F.log2(whole.cast("double")) - spread / whole, F.lit(0.0)))

    def moved(self, measure: str) -> Column:
        """Distance of the need's sums by track in the last week from those in the window: 0 if equal, 1 if they share no track.

        Null if the need's sum is 0. Source: the distance of Ružička 1958, 1 − Σ min(a, b) / Σ max(a, b), with a the sum of the
        window and b the sum of the last week multiplied by the number of weeks in the window.
        """
        whole, shared = self.sum(measure, "need"), self._of_tracks(measure, "steady")
        stretched = self.over(WEEK).sum(measure, "need") * F.lit((self.days or WEEK) // WEEK)
        return F.when(whole > 0, 1 - shared / (whole + stretched - shared))

    def listeners(self) -> Column:
        """Number of distinct accounts that asked the need (bigint), a HyperLogLog estimate with an error of about 3 %."""
        if self.days not in LISTENER_SPANS:
            raise KeyError(f"listeners over {self.days} days: kept over {', '.join(map(str, LISTENER_SPANS))}")
        wanted = Sum("need", LISTENERS, self.days, None)
        self.asked.add(wanted)
        return F.coalesce(F.col(f"need__{wanted.column}"), F.lit(0))

    def ahead(self, measure: str) -> Column:
        """How many needs of the same place have a larger sum (bigint): 0 for the first, null if the need's own sum is 0."""
        has_any = self.sum(measure, "need") > 0
        return F.when(has_any, self._of_tracks(measure, "ahead"))

    def dwell_quantile(self, percent: int, level: str = "pair") -> Column:
        """Percentile of the known listening times in seconds, as the centre of a bin of `events.dwell`; null if there is none."""
        return quantile_s([self.sum(name, level) for name in PACKED], percent)

    def timed_plays(self, level: str = "pair") -> Column:
        """Number of plays with a known listening time (bigint)."""
        return counted([self.sum(name, level) for name in PACKED])

    def _of_tracks(self, measure: str, how: How) -> Column:
        if measure not in COUNTED or self.days is None or self.days > LONGEST_DAYS:
            raise KeyError(f"{how} of {measure}: of {', '.join(COUNTED)}, over windows of at most {LONGEST_DAYS} days")
        wanted = Sum("need", measure, self.days, None, how)
        self.asked.add(wanted)
        return F.coalesce(F.col(f"need__{wanted.column}"), F.lit(0))

    def strength(self, level: str) -> Column:
        """The shrinkage strength of a level of CHAIN (double), as fitted for the snapshot by `features.build.backoff`."""
        if level not in CHAIN:
            raise KeyError(f"no strength of {level}; there are: {', '.join(CHAIN)}")
        self.attributes.add(f"strength__{level}")
        return F.col(f"strength__{level}")

    def newest(self, level: str = "pair") -> Column:
        """Age in days of the newest day of the window with an impression: 1 is the day before the snapshot, null is none."""
        if self.days is None:
            raise KeyError("the newest day of a half-life: declare windows")
        wanted = Sum(level, NEWEST, self.days, None)
        self.asked.add(wanted)
        return F.col(f"{level}__{wanted.column}")

    def over(self, days: int) -> Window:
        """The same window with another length (for ratios of a short to a long one)."""
        return replace(self, days=days, half_life=None)

    def need(self, *names: str) -> None:
        """Record that these attributes are read by an expression that names their columns itself. KeyError for an unknown one."""
        for name in names:
            self.col(name)

    def col(self, name: str) -> Column:
        """The column of an attribute of the need or the track, or `as_of`. KeyError for an unknown name."""
        if name not in (*NEED_ATTRIBUTES, *TRACK_ATTRIBUTES, "as_of"):
            raise KeyError(f"no attribute {name}; there are: {', '.join(NEED_ATTRIBUTES + TRACK_ATTRIBUTES)}, as_of")
        self.attributes.add(name)
        return F.col(name)
