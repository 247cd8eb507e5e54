"""Phonetic keys: spellings that sound alike in English or in Spanish share a key.

English: Metaphone (Philips 1990), as implemented by `jellyfish`. Spanish: our own rules over folded letters, for speakers who
pronounce b and v, ll and y, and s, c and z (seseo) the same, and do not pronounce h.
"""

from __future__ import annotations

import re
from functools import lru_cache

_VOWEL = re.compile(r"[aeiou]")
_TWICE = re.compile(r"(.)\1+")
_SPANISH = (
    (re.compile(r"ch"), "X"),
    (re.compile(r"h"), ""),
    (re.compile(r"qu(?=[ei])|[qk]"), "K"),
    (re.compile(r"c(?=[eiy])|[zs]"), "S"),
    (re.compile(r"c"), "K"),
    (re.compile(r"gu(?=[ei])"), "G"),
    (re.compile(r"g(?=[ei])|j"), "J"),
    (re.compile(r"g"), "G"),
    (re.compile(r"ll"), "Y"),
    (re.compile(r"y(?![^aeiou]|$)"), "Y"),
    (re.compile(r"y"), "i"),
    (re.compile(r"[bvw]"), "B"),
    (re.compile(r"x"), "KS"),
    (re.compile(r"n(?=[BPp])"), "m"),
)


def sounds_like(text: str, language: str) -> str:
    """The phonetic key of a normal form, word by word and joined without blanks ("skill rex" is "skillrex").

    `language` "es" uses the Spanish rules, any other language Metaphone. A word with anything but ASCII letters
    is its own key. Pure; linear in the length of the text.
    """
    key = "".join(_key(word, language == "es") for word in text.split())
    return key or text


@lru_cache(maxsize=100_000)
def _key(word: str, is_spanish: bool) -> str:
    if not word.isascii() or not word.isalpha():
        return word
    return _spanish(word) if is_spanish else _english(word)


def _english(word: str) -> str:
    import jellyfish

    return jellyfish.metaphone(word) or word


def _spanish(word: str) -> str:
    for pattern, sound in _SPANISH:
        word = pattern.sub(sound, word)
    first = word[:1] if _VOWEL.match(word) else ""
    rest = _VOWEL.sub("", word[1:] if first else word)
    return first + _TWICE.sub(r"\1", rest.upper())
