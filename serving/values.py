"""The binary encoding of keys and values in rankings.lmdb; docs/release-format.md specifies it.

Everything is little-endian except the key of `tracks`, which is big-endian so that byte order is numeric order.
Each value begins with the CRC32 (zlib) of key + rest of the value, so that a value under the wrong key is detected too.
"""

import struct
from array import array
from collections.abc import Sequence
from dataclasses import dataclass
from sys import byteorder
from zlib import crc32

from serving.content import TrackInfo
from serving.errors import ReleaseCorrupt

_CRC = struct.Struct("<I")
_RANKING = struct.Struct("<IHBBf")  # crc, tracks, flags, reserved, propensity
_ORDINAL = struct.Struct(">I")
_LENGTH = struct.Struct("<H")
_HAS_PROPENSITY = 1
_PAIR = struct.Struct(">Q")
_POPULARITY = struct.Struct("<f")
KIND_LETTER = {"artist": "a", "title": "t", "album": "l", "newest": "n"}
LETTER_KIND = {letter: kind for kind, letter in KIND_LETTER.items()}


@dataclass(frozen=True, slots=True)
class Ranking:
    """A decoded value of `needs`: ordinals and float32 scores in rank order, and the propensity if any."""

    ordinals: tuple[int, ...]
    scores: tuple[float, ...]
    propensity: float | None


def entry_key(locale: str, text: str) -> bytes:
    """Key of `needs`, `wordings` and `reasons`: locale, one zero byte, need or wording, all UTF-8."""
    return f"{locale}\0{text}".encode(errors="replace")


def split_key(key: bytes | memoryview) -> tuple[str, str]:
    """(locale, need or wording) of an `entry_key`."""
    locale, _, text = bytes(key).partition(b"\0")
    return locale.decode(), text.decode()


def name_key(kind: str, text: str) -> bytes:
    """Key of `names`, `sounds` and `trigrams`: the letter of the kind (KIND_LETTER), then the text."""
    return f"{KIND_LETTER[kind]}{text}".encode(errors="replace")


def number_key(kind: str, number: int) -> bytes:
    """Key of `numbered`: the letter of the kind, then the number as big-endian u32."""
    return KIND_LETTER[kind].encode() + _ORDINAL.pack(number)


def pair_key(pair: int) -> bytes:
    """Key of `pairs`: the id as big-endian u64."""
    return _PAIR.pack(pair)


def track_key(ordinal: int) -> bytes:
    """Key of `tracks`: the ordinal as big-endian u32."""
    return _ORDINAL.pack(ordinal)


def name_value(key: bytes, popularity: float, ordinals: Sequence[int]) -> bytes:
    """Value of `names`: CRC32 u32, popularity f32, ordinals u32."""
    return sealed(key, struct.pack(f"<f{len(ordinals)}I", popularity, *ordinals))


def popularity_of(key: bytes, value: bytes | memoryview) -> float:
    """The popularity in a value of `names`. Raises ReleaseCorrupt if the CRC32 does not match."""
    popularity: float = _POPULARITY.unpack_from(body_of(key, value))[0]
    return popularity


def name_tracks(key: bytes, value: bytes | memoryview) -> tuple[int, ...]:
    """The ordinals in a value of `names`. Raises ReleaseCorrupt if the CRC32 does not match."""
    return tuple(body_of(key, value)[4:].cast("I"))


def numbers_value(key: bytes, numbers: Sequence[int]) -> bytes:
    """Value of `pairs` and `trigrams`: CRC32 u32, then each number as u32."""
    return sealed(
        key, array("I", numbers).tobytes() if byteorder == "little" else struct.pack(f"<{len(numbers)}I", *numbers)
    )


def numbers(key: bytes, value: bytes | memoryview) -> memoryview:
    """The numbers of a `numbers_value`, without a copy. Raises ReleaseCorrupt if the CRC32 does not match."""
    return body_of(key, value).cast("I")


def sealed(key: bytes, body: bytes) -> bytes:
    """The value of `key`: the CRC32 followed by `body`."""
    return _CRC.pack(crc32(body, crc32(key))) + body


def body_of(key: bytes, value: bytes | memoryview) -> memoryview:
    """The value without its CRC32. Raises ReleaseCorrupt if the CRC32 does not match."""
    view = memoryview(value)
    if len(view) < 4 or _CRC.unpack_from(view)[0] != crc32(view[4:], crc32(key)):
        raise ReleaseCorrupt(f"value of key {key!r}: its CRC32 does not match. Run serving.release verify.")
    return view[4:]


def ranking_value(key: bytes, ordinals: Sequence[int], scores: Sequence[float], propensity: float | None) -> bytes:
    """Value of `needs`: CRC32 u32, count u16, flags u8 (1: has propensity), u8 0, propensity f32, ordinals u32, scores f32."""
    count = len(ordinals)
    head = _RANKING.pack(0, count, 0 if propensity is None else _HAS_PROPENSITY, 0, propensity or 0.0)
    return sealed(key, head[4:] + struct.pack(f"<{count}I{count}f", *ordinals, *scores))


def ranking(key: bytes, value: bytes | memoryview) -> Ranking:
    """The decoded value of `needs`. Raises ReleaseCorrupt if the CRC32 or the length does not match."""
    body_of(key, value)
    _, count, flags, _, propensity = _RANKING.unpack_from(value)
    if len(value) != _RANKING.size + 8 * count:
        raise ReleaseCorrupt(f"value of key {key!r}: {len(value)} bytes for {count} tracks.")
    numbers = struct.unpack_from(f"<{count}I{count}f", value, _RANKING.size)
    return Ranking(numbers[:count], numbers[count:], propensity if flags & _HAS_PROPENSITY else None)


def variants_value(key: bytes, variants: Sequence[tuple[float, Sequence[int]]]) -> bytes:
    """Value of `variants`: CRC32 u32, number of variants u8, tracks of each u8, u16 0, probabilities f32, ordinals u32 variant by variant."""
    size = len(variants[0][1])
    head = struct.pack("<BBH", len(variants), size, 0)
    body = struct.pack(f"<{len(variants)}f", *(probability for probability, _ in variants))
    return sealed(key, head + body + b"".join(struct.pack(f"<{size}I", *tracks) for _, tracks in variants))


def variants_of(key: bytes, value: bytes | memoryview) -> list[tuple[float, tuple[int, ...]]]:
    """(probability, ordinals) of each variant beside the list itself. Raises ReleaseCorrupt if CRC32 or length do not match."""
    body = body_of(key, value)
    many, size, _ = struct.unpack_from("<BBH", body)
    if len(body) != 4 + 4 * many * (1 + size):
        raise ReleaseCorrupt(f"value of key {key!r}: {len(body)} bytes for {many} variants of {size} tracks.")
    probabilities = struct.unpack_from(f"<{many}f", body, 4)
    ordinals = struct.unpack_from(f"<{many * size}I", body, 4 + 4 * many)
    return [(p, ordinals[i * size : (i + 1) * size]) for i, p in enumerate(probabilities)]


def texts_value(key: bytes, texts: Sequence[str]) -> bytes:
    """Value of `tracks`, `reasons`, `wordings`, `compact`, `sounds` and `numbered`: CRC32 u32, then each text as u16 length and UTF-8 bytes."""
    return sealed(key, b"".join(_LENGTH.pack(len(raw)) + raw for raw in (text.encode() for text in texts)))


def texts(key: bytes, value: bytes | memoryview) -> list[str]:
    """The decoded texts of a `texts_value`. Raises ReleaseCorrupt if the CRC32 or a length does not match."""
    body = bytes(body_of(key, value))
    decoded, at, size = [], 0, len(body)
    while at < size:
        end = at + 2 + body[at] + (body[at + 1] << 8 if at + 1 < size else size)
        if end > size:
            raise ReleaseCorrupt(f"value of key {key!r}: a text ends beyond the value.")
        decoded.append(body[at + 2 : end].decode())
        at = end
    return decoded


def track_value(key: bytes, info: TrackInfo) -> bytes:
    """Value of `tracks`: the texts track_id, title, then each artist."""
    return texts_value(key, (info.track_id, info.title, *info.artists))


def track(key: bytes, value: bytes | memoryview) -> TrackInfo:
    """The decoded value of `tracks`."""
    track_id, title, *artists = texts(key, value)
    return TrackInfo(track_id, title, tuple(artists))
