"""The content of a release, independent of its storage: entries, tracks, the canonical dump and its hash."""

import hashlib
import struct
from collections.abc import Iterable
from dataclasses import dataclass
from json.encoder import encode_basestring as _quoted

_F32 = struct.Struct("<f")


@dataclass(frozen=True, slots=True)
class RankedTrack:
    """One track of a ranked list with its score (no unit; rounded by `stored_score` when written)."""

    track_id: str
    score: float


@dataclass(frozen=True, slots=True)
class Entry:
    """The ranked answer to a head query; one per (locale, query).

    Args:
        locale: a locale, a language or `*`.
        query: the full normal form.
        aliases: other full or stripped normal forms of the same locale that this entry also answers.
        tracks: the ranked tracks, best first.
        propensity: the probability with which this variant of the list was chosen; None without exploration.
        reasons: one short text for each of the first ten tracks, in rank order.
    """

    locale: str
    query: str
    aliases: tuple[str, ...] = ()
    tracks: tuple[RankedTrack, ...] = ()
    propensity: float | None = None
    reasons: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class TrackInfo:
    """The fields of a track that an answer shows."""

    track_id: str
    title: str
    artists: tuple[str, ...] = ()


def stored_score(score: float) -> float:
    """The float32 that is stored for `score`: rounded to 9 decimals, then to float32.

    It is idempotent: `stored_score(round(stored_score(x), 9)) == stored_score(x)` for every finite x. Where float32 is finer
    than 1e-9, the decimals determine the value, and where it is coarser, 9 decimals identify the float32. Raises OverflowError
    beyond float32.
    """
    rounded = round(score, 9) + 0.0  # + 0.0 turns -0.0 into 0.0, so that equal scores have one hash
    stored: float = _F32.unpack(_F32.pack(rounded))[0]
    return stored


def dump_line(locale: str, query: str, aliases: Iterable[str], tracks: Iterable[tuple[str, float]]) -> str:
    """One canonical JSON line of `release dump`, without the newline: aliases sorted, scores at 9 decimals.

    `tracks` are (track_id, stored score) in rank order. The line is built by hand because json prints 1e-09 for small scores.
    """
    names = ", ".join(_quoted(alias) for alias in sorted(aliases))
    ranked = ", ".join(f'{{"track_id": {_quoted(track)}, "score": {score:.9f}}}' for track, score in tracks)
    return f'{{"locale": {_quoted(locale)}, "query": {_quoted(query)}, "aliases": [{names}], "tracks": [{ranked}]}}'


def dump_lines(entries: Iterable[Entry]) -> Iterable[str]:
    """The canonical dump of `entries`: one line each, sorted by the UTF-8 bytes of locale, then of query."""
    for entry in sorted(entries, key=lambda e: (e.locale.encode(), e.query.encode())):
        tracks = ((track.track_id, stored_score(track.score)) for track in entry.tracks)
        yield dump_line(entry.locale, entry.query, entry.aliases, tracks)


def hash_of_dump(lines: Iterable[str], format_version: int) -> str:
    """SHA-256 (hex) of the line `playfirst release format N` followed by the dump, each line ended by one newline."""
    digest = hashlib.sha256(f"playfirst release format {format_version}\n".encode())
    for line in lines:
        digest.update(line.encode() + b"\n")
    return digest.hexdigest()


def content_hash(entries: Iterable[Entry], format_version: int) -> str:
    """The content hash of a release with exactly these `entries`; its first 12 hex digits are part of the release id."""
    return hash_of_dump(dump_lines(entries), format_version)
