"""The sink `lmdb`: one immutable folder per release with an LMDB file, and the pointer CURRENT."""

from __future__ import annotations

from serving.content import ReleaseRows
from serving.publish import publish
from serving.sinks.sink import SinkPlace
from serving.writer import write_release


class LmdbRelease:
    """Writes and publishes releases in the format of docs/release-format.md."""

    def __init__(self, place: SinkPlace) -> None:
        self.place = place

    def write(self, release: ReleaseRows) -> str:
        """See `serving.writer.write_release`."""
        return write_release(self.place.root, release)

    def publish(self, release_id: str) -> str:
        """See `serving.publish.publish`."""
        return publish(self.place.root, release_id, self.place.keep).message
