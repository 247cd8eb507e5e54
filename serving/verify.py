"""Verify a release in full: every byte against the manifest, every value against its CRC32 and the values it refers to."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

import lmdb

from serving import by_wording
from serving.content import entry_line, hash_of_dump, name_line, pair_line, reading_line, variant_line, wording_line
from serving.errors import NoRelease, ReleaseCorrupt, one_line
from serving.layout import GRAMMAR, RANKINGS, is_release_id
from serving.manifest import Manifest, read_manifest
from serving.mapped import MappedRankings, mapped, stored_track
from serving.stamp import full_check, write_stamp
from serving.values import (
    LETTER_KIND,
    name_tracks,
    numbers,
    popularity_of,
    ranking,
    split_key,
    texts,
    track,
    variants_of,
)

if TYPE_CHECKING:
    from typing import Any

    from serving.mapped import Txn

_IDS_KEPT = 100_000


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
        wrong = list(_differences(folder, manifest))
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


def dump(rankings: MappedRankings, grammar: bytes | None = None, normal_form_version: int = 0) -> Iterator[str]:
    """The canonical dump lines of the stored lists, in key order. Raises ReleaseCorrupt on a damaged value.

    Args:
        rankings: the open file.
        grammar: the bytes of grammar.json; with it, wordings, names and what they are read with follow (format 2).
        normal_form_version: as the manifest has it.
    """
    if rankings.format == 1:
        yield from by_wording.dump(rankings)
        return
    tables = rankings.tables
    with rankings.env.begin(buffers=True) as txn:
        ids = _TrackIds(txn, tables["tracks"])
        for raw, value in txn.cursor(tables["needs"]):
            decoded = ranking(bytes(raw), value)
            pairs = zip((ids[ordinal] for ordinal in decoded.ordinals), decoded.scores, strict=True)
            yield entry_line(*split_key(raw), pairs)
        if grammar is None:
            return
        for raw, value in txn.cursor(tables["variants"]) if "variants" in tables else ():
            for number, (probability, ordinals) in enumerate(variants_of(bytes(raw), value), start=1):
                yield variant_line(*split_key(raw), number, probability, (ids[ordinal] for ordinal in ordinals))
        for raw, value in txn.cursor(tables["wordings"]):
            yield wording_line(*split_key(raw), texts(bytes(raw), value)[0])
        for raw, value in txn.cursor(tables["names"]):
            key = bytes(raw)
            tracks = (ids[ordinal] for ordinal in name_tracks(key, value))
            yield name_line(LETTER_KIND[chr(key[0])], key[1:].decode(), popularity_of(key, value), tracks)
        for raw, value in txn.cursor(tables["pairs"]):
            key = bytes(raw)
            yield pair_line(int.from_bytes(key, "big"), (ids[ordinal] for ordinal in numbers(key, value)))
    yield reading_line(grammar, normal_form_version)


class _TrackIds:
    """The track_id of an ordinal; only the last _IDS_KEPT that were asked for stay in memory."""

    def __init__(self, txn: "Txn", table: "Any") -> None:
        self._of = lru_cache(_IDS_KEPT)(lambda ordinal: stored_track(txn, table, ordinal).track_id)

    def __getitem__(self, ordinal: int) -> str:
        return self._of(ordinal)


def content_sha256(folder: Path, format_version: int, normal_form_version: int) -> str:
    """The content hash of what is stored in the folder of a release."""
    rankings = mapped(folder / RANKINGS)
    if format_version == 1:
        return by_wording.content_sha256(rankings)
    grammar = (folder / GRAMMAR).read_bytes()
    return hash_of_dump(dump(rankings, grammar, normal_form_version), format_version)


def _differences(folder: Path, manifest: Manifest) -> Iterator[str]:
    rankings = mapped(folder / RANKINGS)
    if manifest.release_id != folder.name:
        yield f"folder is called {folder.name}, manifest.json says {manifest.release_id}"
    if manifest.release_id != f"{manifest.run_date}-{manifest.content_sha256[:12]}":
        yield f"release_id does not follow from run_date {manifest.run_date} and content {manifest.content_sha256[:12]}"
    if manifest.format_version != rankings.format:
        yield f"{RANKINGS} is of format {rankings.format}, manifest.json says {manifest.format_version}"
        return
    damaged = list(by_wording.damaged_values(rankings) if rankings.format == 1 else _damaged_values(rankings))
    yield from damaged
    if damaged:
        return
    lists = "rankings" if rankings.format == 1 else "needs"
    with rankings.env.begin() as txn:
        for table, database in rankings.tables.items():
            name = "entries" if table == lists else table
            stored = txn.stat(database)["entries"]
            if stored != manifest.counts[name]:
                yield f"{stored} {name}, expected {manifest.counts[name]}"
    stored_sha256 = content_sha256(folder, rankings.format, manifest.normal_form_version)
    if stored_sha256 != manifest.content_sha256:
        yield f"content hash {stored_sha256[:12]}…, expected {manifest.content_sha256[:12]}…"


def _damaged_values(rankings: MappedRankings) -> Iterator[str]:
    """Every value that is damaged or refers to a track or a name that is not stored."""
    tables = rankings.tables
    with rankings.env.begin(buffers=True) as txn:
        total = txn.stat(tables["tracks"])["entries"]
        names = {letter: 0 for letter in LETTER_KIND}
        for raw, _ in txn.cursor(tables["numbered"]):
            names[chr(bytes(raw)[0])] += 1
        for table, database in tables.items():
            for raw, value in txn.cursor(database):
                key = bytes(raw)
                try:
                    if max(_ordinals(table, key, value), default=-1) >= total:
                        yield f"{table}: key {key!r} names a track that is not stored"
                    if table == "trigrams" and max(numbers(key, value), default=0) >= names[chr(key[0])]:
                        yield f"{table}: key {key!r} names a name that is not stored"
                except (ReleaseCorrupt, ValueError, IndexError, TypeError) as error:
                    yield f"{table}: {error}"


def _ordinals(table: str, key: bytes, value: memoryview) -> Sequence[int]:
    """The ordinals of tracks in a value; every value is decoded in full."""
    if table == "needs":
        return ranking(key, value).ordinals
    if table == "variants":
        return [ordinal for _, ordinals in variants_of(key, value) for ordinal in ordinals]
    if table == "names":
        return name_tracks(key, value)
    if table == "pairs":
        return numbers(key, value)
    if table == "tracks":
        track(key, value)
    elif table == "trigrams":
        numbers(key, value)
    else:
        texts(key, value)
    return ()
