"""A second reader, made from docs/release-format.md alone; it shares no code with serving/ but the writer it reads."""

import hashlib
import json
import struct
import zlib
from pathlib import Path

import lmdb

from serving.content import Entry
from tests.serving.conftest import ENTRIES, TRACKS, write


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


NAMES = (
    "compact",
    "names",
    "needs",
    "numbered",
    "pairs",
    "reasons",
    "sounds",
    "tracks",
    "trigrams",
    "variants",
    "wordings",
)


def tables(path: Path) -> dict[str, dict[bytes, bytes]]:
    with lmdb.open(str(path), subdir=False, readonly=True, lock=False, max_dbs=len(NAMES)) as env:
        databases = {name: env.open_db(name.encode(), create=False) for name in NAMES}
        with env.begin() as txn:
            return {name: dict(txn.cursor(database)) for name, database in databases.items()}


def pair(name: str, artist: str) -> bytes:
    return hashlib.blake2b(f"{name}\x1f{artist}".encode(), digest_size=8).digest()


def test_every_row_is_where_the_document_says(root: Path) -> None:
    stored = tables(root / write(root) / "rankings.lmdb")
    shown = [[track.track_id, track.title, *track.artists] for track in TRACKS.values()]
    assert [texts(k, v) for k, v in stored["tracks"].items()] == shown
    assert list(stored["tracks"]) == [b"\0\0\0\0", b"\0\0\0\1", b"\0\0\0\2"]
    assert {k: texts(k, v) for k, v in stored["wordings"].items()} == {
        b"en-US\0hullo": ["title=hello"],
        b"es\0el mariachi": ["genre=mariachi"],
    }
    key = b"en-US\0title=hello"
    assert {k: texts(k, v) for k, v in stored["reasons"].items()} == {key: ["exact title", "too"]}
    assert unsealed(key, stored["needs"][key]) == struct.pack("<HBBfIIff", 2, 0, 0, 0.0, 0, 1, 0.9, 0.1)
    key = b"es\0genre=mariachi"
    assert unsealed(key, stored["needs"][key]) == struct.pack("<HBBfIf", 1, 0, 0, 0.0, 2, 1.5)
    key = b"*\0open"
    assert {k: unsealed(k, v) for k, v in stored["variants"].items()} == {
        key: struct.pack("<BBHffIIII", 2, 2, 0, 0.25, 0.125, 1, 0, 2, 1)
    }
    assert len(stored["needs"]) == len(ENTRIES)


def test_names_are_where_the_document_says(root: Path) -> None:
    stored = tables(root / write(root) / "rankings.lmdb")
    assert unsealed(b"thello", stored["names"][b"thello"]) == struct.pack("<fII", 50.0, 0, 1)
    key = pair("hello", "adele")
    assert unsealed(key, stored["pairs"][key]) == struct.pack("<I", 0)
    assert {k: texts(k, v) for k, v in stored["compact"].items()} == {
        b"lionelrichie": ["lionel richie"],
        b"loslobos": ["los lobos"],
        b"antoniobanderas": ["antonio banderas"],
    }
    numbered = {k: texts(k, v)[0] for k, v in stored["numbered"].items()}
    assert [numbered[b"a" + struct.pack(">I", n)] for n in range(4)] == [
        "adele",
        "antonio banderas",
        "lionel richie",
        "los lobos",
    ]
    lionel = [n for n in range(4) if "lio" in numbered[b"a" + struct.pack(">I", n)].replace(" ", "")]
    assert unsealed(b"alio", stored["trigrams"][b"alio"]) == struct.pack(f"<{len(lionel)}I", *lionel)
    sounding = [texts(k, v) for k, v in stored["sounds"].items() if k.startswith(b"aen:")]
    assert ["lionel richie"] in sounding


def test_the_content_hash_follows_from_the_rows(root: Path) -> None:
    odd = 'say "¡olé!" \\ \t\x01 🎵'
    release_id = write(root, [*ENTRIES, Entry("en", odd, tracks=ENTRIES[0].tracks)])
    folder = root / release_id
    stored = tables(folder / "rankings.lmdb")
    ids = [texts(k, v)[0] for k, v in stored["tracks"].items()]
    text = "playfirst release format 2\n"
    for key, value in sorted(stored["needs"].items()):
        locale, need = key.decode().split("\0")
        count = struct.unpack_from("<H", value, 4)[0]
        ordinals = struct.unpack_from(f"<{count}I", value, 12)
        scores = struct.unpack_from(f"<{count}f", value, 12 + 4 * count)
        row = json.dumps({"locale": locale, "need": need}, ensure_ascii=False)[:-1]
        pairs = zip((ids[ordinal] for ordinal in ordinals), scores, strict=True)
        tracks = ", ".join(f'{{"track_id": "{track}", "score": {score:.9f}}}' for track, score in pairs)
        text += f'{row}, "tracks": [{tracks}]}}\n'
    for key, value in sorted(stored["variants"].items()):
        locale, need = key.decode().split("\0")
        many, size = struct.unpack_from("<BB", value, 4)
        for number in range(many):
            (probability,) = struct.unpack_from("<f", value, 8 + 4 * number)
            listed = [ids[n] for n in struct.unpack_from(f"<{size}I", value, 8 + 4 * many + 4 * size * number)]
            row = json.dumps({"locale": locale, "need": need, "variant": number + 1}, ensure_ascii=False)[:-1]
            text += f'{row}, "probability": {probability:.9f}, "tracks": {json.dumps(listed)}}}\n'
    for key, value in sorted(stored["wordings"].items()):
        locale, wording = key.decode().split("\0")
        row = {"locale": locale, "wording": wording, "need": texts(key, value)[0]}
        text += json.dumps(row, ensure_ascii=False) + "\n"
    for key, value in sorted(stored["names"].items()):
        (popularity,) = struct.unpack_from("<f", value, 4)
        listed = [ids[n] for n in struct.unpack_from(f"<{(len(value) - 8) // 4}I", value, 8)]
        kind = {"a": "artist", "t": "title", "l": "album", "n": "newest"}[key[:1].decode()]
        row = json.dumps({"kind": kind, "name": key[1:].decode()}, ensure_ascii=False)[:-1]
        text += f'{row}, "popularity": {popularity:.9f}, "tracks": {json.dumps(listed)}}}\n'
    for key, value in sorted(stored["pairs"].items()):
        listed = [ids[n] for n in struct.unpack_from(f"<{(len(value) - 4) // 4}I", value, 4)]
        text += f'{{"pair": "{key.hex()}", "tracks": {json.dumps(listed)}}}\n'
    manifest = json.loads((folder / "manifest.json").read_text())
    grammar = hashlib.sha256((folder / "grammar.json").read_bytes()).hexdigest()
    text += f'{{"grammar_sha256": "{grammar}", "normal_form_version": {manifest["normal_form_version"]}}}\n'
    digest = hashlib.sha256(text.encode()).hexdigest()
    assert digest == manifest["content_sha256"] and release_id == f"2026-11-21-{digest[:12]}"


def test_the_manifest_carries_its_own_hash(root: Path) -> None:
    raw = (root / write(root) / "manifest.json").read_text()
    content = json.loads(raw)
    assert json.dumps(content, sort_keys=True, indent=2, ensure_ascii=False) + "\n" == raw
    said = content.pop("manifest_sha256")
    rest = json.dumps(content, sort_keys=True, indent=2, ensure_ascii=False) + "\n"
    assert hashlib.sha256(rest.encode()).hexdigest() == said
