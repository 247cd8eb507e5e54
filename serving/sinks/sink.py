"""The protocol of a sink, which is a store that the night's release is written to."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from serving.content import ReleaseRows


@dataclass(frozen=True, slots=True)
class SinkPlace:
    """Where a sink may write: the releases folder, and the number of nights whose releases stay there."""

    root: Path
    keep: int


class Sink(Protocol):
    """A store of releases. `jobs.publish` writes to every sink, then publishes in every sink, in the order of `publish.sinks`.

    A sink that fails raises an error; then no further sink publishes, and the night can be run again. Both methods must
    therefore be idempotent.
    """

    def write(self, release: ReleaseRows) -> str:
        """Store the release without answering from it, check what was stored, and return its release_id."""
        ...

    def publish(self, release_id: str) -> str:
        """Make the release the one that answers; returns what happened in one line."""
        ...
