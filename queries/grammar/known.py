"""Looks up names in the catalog, and decides when a name is better explained as constraints."""

from queries.catalog.vocabulary import Vocabulary, is_owner
from queries.grammar.patterns import INDEFINITE
from queries.grammar.phrase import Span

_KNOWN_POPULARITY = 50.0
_HIT = 60.0  # popularity from which a name of a genre and a mood, or of other two fields, is meant as the name
"""A mood word alone ("happy") is a title if the catalog's title has at least this popularity."""
_THE_SONG = frozenset({("the", "song"), ("the", "track"), ("la", "cancion"), ("el", "tema")})
_WITH = frozenset({"and", "y", "e", "with", "con", "feat", "ft", "featuring", "x"})
_ARTIST_MARGIN = 15.0
"""A text that is both artist and title counts as the artist unless the title is more popular by more than this."""


def lookup_name(text: str, vocabulary: Vocabulary) -> tuple[str, float, str]:
    """Look a text up among artists, titles and albums.

    Returns:
        (kind, popularity, folded name); ("", -1, "") if the catalog has no such name. Albums of one word are not looked up.
    """
    artist = vocabulary.artist(text)
    if artist is not None and is_owner(text, artist):
        artist = None
    title = vocabulary.titles.get(text, -1.0)
    if artist is not None and (title < 0 or vocabulary.artists[artist] >= title - _ARTIST_MARGIN):
        is_likelier = title >= vocabulary.artists[artist] - _ARTIST_MARGIN
        if artist != text and text in vocabulary.titles and is_likelier:
            return "title", title, text
        return "artist", vocabulary.artists[artist], artist
    if title >= 0:
        return "title", title, text
    if text in vocabulary.albums and " " in text:
        return "album", vocabulary.albums[text], text
    return "", -1.0, ""


def reads_as_constraints(span: Span, popularity: float, kind: str) -> bool:
    """Whether a name of the catalog is better explained as constraints: "rock" and "90s" always, "happy" unless it is a hit.

    Args:
        span: The words of the name.
        popularity: Popularity of the name; -1 if unknown.
        kind: Its kind in the catalog (not used).
    """
    if span.core() is not None or not (span.inside or span.lexicon.has("generic", span.text)):
        return False
    if span.lexicon.has("listening", span.text):  # "play" alone is the song of that name, if there is one
        return False
    if span.has_music_noun() or span.lexicon.has("generic", span.text):
        return True
    if kind == "title" and span.start > 1 and span.words[span.start - 2 : span.start] in _THE_SONG:
        return False  # "the song dance"
    if span.inside and span.start > 0 and span.words[span.start - 1] in INDEFINITE:
        return True  # "something happy" describes music, whatever the hit of that name
    if all(one.is_weak for one in span.inside):
        return False
    led = span.start > 0 and span.words[span.start - 1] in ("from", "of", "in", "de", "del")
    if popularity >= _HIT and len({one.field for one in span.inside}) > 1:
        return False  # "reggaeton lento" is the hit of that name
    explained = sum(one.end - one.start for one in span.inside)
    is_of_time = any(one.field in ("decade", "year") for one in span.inside)
    if kind == "title" and popularity >= _HIT and span.end - span.start > explained and not is_of_time:
        return False  # "la guitarra", "just dance": a word more than the genre has
    strong = {one.field for one in span.inside if not one.is_weak}
    if strong & {"genre", "decade"} or (led and "year" in strong):
        return True
    return popularity < _KNOWN_POPULARITY


def find_artist(span: Span, vocabulary: Vocabulary | None) -> tuple[Span, str] | None:
    """The artist at the start of a span, as (its span, folded name); None if the catalog has none."""
    if vocabulary is None:
        return None
    for one in span.trimmed():
        folded = vocabulary.artist(one.text) if one.start == span.start else None
        if folded:
            return one, folded
    several = artists_in(span, vocabulary)
    return (span, several[0]) if several else None


def artists_in(span: Span, vocabulary: Vocabulary) -> list[str]:
    """The folded artists of a span that joins two names of the catalog ("shakira y carlos vives"); [] if it does not."""
    for at in range(span.start + 1, span.end - 1):
        if span.words[at] in _WITH:
            right = at + 2 if span.words[at + 1] == "a" and at + 2 < span.end else at + 1  # "a maluma y a karol g"
            both = [vocabulary.artist(part.text) for part in (span.cut(span.start, at), span.cut(right, span.end))]
            if all(both):
                return [one for one in both if one]
    return []
