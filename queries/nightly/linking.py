"""Links texts to tracks of the catalog in Spark, with the linker that the benchmark measures."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any, NamedTuple

from pyspark.sql import DataFrame

from queries.catalog.index import CatalogIndex
from queries.catalog.linker import Linker

if TYPE_CHECKING:
    import pandas as pd


class _Names(NamedTuple):
    track_id: str
    title: Any
    artists: Any
    album: Any
    genres: Any
    popularity: Any


NAMES = _Names._fields


def collected_names(tracks: DataFrame) -> pd.DataFrame:
    """The names of the catalog on the driver, in the order of track_id: about 200 bytes a track."""
    return tracks.select(*NAMES).orderBy("track_id").toPandas()


def index_of(names: pd.DataFrame) -> CatalogIndex:
    """The catalog in memory, from `collected_names`."""
    return CatalogIndex.of(_tracks(names))


def tasks_of(frame: DataFrame) -> int:
    """As many tasks as the session's shuffles have: each one builds the index of the catalog once."""
    return int(frame.sparkSession.conf.get("spark.sql.shuffle.partitions", "4") or 4)


def linked_tracks(asked: DataFrame, tracks: DataFrame, top: int) -> DataFrame:
    """At most `top` tracks for each text: (text, language, track_id, place), place 1 being the likeliest.

    Args:
        asked: distinct (text, language); the text is a normal form.
        tracks: the catalog.
        top: most tracks for a text.
    """
    names = collected_names(tracks)

    def link(batches: Iterable[pd.DataFrame]) -> Iterator[pd.DataFrame]:
        import pandas as pd

        linker = None
        for batch in batches:
            linker = linker or Linker(index_of(names))
            rows = [
                (text, language, track, place)
                for text, language in zip(batch["text"], batch["language"], strict=True)
                for place, (track, _) in enumerate(linker.candidates(text, language, top), 1)
            ]
            yield pd.DataFrame(rows, columns=["text", "language", "track_id", "place"])

    few = asked.select("text", "language").repartition(tasks_of(asked), "text")
    return few.mapInPandas(link, "text string, language string, track_id string, place int")


def _tracks(names: pd.DataFrame) -> Iterator[dict[str, Any]]:
    for row in map(_Names._make, names[list(NAMES)].itertuples(index=False, name=None)):
        popularity = row.popularity
        yield {
            "track_id": row.track_id,
            "title": row.title or "",
            "artists": [name for name in row.artists if isinstance(name, str)] if row.artists is not None else [],
            "album": row.album if isinstance(row.album, str) else "",
            "genres": list(row.genres) if row.genres is not None else [],
            "popularity": None if popularity is None or popularity != popularity else float(popularity),
        }
