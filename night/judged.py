"""What the snapshots knew and what was shown: the pairs that grades are of."""

from __future__ import annotations

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from features.catalogue import feature_table
from labels.unshown import PAIR
from lake.places import places
from lake.tables.nightly import CANDIDATES
from night.night import Night
from ranking.candidates import is_from_logs

SNAPSHOT_PAIRS = feature_table("query_track")


def known_pairs(night: Night) -> DataFrame:
    """(as_of, locale, query, track_id) that the snapshots hold and no log had proposed, of tracks that the catalog still has.

    A snapshot that its own night built holds all candidates of its day; one that tonight built, what `jobs.build_features` chose.
    """
    lake = night.lake
    held = lake.read(SNAPSHOT_PAIRS, night.as_of).withColumnRenamed("run_date", "as_of").select(*PAIR)
    held = held.join(F.broadcast(night.tracks(allow_unvalidated=False).select("track_id")), "track_id", "left_semi")
    if not (days := [d for d in night.as_of if str(d) in lake.commits(CANDIDATES)]):
        return held
    proposed = lake.read(CANDIDATES, days, allow_unvalidated=True).withColumnRenamed("run_date", "as_of")
    return held.join(proposed.where(is_from_logs()), PAIR, "left_anti")


def shown(daily: DataFrame) -> DataFrame:
    """(as_of, locale, query, track_id) of what was shown in the label weeks, in its locale, its language and anywhere."""
    return daily.withColumn("locale", F.explode(places())).select("as_of", "locale", "query", "track_id").distinct()
