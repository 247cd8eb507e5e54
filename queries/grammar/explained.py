"""How much of a request its reading explains: what is left over speaks against the reading."""

from __future__ import annotations

from queries.catalog.vocabulary import Vocabulary
from queries.grammar.interpret import Interpretation
from queries.grammar.lexicon import Lexicon
from queries.text.spans import last_occurrence


def explained_share(interpretation: Interpretation, lexicon: Lexicon, vocabulary: Vocabulary) -> float:
    """The share of the stripped form's letters that names of the catalog, constraints and fillers cover, 0 to 1.

    The words of a name that the catalog does not have are not explained. A reading that names nothing and constrains nothing
    explains only fillers.

    Args:
        interpretation: The reading.
        lexicon: Has the fillers.
        vocabulary: The names of the catalog.
    """
    words = interpretation.query.split()
    start, end = last_occurrence(words, interpretation.stripped.split())
    known = {
        "artist": interpretation.artist is not None and vocabulary.artist(interpretation.artist) is not None,
        "title": interpretation.title in vocabulary.titles,
        "album": "album" in interpretation.names and interpretation.names["album"].text in vocabulary.albums,
    }
    taken = {
        at
        for kind, name in interpretation.names.items()
        for at in range(name.start, name.end)
        if known.get(kind, False)
    }
    taken |= {at for one in interpretation.mentions for at in range(one.reach, one.end)}
    letters = sum(len(words[at]) for at in range(start, end))
    # beside a name, a noun says what it names: "the soundtrack of frozen"
    idle = ("fillers", "music_nouns") if interpretation.names else ("fillers",)
    left = sum(
        len(words[at])
        for at in range(start, end)
        if at not in taken and not any(lexicon.has(kind, words[at]) for kind in idle)
    )
    return 1.0 - left / letters if letters else 1.0
