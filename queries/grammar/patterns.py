"""Patterns of requests that name playlists, albums or "title by artist", by their words only, without the catalog."""

from collections.abc import Collection
from dataclasses import dataclass
from functools import lru_cache

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
FILM = frozenset(["movie", "film", "pelicula"])
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
    "que se llame",
    "que diga",
    "and name it",
    "and call it",
    "and title it",
    "name it",
    "call it",
    "y llamala",
    "y ponle",
    "y ponle de nombre",
    "con nombre",
    "para llamarla",
)
_LIKELY_ADJECTIVES = 3  # words between a playlist and the phrase that names it: "a playlist for me called"
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
INDEFINITE = frozenset({"something", "anything", "stuff", "algo", "cosas"})
_DESCRIBED = frozenset({"songs", "music", "tracks", "tunes", "canciones", "musica", "temas", "rolas", "beats"})
_PURPOSE = frozenset({"for", "about", "when", "while", "para", "pa", "sobre", "cuando", "mientras"})
_LIKENESS = frozenset(
    {"like", "similar", "parecido", "parecida", "parecidas", "parecidos", "similares", "playlist", "lista"}
)
_WHAT_PLAYS = frozenset({"this", "that", "it", "esta", "este", "esa", "ese", "esto", "eso"})
_LOOK_UP = (
    "look up",
    "look for",
    "search",
    "search for",
    "search up",
    "find",
    "find me",
    "go to",
    "go into",
    "open",
    "open up",
    "pull up",
    "bring up",
    "get",
    "busca",
    "buscame",
    "buscar",
    "encuentra",
    "abre",
    "abreme",
    "ve a",
    "ve con",
    "entra a",
    "entra en",
    "metete a",
)
_BY = {
    "en": ("by", "performed by", "sung by", "from", "de", "del"),
    "es": ("de", "del", "por", "interpretada por", "de la", "by"),
}
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
_ARTIST_NOUNS = frozenset({"artist", "band", "group", "singer", "rapper", "artista", "grupo", "banda", "cantante"})
_TYPE_NOUNS = frozenset({"song", "track", "tune", "cancion", "tema", "called", "pista"})
_LONGEST_LEAD = 4
_LONGEST_ALBUM = 6


@dataclass(frozen=True)
class PlaylistRequest:
    """A request for a playlist.

    Attributes:
        name: The name of the playlist.
        added: What is to be added to it; None if the request names nothing.
        is_called: Whether a phrase such as "called" comes before the name.
        is_sure: Whether the wording leaves no doubt: "called X", "my X playlist", or something is added to it.
    """

    name: Span
    added: Span | None
    is_sure: bool
    is_called: bool = False


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
    after = at + size
    for naming in range(at + size, min(at + size + _LIKELY_ADJECTIVES, request.end) + 1):
        if (named := _skip_phrase(words, naming, request.end, _CALLED)) > naming:
            after = named
            break
    has_naming_phrase = after > at + size
    if words[at].startswith("lista") and after < request.end and words[after] in ("de", "del"):
        after += 1
    if after < request.end and (has_naming_phrase or not request.lexicon.has("no_name", words[after])):
        name = request.cut(after, request.end)
        is_described = name.core() is None and bool(name.inside) and not has_naming_phrase  # "una lista para yoga"
        return PlaylistRequest(name, None, not is_described, has_naming_phrase)
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


def described_from(request: Span) -> int | None:
    """The word from which music is described by what it is for or about ("songs for a long drive"); None if it is not described.

    What is added to a list ("add music to …") or is like something ("songs similar to …") is not described.
    """
    words = request.words
    if any(word in _LIKENESS for word in words[request.start : request.end]):
        return None
    for at in range(request.start, min(request.start + _LONGEST_LEAD + 2, request.end - 2)):
        if words[at] in _ADD:
            return None
        is_indefinite = words[at] in INDEFINITE
        if (is_indefinite or words[at] in _DESCRIBED) and (
            words[at + 1] in _PURPOSE or (is_indefinite and words[at + 1] == "to")
        ):
            return at + 1
    return None


def adds_what_plays(request: Span) -> bool:
    """Whether what plays is to be added to a list: "add this song to …", "mete esa en …"."""
    words = request.words
    for at in range(request.start, min(request.end - 2, request.start + _LONGEST_LEAD)):
        if words[at] in _ADD and words[at + 1] in _WHAT_PLAYS:
            return any(word in _TO for word in words[at + 2 : at + 4])
    return False


def after_version(request: Span) -> Span | None:
    """What comes after "the live version of", "la version acustica de", "the remix of"; None where a request does not begin so."""
    words = request.words
    first = words[request.start : min(request.start + _LONGEST_LEAD, request.end)]
    versions = ["version", *(words[one.end - 1] for one in request.inside if one.field == "version")]
    at = next((request.start + first.index(word) for word in versions if word in first), None)
    if at is None or (words[at : at + 2] == ("version", "of") and at == request.start):
        return None  # "version of me" is a title
    furthest = at + _LONGEST_LEAD if words[at] == "version" else at + 2
    of = next((n for n in range(at + 1, min(furthest, request.end - 1)) if words[n] in ("of", "de", "del")), None)
    return None if of is None else request.cut(of + 1, request.end)


def looked_up(request: Span) -> tuple[Span, Span] | None:
    """What is looked up and what is then played, of "look up X and play Y", "busca a X y pon Y"; None for other requests."""
    words, carriers = request.words, request.lexicon.grammar.merged
    start = _skip_phrase(words, request.start, request.end, _LOOK_UP)
    if start == request.start:
        return None
    start += words[start] == "a" and start + 1 < request.end
    for at in range(start + 1, request.end - 2):
        if words[at] not in ("and", "y", "e"):
            continue
        for size in range(min(carriers.longest, request.end - at - 2), 0, -1):
            if " ".join(words[at + 1 : at + 1 + size]) in carriers.prefixes:
                return request.cut(start, at), request.cut(at + 1 + size, request.end)
    return None


def album_names(request: Span, bare: Span, albums: Collection[str] = ()) -> list[tuple[Span, Span | None]]:
    """What may be the album and the artist (None if not named) of "the album X by Y", "X album by Y", "el disco X de Y".

    One for each word that may join them, the last such word first; [] if no album is asked for.

    Args:
        request: The whole request.
        bare: Its stripped form.
        albums: The albums of the catalog, which may begin with words that are else no name ("the album i dance for you").
    """
    at, size = _find_phrase(request, _ALBUM)
    if at < 0:
        return []
    words, lexicon, end = request.words, request.lexicon, bare.end
    after = _skip_phrase(words, at + size, end, _CALLED)
    joins = [split for split in range(end - 2, after, -1) if words[split] in ("by", "de", "del")]
    is_known = any(" ".join(words[after:split]) in albums for split in (*joins, end))
    if after < end and (is_known or not (lexicon.has("no_name", words[after]) and after == at + size)):
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
        by = request.cut(after + 1, end) if after + 1 < end and words[after] in ("by", "from", "de", "del") else None
        return [(name, by)]
    return []


def owned_names(request: Span) -> list[tuple[Span, Span | None]]:
    """The words after "the album of", which may name an artist and then the album: "el disco de radiohead ok computer"; [] without them."""
    at, size = _find_phrase(request, _ALBUM)
    after = at + size
    if at < 0 or after + 2 >= request.end or request.words[after] not in ("by", "de", "del", "of"):
        return []
    return [(request.cut(after + 1, request.end), None)]


def soundtrack_names(request: Span) -> list[tuple[Span, bool]]:
    """What a soundtrack may be of, the longest first, and whether a soundtrack or film is spoken of.

    These are the words after "soundtrack of" or "songs from the movie", or those before "soundtrack"; without such nouns the words
    after "music from", which may be of anything.

    Args:
        request: The request, without the words that are stripped from its end.
    """
    at, size = _find_phrase(request, _SOUNDTRACK)
    if at < 0:
        return _of_film(request)
    words, end = request.words, request.end
    spans = [request.cut(start, end) for start in range(at + size + 1, end) if words[start - 1] in _OF_SOUNDTRACK]
    spans += [request.cut(start, at) for start in range(request.start, at)]
    return [(span, True) for span in sorted(spans, key=lambda span: span.start - span.end)]


def _of_film(request: Span) -> list[tuple[Span, bool]]:
    """The words after "music from", "the songs of the film", "la musica de la pelicula", with whether a film is spoken of."""
    words, end = request.words, request.end
    at = next((n for n in range(request.start, min(request.start + _LONGEST_LEAD, end)) if words[n] in _DESCRIBED), end)
    if at + 2 >= end or words[at + 1] not in ("from", "of", "de"):
        return []
    start = at + 2
    while start < end - 1 and words[start] in _OF_SOUNDTRACK and not FILM & {words[start]}:
        start += 1
    if words[start] in FILM and start + 1 < end:
        return [(request.cut(start + 1, end), True)]
    return [(request.cut(at + 2, end), False)] if words[at + 1] == "from" else []


def splits(request: Span, language: str) -> list[tuple[Span, Span]]:
    """Every (left, right) around a word that joins a title and its artist ("by", "de"), the last such word first."""
    pairs = []
    for at in range(request.end - 2, request.start, -1):
        for size in (2, 1):
            phrase = " ".join(request.words[at : at + size])
            if phrase in _BY.get(language, _BY["en"]) and at + size < request.end:
                name = _after_artist_noun(request, at + size)
                pairs.append((request.cut(request.start, at), request.cut(name, request.end)))
                break
    return pairs


def _after_artist_noun(request: Span, start: int) -> int:
    """The first word of the name in "from artist X" and "by the band X"; `start` if no such noun stands before a name."""
    noun = start + (request.words[start] in _OWNERS)
    return noun + 1 if noun + 1 < request.end and request.words[noun] in _ARTIST_NOUNS else start


def without_type_words(name: Span) -> Span:
    """A title without the words around it that say what it is: "the song", "la cancion"."""
    start, end = name.start, name.end
    while start < end - 1 and name.words[start] in _TYPE_WORDS and _TYPE_NOUNS & set(name.words[start : start + 3]):
        start += 1
    if end - start > 1 and name.words[end - 1] in _TYPE_NOUNS:
        end -= 1
    return name.cut(start, end)


def _find_phrase(request: Span, phrases: tuple[str, ...]) -> tuple[int, int]:
    begins = _first_words(phrases)
    for at in range(request.start, request.end):
        if request.words[at] not in begins:
            continue
        for size in (3, 2, 1):
            if at + size <= request.end and " ".join(request.words[at : at + size]) in phrases:
                return at, size
    return -1, 0


@lru_cache
def _first_words(phrases: tuple[str, ...]) -> frozenset[str]:
    return frozenset(phrase.split(" ", 1)[0] for phrase in phrases)


def _skip_phrase(words: tuple[str, ...], at: int, end: int, phrases: tuple[str, ...]) -> int:
    for size in (4, 3, 2, 1):
        if at + size < end and " ".join(words[at : at + size]) in phrases:
            return at + size
    return at
