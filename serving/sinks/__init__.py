"""Where a release goes. A new sink: one file here, and one line in SINKS; `publish.sinks` names those of a night."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from serving.errors import ReleaseInput
from serving.sinks.lmdb_release import LmdbRelease
from serving.sinks.sink import ReleaseContent, Sink, SinkPlace

SINKS: dict[str, Callable[[SinkPlace], Sink]] = {"lmdb": LmdbRelease}


def sinks(names: Sequence[str], place: SinkPlace) -> list[Sink]:
    """The named sinks, in order. ReleaseInput names one that is not registered, or says that none is named."""
    unknown = [n for n in names if n not in SINKS]
    if unknown or not names:
        raise ReleaseInput(f"publish.sinks is {list(names)}: expected some of {', '.join(SINKS)}.")
    return [SINKS[n](place) for n in names]


def published(stores: Sequence[Sink], content: ReleaseContent) -> tuple[str, str]:
    """(release_id, what happened): write to every sink, then let every one answer. The first sink's release_id holds for all."""
    ids = [store.write(content) for store in stores]
    return ids[0], "; ".join(store.publish(ids[0]) for store in stores)
