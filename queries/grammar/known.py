"""Names of the catalog: what a text is known as, and when constraints explain it better."""

from queries.catalog.vocabulary import Vocabulary
from queries.grammar.phrase import Stretch

_KNOWN_POPULARITY = 50.0
"""A bare mood word ("happy") is a song's name from this popularity on."""
_ARTIST_MARGIN = 15.0
"""A text that is both artist and title is the artist unless the title is this much more popular."""


def known(text: str, vocabulary: Vocabulary) -> tuple[str, float, str]:
    """(kind, popularity, folded) of a text that is an artist, a title or an album; ("", -1, "") if it is none."""
    artist = vocabulary.artist(text)
    title = vocabulary.titles.get(text, -1.0)
    if artist is not None and (title < 0 or vocabulary.artists[artist] >= title - _ARTIST_MARGIN):
        if artist != text and text in vocabulary.titles:
            return "title", title, text
        return "artist", vocabulary.artists[artist], artist
    if title >= 0:
        return "title", title, text
    if text in vocabulary.albums and " " in text:
        return "album", vocabulary.albums[text], text
    return "", -1.0, ""


def reads_as_constraints(way: Stretch, popularity: float, kind: str) -> bool:
    """Whether constraints explain a known name better: "rock" and "90s" always, "happy" unless it is a hit."""
    if way.core() is not None or not (way.inside or way.lexicon.has("generic", way.text)):
        return False
    if way.lexicon.has("listening", way.text):  # "play" alone: the song, if there is one
        return False
    if way.speaks_of_music() or way.lexicon.has("generic", way.text):
        return True
    if all(one.is_weak for one in way.inside):
        return False
    led = way.start > 0 and way.words[way.start - 1] in ("from", "of", "in", "de", "del")
    strong = {one.field for one in way.inside if not one.is_weak}
    if strong & {"genre", "decade"} or (led and "year" in strong):
        return True
    return popularity < _KNOWN_POPULARITY


def find_artist(stretch: Stretch, vocabulary: Vocabulary | None) -> tuple[Stretch, str] | None:
    """The artist at the start of a stretch: its words, and the folded name; None if the catalog knows none."""
    if vocabulary is None:
        return None
    for one in stretch.trimmed():
        folded = vocabulary.artist(one.text) if one.start == stretch.start else None
        if folded:
            return one, folded
    return None
