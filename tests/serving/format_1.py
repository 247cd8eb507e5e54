"""Writes a release of format 1 from its document alone, since the product no longer does; shares no code with serving/."""

import hashlib
import json
import struct
import zlib
from pathlib import Path

import lmdb

from queries.text.carrier import grammar_bytes

Lists = dict[tuple[str, str], tuple[tuple[str, ...], tuple[tuple[str, float], ...]]]  # aliases, (track_id, score)


def _sealed(key: bytes, body: bytes) -> bytes:
    return struct.pack("<I", zlib.crc32(key + body)) + body


def _texts(key: bytes, *texts: str) -> bytes:
    return _sealed(key, b"".join(struct.pack("<H", len(t.encode())) + t.encode() for t in texts))


def write_format_1(root: Path, run_date: str, lists: Lists, tracks: dict[str, tuple[str, ...]]) -> str:
    """Write a release of format 1 and return its id; `tracks` are track_id -> title and artists, all of them in a list."""
    ids = sorted(tracks)
    dump, rows = "", {name: {} for name in ("aliases", "rankings", "reasons", "tracks")}  # type: ignore[var-annotated]
    for at, track_id in enumerate(ids):
        key = struct.pack(">I", at)
        rows["tracks"][key] = _texts(key, track_id, *tracks[track_id])
    for (locale, query), (aliases, ranked) in sorted(lists.items()):
        key = f"{locale}\0{query}".encode()
        ordinals, scores = [ids.index(t) for t, _ in ranked], [s for _, s in ranked]
        rows["rankings"][key] = _sealed(
            key, struct.pack(f"<HBBf{len(ranked)}I{len(ranked)}f", len(ranked), 0, 0, 0.0, *ordinals, *scores)
        )
        for alias in aliases:
            named = f"{locale}\0{alias}".encode()
            rows["aliases"][named] = _texts(named, query)
        shown = ", ".join(
            f'{{"track_id": "{t}", "score": {struct.unpack("f", struct.pack("f", s))[0]:.9f}}}' for t, s in ranked
        )
        head = json.dumps({"locale": locale, "query": query, "aliases": sorted(aliases)}, ensure_ascii=False)[:-1]
        dump += f'{head}, "tracks": [{shown}]}}\n'
    digest = hashlib.sha256(f"playfirst release format 1\n{dump}".encode()).hexdigest()
    folder = root / f"{run_date}-{digest[:12]}"
    folder.mkdir(parents=True)
    path = str(folder / "rankings.lmdb")
    with lmdb.open(path, subdir=False, map_size=1 << 24, max_dbs=4, lock=False) as env, env.begin(write=True) as txn:
        for name, stored in rows.items():
            table = env.open_db(name.encode(), txn=txn)
            for key in sorted(stored):
                txn.put(key, stored[key], db=table)
    (folder / "carrier.json").write_bytes(grammar_bytes())
    files = {
        name: {
            "bytes": (folder / name).stat().st_size,
            "sha256": hashlib.sha256((folder / name).read_bytes()).hexdigest(),
        }
        for name in ("rankings.lmdb", "carrier.json")
    }
    counts = {name: len(stored) for name, stored in rows.items() if name != "rankings"}
    manifest = {
        "format_version": 1,
        "release_id": folder.name,
        "run_date": run_date,
        "content_sha256": digest,
        "normal_form_version": 1,
        "files": files,
        "counts": counts | {"entries": len(lists)},
        "built": {"at": "2026-11-20T02:00:00Z"},
    }

    def canonical(content: dict[str, object]) -> str:
        return json.dumps(content, sort_keys=True, indent=2, ensure_ascii=False) + "\n"

    sha256 = hashlib.sha256(canonical(manifest).encode()).hexdigest()
    (folder / "manifest.json").write_text(canonical({**manifest, "manifest_sha256": sha256}))
    return folder.name
