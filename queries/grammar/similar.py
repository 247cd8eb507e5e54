"""Requests for music that is like something ("songs like bohemian rhapsody", "algo parecido a shakira")."""

from __future__ import annotations

from collections.abc import Iterator

_LINKS = (
    "like",
    "similar to",
    "similar songs to",
    "similar music to",
    "similar artists to",
    "similar bands to",
    "similar tracks to",
    "in the style of",
    "in the vein of",
    "that sounds like",
    "that sound like",
    "sounding like",
    "sounds like",
    "along the lines of",
    "in the same style as",
    "in same style as",
    "in a similar style to",
    "similar in style to",
    "similar type of music as",
    "similar type of music to",
    "similar kind of music to",
    "with the same vibe as",
    "with a similar vibe to",
    "with a similar sound to",
    "with the same sound as",
    "in a similar vein to",
    "that are similar to",
    "thats similar to",
    "that is similar to",
    "that are like",
    "thats like",
    "that is like",
    "kind of like",
    "sort of like",
    "reminiscent of",
    "such as",
    "parecido a",
    "parecida a",
    "parecidos a",
    "parecidas a",
    "similar a",
    "similares a",
    "al estilo de",
    "del estilo de",
    "por el estilo de",
    "del mismo estilo que",
    "en la linea de",
    "en la onda de",
    "que se parezca a",
    "que se parezcan a",
    "que suene a",
    "que suenen a",
    "que suene como",
    "que suenen como",
    "tipo",
    "como",
    "estilo",
)
_BY_FIRST_WORD = {
    first: sorted((link for link in _LINKS if link.split()[0] == first), key=len, reverse=True)
    for first in {link.split()[0] for link in _LINKS}
}
"""The links that begin with a word, the longest first."""
_SHORT_LINKS = frozenset({"like", "such as", "kind of like", "sort of like", "como", "tipo", "estilo"})
"""Links that need a class of music before them: "like a virgin" is a title."""
_CLASSES = frozenset(
    (
        "songs",
        "song",
        "music",
        "stuff",
        "something",
        "anything",
        "artists",
        "artist",
        "bands",
        "band",
        "albums",
        "album",
        "tracks",
        "playlist",
        "playlists",
        "more",
        "algo",
        "canciones",
        "cancion",
        "musica",
        "cosas",
        "artistas",
        "grupos",
        "bandas",
        "temas",
        "rolas",
        "mas",
        "discos",
        "lista",
    )
)
_FILLERS = frozenset(
    (
        "any",
        "some",
        "other",
        "looking",
        "trying",
        "searching",
        "im",
        "i",
        "to",
        "for",
        "find",
        "me",
        "give",
        "suggest",
        "share",
        "recommend",
        "know",
        "of",
        "want",
        "need",
        "a",
        "the",
        "list",
        "new",
        "and",
        "or",
        "similar",
        "suggestions",
        "maybe",
        "otras",
        "otros",
        "otra",
        "alguna",
        "algunas",
        "algun",
        "busco",
        "quiero",
        "dame",
        "recomiendame",
        "unas",
        "unos",
        "de",
        "o",
        "y",
    )
)
_MANNERS = frozenset(
    (
        "vibe",
        "vibes",
        "sound",
        "sounds",
        "feel",
        "feeling",
        "style",
        "beat",
        "energy",
        "mood",
        "rollo",
        "onda",
        "sonido",
    )
)
"""What a thing may have that is like another's: "a happy vibe like lean on"."""
_MOST_BEFORE = 7  # words before the link
_NOUNS = (
    "the song ",
    "the artist ",
    "the band ",
    "the album ",
    "the group ",
    "la cancion ",
    "el grupo ",
    "el artista ",
    "el disco ",
    "lo de ",
    "el de ",
    "la de ",
    "los de ",
    "las de ",
)


_ASKED_AFTER = (
    "play something similar",
    "play anything similar",
    "play more like that",
    "play similar songs",
    "pon algo parecido",
    "pon algo similar",
    "ponme algo parecido",
    "anything similar",
    "something similar",
    "anything else like that",
    "anything like that",
    "something like that",
    "more like that",
    "more like this",
    "any similar songs",
    "any similar artists",
    "any similar bands",
    "similar suggestions",
    "what are some similar artists",
    "what are some other similar artists",
    "what are some similar songs",
    "what are some similar bands",
    "what other artists might i like",
    "what other bands might i like",
    "what else might i like",
    "what else will i like",
    "what else would i like",
    "what should i listen to next",
    "que otros artistas me pueden gustar",
    "que mas me puede gustar",
    "algo parecido",
    "algo similar",
    "algo asi",
    "cosas parecidas",
)
"""Phrases at the end of a request, which asks for what is like what it names before them."""
_LIKED = (
    "i really enjoyed",
    "really enjoyed",
    "i enjoyed",
    "i enjoy",
    "i really like",
    "i really love",
    "i like",
    "i love",
    "ive been listening to",
    "been listening to",
    "ive been into",
    "finally got into",
    "i got into",
    "just discovered",
    "im a fan of",
    "im a big fan of",
    "im a huge fan of",
    "i am a huge fan of",
    "if i like",
    "if i love",
    "si me gusta",
    "soy fan de",
    "im into",
    "me gusta",
    "me gustan",
    "me encanta",
    "me encantan",
)


def likened(words: str) -> str | None:
    """What the music is to be like: the words after a phrase of likeness; None without one.

    Before the phrase only classes of music and fillers may stand ("any songs or artists similar to …"). What is liked may also come
    first ("i love queen anything similar").

    Args:
        words: The stripped form of a request.
    """
    if words.endswith(_ASKED_AFTER) and words.startswith(_LIKED):
        asked = max((phrase for phrase in _ASKED_AFTER if words.endswith(f" {phrase}")), key=len, default=None)
        lead = max((phrase for phrase in _LIKED if words.startswith(f"{phrase} ")), key=len, default=None)
        if asked is not None and lead is not None:
            return _without_noun(words[len(lead) + 1 :].removesuffix(f" {asked}"))
    parts = words.split()
    for at in range(min(_MOST_BEFORE + 1, len(parts))):
        rest, link = _link(parts, at)
        has_class = any(part in _CLASSES for part in parts[:at])
        if link is not None and (has_class or link not in _SHORT_LINKS):
            return _without_noun(rest[len(link) + 1 :])
        if parts[at] not in _CLASSES and parts[at] not in _FILLERS:
            return None
    return None


def _link(parts: list[str], at: int) -> tuple[str, str | None]:
    """(the words from `at` on, the longest phrase of likeness with which they begin, before more words); ("", None) without one."""
    links = _BY_FIRST_WORD.get(parts[at])
    if links is None:
        return "", None
    rest = " ".join(parts[at:])
    return rest, next((one for one in links if rest.startswith(f"{one} ")), None)


def likened_within(words: str) -> Iterator[str]:
    """What the music may be to be like where other words stand before a class of music: the words after each phrase of likeness.

    Such as "lean on" of "songs that have a happy vibe like lean on". Any words may stand there, so a caller takes what the catalog has.

    Args:
        words: The stripped form of a request.
    """
    parts = words.split()
    first_class = next((at for at, part in enumerate(parts) if part in _CLASSES), len(parts))
    for at in range(first_class + 1, len(parts)):
        rest, link = _link(parts, at)
        if link is None and parts[at] == "as" and parts[at + 2 : at + 3] == ["as"]:
            rest, link = " ".join(parts[at:]), " ".join(parts[at : at + 3])  # "songs as beautiful as …"
        if link is not None and (link not in _SHORT_LINKS or parts[at - 1] in _MANNERS or parts[at - 1] in _CLASSES):
            yield _without_noun(rest[len(link) + 1 :])


def _without_noun(subject: str) -> str:
    """A subject without the noun before it: "the band queen"."""
    return next(
        (subject.removeprefix(noun) for noun in _NOUNS if subject.startswith(noun) and subject != noun), subject
    )
