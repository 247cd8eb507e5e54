"""Adds normal forms of catalog names, so that requests and titles can be compared word by word."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

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
