"""The lists of `similar_to=…` in a release."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any

from pyspark.sql import DataFrame, Window
from pyspark.sql import functions as F

from lake.checkpoint import checkpointed
from lake.rows import frame_of
from queries.grammar.need import Need, Part
from ranking.similar import (
    MOST_KNOWN,
    MOST_TRACKS,
    PART,
    PER_ARTIST,
    Centre,
    GenreWeights,
    KnownTrack,
    NearestTracks,
    SimilarTrack,
    StrongestTracks,
    similar_tracks,
)

if TYPE_CHECKING:
    import pandas as pd

SIMILAR_NAMES = 2_000
SIMILAR, SAME_GENRES = "played by the same listeners", "of the same genres"
LISTED = "locale string, need string, rank int, track_id string, score double, reason string"
LISTED_COLUMNS = [column.split()[0] for column in LISTED.split(", ")]


def similar_lists(tracks: DataFrame, vectors: DataFrame, names: DataFrame) -> DataFrame:
    """The lists of what is like the SIMILAR_NAMES most popular artists, and as many titles, in place `*`: columns of LISTED.

    What is like an artist is not by it; what is like a title is like its strongest recording. On the driver are at most
    2 * SIMILAR_NAMES needs with their seeds, and the MOST_KNOWN strongest tracks; the lists are made by the executors.

    Args:
        tracks: `night.release.names.named_tracks`.
        vectors: rows of VECTORS of the night.
        names: the first of `night.release.names.short_lists`.
    """
    of_track = vectors.where("kind = 'track'").select(F.col("key").alias("track_id"), "vector")
    artist = F.coalesce(F.get("artists_normal", F.lit(0)), F.lit("")).alias("artist")
    described = tracks.select("track_id", artist, "genres", "strength")
    known = checkpointed(described.join(of_track, "track_id", "left"))
    counted = described.select(F.explode("genres").alias("genre")).groupBy("genre").count().collect()
    weights = GenreWeights.of_counts({r[0]: int(r[1]) for r in counted}, described.count())
    keys, seeds = _wanted(names)
    seed_ids = frame_of(
        tracks.sparkSession, [(one,) for one in sorted({t for s, _ in seeds for t in s})], "track_id string"
    )
    of_seeds = {r["track_id"]: _track(r) for r in known.join(F.broadcast(seed_ids), "track_id").collect()}
    centres = [Centre.of(chosen, left_out, of_seeds, weights) for chosen, left_out in seeds]
    first = known.drop("vector").orderBy(F.desc("strength"), "track_id").limit(MOST_KNOWN).collect()
    known_first = [_track(r) for r in first]
    nearest = _nearest(known.where(F.col("vector").isNotNull()), centres, weights)

    def listed(batches: Iterable[pd.DataFrame]) -> Iterator[pd.DataFrame]:
        import pandas as pd

        strongest = StrongestTracks(known_first, weights)
        for batch in batches:
            rows = [
                ("*", keys[at], rank, one.track_id, one.score, SIMILAR if one.score > 1.0 else SAME_GENRES)
                for at, nearest_tracks in batch[["at", "nearest"]].itertuples(index=False)
                for rank, one in enumerate(similar_tracks(centres[at], _ordered(nearest_tracks), strongest), 1)
            ]
            yield pd.DataFrame(rows, columns=LISTED_COLUMNS)

    places = tracks.sparkSession.range(len(keys)).select(F.col("id").cast("int").alias("at"))
    return places.join(nearest, "at", "left").mapInPandas(listed, LISTED)


def _wanted(names: DataFrame) -> tuple[list[str], list[tuple[list[str], set[str]]]]:
    """The keys of the needs, and for each its seeds and the artists that are left out."""
    keys: list[str] = []
    seeds: list[tuple[list[str], set[str]]] = []
    for kind in ("artist", "title"):
        popular = names.where(F.col("kind") == kind).orderBy(F.desc("popularity"), "name").limit(SIMILAR_NAMES)
        for row in popular.select("name", "tracks").collect():
            keys.append(Need.of([Part("similar_to", Need.of([Part(kind, row["name"])]).key)]).key)
            is_artist = kind == "artist"
            seeds.append((row["tracks"] if is_artist else row["tracks"][:1], {row["name"]} if is_artist else set()))
    return keys, seeds


def _nearest(tracks: DataFrame, centres: list[Centre], weights: GenreWeights) -> DataFrame:
    """(at: place of a centre, nearest: array of (place, track_id, artist, score) of its nearest tracks); centres without one have no row."""

    def near(batches: Iterable[pd.DataFrame]) -> Iterator[pd.DataFrame]:
        import pandas as pd

        nearest = NearestTracks(centres, weights)
        for batch in batches:
            for begin in range(0, len(batch), PART):
                nearest.add([_track(row) for row in batch.iloc[begin : begin + PART].to_dict("records")])
        rows = [(at, *one) for at, one in nearest.rows()]
        yield pd.DataFrame(rows, columns=["at", "track_id", "artist", "score"])

    rows = tracks.select("track_id", "artist", "genres", "vector").mapInPandas(
        near, "at int, track_id string, artist string, score double"
    )
    order = [F.desc("score"), F.col("track_id")]
    of_artist = F.row_number().over(Window.partitionBy("at", "artist").orderBy(*order))
    of_centre = F.row_number().over(Window.partitionBy("at").orderBy(*order))
    few = rows.withColumn("_n", of_artist).where(F.col("_n") <= PER_ARTIST)
    best = few.withColumn("place", of_centre).where(F.col("place") <= MOST_TRACKS)
    return best.groupBy("at").agg(F.collect_list(F.struct("place", "track_id", "artist", "score")).alias("nearest"))


def _ordered(nearest: Any) -> list[SimilarTrack]:
    """The nearest tracks of a centre, the most alike first; none for null."""
    rows = [] if nearest is None else sorted(nearest, key=lambda one: one["place"])
    return [SimilarTrack(one["track_id"], one["artist"], one["score"]) for one in rows]


def _track(row: Any) -> KnownTrack:
    fields = row if isinstance(row, dict) else row.asDict()
    genres = fields["genres"]
    return KnownTrack(
        fields["track_id"], fields["artist"], () if genres is None else list(genres), fields.get("vector")
    )
