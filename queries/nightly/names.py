"""Adds normal forms of catalog names, so that requests and titles can be compared word by word."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from queries.catalog.vocabulary import name_forms
from queries.grammar.lexicon import canonical_genre
from queries.text.normalise import normal_form

if TYPE_CHECKING:
    import pandas as pd
    from pyspark.sql import Column, DataFrame


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

    Grain: one row per track, unchanged; a track without album has []. Runs on Arrow batches.
    """
    from pyspark.sql import functions as F

    return tracks.withColumns(
        {
            "title_forms": _forms(F.array("title")),
            "artist_forms": _forms(F.col("artists")),
            "album_forms": _forms(F.array("album")),
        }
    )


def _forms(names: Column) -> Column:
    import pandas as pd
    from pyspark.sql.pandas.functions import pandas_udf

    def formed(names: pd.Series) -> pd.Series:
        return pd.Series([list(dict.fromkeys(form for name in of for form in name_forms(name))) for of in names])

    formed.__annotations__ = {"names": pd.Series, "return": pd.Series}
    return pandas_udf(formed, "array<string>")(names)  # type: ignore[call-overload, no-any-return]
