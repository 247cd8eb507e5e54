"""The folded names of the catalog with their popularity, small enough to be sent to every Spark task."""

import re
from collections.abc import Container, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from hashlib import blake2b

from queries.text.normalise import normal_form

_OPUS = re.compile(r"\b(?:No|Op|BWV|K|KV|RV|Hob|D|L|S|TH|WoO)\.? ?\d")
_WORK_END = re.compile(r",|\(|\"| in [A-G](?:[- ](?:flat|sharp))? |\bOp\b|\bBWV\b|\bK\.", re.IGNORECASE)
_ROMAN_NUMBER = re.compile(r"^(?:[IVXL]+|\d+|No\. ?\d+)\.? +")
_TEMPO = re.compile(
    r"(?:un )?(?:poco )?(?:molto )?(?:allegr|andant|adagi|prest|vivac|larg|moderat|scherz|rond|menuet|minuet|lent|grave|aria\b|act )",
    re.IGNORECASE,
)
OPENINGS = (" - ", " (", " [")  # with which an addition to a name begins: a version, a guest
_NO_POPULARITY = 0.0
_BANDS = (" and the ", " y the ", " y los ", " y sus ", " y su ", " and his ", " and her ")
ARTICLES = frozenset({"the", "los", "las", "el", "la"})
_SHORT_NAME = 3  # letters; a name without its blanks must have more


def name_forms(name: object) -> list[str]:
    """The folded forms under which a title, artist or album is looked up, the longest first.

    These are the whole name, the name without "(feat. ...)" or " - Remastered", and both with the Spanish "y" for "&". A classical
    title, which has the number of a catalogue of works, is also found by its work ("symphony no 5") and its movement ("clair de lune").
    A missing name, which pandas gives as None or NaN, has no form.
    """
    if not isinstance(name, str):
        return []
    base = name
    for opening in OPENINGS:
        base = base.split(opening, 1)[0]
    forms = [normal_form(name, "en")]
    if base.strip() and base != name:
        forms.append(normal_form(base, "en"))
    if "&" in name or "+" in name:
        forms += [normal_form(name, "es"), normal_form(base, "es")] if base.strip() else [normal_form(name, "es")]
    if _OPUS.search(name):
        forms += [normal_form(part, "en") for part in _classical(name)]
    return list(dict.fromkeys(form for form in forms if form))


def _classical(title: str) -> list[str]:
    """The work and the movement of a classical title: "Suite bergamasque, L. 75: III. Clair de lune" is of the suite and its moon."""
    parts = [part.strip() for part in title.split(":")]
    if len(parts) > 1 and not any(map(str.isdigit, parts[0])):
        parts = parts[1:]  # "Beethoven: Piano Sonata No. 14 …"
    work = _WORK_END.split(parts[0], maxsplit=1)[0]
    movement = _ROMAN_NUMBER.sub("", parts[-1]) if len(parts) > 1 else ""
    movement = _WORK_END.split(movement, maxsplit=1)[0]
    is_name = " " in movement and not _TEMPO.match(movement)
    return [work, movement] if is_name else [work]


def is_owner(text: str, artist: str) -> bool:
    """Whether `text` is the artist as an owner ("adeles" of "adele's album") that owns nothing there: "sighs" is not by Sigh."""
    return text == f"{artist}s"


def pair_id(name: str, artist: str, *, is_album: bool = False) -> int:
    """A 64-bit id of a folded (title, artist) or (album, artist)."""
    pair = f"{name}\x1f{artist}{chr(0x1F) * is_album}"
    return int.from_bytes(blake2b(pair.encode("utf-8", "replace"), digest_size=8).digest(), "big")


@dataclass(frozen=True)
class Vocabulary:
    """The folded names of a catalog. `artist` also finds names without blanks ("acdc") or without article ("beatles").

    Attributes:
        titles: Folded title -> highest popularity of its tracks (0 to 100; 0 where unknown).
        artists: Folded artist -> highest popularity.
        albums: Folded album -> highest popularity.
        genres: Genres as the catalog writes them.
        pairs: `pair_id` of every (title, artist) and (album, artist) that was recorded.
        compact: Artist without blanks -> folded artist ("acdc" -> "ac dc"); of several the most popular.
    """

    titles: Mapping[str, float]
    artists: Mapping[str, float]
    albums: Mapping[str, float]
    genres: frozenset[str]
    pairs: Container[int]
    compact: Mapping[str, str] = field(default_factory=dict)

    @property
    def by_kind(self) -> dict[str, Mapping[str, float]]:
        """Kind (artist, title, album) -> folded name -> popularity."""
        return {"artist": self.artists, "title": self.titles, "album": self.albums}

    def artist(self, text: str) -> str | None:
        """The folded artist that `text` (a normal form) names, or None."""
        for form in (text, f"the {text}", text.removeprefix("the "), f"los {text}"):
            if form in self.artists and (form == text or text not in ARTICLES):  # "the" is not The The
                return form
        joined = text.replace(" ", "")
        is_spelled = 2 * len(joined) - 1 == len(text) > 3  # letter by letter: "b t s"
        if joined in self.artists and (len(joined) > _SHORT_NAME or is_spelled):  # "one republic" is OneRepublic
            return joined
        parted = self.compact.get(joined)
        if parted is not None:
            return parted
        owner = text.removesuffix("s")  # "adele's" is adeles in the normal form
        return owner if owner != text and len(owner) > 3 and owner in self.artists else None

    def has_pair(self, title: str, artist: str) -> bool:
        """Whether the artist recorded the title."""
        return pair_id(title, artist) in self.pairs

    def has_recording(self, name: str, artist: str, *, is_album: bool) -> bool:
        """Whether the artist recorded the title, or the album if `is_album`."""
        return pair_id(name, artist, is_album=is_album) in self.pairs


def name_rows(
    title: str, artists: Sequence[str], album: str, genres: Iterable[str], popularity: float | None
) -> Iterable[tuple[str, str, float]]:
    """Rows (kind, form, popularity) of one track's names; the input of `vocabulary_from`.

    `kind` is title, artist, album, genre or pair; `form` is the folded name, for a genre the name as it is, for a pair the
    `pair_id` as text. A missing popularity (None or NaN) counts as 0.
    """
    known_popularity = _NO_POPULARITY if popularity is None or popularity != popularity else float(popularity)
    titles = _forms(title)
    singers = [form for name in artists for form in _forms(name)]
    yield from (("title", form, known_popularity) for form in titles)
    yield from (("artist", form, known_popularity) for form in singers)
    yield from (("album", form, known_popularity) for form in _forms(album))
    yield from (("genre", genre, known_popularity) for genre in genres)
    yield from (("pair", str(pair_id(form, singer)), 0.0) for form in titles for singer in singers)
    albums = _forms(album)
    yield from (("pair", str(pair_id(form, singer, is_album=True)), 0.0) for form in albums for singer in singers)


def vocabulary_from(rows: Iterable[tuple[str, str, float]]) -> Vocabulary:
    """Build a vocabulary from the `name_rows` of many tracks, in any order and with duplicates."""
    names: dict[str, dict[str, float]] = {"title": {}, "artist": {}, "album": {}, "genre": {}}
    pairs: set[int] = set()
    for kind, form, popularity in rows:
        if kind == "pair":
            pairs.add(int(form))
            continue
        popularity_of = names[kind]
        popularity_of[form] = max(popularity, popularity_of.get(form, _NO_POPULARITY))
    artists = names["artist"]
    return Vocabulary(
        names["title"], artists, names["album"], frozenset(names["genre"]), frozenset(pairs), joined_artists(artists)
    )


def joined_names(artist: str) -> Iterator[tuple[str, int, str]]:
    """(name without blanks, precedence, singer) of a folded artist: the other names under which it is looked up.

    Of several artists with one such name the one of higher precedence counts, then the more popular, then the last in order.
    `singer` is the artist that must not be in the catalog by itself, or "": a singer whose band is named, too, is also found alone
    ("bob marley" of Bob Marley & The Wailers), if no artist has that name.
    """
    if " n " in artist:  # "guns and roses" is Guns N' Roses
        yield artist.replace(" n ", "and").replace(" ", ""), 0, ""
    singer = next((artist.split(band)[0] for band in _BANDS if band in artist), "")
    if " " in singer:
        yield singer.replace(" ", ""), 0, singer
    if (" " in artist or any(map(str.isdigit, artist))) and len(artist) > _SHORT_NAME:
        yield artist.replace(" ", ""), 1, ""


def joined_artists(artists: Mapping[str, float]) -> dict[str, str]:
    """Artist without blanks -> folded artist, by `joined_names`.

    Args:
        artists: Folded artist -> popularity.
    """
    best: dict[str, tuple[int, float, str]] = {}
    for artist, popularity in artists.items():
        for joined, precedence, singer in joined_names(artist):
            if not singer or singer not in artists:
                best[joined] = max(best.get(joined, (-1, 0.0, "")), (precedence, popularity, artist))
    return {joined: artist for joined, (_, _, artist) in best.items()}


@lru_cache(maxsize=50_000)
def _forms(name: str) -> list[str]:
    return name_forms(name)
