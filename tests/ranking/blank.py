"""Columns of needs and tracks that a test does not name: nothing is asked, nothing is known."""

from __future__ import annotations

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from queries.grammar.constraints import TYPED

_OF_TRACK = {
    "versions": "array<string>",
    "title_tokens": "array<string>",
    "artists_normal": "array<string>",
    "genres": "array<string>",
    "moods": "array<string>",
    "explicit": "boolean",
    "instrumentalness": "double",
}


def unasked(needs: DataFrame) -> DataFrame:
    """The needs with every constraint that they lack, as not asked."""
    return _filled(needs, {"decade": "array<int>", **TYPED})


def unknown(tracks: DataFrame) -> DataFrame:
    """The tracks with every column of `ranking.misfits.OF_TRACK` that they lack, as not known."""
    return _filled(tracks, _OF_TRACK)


def _filled(frame: DataFrame, kinds: dict[str, str]) -> DataFrame:
    blank = {
        name: (F.array() if kind.startswith("array") else F.lit(None)).cast(kind)
        for name, kind in kinds.items()
        if name not in frame.columns
    }
    return frame.withColumns(blank)
