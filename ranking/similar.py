"""Lists of what is like an artist or a title: the tracks that the same listeners played, by the vectors of the night."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

MOST_TRACKS = 50
PER_ARTIST = 2  # tracks of one main artist, whose sound the listener need not want
LEAST_SIMILARITY = 0.1  # cosine; below it the tracks have nothing in common but chance

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class TrackVectors:
    """The vectors of tracks, each of length 1, with their ids and main artists.

    Attributes:
        ids: track_ids, ascending.
        vectors: one row a track.
        artists: folded main artist of each track.
        row_of: track_id -> row.
    """

    ids: Sequence[str]
    vectors: Floats
    artists: Sequence[str]
    row_of: Mapping[str, int]

    @classmethod
    def of(cls, rows: Sequence[tuple[str, Sequence[float], str]]) -> TrackVectors:
        """From (track_id, vector, main artist); tracks with a vector of zeros are left out."""
        kept = sorted(row for row in rows if any(row[1]))
        vectors = np.array([row[1] for row in kept], dtype=np.float64) if kept else np.zeros((0, 1))
        vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
        ids = [row[0] for row in kept]
        return cls(ids, vectors, [row[2] for row in kept], {track: at for at, track in enumerate(ids)})


def similar_tracks(seeds: Collection[str], left_out: Collection[str], given: TrackVectors) -> list[tuple[str, float]]:
    """(track_id, cosine) of the tracks nearest to the mean of the seeds, nearest first, ties by track_id.

    At most MOST_TRACKS, at most PER_ARTIST of one main artist, none below LEAST_SIMILARITY, and no seed. Without a seed that has a
    vector there are none.

    Args:
        seeds: tracks of the artist, or of the title.
        left_out: folded main artists whose tracks are left out.
        given: the vectors.
    """
    rows = [given.row_of[track] for track in seeds if track in given.row_of]
    if not rows:
        return []
    centre = given.vectors[rows].mean(axis=0)
    length = float(np.linalg.norm(centre))
    if length == 0.0:
        return []
    cosine = np.round(given.vectors @ (centre / length), 6)
    out: list[tuple[str, float]] = []
    by_artist: dict[str, int] = {}
    own = set(seeds)
    for row in np.argsort(-cosine, kind="stable"):
        track, artist = given.ids[row], given.artists[row]
        if len(out) == MOST_TRACKS or cosine[row] < LEAST_SIMILARITY:
            break
        if track in own or artist in left_out or by_artist.get(artist, 0) == PER_ARTIST:
            continue
        by_artist[artist] = by_artist.get(artist, 0) + 1
        out.append((track, float(cosine[row])))
    return out
