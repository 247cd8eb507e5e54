"""The interface of a lake that the helper modules use; `lake.io.Lake` and `lake.rerun.RerunLake` implement it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from lake.commits import Commit
from lake.schema import Table

if TYPE_CHECKING:
    from pyspark.sql import SparkSession


class LakeAccess(Protocol):
    """Session, table paths and commits of a lake."""

    @property
    def spark(self) -> SparkSession:
        """The Spark session; the first access starts it."""
        ...

    @property
    def root(self) -> Path:
        """The lake's folder."""
        ...

    @property
    def run_id(self) -> str:
        """Id of the run that commits."""
        ...

    def path(self, table: Table) -> str:
        """Path of the table's folder."""
        ...

    def exists(self, table: Table) -> bool:
        """Whether the table has at least one commit."""
        ...

    def commits(self, table: Table) -> Mapping[str, Commit]:
        """The newest commit of each unit."""
        ...

    def forget_cache(self, table: Table) -> None:
        """Drop the cached commits of the table, so that its log is read again at the next access."""
        ...
