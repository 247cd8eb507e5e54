"""The pairs that are graded: those shown in the label weeks, and those of the snapshots that sampled negatives are drawn from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from functools import reduce

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from features.catalogue import feature_table
from labels.grades import GradeSettings
from labels.unshown import PAIR
from lake.joins import if_small
from lake.places import places
from lake.tables.daily import DAILY_ENGAGEMENT
from lake.tables.nightly import CANDIDATES
from night.night import Night
from night.wordings import mapping
from queries.nightly.by_need import by_need
from ranking.candidates import is_from_logs

SNAPSHOT_PAIRS = feature_table("need_track")


def grade_settings(night: Night) -> GradeSettings:
    """The settings of grades, of section `labels`."""
    labels = night.settings.labels
    a, b, c, d = labels.cuts
    return GradeSettings(labels.label_days, labels.grade_strength, labels.grade_prior_share, (a, b, c, d))


def label_weeks(night: Night) -> dict[date, list[str]]:
    """Training snapshot -> the written days of its label week."""
    span = timedelta(days=night.settings.labels.label_days)
    return {t: night.days(t, t + span) for t in night.as_of}


def in_label_weeks(night: Night, weeks: Mapping[date, Sequence[str]]) -> DataFrame:
    """DAILY_ENGAGEMENT of the label weeks, with `as_of` and `need`; wordings without a need are left out.

    Args:
        night: the night.
        weeks: `label_weeks`, at least one of them with a day.
    """
    frames = [night.lake.read(DAILY_ENGAGEMENT, of).withColumn("as_of", F.lit(t)) for t, of in weeks.items() if of]
    daily = by_need(reduce(DataFrame.unionByName, frames), mapping(night, sorted(weeks)))
    return daily.where(F.col("need").isNotNull())


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
