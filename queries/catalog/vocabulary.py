"""What the catalog knows, folded and small enough to travel to every Spark task: names with their popularity."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from hashlib import blake2b

from queries.text.normalise import normal_form

_NO_POPULARITY = 0.0


def name_forms(name: str) -> list[str]:
    """The folded forms under which a title, artist or album is found, the fullest first: as it is, without
    "(feat. ...)" or " - Remastered", and with the Spanish "y" for "&"."""
    base = name
    for opening in (" - ", " (", " ["):
        base = base.split(opening, 1)[0]
    forms = [normal_form(name, "en")]
    if base.strip() and base != name:
        forms.append(normal_form(base, "en"))
    if "&" in name or "+" in name:
        forms += [normal_form(name, "es"), normal_form(base, "es")] if base.strip() else [normal_form(name, "es")]
    return list(dict.fromkeys(form for form in forms if form))


def pair_id(title: str, artist: str) -> int:
    """A 64-bit id of a folded (title, artist)."""
    return int.from_bytes(blake2b(f"{title}\x1f{artist}".encode("utf-8", "replace"), digest_size=8).digest(), "big")


@dataclass(frozen=True)
class Vocabulary:
    """Folded titles, artists and albums -> highest popularity (0 to 100, 0 where unknown); genres; (title, artist) ids.

    Also finds names typed in one piece ("acdc", "blink182") and without their article ("beatles").
    """

    titles: Mapping[str, float]
    artists: Mapping[str, float]
    albums: Mapping[str, float]
    genres: frozenset[str]
    pairs: frozenset[int]
    compact: Mapping[str, str] = field(default_factory=dict)

    def artist(self, text: str) -> str | None:
        """The folded artist that `text` names, or None."""
        for form in (text, f"the {text}", text.removeprefix("the "), f"los {text}"):
            if form in self.artists:
                return form
        joined = self.compact.get(text.replace(" ", ""))
        if joined is not None:
            return joined
        owner = text.removesuffix("s")  # "adele's" is adeles in the normal form
        return owner if owner != text and len(owner) > 3 and owner in self.artists else None

    def has_pair(self, title: str, artist: str) -> bool:
        """Whether the artist recorded the title."""
        return pair_id(title, artist) in self.pairs


def name_rows(
    title: str, artists: Sequence[str], album: str, genres: Iterable[str], popularity: float | None
) -> Iterable[tuple[str, str, float]]:
    """(kind, folded form, popularity) of one track; kind title, artist, album, genre or pair (form: the id).

    A missing popularity (None or NaN) counts as 0.
    """
    known = _NO_POPULARITY if popularity is None or popularity != popularity else float(popularity)
    titles = _forms(title)
    singers = [form for name in artists for form in _forms(name)]
    yield from (("title", form, known) for form in titles)
    yield from (("artist", form, known) for form in singers)
    yield from (("album", form, known) for form in _forms(album))
    yield from (("genre", genre, known) for genre in genres)
    yield from (("pair", str(pair_id(form, singer)), 0.0) for form in titles for singer in singers)


def vocabulary_from(rows: Iterable[tuple[str, str, float]]) -> Vocabulary:
    """A vocabulary of `vocabulary_rows` of many tracks, in any order and with repeats."""
    names: dict[str, dict[str, float]] = {"title": {}, "artist": {}, "album": {}, "genre": {}}
    pairs: set[int] = set()
    for kind, form, popularity in rows:
        if kind == "pair":
            pairs.add(int(form))
            continue
        known = names[kind]
        known[form] = max(popularity, known.get(form, _NO_POPULARITY))
    artists = names["artist"]
    compact: dict[str, str] = {}
    for form in sorted(artists, key=lambda form: (artists[form], form)):  # the more popular wins
        if (" " in form or any(map(str.isdigit, form))) and len(form) > 3:
            compact[form.replace(" ", "")] = form
    return Vocabulary(names["title"], artists, names["album"], frozenset(names["genre"]), frozenset(pairs), compact)


@lru_cache(maxsize=50_000)
def _forms(name: str) -> list[str]:
    return name_forms(name)
