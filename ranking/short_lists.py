"""Lists of needs that name something with few tracks: nothing is to be learned about their order but the strength of the tracks."""

from __future__ import annotations

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from ranking.sources.source import KEYS, top
from ranking.sources.text import by_names, named_matches


def short_lists(needs: DataFrame, tracks: DataFrame, most: int) -> DataFrame:
    """(place, need, track_id, rank): the tracks that bear all names of the need, the strongest first, at most `most`.

    Args:
        needs: needs that name something, columns of `needs`.
        tracks: the catalog, as `ranking.sources.source.SourceInputs` has it.
        most: tracks of a list at most.
    """
    whole = named_matches(needs, tracks).where(F.col("names") == F.col("asked"))
    return top(whole, list(KEYS), by_names(), most).select(*KEYS, "track_id", F.col("_rank").alias("rank"))
