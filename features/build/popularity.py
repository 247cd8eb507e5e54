"""The catalog's popularity as each snapshot could know it: from the newest catalog that was stored by its day, and 28 days before."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import date, timedelta
from functools import reduce

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

TREND_DAYS = 28


def catalogs_known(
    days: Sequence[str], as_of: Sequence[date], *, backdate: bool
) -> dict[date, tuple[str, str | None]] | None:
    """Of each snapshot the catalog (its day) that it could read, and the one of TREND_DAYS before.

    Args:
        days: of each stored catalog that has popularity, the day (YYYY-MM-DD).
        as_of: the snapshots.
        backdate: a snapshot from before there was any reads the oldest one instead.

    Returns:
        snapshot -> (newest catalog by then, newest one TREND_DAYS before or None). None if a snapshot could read no catalog: a
        column must mean the same in all rows.
    """

    def newest(day: date) -> str | None:
        return max((d for d in days if d <= str(day)), default=None)

    oldest = min(days, default=None) if backdate else None
    known = {}
    for day in as_of:
        now = newest(day) or oldest
        if now is None:
            return None
        known[day] = (now, newest(day - timedelta(days=TREND_DAYS)))
    return known


def popularity_by_snapshot(
    catalog: Callable[[str], DataFrame], known: Mapping[date, tuple[str, str | None]] | None
) -> DataFrame | None:
    """(as_of, track_id, popularity, popularity_before) of `catalogs_known`; None if nothing is known. `catalog`: that of a day.

    Grain: one row per snapshot and track of its catalog; `popularity_before` is null where the track, or a catalog, was missing.
    """
    if not known:
        return None

    def of(day: str, name: str) -> DataFrame:
        return catalog(day).select("track_id", F.col("popularity").alias(name))

    frames = []
    for day, (now, before) in sorted(known.items()):
        frame = of(now, "popularity")
        if before is None:
            frame = frame.withColumn("popularity_before", F.lit(None).cast("double"))
        else:
            frame = frame.join(of(before, "popularity_before"), "track_id", "left")
        frames.append(frame.select(F.lit(day).alias("as_of"), "track_id", "popularity", "popularity_before"))
    return reduce(lambda a, b: a.unionByName(b), frames)
