"""The content of a release, independent of its storage: lists, wordings, names, tracks, the canonical dump and its hash."""

import hashlib
import struct
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from json.encoder import encode_basestring as _quoted
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from serving.rows import Row

_F32 = struct.Struct("<f")

Key = tuple[str, str]


@dataclass(frozen=True, slots=True)
class RankedTrack:
    """One track of a ranked list with its score (no unit; rounded by `stored_score` when written)."""

    track_id: str
    score: float


@dataclass(frozen=True, slots=True)
class Variant:
    """Other first tracks of a list, which a share of the listeners gets; the rest of the list follows in its order."""

    probability: float
    tracks: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Entry:
    """The ranked list of a need in one place; one per (locale, need).

    Args:
        locale: a locale, a language or `*`.
        need: the key of the need (`queries.grammar.need.Need`).
        tracks: the ranked tracks, best first.
        variants: other first tracks of the list; the list itself has the rest of the probability.
        reasons: one short text for each of the first ten tracks, in rank order.
    """

    locale: str
    need: str
    tracks: tuple[RankedTrack, ...] = ()
    variants: tuple[Variant, ...] = ()
    reasons: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Name:
    """A folded name of the catalog: its highest popularity (0 to 100), and the ids of its first tracks, best first."""

    popularity: float
    tracks: tuple[str, ...] = ()


@dataclass(frozen=True)
class Names:
    """What the reader looks names up in.

    Args:
        by_kind: kind (artist, title, album, newest) -> folded name -> Name; `newest` has artists with their dated tracks, the newest
            first.
        pairs: (`queries.catalog.vocabulary.pair_id` of a recording and its artist) -> the ids of its first tracks, best first.
    """

    by_kind: Mapping[str, Mapping[str, Name]] = field(default_factory=dict)
    pairs: Mapping[int, tuple[str, ...]] = field(default_factory=dict)

    def tracks(self, kind: str, name: str) -> tuple[str, ...]:
        """The ids of the first tracks of a name; none if there is no such name."""
        known = self.by_kind.get(kind, {}).get(name)
        return () if known is None else known.tracks

    def pair_tracks(self, pair: int) -> tuple[str, ...]:
        """The ids of the first tracks of a recording by an artist; none if there is none."""
        return self.pairs.get(pair, ())


@dataclass(frozen=True, slots=True)
class TrackInfo:
    """The fields of a track that an answer shows."""

    track_id: str
    title: str
    artists: tuple[str, ...] = ()


@dataclass(frozen=True)
class ReleaseContent:
    """One night's release as Python objects. See `serving.writer.write_release` for the rules that each part keeps.

    Args:
        run_date: the night, YYYY-MM-DD.
        entries: the ranked lists.
        wordings: (place, wording) -> key of the need that it leads to, where the reader would read another.
        names: the names of the catalog.
        tracks: the catalog; only tracks that a list or a name has are stored.
        manifest: the night's part of the manifest.
        built: what differs from build to build.
        grammar: the bytes of `queries.grammar.bundle.grammar_bundle`.
    """

    run_date: str
    entries: Sequence[Entry]
    wordings: Mapping[Key, str]
    names: Names
    tracks: Mapping[str, TrackInfo]
    manifest: Mapping[str, Any]
    built: Mapping[str, object]
    grammar: bytes


@dataclass(frozen=True)
class ReleaseRows:
    """One night's release as the rows that are stored, which need not fit into memory.

    Args:
        run_date: the night, YYYY-MM-DD.
        rows: in the order of (table, key); they can be read several times.
        room: the sum of `serving.rows.room_of` over the rows.
        manifest: the night's part of the manifest.
        built: what differs from build to build.
        grammar: the bytes of `queries.grammar.bundle.grammar_bundle`.
    """

    run_date: str
    rows: "Iterable[Row]"
    room: int
    manifest: Mapping[str, Any]
    built: Mapping[str, object]
    grammar: bytes


def stored_score(score: float) -> float:
    """The float32 that is stored for `score`: rounded to 9 decimals, then to float32.

    It is idempotent: `stored_score(round(stored_score(x), 9)) == stored_score(x)` for every finite x. Where float32 is finer
    than 1e-9, the decimals determine the value, and where it is coarser, 9 decimals identify the float32. Raises OverflowError
    beyond float32.
    """
    rounded = round(score, 9) + 0.0  # + 0.0 turns -0.0 into 0.0, so that equal scores have one hash
    stored: float = _F32.unpack(_F32.pack(rounded))[0]
    return stored


def entry_line(locale: str, need: str, tracks: Iterable[tuple[str, float]]) -> str:
    """One canonical JSON line of `release dump`, without the newline; scores at 9 decimals.

    `tracks` are (track_id, stored score) in rank order. The line is built by hand because json prints 1e-09 for small scores.
    """
    ranked = ", ".join(f'{{"track_id": {_quoted(track)}, "score": {score:.9f}}}' for track, score in tracks)
    return f'{{"locale": {_quoted(locale)}, "need": {_quoted(need)}, "tracks": [{ranked}]}}'


def variant_line(locale: str, need: str, variant: int, probability: float, tracks: Iterable[str]) -> str:
    """The canonical line of a variant, numbered from 1; its probability at 9 decimals."""
    return (
        f'{{"locale": {_quoted(locale)}, "need": {_quoted(need)}, "variant": {variant}, '
        f'"probability": {probability:.9f}, "tracks": {_list(tracks)}}}'
    )


def wording_line(locale: str, wording: str, need: str) -> str:
    """The canonical line of a wording."""
    return f'{{"locale": {_quoted(locale)}, "wording": {_quoted(wording)}, "need": {_quoted(need)}}}'


def name_line(kind: str, name: str, popularity: float, tracks: Iterable[str]) -> str:
    """The canonical line of a name; popularity at 9 decimals."""
    return f'{{"kind": {_quoted(kind)}, "name": {_quoted(name)}, "popularity": {popularity:.9f}, "tracks": {_list(tracks)}}}'


def pair_line(pair: int, tracks: Iterable[str]) -> str:
    """The canonical line of a recording and its artist, whose id is printed as 16 hex digits."""
    return f'{{"pair": "{pair:016x}", "tracks": {_list(tracks)}}}'


def reading_line(grammar: bytes, normal_form_version: int) -> str:
    """The last canonical line of a full dump: what wordings are read with."""
    return (
        f'{{"grammar_sha256": "{hashlib.sha256(grammar).hexdigest()}", "normal_form_version": {normal_form_version}}}'
    )


def hash_of_dump(lines: Iterable[str], format_version: int) -> str:
    """SHA-256 (hex) of the line `playfirst release format N` followed by the dump, each line ended by one newline."""
    digest = hashlib.sha256(f"playfirst release format {format_version}\n".encode())
    for line in lines:
        digest.update(line.encode() + b"\n")
    return digest.hexdigest()


def _list(texts: Iterable[str]) -> str:
    return f"[{', '.join(map(_quoted, texts))}]"
