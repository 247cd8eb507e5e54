"""A second reader, made from docs/release-format.md alone; it shares no code with serving/ but the writer it reads."""

import hashlib
import json
import struct
import zlib
from pathlib import Path

import lmdb

from tests.serving.conftest import ENTRIES, TRACKS, Entry, write


def unsealed(key: bytes, value: bytes) -> bytes:
    assert struct.unpack("<I", value[:4])[0] == zlib.crc32(key + value[4:])
    return value[4:]


def texts(key: bytes, value: bytes) -> list[str]:
    body, found = unsealed(key, value), []
    while body:
        (length,) = struct.unpack("<H", body[:2])
        found.append(body[2 : 2 + length].decode())
        body = body[2 + length :]
    return found


def tables(path: Path) -> dict[str, dict[bytes, bytes]]:
    with lmdb.open(str(path), subdir=False, readonly=True, lock=False, max_dbs=4) as env:
        names = ("rankings", "aliases", "reasons", "tracks")
        databases = {name: env.open_db(name.encode(), create=False) for name in names}
        with env.begin() as txn:
            return {name: dict(txn.cursor(database)) for name, database in databases.items()}


def test_every_row_is_where_the_document_says(root: Path) -> None:
    stored = tables(root / write(root) / "rankings.lmdb")
    shown = [[track.track_id, track.title, *track.artists] for track in TRACKS.values()]
    assert [texts(k, v) for k, v in stored["tracks"].items()] == shown
    assert list(stored["tracks"]) == [b"\0\0\0\0", b"\0\0\0\1", b"\0\0\0\2"]
    assert {k: texts(k, v) for k, v in stored["aliases"].items()} == {
        b"en-US\0helo": ["hello"],
        b"en-US\0hullo": ["hello"],
        b"es\0el mariachi": ["cancion del mariachi"],
    }
    assert {k: texts(k, v) for k, v in stored["reasons"].items()} == {b"en-US\0hello": ["exact title", "too"]}
    assert unsealed(b"en-US\0hello", stored["rankings"][b"en-US\0hello"]) == struct.pack(
        "<HBBfIIff", 2, 0, 0, 0.0, 0, 1, 0.9, 0.1
    )
    key = b"es\0cancion del mariachi"
    assert unsealed(key, stored["rankings"][key]) == struct.pack("<HBBfIf", 1, 1, 0, 0.25, 2, 1.5)
    assert len(stored["rankings"]) == len(ENTRIES)


def test_the_content_hash_follows_from_the_rows(root: Path) -> None:
    odd = 'say "¡olé!" \\ \t\x01 🎵'
    release_id = write(root, [*ENTRIES, Entry("en", odd, tracks=ENTRIES[0].tracks)])
    stored = tables(root / release_id / "rankings.lmdb")
    ids = [texts(k, v)[0] for k, v in stored["tracks"].items()]
    text = "playfirst release format 1\n"
    for key, value in sorted(stored["rankings"].items()):
        locale, query = key.decode().split("\0")
        count = struct.unpack_from("<H", value, 4)[0]
        ordinals = struct.unpack_from(f"<{count}I", value, 12)
        scores = struct.unpack_from(f"<{count}f", value, 12 + 4 * count)
        aliases = sorted(
            k.decode().split("\0")[1]
            for k, v in stored["aliases"].items()
            if k.startswith(locale.encode() + b"\0") and texts(k, v) == [query]
        )
        row = json.dumps({"locale": locale, "query": query, "aliases": aliases}, ensure_ascii=False)[:-1]
        pairs = zip((ids[ordinal] for ordinal in ordinals), scores, strict=True)
        tracks = ", ".join(f'{{"track_id": "{track}", "score": {score:.9f}}}' for track, score in pairs)
        text += f'{row}, "tracks": [{tracks}]}}\n'
    digest = hashlib.sha256(text.encode()).hexdigest()
    manifest = json.loads((root / release_id / "manifest.json").read_text())
    assert digest == manifest["content_sha256"] and release_id == f"2026-11-21-{digest[:12]}"


def test_the_manifest_carries_its_own_hash(root: Path) -> None:
    raw = (root / write(root) / "manifest.json").read_text()
    content = json.loads(raw)
    assert json.dumps(content, sort_keys=True, indent=2, ensure_ascii=False) + "\n" == raw
    said = content.pop("manifest_sha256")
    rest = json.dumps(content, sort_keys=True, indent=2, ensure_ascii=False) + "\n"
    assert hashlib.sha256(rest.encode()).hexdigest() == said
