"""A name that a request refuses: "pop but no taylor swift", "todo menos shakira". It is no wish, and must not be read as one."""

from __future__ import annotations

from dataclasses import dataclass

from queries.catalog.vocabulary import Vocabulary
from queries.grammar.known import known
from queries.grammar.lexicon import Lexicon

_BETWEEN = frozenset({"by", "from", "of", "de", "any", "anything", "songs", "music", "canciones", "musica", "nada"})
"""What may stand between the refusal and the name: "not by", "nada de"."""
_PLAIN = frozenset({"but not", "but no", "pero no"})
_LONGEST = 5
_FAMOUS = 50.0  # popularity from which a single word is an artist here: "without you" refuses nobody


@dataclass(frozen=True)
class Refused:
    """The refusal begins at word `at` of the request; `kind` is artist or title, `name` as the catalog folds it."""

    at: int
    kind: str
    name: str


def says_refusal(words: tuple[str, ...], lexicon: Lexicon) -> bool:
    """Whether any words refuse something: most requests do not, and need not be looked at further."""
    return any(
        lexicon.has("negations", " ".join(words[at : at + size]))
        for at in range(len(words))
        for size in range(1, min(_LONGEST, len(words) - at) + 1)
    )


def refused(
    words: tuple[str, ...], start: int, end: int, lexicon: Lexicon, vocabulary: Vocabulary | None
) -> Refused | None:
    """The name that the words `start` to `end` (exclusive) end with and refuse, the earliest refusal first.

    Only names of the catalog are known to be refused; a title only behind a word that leaves something out ("but not", "except"), since
    many begin with "no". None where the whole, or the refusal with its name, is a name itself ("no doubt", "sin ti").
    """
    if vocabulary is None or known(" ".join(words[start:end]), vocabulary)[0]:
        return None
    for at in range(start, end - 1):
        for size in range(min(_LONGEST, end - at - 1), 0, -1):
            said = " ".join(words[at : at + size])
            if not lexicon.has("negations", said):
                continue
            if known(" ".join(words[at:end]), vocabulary)[0]:
                return None
            found = _name(words, at + size, end, said, lexicon, vocabulary)
            if found is not None:
                return Refused(at, *found)
    return None


def _name(
    words: tuple[str, ...], start: int, end: int, said: str, lexicon: Lexicon, vocabulary: Vocabulary
) -> tuple[str, str] | None:
    while start < end and words[start] in _BETWEEN:
        start += 1
    text = " ".join(words[start:end])
    if not text or lexicon.has("no_name", text):
        return None
    artist = vocabulary.artist(text)
    if artist is not None and (" " in text or vocabulary.artists[artist] >= _FAMOUS):
        return "artist", artist
    leaves_out = said in _PLAIN or (
        lexicon.has("exclusions", said) and said not in ("sin", "without", "menos", "minus")
    )
    return ("title", text) if leaves_out and start > 0 and text in vocabulary.titles else None
