"""Write the parts of a release in one LMDB transaction."""

from collections.abc import Iterable, Iterator
from pathlib import Path

import lmdb

from serving.content import TrackInfo
from serving.errors import ReleaseInput
from serving.files import sync
from serving.layout import MAX_VALUE_BYTES
from serving.settle import Settled
from serving.values import (
    name_key,
    name_value,
    number_key,
    numbers_value,
    ranking_value,
    texts_value,
    track_key,
    track_value,
    variants_value,
)

_LONG = ("trigrams",)  # of a frequent trigram, the numbers of its names fill several pages
_PAGE = 4096


def write_rankings(path: Path, content: Settled) -> None:
    """Write rankings.lmdb in key order in one transaction and fsync it; equal content gives equal bytes.

    Raises ReleaseInput if a value outside of `trigrams` has 2,000 bytes or more, because LMDB would use overflow pages for it.
    """
    tables = {name: list(rows) for name, rows in rows_of(content).items()}
    # The map size depends on the content alone, because LMDB writes it into the file. sync=False: there is one fsync below.
    with lmdb.open(
        str(path), subdir=False, map_size=_map_size(tables), max_dbs=len(tables), lock=False, sync=False, mode=0o644
    ) as env:
        with env.begin(write=True) as txn:
            for name, rows in tables.items():
                database = env.open_db(name.encode(), txn=txn)
                for key, value in rows:
                    if len(value) >= MAX_VALUE_BYTES and name not in _LONG:
                        raise ReleaseInput(f"{name}: value of {key!r} has {len(value)} bytes. Shorten its texts.")
                    txn.put(key, value, db=database, append=True)
        env.sync(True)
    sync(path)


def rows_of(content: Settled) -> dict[str, Iterable[tuple[bytes, bytes]]]:
    """The (key, value) rows of each sub-database, in key order."""
    return {
        "compact": sorted(_texts((key.encode(), (name,)) for key, name in content.compact.items())),
        "names": ((key, name_value(key, p, tracks)) for key, (_, _, p, tracks) in content.names.items()),
        "needs": ((key, ranking_value(key, item.tracks, item.scores, None)) for key, item in content.entries.items()),
        "numbered": sorted(
            _texts(
                (number_key(kind, number), (name,))
                for kind, index in content.near.items()
                for number, name in enumerate(index.names)
            )
        ),
        "pairs": ((key, numbers_value(key, tracks)) for key, (_, tracks) in content.pairs.items()),
        "reasons": _texts((key, item.reasons) for key, item in content.entries.items() if item.reasons),
        "sounds": sorted(
            _texts(
                (name_key(kind, key), _fitting(names))
                for kind, index in content.near.items()
                for key, names in index.sounds.items()
            )
        ),
        "tracks": ((key, track_value(key, info)) for key, info in keyed_tracks(content)),
        "trigrams": sorted(
            (key, numbers_value(key, numbers))
            for kind, index in content.near.items()
            for key, numbers in ((name_key(kind, gram), numbers) for gram, numbers in index.trigrams.items())
        ),
        "variants": (
            (key, variants_value(key, item.variants)) for key, item in content.entries.items() if item.variants
        ),
        "wordings": _texts((key, (need,)) for key, need in content.wordings.items()),
    }


def _texts(rows: Iterable[tuple[bytes, Iterable[str]]]) -> Iterator[tuple[bytes, bytes]]:
    return ((key, texts_value(key, tuple(texts))) for key, texts in rows)


def _fitting(names: list[str]) -> list[str]:
    """The first names that fit into a value."""
    kept, room = [], MAX_VALUE_BYTES - 8
    for name in names:
        room -= 2 + len(name.encode())
        if room <= 0:
            break
        kept.append(name)
    return kept


def keyed_tracks(content: Settled) -> Iterator[tuple[bytes, TrackInfo]]:
    """(key, track) of each row of the sub-database `tracks`, by ordinal."""
    return ((track_key(ordinal), info) for ordinal, info in enumerate(content.tracks))


def _map_size(tables: dict[str, list[tuple[bytes, bytes]]]) -> int:
    """An upper bound of the file size in whole MiB.

    A key with its value takes its bytes and 16 more in a page that is at least half full, or pages of its own.
    """
    size = 16 << 20
    for rows in tables.values():
        size += sum(
            2 * (len(key) + len(value) + 16) + (_PAGE if len(value) >= MAX_VALUE_BYTES else 0) for key, value in rows
        )
    return -(-size // (1 << 20)) << 20
