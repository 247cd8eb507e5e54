"""The catalog's popularity as each snapshot could know it: that of its own day, and that of 28 days before."""

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
    """For each snapshot, the days of the catalogs that it could read: the newest one, and the newest one of TREND_DAYS before.

    Args:
        days: the days (YYYY-MM-DD) of the stored catalogs that have popularity.
        as_of: the snapshots.
        backdate: whether a snapshot older than every stored catalog reads the oldest one instead.

    Returns:
        snapshot -> (day of the newest catalog by then, day of the newest one TREND_DAYS before or None). None if any snapshot
        could read no catalog, because a column must mean the same in all rows.
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
    """(as_of, track_id, popularity, popularity_before) of each snapshot; None if `known` is empty or None.

    Grain: one row per snapshot and track of its catalog. `popularity_before` is null if the earlier catalog, or the track in it,
    is missing.

    Args:
        catalog: day (YYYY-MM-DD) -> the catalog stored on that day.
        known: what `catalogs_known` returns.
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
