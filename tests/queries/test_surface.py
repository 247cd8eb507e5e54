"""Words of the normal form find their own place in the request, from left to right, also inside of one chunk."""

import pytest

from queries.text.normalise import normal_form
from queries.text.surface import Surface


@pytest.mark.parametrize(
    ("raw", "start", "end", "span"),
    [
        ("Play AC/DC now", 1, 3, "AC/DC"),
        ("rock/Rock", 0, 1, "rock"),
        ("rock/Rock", 1, 2, "Rock"),
        ("one,Two,one", 2, 3, "one"),
        ("one,Two,one", 0, 2, "one,Two"),
        ("play Adele's Hello!", 1, 2, "Adele"),
        ("Ke$ha/P!nk", 1, 2, "P!nk"),
    ],
)
def test_spans(raw, start, end, span):
    query = normal_form(raw, "en-US")
    assert Surface(raw, query, "en-US").span(start, end) in (
        span,
        raw,
    )  # stylised letters: the whole chunk, never a wrong part
    if "$" not in raw:
        assert Surface(raw, query, "en-US").span(start, end) == span
