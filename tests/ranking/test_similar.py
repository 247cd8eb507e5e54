"""What is like an artist or a title, on vectors in the plane and on few genres."""

from collections import Counter
from collections.abc import Collection, Sequence

import pytest

from ranking.similar import (
    MOST_TRACKS,
    Centre,
    GenreWeights,
    KnownTrack,
    NearestTracks,
    StrongestTracks,
    similar_tracks,
)

ROWS = [
    ("a1", [1.0, 0.0], "a"),
    ("a2", [2.0, 0.0], "a"),
    ("b1", [3.0, 1.0], "b"),
    ("b2", [3.0, 1.5], "b"),
    ("b3", [3.0, 2.0], "b"),
    ("c1", [1.0, 1.0], "c"),
    ("d1", [-1.0, 0.0], "d"),
    ("e1", [0.0, 0.0], "e"),
]
Rows = Sequence[tuple[str, Sequence[float], str]]


def similar(
    seeds: Collection[str],
    left_out: Collection[str],
    genres: Sequence[tuple[str, str, list[str], float]] = (),
    rows: Rows = ROWS,
    part: int = 3,
) -> list[tuple[str, float]]:
    """The list of what is like the seeds; `part` tracks are compared at once."""
    of, vector = {t: g for t, _, g, _ in genres}, {t: v for t, v, _ in rows}
    artists = {t: a for t, a, _, _ in genres} | {t: a for t, _, a in rows}
    known = {t: KnownTrack(t, a, of.get(t, ()), vector.get(t)) for t, a in artists.items()}
    counts = Counter(genre for of_track in of.values() for genre in of_track)
    weights = GenreWeights.of_counts(counts, len(genres))
    centre = Centre.of(seeds, left_out, known, weights)
    nearest = NearestTracks([centre, centre], weights)
    tracks = list(known.values())
    for begin in range(0, len(tracks), part):
        nearest.add(tracks[begin : begin + part])
    strongest = [known[t] for t, _, _, strength in sorted(genres, key=lambda row: (-row[3], row[0]))]
    played = [one for at, one in nearest.rows() if at == 1]
    listed = similar_tracks(centre, played, StrongestTracks(strongest, weights))
    return [(one.track_id, one.score) for one in listed]


def test_the_nearest_come_first_and_no_artist_fills_the_list() -> None:
    like_a = similar(["a1", "a2", "unknown"], {"a"})
    assert [track for track, _ in like_a] == ["b1", "b2", "c1"]  # not b3, a third of b; not d1, which is opposite
    assert like_a[0][1] == pytest.approx(1 + 3 / 10**0.5, abs=1e-6)


def test_what_is_like_a_title_may_be_by_its_artist() -> None:
    assert [track for track, _ in similar(["a1"], set())][:2] == ["a2", "b1"]


@pytest.mark.parametrize("seeds", [[], ["unknown"], ["e1"]])
def test_without_a_vector_or_genre_nothing_is_like_it(seeds: list[str]) -> None:
    assert similar(seeds, set()) == []


def test_tracks_of_other_genres_are_left_out_and_those_of_the_same_fill_the_list() -> None:
    genres = [
        ("a1", "a", ["rock", "grunge"], 5.0),
        ("a2", "a", ["rock"], 5.0),
        ("b1", "b", ["polka"], 9.0),  # near by its vector, but no rock
        ("b2", "b", ["rock"], 1.0),
        ("c1", "c", [], 1.0),
        ("f1", "f", ["rock", "grunge"], 2.0),
        ("f2", "f", ["rock", "grunge"], 3.0),
        ("f3", "f", ["rock", "grunge"], 4.0),
        ("g1", "g", ["polka"], 9.0),
        ("h1", "h", ["tango"], 9.0),
    ]
    listed = similar(["a1", "a2"], {"a"}, genres)
    assert [track for track, _ in listed] == ["b2", "f3", "f2"]  # then two of f, the stronger first
    scores = [score for _, score in listed]
    assert scores[0] > 1.0 >= scores[1] and scores == sorted(scores, reverse=True)
    assert [track for track, _ in similar(["g1"], {"g"}, genres)] == ["b1"]  # without a vector


def test_a_list_has_its_length_and_does_not_depend_on_the_order_of_rows_or_the_parts() -> None:
    rows = [(f"t{n:03}", [1.0, n / 1000], f"artist {n}") for n in range(200)]
    first = similar(["t000"], set(), rows=rows)
    assert len(first) == MOST_TRACKS
    assert first == similar(["t000"], set(), rows=rows[::-1], part=7) == similar(["t000"], set(), rows=rows, part=1000)
    assert similar(["t000"], set(), rows=[]) == []
