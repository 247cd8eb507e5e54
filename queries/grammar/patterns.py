"""Patterns of requests that name playlists, albums or "title by artist", by their words only, without the catalog."""

from dataclasses import dataclass

from queries.grammar.phrase import Span

_PLAYLIST = (
    "lista de reproduccion",
    "lista de canciones",
    "lista de musica",
    "play list",
    "playlist",
    "playlists",
    "lista",
    "list",
    "playalist",
    "playslist",
    "playlsit",
)
_ALBUM = ("album", "disco", "record", "lp", "ep")
_SOUNDTRACK = ("soundtrack", "sound track", "original soundtrack", "banda sonora", "bso", "ost")
_OF_SOUNDTRACK = frozenset(["of", "to", "from", "for", "the", "movie", "film", "de", "del", "la", "el", "pelicula"])
_CALLED = (
    "called",
    "named",
    "titled",
    "llamada",
    "llamado",
    "titulada",
    "titulado",
    "que se llama",
    "denominada",
    "con el nombre de",
    "con el nombre",
    "de nombre",
    "entitled",
    "with the name",
    "by the name of",
)
_ADD = frozenset(
    (
        "add",
        "put",
        "include",
        "save",
        "keep",
        "remember",
        "download",
        "place",
        "insert",
        "append",
        "move",
        "anade",
        "agrega",
        "incluye",
        "guarda",
        "mete",
        "pon",
        "anadir",
        "agregar",
        "suma",
        "inserta",
        "recuerda",
    )
)
_VERBS = frozenset(["play", "start", "open", "shuffle", "reproduce", "pon", "ponme", "toca", "reproduceme"])
_TO = frozenset(["to", "onto", "into", "on", "in", "a", "en"])
_OWNERS = frozenset(["my", "the", "our", "mi", "la", "el", "nuestra", "mis"])
_BY = {"en": ("by", "performed by", "sung by", "from"), "es": ("de", "del", "por", "interpretada por", "de la", "by")}
_TYPE_WORDS = frozenset(
    {
        "song",
        "track",
        "tune",
        "cancion",
        "tema",
        "the",
        "this",
        "that",
        "a",
        "artist",
        "album",
        "la",
        "el",
        "esta",
        "este",
        "una",
        "un",
        "called",
        "named",
        "single",
        "pista",
    }
)
_TYPE_NOUNS = frozenset({"song", "track", "tune", "cancion", "tema", "called", "pista"})
_LONGEST_LEAD = 4
_LONGEST_ALBUM = 6


@dataclass(frozen=True)
class PlaylistRequest:
    """A request for a playlist.

    Attributes:
        name: The name of the playlist.
        added: What is to be added to it; None if the request names nothing.
        is_sure: Whether the wording leaves no doubt: "called X", "my X playlist", or something is added to it.
    """

    name: Span
    added: Span | None
    is_sure: bool


def playlist_request(request: Span) -> PlaylistRequest | None:
    """The playlist that a request names, or None: "add hello to my gym playlist", "the playlist called X", "my X playlist"."""
    lead = next(
        (
            at
            for at in range(request.start, min(request.end, request.start + _LONGEST_LEAD))
            if request.words[at] in _ADD
        ),
        None,
    )
    if lead is not None:
        return _playlist_addition(request, lead)
    at, size = _find_phrase(request, _PLAYLIST)
    if at < 0:
        return None
    words = request.words
    after = _skip_phrase(words, at + size, request.end, _CALLED)
    has_naming_phrase = after > at + size
    if words[at].startswith("lista") and after < request.end and words[after] in ("de", "del"):
        after += 1
    if after < request.end and (has_naming_phrase or not request.lexicon.has("no_name", words[after])):
        name = request.cut(after, request.end)
        is_described = name.core() is None and bool(name.inside) and not has_naming_phrase  # "una lista para yoga"
        return PlaylistRequest(name, None, not is_described)
    owner = next((start for start in range(at - 1, request.start - 1, -1) if words[start] in _OWNERS), None)
    if owner is not None and owner + 1 < at and not request.lexicon.has("no_name", words[owner + 1]):
        return PlaylistRequest(request.cut(owner + 1, at), None, words[owner] in ("my", "mi"))
    if request.start < at and at + size == request.end and owner is None and words[at].startswith("play"):
        verb = request.start + (words[request.start] in _VERBS)
        return PlaylistRequest(request.cut(verb, at), None, False) if verb < at else None
    return None


def _playlist_addition(request: Span, lead: int) -> PlaylistRequest | None:
    """The playlist Y of "add X to Y", where `lead` is the verb's index.

    Y follows the first joining word that an owner follows ("to my"), else the first joining word. Verbs with other meanings
    ("pon", "put") count only if the request has a playlist's noun or X ends with a noun such as "song".
    """
    words, end = request.words, request.end
    at, size = _find_phrase(request, _PLAYLIST)
    joins = [place for place in range(lead + 1, end - 1) if words[place] in _TO]
    if not joins or (
        at < 0
        and words[lead] in ("pon", "put", "mete", "download", "remember")
        and words[joins[0] - 1] not in _TYPE_NOUNS
    ):
        return None
    owned = [place for place in joins if words[place + 1] in _OWNERS]
    join = owned[0] if owned else joins[0]
    start = join + 1
    while start < end - 1 and (
        words[start] in _OWNERS
        or (words[start].endswith("s") and words[start - 1] in _TO and words[start][:-1] in _OWNERS)
    ):
        start += 1
    for phrase in _PLAYLIST:
        size = phrase.count(" ") + 1
        if tuple(words[start : start + size]) == tuple(phrase.split()) and start + size < end:
            start = _skip_phrase(words, start + size, end, _CALLED)
            break
        if tuple(words[end - size : end]) == tuple(phrase.split()) and end - size > start:
            end -= size
            break
    added = request.cut(lead + 1, join)
    return PlaylistRequest(request.cut(start, end), added if added.core() is not None else None, True)


def album_names(request: Span, bare: Span) -> list[tuple[Span, Span | None]]:
    """What may be the album and the artist (None if not named) of "the album X by Y", "X album by Y", "el disco X de Y".

    One for each word that may join them, the last such word first; [] if no album is asked for.

    Args:
        request: The whole request.
        bare: Its stripped form.
    """
    at, size = _find_phrase(request, _ALBUM)
    if at < 0:
        return []
    words, lexicon, end = request.words, request.lexicon, bare.end
    after = _skip_phrase(words, at + size, end, _CALLED)
    if after < end and not (lexicon.has("no_name", words[after]) and after == at + size):
        joins = [split for split in range(end - 2, after, -1) if words[split] in ("by", "de", "del")]
        return [
            *[(request.cut(after, split), request.cut(split + 1, end)) for split in joins],
            (request.cut(after, end), None),
        ]
    name = request.cut(max(bare.start, request.start), at)
    while name.start < name.end and words[name.start] in _TYPE_WORDS:
        name = request.cut(name.start + 1, at)
    if (
        name.start < name.end <= name.start + _LONGEST_ALBUM
        and name.core() is not None
        and not any(lexicon.has("no_name", word) for word in words[name.start : name.start + 1])
    ):
        by = request.cut(after + 1, end) if after + 1 < end and words[after] in ("by", "de", "del") else None
        return [(name, by)]
    return []


def soundtrack_names(request: Span) -> list[Span]:
    """What a soundtrack may be of, the longest first: the words after "soundtrack of", or those before "soundtrack"; none without it.

    Args:
        request: The request, without the words that are stripped from its end.
    """
    at, size = _find_phrase(request, _SOUNDTRACK)
    if at < 0:
        return []
    words, end = request.words, request.end
    spans = [request.cut(start, end) for start in range(at + size + 1, end) if words[start - 1] in _OF_SOUNDTRACK]
    spans += [request.cut(start, at) for start in range(request.start, at)]
    return sorted(spans, key=lambda span: span.start - span.end)


def splits(request: Span, language: str) -> list[tuple[Span, Span]]:
    """Every (left, right) around a word that joins a title and its artist ("by", "de"), the last such word first."""
    pairs = []
    for at in range(request.end - 2, request.start, -1):
        for size in (2, 1):
            phrase = " ".join(request.words[at : at + size])
            if phrase in _BY.get(language, _BY["en"]) and at + size < request.end:
                pairs.append((request.cut(request.start, at), request.cut(at + size, request.end)))
                break
    return pairs


def without_type_words(name: Span) -> Span:
    """A title without the words around it that say what it is: "the song", "la cancion"."""
    start, end = name.start, name.end
    while start < end - 1 and name.words[start] in _TYPE_WORDS and _TYPE_NOUNS & set(name.words[start : start + 3]):
        start += 1
    if end - start > 1 and name.words[end - 1] in _TYPE_NOUNS:
        end -= 1
    return name.cut(start, end)


def _find_phrase(request: Span, phrases: tuple[str, ...]) -> tuple[int, int]:
    for at in range(request.start, request.end):
        for size in (3, 2, 1):
            if at + size <= request.end and " ".join(request.words[at : at + size]) in phrases:
                return at, size
    return -1, 0


def _skip_phrase(words: tuple[str, ...], at: int, end: int, phrases: tuple[str, ...]) -> int:
    for size in (4, 3, 2, 1):
        if at + size < end and " ".join(words[at : at + size]) in phrases:
            return at + size
    return at
