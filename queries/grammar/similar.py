"""Requests for music that is like something ("songs like bohemian rhapsody", "algo parecido a shakira")."""

from __future__ import annotations

_KINDS = ("songs", "music", "stuff", "something", "artists", "bands", "more", "more songs", "more music", "more stuff")
_LIKE = tuple(f"{kind} {link}" for kind in _KINDS for link in ("like", "similar to"))
_LIKE += ("similar to", "similar artists to", "in the style of", "in the vein of")
_CLASSES = ("algo", "canciones", "musica", "cosas", "artistas", "temas", "rolas", "mas", "mas canciones", "mas musica")
_PARECIDO = (
    "parecido a",
    "parecida a",
    "parecidos a",
    "parecidas a",
    "similar a",
    "similares a",
    "como",
    "al estilo de",
)
_LIKE += tuple(f"{kind} {link}" for kind in _CLASSES for link in (*_PARECIDO, "del estilo de", "tipo"))
_LIKE += tuple(link for link in _PARECIDO if link != "como")
_LONGEST_FIRST = sorted(_LIKE, key=len, reverse=True)
_NOUNS = (
    "the song ",
    "the artist ",
    "the band ",
    "la cancion ",
    "el grupo ",
    "lo de ",
    "el de ",
    "la de ",
    "los de ",
    "las de ",
)


def likened(words: str) -> str | None:
    """What the music is to be like: the words after the phrase with which a stripped form begins; None without one.

    Args:
        words: The stripped form of a request.
    """
    phrase = next((one for one in _LONGEST_FIRST if words.startswith(f"{one} ")), None)
    if phrase is None:
        return None
    rest = words[len(phrase) + 1 :]
    return next((rest.removeprefix(noun) for noun in _NOUNS if rest.startswith(noun) and rest != noun), rest)
