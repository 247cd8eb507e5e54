"""Spellings that are heard alike share a key, others do not; any text has one."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from queries.text.phonetic import sounds_like


@pytest.mark.parametrize(
    ("language", "one", "other"),
    [
        ("es", "vamos a bailar", "bamos a vailar"),
        ("es", "llorar", "yorar"),
        ("es", "corazon", "corason"),
        ("es", "hola", "ola"),
        ("es", "cielo", "sielo"),
        ("es", "queen", "kin"),
        ("es", "gitana", "jitana"),
        ("es", "zapato", "sapato"),
        ("es", "rosa lia", "rosalia"),
        ("es", "guitarra", "guitara"),
        ("en", "philip", "filip"),
        ("en", "knight", "nite"),
        ("en", "skrillex", "skrilex"),
        ("en", "the weeknd", "the weekend"),
    ],
)
def test_heard_alike(language, one, other):
    assert sounds_like(one, language) == sounds_like(other, language)


@pytest.mark.parametrize(
    ("language", "one", "other"),
    [
        ("es", "casa", "caja"),
        ("es", "pero", "beso"),
        ("es", "luna", "lana mia"),
        ("es", "guerra", "jerga"),
        ("en", "hello", "goodbye"),
        ("en", "adele", "abba"),
    ],
)
def test_heard_apart(language, one, other):
    assert sounds_like(one, language) != sounds_like(other, language)


@given(st.text(max_size=30), st.sampled_from(["en", "es"]))
def test_total_and_never_empty_for_a_text(text, language):
    assert bool(sounds_like(text, language)) == bool(text)
