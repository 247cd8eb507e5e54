"""Linking: exact, misspelt, in pieces; ties; and an oracle for BM25."""

from math import log

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from queries.catalog.index import CatalogIndex
from queries.catalog.linker import _B, _K1, Linker, linked


@pytest.fixture(scope="module")
def linker(catalog):
    return Linker(catalog)


@pytest.mark.parametrize(
    ("request_", "first"),
    [
        ("hello", "t01"),
        ("play hello by lionel richie", "t02"),
        ("lionel richie hello", "t02"),
        ("adele", "t01"),
        ("bohemain rapsody", "t16"),
        ("thunder struck", "t06"),
        ("beyonse halo", "t09"),
        ("pon despasito", "t15"),
        ("hips dont lie shakira", "t12"),
        ("ponme la mano", "t04"),
        ("sound of silence", "t11"),
        ("dont stop me know", "t17"),
        ("queen", "t16"),
    ],
)
def test_the_track_meant_comes_first(linker, request_, first):
    assert linker.candidates(request_, "en-US", 10)[0][0] == first


def test_scores_fall_and_top_bounds_them(linker):
    found = linker.candidates("play hello", "en-US", 3)
    assert len(found) == 3
    assert [score for _, score in found] == sorted((score for _, score in found), reverse=True)
    assert linked("play hello", "en-US", linker, 1)["candidates"] == [{"track_id": found[0][0], "score": found[0][1]}]


def test_blank_and_foreign_requests_have_no_candidates(linker):
    assert linker.candidates("", "en-US", 5) == linker.candidates("  ", "en-US", 5) == []
    assert linker.candidates("椎名林檎", "en-US", 5) == []
    assert Linker(CatalogIndex.of([])).candidates("hello", "en-US", 5) == []


@settings(max_examples=150, deadline=None)
@given(st.text(max_size=300))
def test_total_and_deterministic(linker, text):
    assert linker.candidates(text, "en-US", 5) == linker.candidates(text, "en-US", 5)


def test_word_weights_are_bm25(linker, catalog):
    """Robertson & Zaragoza (2009) once more, term by term, over title and artist words and .3 of albums."""
    from queries.text.normalise import normal_form

    documents = []
    for row in range(len(catalog)):
        weights = {}
        for text, weight in (
            (catalog.title_names[row], 1),
            (" ".join(catalog.artist_names[row]), 1),
            (catalog.album_names[row], 0.3),
        ):
            for word in normal_form(text, "en").split():
                weights[word] = weights.get(word, 0) + weight
        documents.append(weights)
    average = sum(sum(one.values()) for one in documents) / len(documents)
    for term in ("hello", "queen", "the", "help"):
        holding = sum(term in one for one in documents)
        idf = log(1 + (len(documents) - holding + 0.5) / (holding + 0.5))
        expected = {
            row: idf * one[term] * (_K1 + 1) / (one[term] + _K1 * (1 - _B + _B * sum(one.values()) / average))
            for row, one in enumerate(documents)
            if term in one
        }
        postings = linker._words
        found = dict(zip(postings.documents[term], postings.weights[term], strict=True))
        assert found == pytest.approx(expected, rel=1e-5)


def test_a_title_with_a_slip_comes_before_artists_whose_names_only_sound_like_a_word_of_it():
    rows = [
        {"track_id": f"d{i}", "title": title, "artists": ["Drake"]}
        for i, title in enumerate(("Practice", "Fancy", "Elevate"))
    ]
    rows.append({"track_id": "wanted", "title": "The Perfect Drug", "artists": ["Nine Inch Nails"]})
    rows = [{**row, "album": row["title"], "genres": [], "popularity": 50} for row in rows]
    assert Linker(CatalogIndex.of(rows)).candidates("the perfact drug", "en-US", 3)[0][0] == "wanted"
