"""Adds normal forms of catalog names, so that requests and titles can be compared word by word."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from queries.catalog.vocabulary import name_forms
from queries.grammar.lexicon import canonical_genre
from queries.text.normalise import normal_form

if TYPE_CHECKING:
    import pandas as pd
    from pyspark.sql import DataFrame


def with_normal_names(tracks: DataFrame) -> DataFrame:
    """Add `title_normal` and `artists_normal` (normal forms) and make `genres` canonical ("hip-hop" → "hip hop").

    Grain: one row per track, unchanged. The raw names are kept. Runs on Arrow batches.
    """
    from pyspark.sql.types import ArrayType, StringType, StructField, StructType

    text, texts = StringType(), ArrayType(StringType())
    added = [StructField("title_normal", text), StructField("artists_normal", texts)]
    schema = StructType([*tracks.schema.fields, *added])

    def named(batches: Iterable[pd.DataFrame]) -> Iterator[pd.DataFrame]:
        for batch in batches:
            batch["title_normal"] = [normal_form(t, "en") for t in batch["title"]]
            batch["artists_normal"] = [[normal_form(a, "en") for a in names] for names in batch["artists"]]
            batch["genres"] = [list(dict.fromkeys(canonical_genre(g) for g in of)) for of in batch["genres"]]
            yield batch

    return tracks.mapInPandas(named, schema)


def with_name_forms(tracks: DataFrame) -> DataFrame:
    """Add `title_forms`, `artist_forms` and `album_forms`: all folded forms of the names (`queries.catalog.vocabulary.name_forms`).

    Grain: one row per track, unchanged. Runs on Arrow batches.
    """
    from pyspark.sql.types import ArrayType, StringType, StructField, StructType

    names = ("title_forms", "artist_forms", "album_forms")
    added = [StructField(name, ArrayType(StringType())) for name in names]

    def formed(batches: Iterable[pd.DataFrame]) -> Iterator[pd.DataFrame]:
        for batch in batches:
            batch["title_forms"] = [name_forms(t) for t in batch["title"]]
            batch["artist_forms"] = [
                list(dict.fromkeys(f for a in of for f in name_forms(a))) for of in batch["artists"]
            ]
            batch["album_forms"] = [name_forms(a) for a in batch["album"]]
            yield batch

    forms = tracks.select("track_id", "title", "artists", "album").mapInPandas(
        formed, StructType([*tracks.select("track_id", "title", "artists", "album").schema.fields, *added])
    )
    return tracks.join(forms.select("track_id", *names), "track_id")
