"""Which annotations are marked as garbled or wrong; on made-up requests and names."""

import pytest

from benchmarks.gold_marks import marks
from queries.catalog.index import CatalogIndex
from queries.training.gold import Gold, Slot

NAMES = CatalogIndex.of(
    [
        {"track_id": "t1", "title": "Radio Blah Blah", "artists": ["Velta Morn"], "album": "Waves"},
        {"track_id": "t2", "title": "Waves", "artists": ["Blah"], "album": "Waves"},
    ]
).vocabulary


def gold(query: str, *slots: tuple[str, str], lang: str = "en") -> Gold:
    return Gold("mtop", lang, query, query, True, tuple(Slot(*slot) for slot in slots), 0)


@pytest.mark.parametrize(
    ("one", "passes"),
    [
        (gold("play waves by velta morn", ("title", "waves"), ("artist", "velta morn")), set()),
        (gold("play velta morns waves", ("title", "waves"), ("artist", "velta morn")), set()),
        (gold("play hits of the 00s", ("when", "00")), set()),
        (gold("play waves by velta morn", ("title", "waves"), ("artist", "svelta morn")), {"text", "guideline"}),
        (gold("play waves", ("title", "waves"), ("album", "waves")), {"text"}),
        (gold("play radio blah blah", ("title", "radio blah blah"), ("artist", "blah")), {"text"}),
        (gold("quiero una de las canciones de velta morn", ("artist", "velta morn")), {"text"}),
        (gold("quiero una de las canciones de velta morn", ("artist", "velta morn"), lang="es"), set()),
        (gold("plays some waves", ("album", "plays")), {"guideline"}),
        (gold("play radio blah blah", ("title", "blah blah")), {"guideline"}),
        (gold("play waves by velta morn", ("title", "waves")), {"guideline"}),
        (gold("play something"), set()),
    ],
)
def test_marks(one: Gold, passes: set[str]) -> None:
    assert set(marks(one, NAMES)) == passes
