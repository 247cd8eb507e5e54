"""The pairs that are graded: those shown in the label weeks, and those of the snapshots that sampled negatives are drawn from."""

from __future__ import annotations

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from features.catalogue import feature_table
from labels.unshown import PAIR
from lake.joins import if_small
from lake.places import places
from lake.tables.nightly import CANDIDATES
from night.night import Night
from ranking.candidates import is_from_logs

SNAPSHOT_PAIRS = feature_table("need_track")


def known_pairs(night: Night) -> DataFrame:
    """(as_of, place, need, track_id) of the snapshots that no log-based source proposed, of tracks still in the catalog.

    A snapshot that was built in its own night holds all candidates of its day; one that this night built holds the pairs that
    `night.snapshots.wanted_pairs` chose.
    """
    lake = night.lake
    pairs = lake.read(SNAPSHOT_PAIRS, night.as_of).withColumnRenamed("run_date", "as_of").select(*PAIR)
    pairs = pairs.join(if_small(night.tracks(allow_unvalidated=False).select("track_id")), "track_id", "left_semi")
    if not (days := [d for d in night.as_of if str(d) in lake.commits(CANDIDATES)]):
        return pairs
    proposed = lake.read(CANDIDATES, days, allow_unvalidated=True).withColumnRenamed("run_date", "as_of")
    return pairs.join(proposed.where(is_from_logs()), PAIR, "left_anti")


def shown(daily: DataFrame) -> DataFrame:
    """(as_of, place, need, track_id) of the pairs shown in the label weeks, in each place: locale, language and everywhere.

    `daily` has the days of the label weeks, with `as_of` and `need`.
    """
    return daily.withColumn("locale", F.explode(places())).select(*PAIR).distinct()
