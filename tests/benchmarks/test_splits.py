"""The benchmark of moved wordings on tiny rows: what is right, what counts as false, missed and flipped."""

from __future__ import annotations

import pandas as pd
import pytest

from benchmarks.splits import flips, is_right, judged

TITLE = ("title", {"title": "Happy", "meant_artist": "Ann"})
MOOD = ("mood", {"mood": "joyful"})


@pytest.mark.parametrize(
    ("key", "meant", "right"),
    [
        ("title=happy", TITLE, True),
        ("artist=ann|title=happy", TITLE, True),
        ("title=happiness", TITLE, False),
        ("mood=happy", TITLE, False),
        ("mood=happy", MOOD, True),
        ("genre=rock|mood=happy", MOOD, False),
        ("artist=bob|title=happy", ("title_artist", {"title": "Happy", "artist": "Ann"}), False),
        ("title=happy", ("title_artist", {"title": "Happy", "artist": "Ann"}), True),
        ("artist=ann", ("title_artist", {"title": "Happy", "artist": "Ann"}), False),
        ("decade=1990|genre=rock", ("genre_decade", {"genre": "rock", "decade": "1990"}), True),
        ("open", ("open", {}), True),
        ("artist=ann", ("artist", {"artist": "Ann"}), True),
        ("open", ("artist", {"artist": "Ann"}), False),
        ("words=happy", TITLE, False),
    ],
)
def test_what_a_need_names_is_compared_with_what_was_meant(key: str, meant: tuple[str, dict], right: bool) -> None:
    assert is_right(key, *meant, "en") is right


def _rows(*rows: tuple) -> pd.DataFrame:
    names = ("query", "need", "text_need", "how", "readings", "searches_28d", "people_28d")
    return pd.DataFrame([dict(zip(("language", *names), ("en", *row), strict=True)) for row in rows])


def test_a_move_is_false_where_the_first_reading_was_right() -> None:
    both = ["mood=happy", "title=happy"]
    rows = _rows(
        ("a", "title=happy", "mood=happy", "evidence", both, 50, 20),
        ("b", "title=happy", "mood=happy", "evidence", both, 50, 20),
        ("c", "mood=happy", "mood=happy", "reading", both, 50, 20),
        ("d", "mood=happy", "mood=happy", "reading", both, 29, 20),
        ("e", "words=e", "mood=happy", "evidence", both, 50, 20),
    )
    meant = {("en", "a"): TITLE, ("en", "b"): MOOD, ("en", "c"): TITLE, ("en", "d"): TITLE}
    figures = judged(rows, meant)
    assert (figures.moved, figures.false, figures.right) == (2, 1, 1)  # e: nobody's search is known
    assert (figures.with_readings, figures.missed) == (3, 2)  # b, moved away from its right reading, and c; d: too few


def test_a_flip_is_another_need_under_the_same_reading() -> None:
    before = _rows(("a", "x", "x", "", [], 1, 1), ("b", "x", "x", "", [], 1, 1), ("c", "x", "x", "", [], 1, 1))
    now = _rows(("a", "y", "x", "", [], 1, 1), ("b", "y", "y", "", [], 1, 1), ("d", "x", "x", "", [], 1, 1))
    assert flips(before, now) == (1, 2)  # b is read otherwise by another catalog
