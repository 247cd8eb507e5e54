"""Does a feature change when the future changes? Two builds of one past snapshot tell: without it, and with a flood of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import date
from typing import TYPE_CHECKING

from events.engagement import SUMS
from features.catalogue import KEYS, chosen, columns
from features.engine import FeatureInputs, asked_sums, feature_frames

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

FLOOD = 1_000  # by which every count of the flood is raised


def flooded(daily: DataFrame, as_of: date) -> DataFrame:
    """The days before `as_of`, and as many rows on it and the four days after, with every count raised."""
    from pyspark.sql import functions as F

    past = daily.where(F.col("search_date") < F.lit(as_of))
    later = F.date_add(F.lit(as_of), F.pmod(F.xxhash64("track_id"), F.lit(5)).cast("int"))
    future = past.withColumn("search_date", later).withColumns({m: F.col(m) + FLOOD for m in SUMS})
    return past.unionByName(future)


def heard_columns() -> list[str]:
    """The columns that sum days of `daily_engagement`, so that the two builds differ for them if they read too late ones.

    What others read is told apart: the tiles of 365 days and all time and the sketches of listeners by the names of their days, the
    vectors by their snapshot, the catalog by its own; their second implementations (`tests/laws`) see the days before a snapshot only.
    """
    return [c.name for c in columns() if any(not s.is_long for s in asked_sums([c])[0])]


def future_dependent(inputs: FeatureInputs, as_of: date, only: Sequence[str] = ()) -> list[str]:
    """Columns (of `only`, else all) whose value of some pair differs between the two builds, in matrix order.

    A feature that reads what is not known before the snapshot, or that is another one each time, is among them. `inputs.pairs`
    are of `as_of` alone; a sample is enough, and `inputs.daily` may be cut to it: both builds see the same cut.
    """
    from pyspark.sql import functions as F

    past = inputs.daily.where(F.col("search_date") < F.lit(as_of))
    blind, told = replace(inputs, daily=past), replace(inputs, daily=flooded(inputs.daily, as_of))
    found: set[str] = set()
    with feature_frames(blind, only) as without, feature_frames(told, only) as with_future:
        for grain, keys in KEYS.items():
            names = [c.name for c in chosen(only) if c.feature.grain == grain]
            if not names:
                continue
            later = with_future[grain].select(
                "as_of", *[k.name for k in keys], *[F.col(n).alias(f"{n}__later") for n in names]
            )
            both = without[grain].join(later, ["as_of", *[k.name for k in keys]])
            row = both.agg(
                *[F.max((~F.col(n).eqNullSafe(F.col(f"{n}__later"))).cast("int")).alias(n) for n in names]
            ).first()
            found |= {n for n in names if row is not None and row[n]}
    return [c.name for c in chosen(only) if c.name in found]
