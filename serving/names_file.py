"""The names of a catalog as a file that many processes map: the name tables of a release, for those who read without one."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from serving.layout import FORMAT_VERSION, SUB_DATABASES
from serving.mapped import mapped
from serving.rows import Row, write_rows
from serving.stored_names import StoredNames

if TYPE_CHECKING:
    from lake.shipped import ShippedFile

NAME_TABLES = ("compact", "names", "numbered", "pairs", "sounds", "trigrams")


def write_names(path: Path, rows: Iterable[Row], room: int) -> None:
    """Write the rows of NAME_TABLES, in key order, into a new file. See `serving.rows.write_rows`."""
    write_rows(path, rows, room, SUB_DATABASES[FORMAT_VERSION])


@dataclass(frozen=True)
class NamesFile:
    """A written file, as functions on executors are given it.

    Args:
        file: where it lies.
        genres: genres of the catalog, as it writes them.
    """

    file: ShippedFile
    genres: frozenset[str]

    def opened(self) -> StoredNames:
        """The names, for as long as the result lives."""
        rankings = mapped(self.file.here)
        return StoredNames(rankings.env.begin(buffers=True), rankings.tables, self.genres)
