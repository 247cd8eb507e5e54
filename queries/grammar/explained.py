"""How much of a request its reading explains: what is left over speaks against the reading."""

from __future__ import annotations

from queries.catalog.vocabulary import Vocabulary
from queries.grammar.interpret import Interpretation
from queries.grammar.lexicon import Lexicon
from queries.grammar.refusals import has_refusal
from queries.text.spans import last_occurrence

_JOINERS = frozenset({"some", "by", "off", "from", "of", "and", "with", "de", "del", "y", "con", "por"})
_FILLER_BESIDE_NAME = 0.5


def explained_share(interpretation: Interpretation, lexicon: Lexicon, vocabulary: Vocabulary) -> float:
    """The share of the stripped form's letters that names of the catalog, constraints and fillers cover, 0 to 1.

    The words of a name that the catalog does not have are not explained. Beside a name, nouns of music, joining words and "some" are
    explained ("the soundtrack of frozen"), and other fillers by half: "in my bones" may be a name that the catalog lacks.

    Args:
        interpretation: The reading.
        lexicon: Has the fillers.
        vocabulary: The names of the catalog.
    """
    if lexicon.has("generic", interpretation.stripped):
        return 1.0  # "cualquier cosa"
    words = interpretation.query.split()
    start, end = last_occurrence(words, interpretation.stripped.split())
    known = {
        "artist": interpretation.artist is not None and vocabulary.artist(interpretation.artist) is not None,
        "title": interpretation.title in vocabulary.titles,
        "album": interpretation.album in vocabulary.albums,
    }
    taken = {
        at
        for kind, name in interpretation.names.items()
        for at in range(name.start, name.end)
        if known.get(kind, False)
    }
    if taken or {"artist", "title"} & set(interpretation.constraints["not"]):
        taken |= interpretation.joining  # of a refused name, too
    taken |= {at for one in interpretation.mentions for at in range(one.reach, one.end)}
    if _refuses(words, start, end, taken, lexicon):
        return 0.0
    letters = sum(len(words[at]) for at in range(start, end))
    left = sum(
        len(words[at]) * (1.0 - _explained(words[at], bool(interpretation.names), lexicon))
        for at in range(start, end)
        if at not in taken
    )
    return 1.0 - left / letters if letters else 1.0


def _refuses(words: list[str], start: int, end: int, taken: set[int], lexicon: Lexicon) -> bool:
    """Whether words that no name and no constraint has refuse something: what is read is then what was not wanted."""
    rest = tuple(words[at] if at not in taken else "" for at in range(start, end))
    return has_refusal(rest, lexicon)


def _explained(word: str, is_beside_name: bool, lexicon: Lexicon) -> float:
    """How far a word that belongs to no name and no constraint is explained, 0 to 1."""
    if not is_beside_name:
        return float(lexicon.has("fillers", word))
    if word in _JOINERS or lexicon.has("music_nouns", word):
        return 1.0
    return _FILLER_BESIDE_NAME * lexicon.has("fillers", word)
