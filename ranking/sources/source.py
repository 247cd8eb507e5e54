"""What a candidate source is: one function that proposes tracks for the head queries, in an order of its own."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F

KEYS = ("locale", "query")


@dataclass
class CandidateSettings:
    """Section `candidates` of conf/night.yaml.

    Args:
        window_days: days of engagement that sources read.
        cap: tracks kept for a query, best source rank first.
        per_source: tracks that a source may propose for a query.
        rare_word_tracks: a word proposes tracks only if at most this many tracks have it.
        min_fit: `features.expressions.range_fit`, 0 to 1, from which a track fits the mood or activity asked for.
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
        settings: limits of the candidates.
    """

    queries: DataFrame
    daily: DataFrame
    tracks: DataFrame
    settings: CandidateSettings


@dataclass(frozen=True)
class Source:
    """A registered source.

    Args:
        name: its name in column `sources` of `candidates`, and in the reasons of a release.
        propose: returns (locale, query, track_id, source_rank); rank 1 is its best proposal. A track may have several rows for a
            query, of which the best rank counts.
        meaning: one line for the documents.
        reads_logs: whether it proposes tracks that listeners were shown; other sources use the request and the catalog alone.
    """

    name: str
    propose: Callable[[SourceInputs], DataFrame]
    meaning: str
    reads_logs: bool = False


def top(frame: DataFrame, keys: list[str], order: list[Column], n: int) -> DataFrame:
    """The first `n` rows of each key in the given order, with their rank, 1-based, as `_rank`."""
    ranked = frame.withColumn("_rank", F.row_number().over(Window.partitionBy(*keys).orderBy(*order)))
    return ranked.where(F.col("_rank") <= n)


def ranked(frame: DataFrame, order: list[Column], settings: CandidateSettings) -> DataFrame:
    """The result of a source: the first `per_source` tracks of each query in an order, as `Source.propose` returns them."""
    best = top(frame, list(KEYS), order, settings.per_source)
    return best.withColumnRenamed("_rank", "source_rank").select(*KEYS, "track_id", "source_rank")
