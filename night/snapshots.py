"""Which snapshots of features a night builds, for which pairs, and what each is made from."""

from __future__ import annotations

from datetime import date, timedelta

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from features.build.inputs import FeatureInputs
from features.build.stored import catalogs_of, stored_inputs
from features.catalogue import BACK, KEYS, OWN, feature_table, feature_tables, matrix_fingerprint
from features.measures import LONGEST_DAYS
from labels.unshown import unshown
from lake.code import code_fingerprint, library_versions
from lake.tables.daily import DAILY_ENGAGEMENT
from lake.tables.logs import TRACKS
from lake.tables.nightly import CANDIDATES, EXPOSURE_CURVES, QUERIES
from night.head import head_settings
from night.night import Night
from ranking.candidates import is_from_logs

PAIRS = feature_table("query_track")


# what makes the columns, whichever night builds them
FEATURE_CODE = (
    "features.build.engine",
    "features.catalogue",
    "features.build.vectors",
    "features.build.backoff",
    "features.build.popularity",
    "events.tiles",
)


def pending_snapshots(night: Night, wanted: dict[str, str]) -> dict[str, str]:
    """Snapshots to build, with their marks: those whose pairs have another; and tonight's, where another grain has.

    A build of tonight's under other settings may have been cut off before the pairs' own table. (An earlier snapshot that its own night
    built could not be built again as it was.)
    """
    pending, tonight = night.pending(PAIRS, wanted), night.settings.run_date
    if any(night.lake.fingerprint(feature_table(grain), tonight) != wanted[tonight] for grain in KEYS):
        pending[tonight] = wanted[tonight]
    return pending


def daily_before(night: Night, dates: tuple[date, ...]) -> DataFrame:
    """The counted days that snapshots of `dates` look back on, up to D (training pairs are those shown after a snapshot)."""
    first = min(dates) - timedelta(days=LONGEST_DAYS)
    return night.lake.read(DAILY_ENGAGEMENT, night.days(first, night.run_date), allow_unvalidated=True)


def inputs_of(
    night: Night, pairs: DataFrame, dates: tuple[date, ...], daily: DataFrame, queries: DataFrame
) -> FeatureInputs:
    """What the night computes the features of `pairs` (as_of, locale, query, track_id) from."""
    return stored_inputs(
        night.lake,
        pairs,
        dates,
        daily=daily,
        queries=queries,
        tracks=night.tracks(allow_unvalidated=True),
        catalogs=_catalogs(night),
        vectors=night.settings.features.vectors,
        aliases_of=night.run_date,
    )


def _catalogs(night: Night) -> dict[date, tuple[str, str | None]] | None:
    backdate = night.settings.catalog_popularity.backdate
    return catalogs_of(night.lake, (*night.as_of, night.run_date), backdate=backdate)


def training_pairs(daily: DataFrame, head: DataFrame, tracks: DataFrame, as_of: date, label_days: int) -> DataFrame:
    """(as_of, locale or language, query, track) shown in [as_of, as_of + label_days), of head queries and the catalog of D."""
    days = (F.col("search_date") >= F.lit(as_of)) & (F.col("search_date") < F.lit(as_of + timedelta(days=label_days)))
    places = F.array(F.col("locale"), F.substring("locale", 1, 2))
    shown = daily.where(days).withColumn("locale", F.explode(places)).select("locale", "query", "track_id").distinct()
    # the catalog may have lost some
    shown = shown.join(F.broadcast(tracks.select("track_id")), "track_id", "left_semi")
    asked = F.broadcast(head.select("locale", "query"))
    return shown.join(asked, ["locale", "query"], "left_semi").select(F.lit(as_of).alias("as_of"), "*")


def wanted_pairs(night: Night, day: date, daily: DataFrame, head: DataFrame) -> DataFrame:
    """(as_of, locale, query, track_id) whose features are built: tonight all candidates; of a past day what was shown in its label
    week, and what will teach though it was not: of tonight's candidates that no log proposed, released by then.
    """
    keys = (F.lit(day).alias("as_of"), "locale", "query", "track_id")
    candidates, labels = night.lake.read(CANDIDATES, [night.run_date], allow_unvalidated=True), night.settings.labels
    if day == night.run_date:
        return candidates.select(*keys)
    tracks = night.tracks(allow_unvalidated=True)
    shown = training_pairs(daily, head, tracks, day, labels.label_days)
    out = tracks.where(F.col("released_at").isNull() | (F.col("released_at") <= F.lit(day))).select("track_id")
    by_content = candidates.where(~is_from_logs())
    by_content = by_content.join(F.broadcast(out), "track_id", "left_semi").select(*keys)
    return shown.unionByName(unshown(by_content, shown, head, labels.unshown_per_query))


def snapshot_mark(night: Night, day: date, only: tuple[str, ...]) -> str:
    """Fingerprint of what a snapshot is built from: how its columns are made, and from what.

    Its parts, between colons: the columns and settings, `own` or `back` (of the night of its own day, or of a later one), the inputs.
    A snapshot that its own night built stays, since that is what a release live on that day knew, unless it failed its gate
    or its columns were made otherwise than tonight's; a build of some columns only never takes its place.
    """
    lake, known, settings = night.lake, _catalogs(night), night.settings
    made = night.mark(
        matrix_fingerprint(),
        only,
        settings.features.vectors,
        known is not None,
        code_fingerprint(*FEATURE_CODE),
        library_versions("pyspark"),  # its ALS fits the vectors
    )
    held = lake.fingerprint(PAIRS, day)
    if day < night.run_date and held and OWN in held:
        failed = any(lake.state(table, day) == "failed" for table in feature_tables())
        if only or (held.startswith(f"{made}{OWN}") and not failed):
            return held
    end = min(night.run_date, day + timedelta(days=settings.labels.label_days))
    labels = settings.labels
    of_training = (labels.label_days, labels.unshown_per_query)
    inputs = night.inputs(
        # all days: the long windows read tiles of them
        daily=(DAILY_ENGAGEMENT, night.days(date.min, end)),
        queries=(QUERIES, [night.run_date]),
        tracks=(TRACKS, [night.tracks_unit]),
        curves=(EXPOSURE_CURVES, [day]),
        candidates=(CANDIDATES, [night.run_date]),
        popularity=(TRACKS, [u for u in known[day] if u] if known else []),
    )
    of_inputs = night.mark(inputs, head_settings(night), code_fingerprint("jobs.build_features"))
    return f"{made}{OWN}{of_inputs}" if day == night.run_date else f"{made}{BACK}{night.mark(of_inputs, of_training)}"
