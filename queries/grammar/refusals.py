"""Finds a name that a request refuses ("pop but no taylor swift", "todo menos shakira"), so that it is not read as requested."""

from __future__ import annotations

from dataclasses import dataclass

from queries.catalog.vocabulary import Vocabulary
from queries.grammar.known import lookup_name
from queries.grammar.lexicon import Lexicon

_LINK_WORDS = frozenset(
    {"by", "from", "of", "de", "a", "al", "con", "any", "anything", "songs", "music", "canciones", "musica", "nada"}
)
"""Words that may come between the refusal and the name: "not by", "nada de"."""
_CLEAR_EXCLUSIONS = frozenset({"but not", "but no", "pero no"})
_JOINS = frozenset({"and", "or", "nor", "y", "e", "o", "u", "ni"})
_LONGEST = 6
_LONGEST_TITLE = 12  # words
_LONGEST_LIST = 12  # words of several refused artists
_FAMOUS = 50.0  # lowest popularity of an artist with a one-word name: "without you" refuses nobody


@dataclass(frozen=True)
class RefusedNames:
    """Refused names: `start` is the first word of the refusal, `kind` artist or title, `names` folded as in the catalog."""

    start: int
    kind: str
    names: tuple[str, ...]


def has_refusal(words: tuple[str, ...], lexicon: Lexicon) -> bool:
    """Whether the request contains a negation; a cheap test, since most requests contain none."""
    begins = lexicon.negating
    return any(
        lexicon.has("negations", " ".join(words[at : at + size]))
        for at in range(len(words))
        if words[at] in begins
        for size in range(1, min(_LONGEST, len(words) - at) + 1)
    )


def refused_names(
    words: tuple[str, ...], start: int, end: int, lexicon: Lexicon, vocabulary: Vocabulary | None
) -> RefusedNames | None:
    """What is refused at the end of a request: a negation followed by names of the catalog; the earliest negation is taken.

    Several names are artists ("except madonna and prince"). A title counts only after an excluding phrase ("but not", "except"),
    because many titles begin with "no". None if the whole, or the negation with its name, is itself a name ("no doubt", "sin ti"),
    or without a catalog.

    Args:
        words: The words of the normal form.
        start: First word of the stripped form.
        end: The word after its last one.
        lexicon: Gives the negations.
        vocabulary: The names of the catalog.
    """
    if vocabulary is None or lookup_name(" ".join(words[start:end]), vocabulary)[0]:
        return None
    for at in range(start, end - 1):
        for size in range(min(_LONGEST, end - at - 1), 0, -1):
            negation = " ".join(words[at : at + size])
            if not lexicon.has("negations", negation):
                continue
            if any(
                " ".join(words[start:stop]) in vocabulary.titles
                for stop in range(at + size + 1, min(end, start + _LONGEST_TITLE))
            ):
                return None  # "mapa sin nombre de lucia ferran": the negation is part of a title
            if lookup_name(" ".join(words[at:end]), vocabulary)[0]:
                return None
            refused = _names(words, at + size, end, negation, lexicon, vocabulary)
            if refused is not None:
                return RefusedNames(at, *refused)
    return None


def _names(
    words: tuple[str, ...], start: int, end: int, negation: str, lexicon: Lexicon, vocabulary: Vocabulary
) -> tuple[str, tuple[str, ...]] | None:
    """Kind and folded names of what stands after a negation, None if it is no name."""
    if words[start : start + 2] == ("la", "version"):
        start += 2
    if end - start > 1 and words[end - 1] in ("version", "cover"):
        end -= 1  # "but not the weezer version"
    while start < end and words[start] in _LINK_WORDS:
        start += 1
    text = " ".join(words[start:end])
    if not text or lexicon.has("no_name", text):
        return None
    artists = _artists(words[start:end], lexicon, vocabulary)
    if artists is not None:
        return "artist", artists
    if text in lexicon.phrases:
        return None  # "que no sea jazz" refuses the genre, whatever the titles of the catalog
    is_exclusion = negation in _CLEAR_EXCLUSIONS or (
        lexicon.has("exclusions", negation) and negation not in ("sin", "without", "menos", "minus")
    )
    return ("title", (text,)) if is_exclusion and start > 0 and text in vocabulary.titles else None


def _artists(words: tuple[str, ...], lexicon: Lexicon, vocabulary: Vocabulary) -> tuple[str, ...] | None:
    """The folded artists of which the words consist, joined by "and" or "or"; None if they are others or too little known."""
    text = " ".join(words)
    artist = vocabulary.artist(text)
    if artist is not None and (" " in text or vocabulary.artists[artist] >= _FAMOUS):
        return (artist,)
    nicknamed = next((one for one in map(vocabulary.artist, lexicon.works.get(text, ())) if one is not None), None)
    if nicknamed is not None:
        return (nicknamed,)  # "no mozart"
    for at in range(1, len(words) - 1) if len(words) <= _LONGEST_LIST else ():
        if words[at] in _JOINS:
            first = vocabulary.artist(" ".join(words[:at]))
            others = _artists(words[at + 1 :], lexicon, vocabulary) if first is not None else None
            if first is not None and others is not None:
                return (first, *others)
    return None
