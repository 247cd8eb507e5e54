"""The stores of a release. A new sink is one file here and one line in SINKS; `publish.sinks` names the sinks of a night."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from serving.content import ReleaseRows
from serving.errors import ReleaseInput
from serving.sinks.lmdb_release import LmdbRelease
from serving.sinks.sink import Sink, SinkPlace

SINKS: dict[str, Callable[[SinkPlace], Sink]] = {"lmdb": LmdbRelease}


def sinks(names: Sequence[str], place: SinkPlace) -> list[Sink]:
    """The named sinks, in order. Raises ReleaseInput for a name that is not registered, or without any name."""
    unknown = [n for n in names if n not in SINKS]
    if unknown or not names:
        raise ReleaseInput(f"publish.sinks is {list(names)}: expected some of {', '.join(SINKS)}.")
    return [SINKS[n](place) for n in names]


def published(stores: Sequence[Sink], release: ReleaseRows) -> tuple[str, str]:
    """Write to every sink, then publish in every sink; returns (release_id of the first sink, what each sink did in words)."""
    ids = [store.write(release) for store in stores]
    return ids[0], "; ".join(store.publish(ids[0]) for store in stores)
