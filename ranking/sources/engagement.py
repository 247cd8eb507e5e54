"""Candidate source: tracks that listeners heard for the need."""

from __future__ import annotations

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from ranking.sources.source import KEYS, Source, SourceInputs, ranked


def engagement(given: SourceInputs) -> DataFrame:
    """Tracks that at least `min_listeners` people heard long, saved or liked for the need, in any wording, most plays first.

    Only for needs that enough people asked: fewer would be told by their lists.
    """
    warm = F.broadcast(given.needs.where("is_warm").select(*KEYS))
    enough = given.heard.where(F.col("listeners") >= given.settings.min_listeners)
    heard = enough.join(warm, list(KEYS), "left_semi")
    return ranked(heard, [F.desc("plays"), F.desc("listeners"), F.col("track_id")], given.settings)


SOURCE = Source("engagement", engagement, "heard for the need by several people, most plays first", reads_logs=True)
