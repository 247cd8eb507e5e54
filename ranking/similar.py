"""Lists of what is like an artist or a title: tracks that the same listeners played, by the night's vectors, and of the same genres."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

MOST_TRACKS = 50
PER_ARTIST = 2  # tracks of one main artist, whose sound the listener need not want
LEAST_SIMILARITY = 0.1  # cosine; below it the tracks have nothing in common but chance
LEAST_GENRES = 0.3  # cosine of genres, from which tracks are alike
MOST_KNOWN = 30_000  # tracks, the strongest, that may be alike by genre alone

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


@dataclass(frozen=True)
class TrackGenres:
    """The genres of the catalog's tracks, each weighted by how rare it is (inverse document frequency).

    Attributes:
        of: track_id -> genre -> weight; the weights of a track have length 1.
        strongest: (track_id, main artist) of the MOST_KNOWN strongest tracks, the strongest first.
        by_genre: genre -> places in `strongest`, and the weights that the genre has there.
    """

    of: Mapping[str, Mapping[str, float]]
    strongest: Sequence[tuple[str, str]]
    by_genre: Mapping[str, tuple[npt.NDArray[np.int64], Floats]]

    @classmethod
    def from_rows(cls, rows: Sequence[tuple[str, str, Sequence[str], float]]) -> TrackGenres:
        """From (track_id, main artist, genres, strength)."""
        count: dict[str, int] = {}
        for _, _, genres, _ in rows:
            for genre in genres:
                count[genre] = count.get(genre, 0) + 1
        rare = {genre: float(np.log((1 + len(rows)) / (1 + n))) for genre, n in count.items()}
        of = {}
        for track, _, genres, _ in rows:
            length = sum(rare[genre] ** 2 for genre in genres) ** 0.5
            of[track] = {genre: rare[genre] / length for genre in genres} if length else {}
        strongest = sorted(rows, key=lambda row: (-row[3], row[0]))[:MOST_KNOWN]
        places: dict[str, list[int]] = {}
        for at, (_, _, genres, _) in enumerate(strongest):
            for genre in genres:
                places.setdefault(genre, []).append(at)
        return cls(
            of,
            [(track, artist) for track, artist, _, _ in strongest],
            {
                genre: (np.array(at, dtype=np.int64), np.array([of[strongest[n][0]].get(genre, 0.0) for n in at]))
                for genre, at in places.items()
            },
        )

    def centre(self, seeds: Collection[str]) -> dict[str, float]:
        """The mean genre weights of the seeds, of length 1; empty if none has a genre."""
        total: dict[str, float] = {}
        for seed in sorted(seeds):
            for genre, weight in self.of.get(seed, {}).items():
                total[genre] = total.get(genre, 0.0) + weight
        length = sum(weight**2 for weight in total.values()) ** 0.5
        return {genre: weight / length for genre, weight in total.items()} if length else {}


def similar_tracks(
    seeds: Collection[str], left_out: Collection[str], given: TrackVectors, genres: TrackGenres
) -> list[tuple[str, float]]:
    """(track_id, score) of the tracks that are most like the seeds, the most alike first; scores fall.

    First the tracks that the same listeners played and whose genres are alike (cosine from LEAST_GENRES on: nearly everything shares "pop"),
    by the mean of both cosines; then those of the same genres, by the cosine of the genres, the stronger first among equals. Where the
    seeds have no genre, vectors alone decide. At most MOST_TRACKS, at most PER_ARTIST of one main artist, and no seed.

    Args:
        seeds: tracks of the artist, or of the title.
        left_out: folded main artists whose tracks are left out.
        given: the vectors.
        genres: the genres.
    """
    centre = genres.centre(seeds)
    played = _by_vectors(seeds, given)
    if centre:
        played = _of_like_genres(played, centre, genres)
    out: list[tuple[str, float]] = []
    by_artist: dict[str, int] = {}
    taken = set(seeds)
    for track, artist, score in [*played, *_by_genres(centre, genres)]:
        if len(out) == MOST_TRACKS:
            break
        if track in taken or artist in left_out or by_artist.get(artist, 0) == PER_ARTIST:
            continue
        by_artist[artist] = by_artist.get(artist, 0) + 1
        taken.add(track)
        out.append((track, score))
    return out


def _by_vectors(seeds: Collection[str], given: TrackVectors) -> list[tuple[str, str, float]]:
    """(track_id, main artist, 1 + cosine) of tracks played by the same listeners, the nearest first, ties by track_id."""
    rows = [given.row_of[track] for track in sorted(seeds) if track in given.row_of]
    if not rows:
        return []
    centre = given.vectors[rows].mean(axis=0)
    length = float(np.linalg.norm(centre))
    if length == 0.0:
        return []
    cosine = np.round(given.vectors @ (centre / length), 6)
    order = [row for row in np.argsort(-cosine, kind="stable") if cosine[row] >= LEAST_SIMILARITY]
    return [(given.ids[row], given.artists[row], 1.0 + float(cosine[row])) for row in order]


def _of_like_genres(
    played: Sequence[tuple[str, str, float]], centre: Mapping[str, float], genres: TrackGenres
) -> list[tuple[str, str, float]]:
    """Those of like genres, with 1 + the mean of both cosines, the most alike first, ties by track_id."""
    out = []
    for track, artist, score in played:
        alike = sum(weight * centre.get(genre, 0.0) for genre, weight in genres.of.get(track, {}).items())
        if alike >= LEAST_GENRES:
            out.append((track, artist, round((score + 1.0 + alike) / 2, 6)))
    return sorted(out, key=lambda one: (-one[2], one[0]))


def _by_genres(centre: Mapping[str, float], genres: TrackGenres) -> list[tuple[str, str, float]]:
    """(track_id, main artist, cosine) of the strongest tracks of the same genres, the most alike first."""
    alike = np.zeros(len(genres.strongest))
    for genre, weight in sorted(centre.items()):
        if genre in genres.by_genre:
            places, weights = genres.by_genre[genre]
            alike[places] += weight * weights
    alike = np.round(alike, 1)  # of tracks that are about as alike the stronger comes first
    order = [at for at in np.argsort(-alike, kind="stable") if alike[at] >= LEAST_GENRES]
    return [(*genres.strongest[at], float(alike[at])) for at in order[: 4 * MOST_TRACKS]]
