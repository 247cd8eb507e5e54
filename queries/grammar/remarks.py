"""Cuts what people add to a request and what names nothing: reasons, opinions, limits ("… que me gusta mucho", "… because i am sad")."""

from __future__ import annotations

from queries.grammar.lexicon import Lexicon

_LONGEST_LEAD = 4
_LEAST_LEFT = 2  # words that must be left: "because the night" and "i love rock n roll" are names


def without_remark(query: str, lexicon: Lexicon) -> str | None:
    """The request up to its first remark; None if it has none.

    A remark begins with a phrase of the list `remarks` of `queries/data/words.v1.json` and goes to the end of the request, or is one of
    `last_words` ("now") at its end. Names may contain such phrases ("the one that i love"): a caller takes the shorter reading only
    where it is the better one.

    Args:
        query: A normal form.
        lexicon: Has the list.
    """
    words = query.split()
    for at in range(_LEAST_LEFT, len(words)):
        is_last = lexicon.has("last_words", " ".join(words[at:]))
        leads = (" ".join(words[at : at + size]) for size in range(1, min(_LONGEST_LEAD, len(words) - at) + 1))
        if is_last or any(lexicon.has("remarks", lead) for lead in leads):
            return " ".join(words[:at])
    return None
