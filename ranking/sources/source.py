"""What a candidate source is: one function that proposes tracks for needs, in an order of its own."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F

KEYS = ("locale", "need")


@dataclass
class CandidateSettings:
    """Section `candidates` of conf/night.yaml.

    Args:
        window_days: days of engagement that tell how strong a track is (`with_strength`); what was heard for a need is of 28 days.
        cap: tracks kept for a need that enough people asked, best source rank first.
        cold_cap: the same for any other need.
        min_listeners: people who must have heard a track for a need before their engagement proposes it.
        per_source: tracks that a source may propose for a need.
        linked_tracks: the strongest tracks among which `linked` looks for words that nothing explains; every task has their names.
        like_named: tracks that share words with a named title, album or artist, without bearing the name, for a need.
        rare_word_tracks: a word proposes tracks only if at most this many tracks have it.
        min_fit: `features.expressions.range_fit`, 0 to 1, from which a track fits the mood or activity asked for.
    """

    window_days: int
    cap: int
    cold_cap: int
    min_listeners: int
    per_source: int
    linked_tracks: int
    like_named: int
    rare_word_tracks: int
    min_fit: float


@dataclass(frozen=True)
class SourceInputs:
    """What a source may read.

    Args:
        needs: the ranked needs, columns of `needs` and `is_warm` (`ranking.head.ranked_needs`); one row per (place, need).
        heard: table `heard` of the night.
        tracks: the catalog with `strength` (`ranking.candidates.with_strength`), `versions`, `title_tokens`, and all forms of its
            names (`queries.nightly.names.with_name_forms`).
        settings: limits of the candidates.
    """

    needs: DataFrame
    heard: DataFrame
    tracks: DataFrame
    settings: CandidateSettings


@dataclass(frozen=True)
class Source:
    """A registered source.

    Args:
        name: its name in column `sources` of `candidates`, and in the reasons of a release.
        propose: returns (locale, need, track_id, source_rank), locale being the place; rank 1 is its best proposal. A track may
            have several rows for a need, of which the best rank counts.
        meaning: one line for the documents.
        reads_logs: whether it proposes tracks that listeners were shown; other sources use the request and the catalog alone.
    """

    name: str
    propose: Callable[[SourceInputs], DataFrame]
    meaning: str
    reads_logs: bool = False


def tracks_by(rank: str) -> Column:
    """Aggregate: the track_ids of a group as an array, in the order of the column `rank`."""
    return F.transform(F.sort_array(F.collect_list(F.struct(rank, "track_id"))), lambda one: one["track_id"])


def top(frame: DataFrame, keys: list[str], order: list[Column], n: int) -> DataFrame:
    """The first `n` rows of each key in the given order, with their rank, 1-based, as `_rank`."""
    ranked = frame.withColumn("_rank", F.row_number().over(Window.partitionBy(*keys).orderBy(*order)))
    return ranked.where(F.col("_rank") <= n)


def ranked(frame: DataFrame, order: list[Column], settings: CandidateSettings) -> DataFrame:
    """The result of a source: the first `per_source` tracks of each need in an order, as `Source.propose` returns them."""
    best = top(frame, list(KEYS), order, settings.per_source)
    return best.withColumnRenamed("_rank", "source_rank").select(*KEYS, "track_id", "source_rank")


def by_year(sort_by: str, year: str) -> Column:
    """The order by year of release where the newest or oldest tracks are asked for, else null for all; undated tracks come last."""
    wanted = F.col(sort_by)
    return F.when(wanted == "newest", -F.col(year)).when(wanted == "oldest", F.col(year)).asc_nulls_last()
