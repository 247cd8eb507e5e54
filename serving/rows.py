"""The rows of a release as a stream in key order, and the LMDB file that they are written to."""

import hashlib
import struct
from collections import Counter
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

import lmdb

from serving.errors import ReleaseInput, one_line
from serving.files import sync
from serving.layout import MAX_VALUE_BYTES

CUT, PROBLEM = "~cut", "~problem"
"""Tables of rows that are not stored; they come after every sub-database: what was cut, and which rule the input breaks."""
LONG = ("trigrams",)  # of a frequent trigram, the numbers of its names fill several pages
PAGE = 4096
BESIDE = 16  # bytes that LMDB keeps with a key and its value
_COMMIT_BYTES = 8 << 20  # rows that one transaction keeps in memory
_COUNT = struct.Struct("<Q")


class Row(NamedTuple):
    """One key with its value in a sub-database, or a row of CUT (key: what was cut, value: how often) or PROBLEM (key: a text)."""

    table: str
    key: bytes
    value: bytes


@dataclass(frozen=True)
class Written:
    """What `write_rows` has written: rows by sub-database, cuts by kind, and a hash of all rows (`digest_of`)."""

    counts: Counter[str] = field(default_factory=Counter)
    cut: Counter[str] = field(default_factory=Counter)
    digest: str = ""


def cut_row(what: str, count: int = 1) -> Row:
    """The row that says how often something was cut."""
    return Row(CUT, what.encode(), _COUNT.pack(count))


def problem_row(text: str) -> Row:
    """The row that says which rule the input breaks."""
    return Row(PROBLEM, text.encode(errors="replace"), b"")


def room_of(row: Row) -> int:
    """Bytes that a row takes in the file at most: it lies in a page that is at least half full, or has pages of its own."""
    return 2 * (len(row.key) + len(row.value) + BESIDE) + (PAGE if len(row.value) >= MAX_VALUE_BYTES else 0)


def write_rows(path: Path, rows: Iterable[Row], room: int, tables: Collection[str]) -> Written:
    """Write rows in key order into a new LMDB file and fsync it; equal rows give equal bytes. Memory does not grow with the rows.

    Args:
        path: the file.
        rows: in the order of (table, key), each key once; rows of CUT may repeat.
        room: the sum of `room_of` over all rows: the size of the map follows from it, since LMDB writes that into the file.
        tables: the sub-databases, which are made even if they have no row.

    Raises:
        ReleaseInput: lists every rule that a row of PROBLEM names; or a key is given twice or out of order; or a value outside of LONG has
            2,000 bytes or more, for which LMDB would use overflow pages.
    """
    written, problems, digest = Written(), list[str](), _Digest()
    size = (16 << 20) + max(room, 0)
    size = -(-size // (1 << 20)) << 20
    last: tuple[str, bytes] = ("", b"")
    with lmdb.open(
        str(path), subdir=False, map_size=size, max_dbs=len(tables), lock=False, sync=False, mode=0o644
    ) as env:
        databases = {name: env.open_db(name.encode()) for name in sorted(tables)}
        txn, waiting = env.begin(write=True), 0
        try:
            for table, key, value in rows:
                if table == CUT:
                    written.cut[key.decode()] += _COUNT.unpack(value)[0]
                    continue
                if table == PROBLEM:
                    problems.append(key.decode())
                    continue
                if (table, key) == last:
                    problems.append(f"{table}: {key!r} is given twice")
                    continue
                last = (table, key)
                if len(value) >= MAX_VALUE_BYTES and table not in LONG:
                    raise ReleaseInput(f"{table}: value of {key!r} has {len(value)} bytes. Shorten its texts.")
                if not txn.put(key, value, db=databases[table], append=True):
                    raise ReleaseInput(f"{table}: {key!r} comes after a greater key. Give the rows in order.")
                written.counts[table] += 1
                digest.add(table, key, value)
                waiting += len(key) + len(value)
                if waiting >= _COMMIT_BYTES:
                    txn.commit()
                    txn, waiting = env.begin(write=True), 0
            txn.commit()
        except BaseException:
            txn.abort()
            raise
        env.sync(True)
    if problems:
        raise ReleaseInput(f"release not written, {len(problems)} broken rules: {one_line(problems)}. Mend rank_head.")
    sync(path)
    return Written(written.counts, written.cut, digest.text)


def digest_of(rows: Iterable[Row]) -> str:
    """A hash of rows in their order."""
    digest = _Digest()
    for row in rows:
        digest.add(*row)
    return digest.text


def stored_rows(env: lmdb.Environment, tables: Iterable[str]) -> Iterator[Row]:
    """The rows of an open file, by table and key."""
    with env.begin() as txn:
        for table in sorted(tables):
            for key, value in txn.cursor(env.open_db(table.encode(), txn=txn, create=False)):
                yield Row(table, bytes(key), bytes(value))


class _Digest:
    def __init__(self) -> None:
        self._hash = hashlib.sha256()

    def add(self, table: str, key: bytes, value: bytes) -> None:
        self._hash.update(b"%s\0%d\0%d\0" % (table.encode(), len(key), len(value)))
        self._hash.update(key)
        self._hash.update(value)

    @property
    def text(self) -> str:
        return self._hash.hexdigest()
