"""Write the rankings of a release in one LMDB transaction."""

from collections.abc import Iterator
from pathlib import Path

import lmdb

from serving.content import TrackInfo
from serving.errors import ReleaseInput
from serving.files import sync
from serving.layout import MAX_VALUE_BYTES
from serving.settle import Settled
from serving.values import ranking_value, texts_value, track_key, track_value


def write_rankings(path: Path, content: Settled) -> None:
    """Write rankings.lmdb in key order in one transaction and fsync it; equal content gives equal bytes.

    Raises ReleaseInput if a value has 2,000 bytes or more, because LMDB would then use overflow pages for it.
    """
    tables = {
        "aliases": ((key, texts_value(key, (query,))) for key, query in content.aliases.items()),
        "rankings": (
            (key, ranking_value(key, item.tracks, item.scores, item.propensity))
            for key, item in content.entries.items()
        ),
        "reasons": ((key, texts_value(key, item.reasons)) for key, item in content.entries.items() if item.reasons),
        "tracks": ((key, track_value(key, info)) for key, info in keyed_tracks(content)),
    }
    # The map size depends on the content alone, because LMDB writes it into the file. sync=False: there is one fsync below.
    with lmdb.open(
        str(path), subdir=False, map_size=_map_size(content), max_dbs=len(tables), lock=False, sync=False, mode=0o644
    ) as env:
        with env.begin(write=True) as txn:
            for name, rows in tables.items():
                database = env.open_db(name.encode(), txn=txn)
                for key, value in rows:
                    if len(value) >= MAX_VALUE_BYTES:
                        raise ReleaseInput(f"{name}: value of {key!r} has {len(value)} bytes. Shorten its texts.")
                    txn.put(key, value, db=database, append=True)
        env.sync(True)
    sync(path)


def keyed_tracks(content: Settled) -> Iterator[tuple[bytes, TrackInfo]]:
    """(key, track) of each row of the sub-database `tracks`, by ordinal."""
    return ((track_key(ordinal), info) for ordinal, info in enumerate(content.tracks))


def _map_size(content: Settled) -> int:
    """An upper bound of the file size: a key with its value takes at most two 4 KiB pages, and pages are at least half full."""
    count = 2 * len(content.entries) + len(content.aliases) + len(content.tracks)
    return -(-(count * 8192 + (16 << 20)) // (1 << 20)) << 20
