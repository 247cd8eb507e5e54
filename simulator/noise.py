"""Errors in the text of requests: speech recognition errors on voice, typing errors on screens."""

from __future__ import annotations

import random

from simulator.lexicon import file, folded

_ROWS = ("qwertyuiop", "asdfghjkl", "zxcvbnm")
_SMALL = {
    "the",
    "a",
    "by",
    "some",
    "from",
    "for",
    "of",
    "to",
    "de",
    "la",
    "el",
    "los",
    "las",
    "un",
    "una",
    "algo",
    "del",
    "y",
}
_NEAR = {c: row[max(0, i - 1) : i] + row[i + 1 : i + 2] for row in _ROWS for i, c in enumerate(row)}


def misheard(text: str, language: str, rng: random.Random) -> str:
    """One speech-recognition error: a homophone, a phonetic respelling, a dropped or a joined word."""
    words = text.split()
    sounds = file("sounds")[language]
    hits = [i for i, w in enumerate(words) if w in sounds["homophones"]]
    u = rng.random()
    if hits and u < 0.6:
        i = rng.choice(hits)
        words[i] = rng.choice(sounds["homophones"][words[i]])
    elif u < 0.2 and len(words) > 2:
        small = [i for i, w in enumerate(words) if w in _SMALL]
        words.pop(rng.choice(small) if small else rng.randrange(1, len(words)))
    elif u < 0.27 and len(words) > 2:
        i = rng.randrange(1, len(words) - 1)
        words[i : i + 2] = [words[i] + words[i + 1]]
    else:
        i = max(range(len(words)), key=lambda k: len(words[k]) + rng.random() * 4 + (k > 0))
        words[i] = _respelt(words[i], sounds["respell"], rng)
    return " ".join(words)


def _respelt(word: str, rules: list[list[str]], rng: random.Random) -> str:
    usable = [(a, b) for a, b in rules if a in word]
    if not usable:
        return mistyped(word, rng)
    # The rules are ordered from likely to unlikely; earlier ones are taken more often.
    a, b = usable[min(int(rng.expovariate(0.9)), len(usable) - 1)]
    return word.replace(a, b, 1) or word


def mistyped(text: str, rng: random.Random) -> str:
    """One typing error: accents left out, or a neighbouring key, a missing, doubled or swapped letter."""
    plain = folded(text)
    if plain != text and rng.random() < 0.5:
        return plain or text
    at = [i for i in range(1, len(text)) if text[i].isalpha() and text[i - 1].isalpha()]
    if not at:
        return text
    i, u = rng.choice(at), rng.random()
    if u < 0.3:
        return text[:i] + text[i + 1 :]
    if u < 0.5:
        return text[:i] + text[i] + text[i:]
    if u < 0.75:
        return text[: i - 1] + text[i] + text[i - 1] + text[i + 1 :]
    return text[:i] + rng.choice(_NEAR.get(text[i], text[i]) or text[i]) + text[i + 1 :]
