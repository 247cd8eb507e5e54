"""What is like an artist or a title, on vectors in the plane."""

import pytest

from ranking.similar import MOST_TRACKS, TrackVectors, similar_tracks

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


def test_the_nearest_come_first_and_no_artist_fills_the_list() -> None:
    like_a = similar_tracks(["a1", "a2", "unknown"], {"a"}, TrackVectors.of(ROWS))
    assert [track for track, _ in like_a] == ["b1", "b2", "c1"]  # not b3, a third of b; not d1, which is opposite
    assert like_a[0][1] == pytest.approx(3 / 10**0.5, abs=1e-6)


def test_what_is_like_a_title_may_be_by_its_artist() -> None:
    assert [track for track, _ in similar_tracks(["a1"], set(), TrackVectors.of(ROWS))][:2] == ["a2", "b1"]


@pytest.mark.parametrize("seeds", [[], ["unknown"], ["e1"]])
def test_without_a_vector_nothing_is_like_it(seeds: list[str]) -> None:
    assert similar_tracks(seeds, set(), TrackVectors.of(ROWS)) == []


def test_a_list_has_its_length_and_does_not_depend_on_the_order_of_rows() -> None:
    rows = [(f"t{n:03}", [1.0, n / 1000], f"artist {n}") for n in range(200)]
    first = similar_tracks(["t000"], set(), TrackVectors.of(rows))
    assert len(first) == MOST_TRACKS and first == similar_tracks(["t000"], set(), TrackVectors.of(rows[::-1]))
    assert similar_tracks(["t000"], set(), TrackVectors.of([])) == []
