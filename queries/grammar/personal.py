"""Requests for what only the listener's own account knows ("my liked songs"): no catalog answers them, the caller routes them."""

from __future__ import annotations

_OWNERS = frozenset({"my", "mi", "mis", "our", "nuestra", "nuestras"})
_LIKED = frozenset({"liked", "likes", "saved", "library", "collection", "downloads", "downloaded", "loved", "starred"})
_LIKED |= {"favorite", "favorites", "favourite", "favourites", "favorita", "favoritas", "favorito", "favoritos"}
_LIKED |= {"guardada", "guardadas", "guardados", "biblioteca", "coleccion", "descargas", "descargadas"}
_OTHERS = frozenset({"songs", "song", "music", "tracks", "canciones", "cancion", "musica", "temas", "rolas", "lista"})
_OTHERS |= {"the", "las", "los", "la", "el", "de", "en", "from", "of", "all", "todas", "todos", "list"}
_I_LIKE = ("i like", "i love", "i liked", "ive liked", "ive saved", "que me gusta", "que me gustan", "que he guardado")


def is_personal(words: str) -> bool:
    """Whether a stripped form asks for the listener's own liked or saved music, and for nothing else.

    Args:
        words: The stripped form of a request.
    """
    parts = words.split()
    if _OWNERS & set(parts) and _LIKED & set(parts):
        return all(part in _OWNERS | _LIKED | _OTHERS for part in parts)
    if words == "mis me gusta":
        return True
    ending = next((phrase for phrase in _I_LIKE if words.endswith(f" {phrase}")), None)
    return ending is not None and all(part in _OTHERS for part in words.removesuffix(ending).split())
