"""Resolves names that the catalog does not have as they were said: misspelled, by sound, by initials, joined or parted."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from queries.catalog.near import PART, Alike, MemoryNames, NameStore, similar, with_part
from queries.catalog.vocabulary import ARTICLES, Vocabulary, is_owner

LOST = 0.1
"""What the likeness of a name of popularity 0 would lose, of 50 half of it, of 100 nothing: most slips are in names that many say."""
UNKNOWN_POPULARITY = 50.0  # stands for 0, which a catalog without popularity has throughout
MOST_WORDS = 10  # of a request that is parted into a title and an artist
_JOINERS = frozenset({"by", "de", "from", "of", "del"})
_MUSIC, _ALBUM = frozenset({"music", "musica"}), frozenset({"album", "disco", "record", "lp", "ep"})
_NOUNS = frozenset({"song", "songs", "music", "track", "cancion", "canciones", "musica", "tema", "temas"})


@dataclass(frozen=True)
class Resolved:
    """Names of one entity of the catalog, folded, and how alike what was said is to them. None: not named.

    Attributes:
        artist: The artist.
        title: The title.
        album: The album.
        likeness: 0 to 1, of the name that is least alike; a name that is not equal counts less the less popular it is (LOST).
        by_sound: Whether a name is alike by sound alone.
        spoken: Kind (artist, title, album) and words as they were said, for each name that was looked for.
    """

    artist: str | None = None
    title: str | None = None
    album: str | None = None
    likeness: float = 1.0
    by_sound: bool = False
    spoken: tuple[tuple[str, str], ...] = ()


class Resolver:
    """Finds the names of the catalog that were meant.

    Args:
        names: The names of the catalog.
        works: Name of a work or artist -> its other names (`queries.grammar.lexicon.Lexicon.works`).
        store: The index of similar names; None builds one in memory, about 10 µs a name.
    """

    def __init__(
        self, names: Vocabulary, works: Mapping[str, Sequence[str]] | None = None, store: NameStore | None = None
    ) -> None:
        self._names, self._works = names, works or {}
        self._store = store or MemoryNames(names.by_kind)

    def artist(self, words: str) -> Resolved | None:
        """The artist that `words` (a normal form) most likely names; None if none is alike."""
        known = self._known_artist(words)
        if known is not None:
            return Resolved(artist=known, spoken=(("artist", words),))
        best = next(iter(similar(self._store, "artist", words)), None)
        if best is None:
            return None
        resolved = Resolved(best.name, None, None, best.likeness, best.by_sound, (("artist", words),))
        return self._weighed(resolved)

    def _known_artist(self, words: str) -> str | None:
        """The artist of this name, or of another name of the artist ("beethoven")."""
        return self._names.artist(words) or self.nicknamed(words) or self.nicknamed(words.removesuffix("s"))

    def nicknamed(self, words: str) -> str | None:
        """The artist of whom `words` are another declared name ("beethoven", "chente"); None if they are of none in the catalog."""
        names = (self._names.artist(name) for name in self._works.get(words, ()))
        return next((name for name in names if name is not None), None)

    def recording(self, words: str, artist: str | None, *, is_album: bool = False) -> Resolved | None:
        """The title (or album) that `words` most likely names; None if none is alike.

        Args:
            words: The words of the title or album, a normal form.
            artist: The folded artist that is named beside it, or None; only its recordings count.
            is_album: Whether an album is named.
        """
        kind = "album" if is_album else "title"
        first, _, rest = words.partition(" ")
        forms = [words, rest] if rest and first in ARTICLES else [words]  # "la novena sinfonia"
        if artist is not None and not self._names.has_recording(words, artist, is_album=is_album):
            forms[:0] = [f"{one} {words}" for one in sorted(ARTICLES) if f"{one} {words}" in self._names.by_kind[kind]]
        for one in (one for form in forms for one in self._like(kind, form)):
            if artist is None or self._names.has_recording(one.name, artist, is_album=is_album):
                title, album = (None, one.name) if is_album else (one.name, None)
                return self._weighed(Resolved(artist, title, album, one.likeness, one.by_sound, ((kind, words),)))
        return None

    def request(self, words: str) -> Resolved | None:
        """The artist, title, album, or title by artist that the words of a whole request most likely name; None if none is alike."""
        likely = self._owned_albums(words)
        is_of_artist = words.rsplit(" ", 1)[-1] in _MUSIC  # "goa music" is no title
        words = _without_nouns(words)
        for look_up in (self._whole, self._parted):
            likely += [one for one in look_up(words) if one is not None and not (is_of_artist and one.artist is None)]
            if any(one.likeness == 1.0 for one in likely):
                break
        return max(likely, key=lambda one: (one.likeness, self._popularity(one)), default=None)

    def _whole(self, words: str) -> list[Resolved | None]:
        artist = self.artist(words)
        if artist is not None and is_owner(words, artist.artist or ""):
            artist = None
        return [artist, self.recording(words, None), self.recording(words, None, is_album=True)]

    def _owned_albums(self, words: str) -> list[Resolved]:
        """The albums of "adeles twenty one album" and "el disco de adele veintiuno": an artist, then the album, and a noun for albums."""
        parts = words.split()
        noun = next(
            (at for at, part in enumerate(parts[:2]) if part in _ALBUM and parts[at + 1 : at + 2] == ["de"]), None
        )
        if noun is not None:
            parts = parts[noun + 2 :]
        elif parts and parts[-1] in _ALBUM:
            parts = parts[:-1]
        else:
            return []
        out: list[Resolved | None] = []
        for at in range(1, len(parts) if len(parts) <= MOST_WORDS else 1):
            singer, album = " ".join(parts[:at]), " ".join(parts[at:])
            artist = self._known_artist(singer)
            recording = self.recording(album, artist, is_album=True) if artist is not None else None
            spoken = (("album", album), ("artist", singer))
            out.append(None if recording is None else replace(recording, spoken=spoken))
        return [one for one in out if one is not None]

    def _parted(self, words: str) -> list[Resolved | None]:
        """Titles by an artist of which the words consist, in either order: one of the two is exact, the other may be alike."""
        parts = words.split()
        out: list[Resolved | None] = []
        for at in range(1, len(parts) if len(parts) <= MOST_WORDS else 1):
            left, right = " ".join(parts[:at]), " ".join(parts[at + (at < len(parts) - 1 and parts[at] in _JOINERS) :])
            for title, singer in ((left, right), (right, left)):
                artist = self._known_artist(singer)
                spoken = (("title", title), ("artist", singer))
                if artist is not None:
                    recording = self.recording(title, artist)
                    out.append(None if recording is None else replace(recording, spoken=spoken))
                elif title in self._names.titles:
                    for one in similar(self._store, "artist", singer):
                        if self._names.has_pair(title, one.name):
                            named = Resolved(one.name, title, None, one.likeness, one.by_sound, spoken)
                            out.append(self._weighed(named))
                            break
                    else:
                        if title == left and parts[at] in _JOINERS:
                            out.append(self._by_part_of(singer, title, spoken))
        return out

    def _by_part_of(self, singer: str, title: str, spoken: tuple[tuple[str, str], ...]) -> Resolved | None:
        """The title by the artist who recorded it and of whose name a part was said ("hello by marsh"); None if there is none."""
        artists = with_part(self._store, "artist", singer)
        artist = next((name for name in artists if self._names.has_pair(title, name)), None)
        return None if artist is None else Resolved(artist, title, None, PART, by_sound=False, spoken=spoken)

    def _like(self, kind: str, words: str) -> Iterator[Alike]:
        known = self._names.by_kind[kind]
        if words in known:
            yield Alike(words, 1.0, by_sound=False)
        for other in self._works.get(words, ()):
            if other in known:
                yield Alike(other, 1.0, by_sound=False)
        yield from similar(self._store, kind, words)

    def _weighed(self, one: Resolved) -> Resolved:
        if one.likeness == 1.0:
            return one
        lost = LOST * (1.0 - min(self._popularity(one) or UNKNOWN_POPULARITY, 100.0) / 100.0)
        return replace(one, likeness=round(one.likeness - lost, 6))

    def _popularity(self, one: Resolved) -> float:
        named = {"artist": one.artist, "title": one.title, "album": one.album}
        by_kind = self._names.by_kind
        return min((by_kind[kind].get(name, 0.0) for kind, name in named.items() if name is not None), default=0.0)


def _without_nouns(words: str) -> str:
    """The words without nouns for music at their ends ("stay song"), unless nothing else is left."""
    kept = words.split()
    while len(kept) > 1 and kept[-1] in _NOUNS:
        kept = kept[:-1]
    while len(kept) > 1 and kept[0] in _NOUNS:
        kept = kept[1:]
    return " ".join(kept)
