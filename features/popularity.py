"""The catalog's popularity as each snapshot could know it: from the newest catalog that was stored by its day, and 28 days before."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta
from functools import reduce
from typing import TYPE_CHECKING

from lake.columns import BACKDATED
from lake.tables import TRACKS

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

    from lake.io import Lake

TREND_DAYS = 28


def catalogs_known(lake: Lake, as_of: Sequence[date], *, backdate: bool) -> dict[date, tuple[str, str | None]] | None:
    """Of each snapshot the catalog (its day) that it could read, and the one of TREND_DAYS before, None if none was stored by then.

    None for all alike where one of them could read none: a column must mean the same in all rows. `backdate`: it reads the oldest
    one that is stored instead.
    """
    # what stands in for a catalog of a day before any was stored has no popularity
    stored = [u for u, commit in lake.commits(TRACKS).items() if not commit.fingerprint.startswith(BACKDATED)]

    def newest(day: date) -> str | None:
        return max((u for u in stored if u <= str(day)), default=None)

    oldest = min(stored, default=None) if backdate else None
    known = {}
    for day in as_of:
        now = newest(day) or oldest
        if now is None:
            return None
        known[day] = (now, newest(day - timedelta(days=TREND_DAYS)))
    return known


def popularity_by_snapshot(lake: Lake, known: dict[date, tuple[str, str | None]] | None) -> DataFrame | None:
    """(as_of, track_id, popularity, popularity_before) of `catalogs_known`; None if nothing is known.

    Grain: one row per snapshot and track of its catalog; `popularity_before` is null where the track, or a catalog, was missing.
    """
    from pyspark.sql import functions as F

    if not known:
        return None

    def of(unit: str, name: str) -> DataFrame:
        rows = lake.read(TRACKS, [unit], allow_unvalidated=True)
        return rows.select("track_id", F.col("popularity").alias(name))

    frames = []
    for day, (now, before) in sorted(known.items()):
        frame = of(now, "popularity")
        if before is None:
            frame = frame.withColumn("popularity_before", F.lit(None).cast("double"))
        else:
            frame = frame.join(of(before, "popularity_before"), "track_id", "left")
        frames.append(frame.select(F.lit(day).alias("as_of"), "track_id", "popularity", "popularity_before"))
    return reduce(lambda a, b: a.unionByName(b), frames)
