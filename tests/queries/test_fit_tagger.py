"""Names are found where they stand; a tagger fitted to a few sentences generalises over names and survives its file."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from queries.grammar.interpret import interpret
from queries.grammar.lexicon import load_lexicon
from queries.models.fit_tagger import Example, fitted, locate_names
from queries.models.tagger import TaggerUnreadable, load_tagger
from queries.text.spans import KINDS, TaggedSpan, bio, spans

LEXICON = load_lexicon()


def test_values_are_located_each_in_a_place_of_its_own():
    words = ["play", "queens", "we", "are", "the", "champions", "by", "queen"]
    assert locate_names(words, [("title", "we are the champions"), ("artist", "queen s"), ("artist", "queen")]) == (
        TaggedSpan("artist", 1, 2),
        TaggedSpan("title", 2, 6),
        TaggedSpan("artist", 7, 8),
    )
    assert locate_names(words, [("artist", "abba")]) is None and locate_names(words, [("artist", "")]) is None


@given(st.lists(st.tuples(st.sampled_from(KINDS), st.integers(1, 3), st.integers(0, 2)), max_size=5))
def test_bio_and_spans_are_inverse(parts):
    at, names = 0, []
    for kind, size, gap in parts:
        at += gap
        names.append(TaggedSpan(kind, at, at + size))
        at += size
    assert spans(bio(at + 1, names)) == names


@pytest.fixture(scope="module")
def tagger():
    examples = []
    for artist, title in [
        ("abba", "money"),
        ("the cure", "high road"),
        ("blur", "song of two"),
        ("oasis", "slide on"),
    ] * 6:
        query = f"play {title} by {artist}"
        names = locate_names(query.split(), [("artist", artist), ("title", title)])
        examples.append(Example(interpret(query, "en-US", LEXICON, None), names))
    return fitted(examples, LEXICON, rounds=40)


def test_unseen_names_are_found_by_their_place(tagger):
    found = interpret("play velvet morning by the sandmen", "en-US", LEXICON, None)
    assert tagger.tagged(found, LEXICON, None) == [TaggedSpan("title", 1, 3), TaggedSpan("artist", 4, 6)]
    assert tagger.tagged(interpret("", "en-US", LEXICON, None), LEXICON, None) == []


def test_the_file_holds_the_tagger_and_the_same_bytes_each_time(tagger, tmp_path: Path):
    tagger.write(tmp_path / "one.zip")
    tagger.write(tmp_path / "two.zip")
    assert (tmp_path / "one.zip").read_bytes() == (tmp_path / "two.zip").read_bytes()
    again = load_tagger(tmp_path / "one.zip")
    assert (again.weights, again.common) == (tagger.weights, tagger.common)
    (tmp_path / "bad.zip").write_bytes(b"no zip")
    with pytest.raises(TaggerUnreadable, match=r"queries\.training\.train"):
        load_tagger(tmp_path / "bad.zip")
