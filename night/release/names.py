"""The names of the catalog: as they are read at night, and as a release has them, with the first tracks of each."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from lake.checkpoint import checkpointed
from lake.tables.daily import DAILY_ENGAGEMENT
from night.night import Night
from night.release.index import index_rows, names_file
from night.release.rows import of_tracks
from queries.catalog.vocabulary import pair_id
from queries.nightly.names import with_name_forms
from queries.nightly.understand import catalog_names
from ranking.candidates import with_strength
from ranking.short_lists import name_lists, pair_lists
from serving.layout import SHORT_LIST
from serving.names_file import NamesFile

if TYPE_CHECKING:
    import pandas as pd


def named_tracks(night: Night) -> DataFrame:
    """The night's catalog with `strength` and all forms of its names; computed once."""
    daily = night.lake.read(DAILY_ENGAGEMENT, night.window(night.settings.candidates.window_days))
    return checkpointed(with_name_forms(with_strength(night.tracks(allow_unvalidated=False), daily)))


def short_lists(tracks: DataFrame) -> tuple[DataFrame, DataFrame]:
    """The first tracks of each name, and of each recording by an artist; computed once.

    Args:
        tracks: `named_tracks`.

    Returns:
        (kind, name, popularity, tracks), and (pair: `queries.catalog.vocabulary.pair_id` as text, tracks).
    """
    names = name_lists(tracks, SHORT_LIST).select("kind", "name", "popularity", "tracks")
    pairs = pair_lists(tracks, SHORT_LIST).select("is_album", "name", "artist", "tracks")

    def with_id(batches: Iterable[pd.DataFrame]) -> Iterator[pd.DataFrame]:
        import pandas as pd

        for batch in batches:
            named = zip(batch["name"], batch["artist"], batch["is_album"], strict=True)
            ids = [str(pair_id(name, artist, is_album=bool(is_album))) for name, artist, is_album in named]
            yield pd.DataFrame({"pair": ids, "tracks": batch["tracks"]})

    return checkpointed(names), checkpointed(pairs.mapInPandas(with_id, "pair string, tracks array<string>"))


def with_places(names: DataFrame, pairs: DataFrame, ordinals: DataFrame) -> tuple[DataFrame, DataFrame]:
    """The short lists with the ordinals of their tracks, as `night.release.index.index_rows` takes them.

    Args:
        names: the first of `short_lists`.
        pairs: the second of them.
        ordinals: `night.release.rows.with_ordinals`.
    """
    return of_tracks(names, ("kind", "name"), ordinals), of_tracks(pairs, ("pair",), ordinals)


def catalog_file(tracks: DataFrame, work: Path) -> NamesFile:
    """The folded names of a catalog as a file that the readers of wordings map; without tracks.

    Args:
        tracks: the catalog.
        work: the folder for what may be lost (`cluster.work_dir`).
    """
    rows = checkpointed(catalog_names(tracks))
    nothing = F.array().cast("array<int>").alias("ordinals")
    names = rows.where(~F.col("kind").isin("genre", "pair")).select(
        "kind", F.col("form").alias("name"), "popularity", nothing
    )
    pairs = rows.where("kind = 'pair'").select(F.col("form").alias("pair"), nothing)
    genres = frozenset(str(r[0]) for r in rows.where("kind = 'genre'").select("form").collect())
    return names_file(index_rows(names, pairs), work, genres)
