"""Verify a release in full: every byte against the manifest, every value against its CRC32 and the values it refers to."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import lmdb

from serving.content import TrackInfo, dump_line, hash_of_dump
from serving.errors import NoRelease, ReleaseCorrupt, one_line
from serving.layout import FORMAT_VERSION, RANKINGS, is_release_id
from serving.manifest import Manifest, read_manifest
from serving.mapped import MappedRankings, mapped
from serving.stamp import full_check, write_stamp
from serving.values import body_of, entry_key, ranking, split_key, texts, track


@dataclass(frozen=True, slots=True)
class Verified:
    """The result of a successful verification: every byte and value is as it was built."""

    release_id: str
    run_date: str
    entries: int
    tracks: int
    bytes: int
    content_sha256: str


def release_folder(root: Path, release_id: str) -> Path:
    """The folder of a release. Raises NoRelease if `release_id` is not a release id or the folder does not exist."""
    folder = root / release_id
    if not is_release_id(release_id) or not folder.is_dir():
        raise NoRelease(f"no release {release_id!r} in {root}. See serving.release list.")
    return folder


def verify_release(root: Path, release_id: str) -> Verified:
    """Read all of a release and check it against its manifest, its name and its own references; nothing is changed.

    The hashes are checked first: a file of another length or hash is never mapped, because LMDB would kill the process on a
    truncated one.

    Raises:
        NoRelease: there is no such release.
        ReleaseFormatUnknown: this reader does not read the format of the release.
        ReleaseCorrupt: lists every difference.
    """
    folder = release_folder(root, release_id)
    manifest = read_manifest(folder)
    full_check(folder, manifest)
    try:
        wrong = list(_differences(mapped(folder / RANKINGS), manifest, folder.name))
    except lmdb.Error as error:
        wrong = [f"{RANKINGS}: {error}"]
    if wrong:
        raise ReleaseCorrupt(f"release {release_id} is damaged: {one_line(wrong)}. Roll back, or build it again.")
    size = sum(int(file["bytes"]) for file in manifest.files.values())
    counts = manifest.counts
    return Verified(release_id, manifest.run_date, counts["entries"], counts["tracks"], size, manifest.content_sha256)


def stamp_release(root: Path, release_id: str) -> None:
    """Check length and SHA-256 of every file and write the VERIFIED stamp, which readers on this machine require."""
    folder = release_folder(root, release_id)
    write_stamp(folder, full_check(folder, read_manifest(folder)))


def dump(rankings: MappedRankings) -> Iterator[str]:
    """The canonical dump lines of the stored entries, in key order. Raises ReleaseCorrupt on a damaged value."""
    with rankings.env.begin(buffers=True) as txn:
        ids = [track(bytes(k), v).track_id for k, v in txn.cursor(rankings.tracks)]
        aliases: dict[bytes, list[str]] = {}
        for key, value in txn.cursor(rankings.aliases):
            locale, alias = split_key(key)
            aliases.setdefault(entry_key(locale, texts(bytes(key), value)[0]), []).append(alias)
        for key, value in txn.cursor(rankings.rankings):
            decoded = ranking(bytes(key), value)
            ranked = zip((ids[ordinal] for ordinal in decoded.ordinals), decoded.scores, strict=True)
            yield dump_line(*split_key(key), aliases.get(bytes(key), []), ranked)


def _differences(rankings: MappedRankings, manifest: Manifest, name: str) -> Iterator[str]:
    if manifest.release_id != name:
        yield f"folder is called {name}, manifest.json says {manifest.release_id}"
    if manifest.release_id != f"{manifest.run_date}-{manifest.content_sha256[:12]}":
        yield f"release_id does not follow from run_date {manifest.run_date} and content {manifest.content_sha256[:12]}"
    damaged = list(_damaged_values(rankings))
    yield from damaged
    if damaged:
        return
    with rankings.env.begin() as txn:
        for table in ("entries", "aliases", "tracks", "reasons"):
            database = rankings.rankings if table == "entries" else getattr(rankings, table)
            stored = txn.stat(database)["entries"]
            if stored != manifest.counts[table]:
                yield f"{stored} {table}, expected {manifest.counts[table]}"
    stored_sha256 = hash_of_dump(dump(rankings), FORMAT_VERSION)
    if stored_sha256 != manifest.content_sha256:
        yield f"content hash {stored_sha256[:12]}…, expected {manifest.content_sha256[:12]}…"


def _damaged_values(rankings: MappedRankings) -> Iterator[str]:
    with rankings.env.begin(buffers=True) as txn:
        total = txn.stat(rankings.tracks)["entries"]
        for table in ("aliases", "rankings", "reasons", "tracks"):
            for raw, value in txn.cursor(getattr(rankings, table)):
                key = bytes(raw)
                try:
                    body_of(key, value)
                    if table == "tracks" and not isinstance(track(key, value), TrackInfo):
                        continue
                    if table == "rankings" and max(ranking(key, value).ordinals, default=total) >= total:
                        yield f"{table}: key {key!r} names a track that is not stored"
                    if table == "reasons":
                        texts(key, value)
                    if table == "aliases":
                        target = entry_key(split_key(key)[0], texts(key, value)[0])
                        if txn.get(target, db=rankings.rankings) is None:
                            yield f"{table}: key {key!r} leads to no entry"
                except (ReleaseCorrupt, ValueError, IndexError) as error:
                    yield f"{table}: {error}"
