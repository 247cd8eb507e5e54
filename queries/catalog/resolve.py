"""Resolves names that the catalog does not have as they were said: misspelled, by sound, by initials, in other word order."""

from __future__ import annotations

from dataclasses import dataclass

from queries.catalog.index import CatalogIndex
from queries.catalog.linker import Linker
from queries.catalog.vocabulary import name_forms
from queries.text.phonetic import sounds_like

LEAST_LIKENESS = 0.85  # of an artist's name: a name that is only a part of it, as "one" of "one republic", is below
LEAST_RATIO = 84.0  # edit similarity of a title or album, 0 to 100
SHORT = 4  # letters; in a shorter name one changed letter makes another name
_NOUNS = frozenset({"song", "songs", "music", "track", "cancion", "canciones", "musica", "tema", "temas"})
TRIED = 12  # tracks of the linker whose names are compared


@dataclass(frozen=True)
class Resolved:
    """Names of one entity of the catalog, folded, and how alike what was said is to them, 0 to 1. None: not named."""

    artist: str | None = None
    title: str | None = None
    album: str | None = None
    likeness: float = 1.0


class Resolver:
    """Finds the entity that was meant by the linker's tracks and the index of artists' names. Building reads each track once."""

    def __init__(self, catalog: CatalogIndex) -> None:
        self._catalog = catalog
        self._rows = {track: row for row, track in enumerate(catalog.track_ids)}
        self._linker = Linker(catalog)

    def artist(self, words: str) -> tuple[str, float] | None:
        """The artist that `words` (a normal form) most likely names, with the likeness; None if it is below 0.85."""
        known = self._catalog.vocabulary.artist(words)
        if known is not None:
            return known, 1.0
        likeness_of = {
            name: max(likeness, alike(words, name, "en"))
            for name, likeness in self._linker.artists.similar_names(words).items()
        }
        popularity = self._catalog.vocabulary.artists
        best = sorted(likeness_of, key=lambda name: (-likeness_of[name], -popularity.get(name, 0.0), name))[:1]
        return (best[0], likeness_of[best[0]]) if best and likeness_of[best[0]] >= LEAST_LIKENESS else None

    def recording(self, words: str, artist: str | None, locale: str, *, is_album: bool = False) -> Resolved | None:
        """The title (or album) that `words` most likely names, of the linker's tracks; None if none is near enough.

        Args:
            words: The words of the title or album, a normal form.
            artist: The folded artist that is named beside it, or None; only its tracks count.
            locale: The locale of the request.
            is_album: Whether an album is named.
        """
        request = words if artist is None else f"{words} {artist}"
        best: Resolved | None = None
        for track, _ in self._linker.candidates(request, locale, TRIED):
            row = self._rows[track]
            singers = {form for name in self._catalog.artist_names[row] for form in name_forms(name)}
            if artist is not None and artist not in singers:
                continue
            name = self._catalog.album_names[row] if is_album else self._catalog.title_names[row]
            for form in name_forms(name):
                likeness = alike(words, form, locale)
                if likeness and (best is None or likeness > best.likeness):
                    title, album = (None, form) if is_album else (form, None)
                    best = Resolved(artist, title, album, likeness)
        return best

    def request(self, words: str, locale: str) -> Resolved | None:
        """The artist, title, or title by artist that the words of a whole request most likely name; None if none is near enough."""
        words = _without_nouns(words)
        best: Resolved | None = None
        if (named := self.artist(words)) is not None:
            best = Resolved(artist=named[0], likeness=named[1])
        for track, _ in self._linker.candidates(words, locale, TRIED):
            row = self._rows[track]
            singers = [name_forms(name)[0] for name in self._catalog.artist_names[row][:1] if name_forms(name)]
            for title in name_forms(self._catalog.title_names[row]):
                options = [(title, Resolved(title=title))]
                options += [
                    (f"{one} {other}", Resolved(singer, title))
                    for singer in singers
                    for one, other in ((title, singer), (singer, title))
                ]
                for text, entity in options:
                    likeness = alike(words, text, locale)
                    if likeness and (best is None or likeness > best.likeness):
                        best = Resolved(entity.artist, entity.title, None, likeness)
        return best


def _without_nouns(words: str) -> str:
    """The words without nouns for music at their ends ("stay song"), unless nothing else is left."""
    kept = words.split()
    while len(kept) > 1 and kept[-1] in _NOUNS:
        kept = kept[:-1]
    while len(kept) > 1 and kept[0] in _NOUNS:
        kept = kept[1:]
    return " ".join(kept)


def alike(words: str, name: str, locale: str) -> float:
    """How alike two normal forms are, 0 to 1: by edit similarity (rapidfuzz's ratio, from 84 on), or .88 if they sound alike.

    0 if they are not alike. Of names shorter than four letters only an equal one is.
    """
    from rapidfuzz import fuzz

    if words.replace(" ", "") == name.replace(" ", ""):
        return 1.0
    if min(len(words), len(name)) < SHORT:
        return 0.0
    ratio = fuzz.ratio(words, name)
    if ratio >= LEAST_RATIO:
        return float(ratio) / 100
    key = sounds_like(words, locale[:2])
    return 0.88 if len(key) >= SHORT and key == sounds_like(name, locale[:2]) else 0.0
