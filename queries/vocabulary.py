"""What the catalog knows, folded and small enough to travel to every Spark task: names with their popularity."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from hashlib import blake2b
from typing import Any

from queries.normalise import normal_form

_NO_POPULARITY = 0.0


def name_forms(name: str) -> list[str]:
    """The folded forms under which a title, artist or album is found: as it is, with the Spanish "y" for "&", without
    "(feat. ...)" or " - Remastered", without the blanks of a name in pieces ("AC/DC" acdc). The fullest first."""
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


def vocabulary_of(tracks: Iterable[Mapping[str, Any]]) -> Vocabulary:
    """The vocabulary of tracks in the contract's form."""
    rows = ((kind, form, popularity) for track in tracks for kind, form, popularity in vocabulary_rows(track))
    return vocabulary_from(rows)


def vocabulary_rows(track: Mapping[str, Any]) -> Iterable[tuple[str, str, float]]:
    """(kind, folded form, popularity) of one track; kind title, artist, album, genre or pair (form: the id)."""
    popularity = track.get("popularity")
    popularity = _NO_POPULARITY if popularity is None or popularity != popularity else float(popularity)
    titles = name_forms(track["title"] or "")
    artists = [form for name in track["artists"] for form in name_forms(name or "")]
    yield from (("title", form, popularity) for form in titles)
    yield from (("artist", form, popularity) for form in artists)
    yield from (("album", form, popularity) for form in name_forms(track.get("album") or ""))
    yield from (("genre", genre, popularity) for genre in _list(track.get("genres")))
    yield from (("pair", str(pair_id(title, artist)), 0.0) for title in titles for artist in artists)


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


def _list(value: Any) -> list[str]:
    return [] if value is None or isinstance(value, float) else [str(one) for one in value]
