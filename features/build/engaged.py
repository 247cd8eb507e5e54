"""Which wordings count for their need in a snapshot: those of needs that enough people asked."""

from __future__ import annotations

from datetime import date

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from events.tiles import listener_estimate
from queries.nightly.by_need import by_need

PEOPLE_DAYS = 28
_PARTS = 1_000_000


def engaged_wordings(wordings: DataFrame, listeners: DataFrame, k: int, cold_share: float, tonight: date) -> DataFrame:
    """The rows of `wordings` whose plays count for their need; a need without a row is cold: built as if nobody had asked it.

    A need is cold in a snapshot if fewer than k distinct accounts asked it in the 28 days before, in all wordings and places
    (HyperLogLog, exact below some 96; it never counts more accounts than there are among so few). In the snapshots before tonight's, a
    share of the others is cold too, chosen by hash: the ranker sees their grades and learns to rank needs without engagement.

    Args:
        wordings: (as_of, language, query, need).
        listeners: what `events.tiles.listener_history` returns.
        k: `privacy.k`.
        cold_share: `features.cold_share`.
        tonight: the snapshot in which no need is hidden by hash.
    """
    recent = listeners.where(F.col("span_days") == F.lit(PEOPLE_DAYS)).select("as_of", "locale", "query", "listeners")
    people = listener_estimate("listeners")
    asked = by_need(recent, wordings).where(F.col("need").isNotNull()).groupBy("as_of", "need").agg(people.alias("n"))
    warm = asked.where((F.col("n") >= F.lit(k)) & ~is_hidden(cold_share, tonight)).select("as_of", "need")
    return wordings.join(warm, ["as_of", "need"], "left_semi").select("as_of", "language", "query", "need")


def is_hidden(cold_share: float, tonight: date) -> Column:
    """Whether the engagement of (as_of, need) is hidden from its snapshot, by hash of both; never in tonight's."""
    drawn = F.pmod(F.xxhash64(F.col("as_of").cast("string"), "need"), F.lit(_PARTS)) < F.lit(round(cold_share * _PARTS))
    return drawn & (F.col("as_of") != F.lit(tonight))
