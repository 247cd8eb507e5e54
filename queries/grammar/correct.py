"""Corrects misspelled and misheard words of the grammar ("musik", "harrd rock", "songs four work") that no name explains."""

from __future__ import annotations

from collections.abc import Collection

from queries.grammar.lexicon import SHORTEST_CORRECTED, Lexicon

MOST_CORRECTED = 2  # words of a request
MOST_WORDS = 15  # of a request that is corrected; each costs a comparison with the whole grammar
HEARD_AS = {
    "four": "for",
    "too": "to",
    "two": "to",
    "bye": "by",
    "yew": "you",
    "buy": "by",
    "sum": "some",
    "sone": "some",
    "sons": "songs",
    "kiero": "quiero",
}
"""Words that recognisers write for words of the grammar that sound the same."""


def corrected(query: str, kept: Collection[int], lexicon: Lexicon) -> list[str]:
    """A normal form with words replaced that are one slip away from a word of the grammar: each such word, and all of them.

    None where more than MOST_CORRECTED words could be replaced, or the request has more than MOST_WORDS.

    Words that a language has, and that happen to be near one of the grammar ("mourning", "beber"), are no slip (`ordinary`).

    A slip is one letter more, less or other, or two that changed places. Of several words the one with the same first letter is
    taken, then the shorter, then the first by the alphabet.

    Args:
        query: A normal form.
        kept: Indexes of words that are no slip, such as those of names of the catalog.
        lexicon: Phrases, word lists and carrier grammar.
    """
    from rapidfuzz import process
    from rapidfuzz.distance import OSA

    words = query.split()
    if len(words) > MOST_WORDS:
        return []
    better: dict[int, str] = {}
    for at, word in enumerate(words):
        if at in kept:
            continue
        if word in HEARD_AS:
            near = [HEARD_AS[word]]
        elif (
            word in lexicon.every_word
            or lexicon.has("ordinary", word)
            or len(word) < SHORTEST_CORRECTED
            or not word.isalpha()
        ):
            continue
        else:
            near = [
                one
                for one, _, _ in process.extract(word, lexicon.spelled, scorer=OSA.distance, score_cutoff=1, limit=None)
            ]
        if near:
            better[at] = min(near, key=lambda one: (one[0] != word[0], len(one), one))
    if len(better) > MOST_CORRECTED:
        return []
    choices = [better, *({at: word} for at, word in better.items() if len(better) > 1)]
    return [" ".join(chosen.get(at, word) for at, word in enumerate(words)) for chosen in choices if chosen]
