"""Which tracks are considered for each need, and which sources proposed them. Grain: (place, need, track)."""

from __future__ import annotations

from functools import reduce

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from features.expressions import versions, words
from lake.joins import if_small
from queries.nightly.names import with_name_forms
from ranking.sources import SOURCES
from ranking.sources.source import KEYS, CandidateSettings, SourceInputs, top


def is_from_logs() -> Column:
    """Whether a source that reads logs proposed the candidate, alone or among others."""
    return F.arrays_overlap("sources", F.lit([s.name for s in SOURCES if s.reads_logs]))


def candidates(
    needs: DataFrame, heard: DataFrame, daily: DataFrame, tracks: DataFrame, settings: CandidateSettings
) -> DataFrame:
    """One row per (place, need, track): the `sources` that proposed the track, and `source_rank`, its best rank in any of them.

    The best by source rank are kept for each need (ties by track_id): `cap` of a need that enough people asked, else `cold_cap`.

    Args:
        needs: the ranked needs (`ranking.head.ranked_needs`).
        heard: table `heard` of the night.
        daily: `daily_engagement` of the window.
        tracks: the catalog.
        settings: limits of the candidates.
    """
    known = with_name_forms(with_strength(tracks, daily)).withColumns(
        {"versions": versions(F.col("title")), "title_tokens": words(F.col("title_normal"))}
    )
    given = SourceInputs(needs, heard, known.persist(), settings)
    proposed = reduce(
        lambda a, b: a.unionByName(b),
        [s.propose(given).select(*KEYS, "track_id", "source_rank", F.lit(s.name).alias("source")) for s in SOURCES],
    )
    merged = proposed.groupBy(*KEYS, "track_id").agg(
        F.array_sort(F.collect_set("source")).alias("sources"), F.min("source_rank").cast("int").alias("source_rank")
    )
    # drops tracks that have left the catalog
    merged = merged.join(if_small(given.tracks.select("track_id")), "track_id", "left_semi")
    best = top(merged, list(KEYS), [F.col("source_rank"), F.col("track_id")], settings.cap)
    best = best.join(F.broadcast(needs.select(*KEYS, "is_warm")), list(KEYS))
    return best.where(F.col("is_warm") | (F.col("_rank") <= settings.cold_cap)).drop("_rank", "is_warm")


def with_strength(tracks: DataFrame, daily: DataFrame) -> DataFrame:
    """Add `strength`, by which a source orders tracks that are otherwise equal: ln(1 + long plays) + catalog popularity / 20."""
    plays = daily.groupBy("track_id").agg(F.sum("long_plays").alias("plays"))
    strength = F.log1p(F.coalesce("plays", F.lit(0)).cast("double")) + F.coalesce("popularity", F.lit(0.0)) / 20.0
    return tracks.join(plays, "track_id", "left").withColumn("strength", F.round(strength, 9))
