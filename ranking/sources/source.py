"""What a candidate source is: one function that proposes tracks for the head queries, in an order of its own."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

KEYS = ("locale", "query")


@dataclass
class CandidateSettings:
    """Section `candidates` of conf/night.yaml.

    Args:
        window_days: days of engagement that propose tracks.
        cap: tracks kept of a query, best source rank first.
        per_source: tracks that a source may propose for a query.
        rare_word_tracks: a word that more tracks have proposes nothing.
        min_fit: share of an asked range of mood or activity from which a track fits it.
    """

    window_days: int
    cap: int
    per_source: int
    rare_word_tracks: int
    min_fit: float


@dataclass(frozen=True)
class SourceInputs:
    """What a source may read.

    Args:
        queries: the public head queries, columns of `queries`; one row per (locale, query).
        daily: `daily_engagement` of the window.
        tracks: the catalog with `strength` (`ranking.candidates.with_strength`), `versions` and `title_tokens`.
        settings: how many tracks may be proposed.
    """

    queries: DataFrame
    daily: DataFrame
    tracks: DataFrame
    settings: CandidateSettings


@dataclass(frozen=True)
class Source:
    """A registered source.

    Args:
        name: how it is named in column `sources` of `candidates`, and in the reasons of a release.
        propose: gives (locale, query, track_id, source_rank), at most one row per key and track; rank 1 is its best.
        meaning: one line for the documents.
        reads_logs: whether it proposes what listeners were shown; the others propose by the request and the catalog alone.
    """

    name: str
    propose: Callable[[SourceInputs], DataFrame]
    meaning: str
    reads_logs: bool = False


def top(frame: DataFrame, keys: list[str], order: list[Column], n: int) -> DataFrame:
    """The first `n` rows of each key in an order, with their place as `_rank`."""
    from pyspark.sql import Window

    ranked = frame.withColumn("_rank", F.row_number().over(Window.partitionBy(*keys).orderBy(*order)))
    return ranked.where(F.col("_rank") <= n)


def ranked(frame: DataFrame, order: list[Column], settings: CandidateSettings) -> DataFrame:
    """What a source gives: the first `per_source` of each query in an order."""
    best = top(frame, list(KEYS), order, settings.per_source)
    return best.withColumnRenamed("_rank", "source_rank").select(*KEYS, "track_id", "source_rank")
