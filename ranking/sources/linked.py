"""Candidate source: tracks that the linker finds for words that no reading explains."""

from __future__ import annotations

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from queries.nightly.linking import linked_tracks
from ranking.sources.source import KEYS, Source, SourceInputs


def linked(given: SourceInputs) -> DataFrame:
    """Tracks by likeness of words, letters and sound with title, artists and album (`queries.catalog.linker`), the likest first."""
    unread = given.needs.where(F.col("intent") == "other").select(
        *KEYS, "text", F.when(F.col("language") == "es", "es").otherwise("en").alias("language")
    )
    strongest = given.tracks.orderBy(F.desc("strength"), "track_id").limit(given.settings.linked_tracks)
    tracks = linked_tracks(unread.select("text", "language").distinct(), strongest, given.settings.per_source)
    return unread.join(tracks, ["text", "language"]).select(*KEYS, "track_id", F.col("place").alias("source_rank"))


SOURCE = Source("linked", linked, "resembles the words of the request, where nothing explains them")
