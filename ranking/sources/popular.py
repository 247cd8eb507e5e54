"""Candidate source: the strongest tracks of the catalog, for requests that ask for nothing in particular, what is popular, or what is new."""

from __future__ import annotations

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from lake.columns import OPEN_NEED
from ranking.sources.source import Source, SourceInputs, top

POPULAR, NEWEST = "sort=popular", "sort=newest"  # keys of needs: "todays hits", "new releases"
NEW_YEARS = 2  # calendar years, the last of the catalog included, of which music is new


def popular(given: SourceInputs) -> DataFrame:
    """The strongest tracks of the catalog, for open requests and for what is popular; those of the last NEW_YEARS for what is new."""
    last = given.tracks.agg((F.max("release_year") - NEW_YEARS).alias("_before"))
    new = given.tracks.crossJoin(F.broadcast(last)).where(F.col("release_year") > F.col("_before")).drop("_before")
    listed = [
        _strongest(given.tracks, given.settings.per_source, (OPEN_NEED, POPULAR)),
        _strongest(new, given.settings.per_source, (NEWEST,)),
    ]
    needs = given.needs.select("locale", "need")
    proposed = needs.join(F.broadcast(listed[0].unionByName(listed[1])), "need")
    return proposed.select("locale", "need", "track_id", "source_rank")


def _strongest(tracks: DataFrame, most: int, needs: tuple[str, ...]) -> DataFrame:
    """(need, track_id, source_rank): the strongest tracks, for each of the needs."""
    best = top(tracks.withColumn("_all", F.lit(1)), ["_all"], [F.desc("strength"), F.col("track_id")], most)
    each = F.explode(F.array(*[F.lit(need) for need in needs])).alias("need")
    return best.select(each, "track_id", F.col("_rank").alias("source_rank"))


SOURCE = Source("popular", popular, "strong, where nothing in particular is asked for")
