"""Lists of what is like an artist or a title: tracks that the same listeners played, by the night's vectors, and of the same genres.

The tracks that are nearest to thousands of artists are looked for part by part, so that no process has the vectors of all tracks.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    from scipy.sparse import csr_matrix

MOST_TRACKS = 50
PER_ARTIST = 2  # tracks of one main artist, whose sound the listener need not want
LEAST_SIMILARITY = 0.1  # cosine; below it the tracks have nothing in common but chance
LEAST_GENRES = 0.3  # cosine of genres, from which tracks are alike
MOST_KNOWN = 30_000  # tracks, the strongest, that may be alike by genre alone
PART = 4_000  # tracks that are compared with all centres at once

Floats = npt.NDArray[np.float64]


class SimilarTrack(NamedTuple):
    """A track that is like something: its folded main artist, and 1 + how alike it is by its listeners, or how alike by genre alone."""

    track_id: str
    artist: str
    score: float


@dataclass(frozen=True)
class KnownTrack:
    """A track of the catalog: id, folded main artist, genres, and the night's vector (None: not played enough to have one)."""

    track_id: str
    artist: str
    genres: Sequence[str]
    vector: Sequence[float] | None = None


@dataclass(frozen=True)
class GenreWeights:
    """How much each genre says of a track: the rarer the more (inverse document frequency)."""

    rare: Mapping[str, float]

    @classmethod
    def of_counts(cls, tracks_of: Mapping[str, int], tracks: int) -> GenreWeights:
        """From genre -> its number of tracks, and the number of all tracks."""
        return cls({genre: float(np.log((1 + tracks) / (1 + n))) for genre, n in tracks_of.items()})

    def of(self, genres: Iterable[str]) -> dict[str, float]:
        """The weights of a track's genres, of length 1; empty if it has none, or only such as every track has."""
        known = {genre: self.rare.get(genre, 0.0) for genre in genres}
        length = sum(weight**2 for weight in known.values()) ** 0.5
        return {genre: weight / length for genre, weight in known.items()} if length else {}


@dataclass(frozen=True)
class Centre:
    """What tracks are compared with: the middle of some seeds.

    Attributes:
        seeds: track_ids, which are not like themselves.
        left_out: folded main artists whose tracks are left out.
        vector: the mean of the seeds' vectors, of length 1; None if none has one.
        genres: the mean of their genre weights, of length 1; empty if none has a genre.
    """

    seeds: frozenset[str]
    left_out: frozenset[str]
    vector: Floats | None
    genres: Mapping[str, float]

    @classmethod
    def of(
        cls, seeds: Collection[str], left_out: Collection[str], known: Mapping[str, KnownTrack], weights: GenreWeights
    ) -> Centre:
        """The centre of some tracks.

        Args:
            seeds: tracks of the artist, or of the title; those that are not in `known` do not count.
            left_out: folded main artists whose tracks are left out.
            known: track_id -> track.
            weights: of the genres.
        """
        tracks = [known[seed] for seed in sorted(seeds) if seed in known]
        units = [unit for track in tracks if (unit := _unit(track.vector)) is not None]
        vector = _unit(np.mean(units, axis=0)) if units else None
        total: dict[str, float] = {}
        for track in tracks:
            for genre, weight in weights.of(track.genres).items():
                total[genre] = total.get(genre, 0.0) + weight
        length = sum(weight**2 for weight in total.values()) ** 0.5
        genres = {genre: weight / length for genre, weight in total.items()} if length else {}
        return cls(frozenset(seeds), frozenset(left_out), vector, genres)


class NearestTracks:
    """For each centre the tracks that the same listeners played and whose genres are alike, the most alike first.

    A track is alike by listeners from a cosine of LEAST_SIMILARITY on, by genres from LEAST_GENRES on: nearly everything shares "pop".
    Its score is 1 + the mean of both cosines; where the centre has no genre, 1 + the first one. Ties are by track_id. At most
    MOST_TRACKS, at most PER_ARTIST of one main artist, and no seed. The nearest of all tracks are among the nearest of each part.

    Args:
        centres: the centres; those without a vector get no track.
        weights: of the genres.
    """

    def __init__(self, centres: Sequence[Centre], weights: GenreWeights) -> None:
        self._at = [at for at, centre in enumerate(centres) if centre.vector is not None]
        self._centres = [centres[at] for at in self._at]
        self._vectors = np.array([centre.vector for centre in self._centres]).T  # dimensions x centres
        self._column = {genre: at for at, genre in enumerate(sorted(weights.rare))}
        self._weights = weights
        self._genres = self._matrix([centre.genres for centre in self._centres]).T.tocsc()
        self._has_genres = np.array([bool(centre.genres) for centre in self._centres])
        self._best: list[list[SimilarTrack]] = [[] for _ in self._centres]

    def add(self, tracks: Sequence[KnownTrack]) -> None:
        """Compare some tracks with every centre."""
        known = [(track, unit) for track in tracks if (unit := _unit(track.vector)) is not None]
        if not known or not self._centres:
            return
        known.sort(key=lambda one: one[0].track_id)
        alike = np.round(np.array([unit for _, unit in known]) @ self._vectors, 6)
        genres = self._matrix([self._weights.of(track.genres) for track, _ in known])
        of_genres = np.round((genres @ self._genres).toarray(), 6)
        scores = np.where(self._has_genres, np.round((2.0 + alike + of_genres) / 2, 6), 1.0 + alike)
        is_alike = (alike >= LEAST_SIMILARITY) & (~self._has_genres | (of_genres >= LEAST_GENRES))
        for at, centre in enumerate(self._centres):
            best = self._best[at]
            least = best[-1].score if len(best) == MOST_TRACKS else -np.inf
            rows = np.flatnonzero(is_alike[:, at] & (scores[:, at] >= least))
            if not len(rows):
                continue
            rows = rows[np.argsort(-scores[rows, at], kind="stable")]
            fresh = (SimilarTrack(known[r][0].track_id, known[r][0].artist, float(scores[r, at])) for r in rows)
            first = capped(fresh, centre, MOST_TRACKS)
            ordered = sorted([*best, *first], key=lambda one: (-one.score, one.track_id)) if best else first
            self._best[at] = list(capped(ordered, centre, MOST_TRACKS))

    def rows(self) -> Iterator[tuple[int, SimilarTrack]]:
        """(place of the centre, track) of the nearest so far."""
        return ((at, one) for at, best in zip(self._at, self._best, strict=True) for one in best)

    def _matrix(self, weights: Sequence[Mapping[str, float]]) -> csr_matrix:
        """One row for each mapping of genre to weight, one column a genre."""
        from scipy.sparse import csr_matrix

        values = [w for of in weights for w in of.values()]
        columns = [self._column[genre] for of in weights for genre in of]
        starts = np.cumsum([0, *map(len, weights)])
        return csr_matrix((values, columns, starts), shape=(len(weights), len(self._column)))


def capped(tracks: Iterable[SimilarTrack], centre: Centre, most: int) -> list[SimilarTrack]:
    """The first tracks, in order, without seeds, artists that are left out and repeats; at most PER_ARTIST of one main artist."""
    out: list[SimilarTrack] = []
    of_artist: dict[str, int] = {}
    taken = set(centre.seeds)
    for one in tracks:
        if len(out) == most:
            break
        if one.track_id in taken or one.artist in centre.left_out or of_artist.get(one.artist, 0) == PER_ARTIST:
            continue
        of_artist[one.artist] = of_artist.get(one.artist, 0) + 1
        taken.add(one.track_id)
        out.append(one)
    return out


class StrongestTracks:
    """The strongest tracks of the catalog, by genre: what fills a list that listeners alone do not.

    Args:
        tracks: the MOST_KNOWN strongest tracks, the strongest first.
        weights: of the genres.
    """

    def __init__(self, tracks: Sequence[KnownTrack], weights: GenreWeights) -> None:
        self._tracks = tracks
        places: dict[str, tuple[list[int], list[float]]] = {}
        for at, track in enumerate(tracks):
            for genre, weight in weights.of(track.genres).items():
                rows, values = places.setdefault(genre, ([], []))
                rows.append(at)
                values.append(weight)
        self._by_genre = {g: (np.array(rows, dtype=np.int64), np.array(values)) for g, (rows, values) in places.items()}

    def alike(self, genres: Mapping[str, float]) -> list[SimilarTrack]:
        """The tracks of the same genres with the cosine of the genres, to one decimal: of tracks about as alike the stronger comes first."""
        total = np.zeros(len(self._tracks))
        for genre, weight in sorted(genres.items()):
            if genre in self._by_genre:
                rows, values = self._by_genre[genre]
                total[rows] += weight * values
        total = np.round(total, 1)
        order = [at for at in np.argsort(-total, kind="stable")[: 4 * MOST_TRACKS] if total[at] >= LEAST_GENRES]
        return [SimilarTrack(self._tracks[a].track_id, self._tracks[a].artist, float(total[a])) for a in order]


def similar_tracks(centre: Centre, nearest: Sequence[SimilarTrack], strongest: StrongestTracks) -> list[SimilarTrack]:
    """The list of a centre: first the nearest by listeners, then the strongest of the same genres; scores fall.

    Args:
        centre: what the tracks are like.
        nearest: its tracks of `NearestTracks`, in order.
        strongest: of the whole catalog.
    """
    return capped([*nearest, *strongest.alike(centre.genres)], centre, MOST_TRACKS)


def _unit(vector: Sequence[float] | Floats | None) -> Floats | None:
    if vector is None:
        return None
    values = np.asarray(vector, dtype=np.float64)
    length = float(np.linalg.norm(values))
    return values / length if length else None
