"""A file of the driver that functions on executors read: every machine has one copy, which its Python workers map."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class ShippedFile:
    """Where a file lies that `lake.session.shipped` has given to the executors.

    Args:
        path: on the driver's machine.
        name: by which Spark knows the executors' copies; "" if they are on the driver's machine, too, and read `path`.
    """

    path: str
    name: str = ""

    @property
    def here(self) -> Path:
        """The path on the machine of the function that asks."""
        if not self.name:
            return Path(self.path)
        from pyspark import SparkFiles

        return Path(SparkFiles.get(self.name))
