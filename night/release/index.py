"""The names of a catalog as rows of a release, computed by Spark: what names are looked up by, exactly and by what is alike.

The same rows as `serving.in_memory.names_in_memory` makes, which is their oracle in the tests.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from lake.ordered import numbered
from lake.scratch import scratch
from lake.session import shipped
from night.release.rows import SortedRows, encoded
from queries.catalog.near import KINDS, LONGEST, MOST_NAMES, index_keys, index_trigrams
from queries.catalog.vocabulary import joined_names
from serving import encode
from serving.layout import MAX_NAME_BYTES
from serving.names_file import NamesFile, write_names
from serving.rows import Row, cut_row


def index_rows(names: DataFrame, pairs: DataFrame) -> SortedRows:
    """The rows of the tables `serving.names_file.NAME_TABLES`.

    Args:
        names: kind (artist, title, album, newest), name (folded), popularity, ordinals (of its first tracks).
        pairs: pair (`queries.catalog.vocabulary.pair_id`, as text), ordinals.
    """
    popularity = F.when(F.isnan("popularity"), 0.0).otherwise(F.col("popularity")).cast("float").alias("popularity")
    known = names.where(is_stored() & F.col("kind").isin(*KINDS)).select("kind", "name", popularity)
    in_turn = numbered(known.where(F.length("name") <= LONGEST), "kind", F.desc("popularity"), "name")
    first = {r[0]: int(r[1]) for r in in_turn.groupBy("kind").agg(F.min("number")).collect()}
    of_kind = F.coalesce(*[F.when(F.col("kind") == kind, F.lit(number)) for kind, number in first.items()], F.lit(0))
    by_number = in_turn.select("kind", (F.col("number") - of_kind).alias("number"), "name")
    return SortedRows.of(
        encoded(names.select("kind", "name", "popularity", "ordinals"), _of_name),
        encoded(pairs.select("pair", "ordinals"), lambda r: [encode.pair_row(int(r.pair), r.ordinals)]),
        encoded(_compact(known), lambda r: [encode.compact_row(r.joined, r.artist)]),
        encoded(by_number, lambda r: [encode.numbered_row(r.kind, int(r.number), r.name)]),
        encoded(_keyed(by_number), _of_key),
    )


def is_stored() -> Column:
    """Whether a row's `name` can be part of a key (`serving.encode.can_be_name`); the others are cut."""
    return F.octet_length("name").between(1, MAX_NAME_BYTES) & ~F.contains("name", F.lit("\0"))


def names_file(rows: SortedRows, work: Path, genres: frozenset[str]) -> NamesFile:
    """Write the rows into a file of this machine, and give it to the executors.

    Args:
        rows: `index_rows`.
        work: the folder for what may be lost (`cluster.work_dir`).
        genres: genres of the catalog.
    """
    path = scratch(work.resolve()) / f"names-{secrets.token_hex(6)}.lmdb"
    write_names(path, rows, rows.room)
    return NamesFile(shipped(rows.frame.sparkSession, path), genres)


def _of_name(row: Any) -> Iterator[Row]:
    if encode.can_be_name(row.name):
        yield encode.name_row(row.kind, row.name, row.popularity, row.ordinals)
    else:
        yield cut_row("names")


def _compact(known: DataFrame) -> DataFrame:
    """(joined, artist): `queries.catalog.vocabulary.joined_artists`, by joins."""
    artists = known.where("kind = 'artist'").select("name", F.col("popularity").cast("double").alias("popularity"))

    def joined(batches: Any) -> Any:
        import pandas as pd

        for batch in batches:
            rows = [
                (*one, popularity, artist)
                for artist, popularity in batch.itertuples(index=False, name=None)
                for one in joined_names(artist)
            ]
            yield pd.DataFrame(rows, columns=["joined", "precedence", "singer", "popularity", "artist"])

    schema = "joined string, precedence int, singer string, popularity double, artist string"
    rows = artists.mapInPandas(joined, schema)
    rows = rows.join(artists.select(F.col("name").alias("singer")), "singer", "left_anti")
    best = F.max(F.struct("precedence", "popularity", "artist"))["artist"].alias("artist")
    return rows.groupBy("joined").agg(best)


def _keyed(by_number: DataFrame) -> DataFrame:
    """(kind, text, is_sound, names): the names with a key, by their number; of a sound the first MOST_NAMES, of a trigram numbers alone."""

    def keyed(batches: Any) -> Any:
        import pandas as pd

        for batch in batches:
            rows = []
            for kind, number, name in batch.itertuples(index=False, name=None):
                rows += [(kind, text, True, number, name) for text in index_keys(kind, name)]
                rows += [(kind, text, False, number, None) for text in index_trigrams(name)]
            yield pd.DataFrame(rows, columns=["kind", "text", "is_sound", "number", "name"])

    rows = by_number.mapInPandas(keyed, "kind string, text string, is_sound boolean, number long, name string")
    listed = F.array_sort(F.collect_list(F.struct("number", "name"))).alias("names")
    grouped = rows.groupBy("kind", "text", "is_sound").agg(listed)
    numbers = F.when(~F.col("is_sound"), F.col("names")["number"]).alias("numbers")
    heard = F.when(F.col("is_sound"), F.slice("names", 1, MOST_NAMES)["name"]).alias("names")
    return grouped.select("kind", "text", numbers, heard)


def _of_key(row: Any) -> Iterator[Row]:
    if row.numbers is None:
        yield encode.sounds_row(row.kind, row.text, row.names)
    else:
        yield encode.trigram_row(row.kind, row.text, row.numbers)
