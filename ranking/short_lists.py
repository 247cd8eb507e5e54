"""The first tracks of every name of the catalog: nothing is to be learned about their order but the strength of the tracks.

A need that names something with few tracks has no list of its own; a release answers it by these.
"""

from __future__ import annotations

from collections.abc import Sequence

from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F

from features.expressions import versions
from ranking.rerank.unfit import ALBUM_TRACKS
from ranking.sources.source import top, tracks_by

EXACT_TITLE = 0.5  # of strength: ten steps of popularity (`ranking.candidates.with_strength`)


def name_lists(tracks: DataFrame, most: int) -> DataFrame:
    """(kind, name, popularity, tracks): the first tracks that bear a name, at most `most`.

    The strongest recording of each work comes before all others, and of these the strongest first; a title that has no more words
    than the name counts as stronger by EXACT_TITLE. Where an album with ALBUM_TRACKS tracks has the name, singles of that name follow it.

    `kind` is artist, title, album, or newest: an artist's dated tracks, the newest first. `popularity` is the highest of all tracks
    of the name, 0 where it is unknown.

    Args:
        tracks: the catalog with the columns of `queries.nightly.names.with_name_forms`, `title`, `album`, `strength`, `work_id` and
            `release_year`.
        most: tracks of a name at most.
    """
    kinds = {"artist": "artist_forms", "title": "title_forms", "album": "album_forms"}
    # "levitating" is the recording of just that name before the one with a guest; a remaster is that recording
    is_remaster = F.coalesce(versions(F.col("title")) == F.array(F.lit("remaster")), F.lit(False))
    is_exact = (F.col("name") == F.col("title_forms")[0]) | is_remaster
    exact = F.when(is_exact, F.lit(EXACT_TITLE)).otherwise(0.0)
    of_album = [F.col("is_of_album").desc(), F.desc("strength")]
    order = {"title": [(F.col("strength") + exact).desc()], "album": of_album}
    parts = [
        _listed(tracks, kind, column, order.get(kind, [F.desc("strength")]), most) for kind, column in kinds.items()
    ]
    dated = tracks.where(F.col("release_year").isNotNull())
    newest = [F.desc("release_year"), F.desc("strength")]
    parts.append(_listed(dated, "newest", "artist_forms", newest, most))
    whole = parts[0]
    for part in parts[1:]:
        whole = whole.unionByName(part)
    return whole


def pair_lists(tracks: DataFrame, most: int) -> DataFrame:
    """(is_album, name, artist, tracks): the first tracks of a title or album by an artist, the strongest first, at most `most`."""
    parts = []
    for is_album, column in ((False, "title_forms"), (True, "album_forms")):
        named = tracks.select("track_id", "strength", "artist_forms", F.explode(column).alias("name"))
        rows = named.select("track_id", "strength", "name", F.explode("artist_forms").alias("artist"))
        best = top(rows, ["name", "artist"], [F.desc("strength"), F.col("track_id")], most)
        parts.append(_collected(best, ["name", "artist"]).withColumn("is_album", F.lit(is_album)))
    return parts[0].unionByName(parts[1])


def _listed(tracks: DataFrame, kind: str, column: str, order: Sequence[Column], most: int) -> DataFrame:
    popularity = F.coalesce(F.col("popularity").cast("double"), F.lit(0.0))
    rows = tracks.select(
        "track_id",
        "work_id",
        "strength",
        "title_forms",
        "release_year",
        popularity.alias("popularity"),
        "album",
        "title",
        F.explode(column).alias("name"),
    )
    size = F.count("*").over(Window.partitionBy("name", "album"))
    rows = rows.withColumn("is_of_album", size >= ALBUM_TRACKS)
    highest = rows.groupBy("name").agg(F.max("popularity").alias("popularity"))
    of_work = Window.partitionBy("name", "work_id").orderBy(*order, "track_id")
    rows = rows.withColumn("_is_repeat", F.row_number().over(of_work) > 1)
    best = top(rows.drop("popularity"), ["name"], [F.col("_is_repeat"), *order, F.col("track_id")], most)
    return _collected(best, ["name"]).join(highest, "name").withColumn("kind", F.lit(kind))


def _collected(best: DataFrame, keys: list[str]) -> DataFrame:
    return best.groupBy(*keys).agg(tracks_by("_rank").alias("tracks"))
