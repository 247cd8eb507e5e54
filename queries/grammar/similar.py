"""Requests for music that is like something ("songs like bohemian rhapsody", "algo parecido a shakira")."""

from __future__ import annotations

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
    "parecido a",
    "parecida a",
    "parecidos a",
    "parecidas a",
    "similar a",
    "similares a",
    "al estilo de",
    "del estilo de",
    "tipo",
    "como",
    "estilo",
)
_LONGEST_FIRST = sorted(_LINKS, key=len, reverse=True)
_SHORT_LINKS = frozenset({"like", "como", "tipo", "estilo"})
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
        "for",
        "find",
        "me",
        "give",
        "suggest",
        "share",
        "recommend",
        "know",
        "of",
        "i",
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
_MOST_BEFORE = 6  # words before the link
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


def likened(words: str) -> str | None:
    """What the music is to be like: the words after a phrase of likeness; None without one.

    Before the phrase only classes of music and fillers may stand ("any songs or artists similar to …").

    Args:
        words: The stripped form of a request.
    """
    parts = words.split()
    for at in range(min(_MOST_BEFORE + 1, len(parts))):
        rest = " ".join(parts[at:])
        link = next((one for one in _LONGEST_FIRST if rest.startswith(f"{one} ")), None)
        has_class = any(part in _CLASSES for part in parts[:at])
        if link is not None and (has_class or link not in _SHORT_LINKS):
            subject = rest[len(link) + 1 :]
            return next(
                (subject.removeprefix(noun) for noun in _NOUNS if subject.startswith(noun) and subject != noun), subject
            )
        if parts[at] not in _CLASSES | _FILLERS:
            return None
    return None
