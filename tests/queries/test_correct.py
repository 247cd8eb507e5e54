"""Words of the grammar with a slip, or that a recogniser wrote as another word, beside names that stay."""

import pytest

from queries.grammar.correct import corrected
from queries.grammar.lexicon import load_lexicon

LEXICON = load_lexicon(["rock"])


@pytest.mark.parametrize(
    ("query", "kept", "options"),
    [
        ("harrd rock", (), ["hard rock"]),
        ("songs four running", (), ["songs for running"]),
        ("hello bye adele", (0, 2), ["hello by adele"]),
        ("gloomi musik", (), ["gloomy music", "gloomy musik", "gloomi music"]),
        ("play rock", (), []),  # nothing to correct
        ("musik", (0,), []),  # part of a name
        ("mus roc", (), []),  # too short to tell
        ("musik gloomi harrd", (), []),  # too many
    ],
)
def test_what_may_be_meant(query: str, kept: tuple[int, ...], options: list[str]) -> None:
    assert corrected(query, kept, LEXICON) == options


def test_two_lexicons_keep_their_own_words() -> None:
    other = load_lexicon(["zouglou"])
    assert corrected("zouglu", (), other) == ["zouglou"] and corrected("zouglu", (), LEXICON) == []
    assert corrected("zouglu", (), other) == ["zouglou"]
