"""What the helpers of a lake need of it: `lake.io.Lake` is one, and a re-run's lake is another."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from lake.commits import Commit
from lake.schema import Table

if TYPE_CHECKING:
    from pyspark.sql import SparkSession


class LakeAccess(Protocol):
    """Session, places and commits of a lake."""

    @property
    def spark(self) -> SparkSession:
        """The session; it starts when it is first asked for."""
        ...

    @property
    def root(self) -> Path:
        """The lake's folder."""
        ...

    @property
    def run_id(self) -> str:
        """The run that commits."""
        ...

    def path(self, table: Table) -> str:
        """Where a table lies."""
        ...

    def exists(self, table: Table) -> bool:
        """Whether the table was ever written."""
        ...

    def commits(self, table: Table) -> Mapping[str, Commit]:
        """The newest commit of each unit."""
        ...

    def forget_cache(self, table: Table) -> None:
        """Read the table's log anew when it is next asked for."""
        ...
