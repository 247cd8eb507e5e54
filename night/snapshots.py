"""Which feature snapshots a night builds, for which pairs, and from which inputs."""

from __future__ import annotations

from datetime import date, timedelta

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from events.tiles import listener_history
from features.build.engaged import engaged_wordings
from features.build.inputs import FeatureInputs
from features.build.stored import catalogs_of, stored_inputs
from features.catalogue import BACK, KEYS, OWN, feature_table, feature_tables, matrix_fingerprint
from features.measures import LONGEST_DAYS
from labels.unshown import sampled_negatives
from lake.code import code_fingerprint, library_versions
from lake.errors import MissingPartition
from lake.joins import if_small
from lake.places import places
from lake.tables.daily import DAILY_ENGAGEMENT
from lake.tables.logs import TRACKS
from lake.tables.nightly import CANDIDATES, EXPOSURE_CURVES, NEEDS, SNAPSHOT_WORDINGS
from night.head import head_settings
from night.night import Night
from night.wordings import mapping_inputs
from queries.nightly.by_need import by_need
from ranking.candidates import is_from_logs

PAIRS = feature_table("need_track")


# the code that computes the columns, the same for every night
FEATURE_CODE = (
    "features.build.engine",
    "features.catalogue",
    "features.build.vectors",
    "features.build.backoff",
    "features.build.popularity",
    "events.tiles",
)


def pending_snapshots(night: Night, wanted: dict[str, str]) -> dict[str, str]:
    """The snapshots to build: those whose table of pairs has another mark than wanted, and this night's if any feature table has.

    All grains are compared for this night's snapshot because a build under other settings may have been interrupted before it
    wrote the table of pairs, which is the last one. Earlier snapshots are compared by that table alone: one that was built in its
    own night could not be built again as it was.

    Args:
        night: the night.
        wanted: run_date -> mark, of every snapshot that the night needs.

    Returns:
        The part of `wanted` that is to be built.
    """
    pending, tonight = night.pending(PAIRS, wanted), night.settings.run_date
    if any(night.lake.fingerprint(feature_table(grain), tonight) != wanted[tonight] for grain in KEYS):
        pending[tonight] = wanted[tonight]
    return pending


def daily_before(night: Night, dates: tuple[date, ...]) -> DataFrame:
    """The daily counts that the snapshots of `dates` need: from the longest window before the first of them up to D.

    Days after a snapshot are included because its training pairs are those shown after it.
    """
    first = min(dates) - timedelta(days=LONGEST_DAYS)
    return night.lake.read(DAILY_ENGAGEMENT, night.days(first, night.run_date), allow_unvalidated=True)


def inputs_of(
    night: Night, pairs: DataFrame, dates: tuple[date, ...], daily: DataFrame, needs: DataFrame
) -> FeatureInputs:
    """The inputs from which the night computes features.

    Args:
        night: the night.
        pairs: (as_of, place, need, track_id), the pairs whose features are computed.
        dates: the snapshots, oldest first.
        daily: the daily counts, as `daily_before` reads them.
        needs: what each need asks for, one row per need.
    """
    return stored_inputs(
        night.lake,
        pairs,
        dates,
        daily=daily,
        needs=needs,
        tracks=night.tracks(allow_unvalidated=True),
        catalogs=popularity_catalogs(night),
        vectors=night.settings.features.vectors,
    )


def popularity_catalogs(night: Night) -> dict[date, tuple[str, str | None]] | None:
    """The catalogs whose popularity each of tonight's snapshots knows (`features.build.popularity.catalogs_known`); None for none."""
    backdate = night.settings.catalog_popularity.backdate
    return catalogs_of(night.lake, (*night.as_of, night.run_date), backdate=backdate)


def write_wordings(night: Night, wordings: DataFrame, marks: dict[str, str], dates: tuple[date, ...]) -> None:
    """Store which of the wordings count for a need in each snapshot (`features.build.engaged`), under the marks of the snapshots."""
    sketches = listener_history(night.lake, dates)
    if sketches is None:
        raise MissingPartition("listener_tiles: no day is counted. Run jobs.count_engagement first.")
    rows = engaged_wordings(wordings, sketches, night.k, night.settings.features.cold_share, night.run_date)
    night.lake.write(SNAPSHOT_WORDINGS, rows.withColumnRenamed("as_of", "run_date"), marks)


def training_pairs(
    daily: DataFrame, wordings: DataFrame, head: DataFrame, tracks: DataFrame, as_of: date, label_days: int
) -> DataFrame:
    """(as_of, place, need, track_id) shown in [as_of, as_of + label_days), of ranked needs and of tracks in the catalog of D.

    Args:
        daily: the daily counts.
        wordings: (as_of, language, query, need), of the snapshot at least (`night.wordings.mapping`).
        head: the ranked needs of D.
        tracks: the catalog of D.
        as_of: the date of the snapshot.
        label_days: the length of the label week, in days.
    """
    days = (F.col("search_date") >= F.lit(as_of)) & (F.col("search_date") < F.lit(as_of + timedelta(days=label_days)))
    asked = daily.where(days).select(F.lit(as_of).alias("as_of"), "locale", "query", "track_id").distinct()
    shown = by_need(asked, wordings).where(F.col("need").isNotNull()).withColumn("locale", F.explode(places()))
    shown = shown.select("locale", "need", "track_id").distinct()
    # a shown track may have left the catalog since
    shown = shown.join(if_small(tracks.select("track_id")), "track_id", "left_semi")
    ranked = F.broadcast(head.select("locale", "need"))
    return shown.join(ranked, ["locale", "need"], "left_semi").select(F.lit(as_of).alias("as_of"), "*")


def wanted_pairs(night: Night, day: date, daily: DataFrame, wordings: DataFrame, head: DataFrame) -> DataFrame:
    """(as_of, place, need, track_id) whose features are built for the snapshot of `day`.

    For D these are all candidates. For an earlier day these are the pairs shown in its label week, and sampled negatives:
    candidates of D that were not shown, that no source which reads the logs proposed, and whose track was released by that day.
    """
    keys = (F.lit(day).alias("as_of"), "locale", "need", "track_id")
    candidates, labels = night.lake.read(CANDIDATES, [night.run_date], allow_unvalidated=True), night.settings.labels
    if day == night.run_date:
        return candidates.select(*keys)
    tracks = night.tracks(allow_unvalidated=True)
    shown = training_pairs(daily, wordings, head, tracks, day, labels.label_days)
    released = tracks.where(F.col("released_at").isNull() | (F.col("released_at") <= F.lit(day))).select("track_id")
    by_content = candidates.where(~is_from_logs())
    by_content = by_content.join(if_small(released), "track_id", "left_semi").select(*keys)
    return shown.unionByName(sampled_negatives(by_content, shown, head, labels.unshown_per_need))


def snapshot_mark(night: Night, day: date, only: tuple[str, ...]) -> str:
    """The mark of a snapshot: a fingerprint of how its columns are computed, and from which inputs.

    Its three parts, separated by colons: the columns, code and settings; `own` or `back` (built in the night of its own day, or
    later); the inputs. A snapshot that was built in its own night stays as it is, because it is what the release of that day
    used, unless it failed its gate or its columns are computed otherwise now. A build of some columns only never replaces it.

    Args:
        night: the night.
        day: the date of the snapshot.
        only: the setting `features.only`; empty for all columns.
    """
    lake, known, settings = night.lake, popularity_catalogs(night), night.settings
    of_columns = night.mark(
        matrix_fingerprint(),
        only,
        settings.features.vectors,
        known is not None,
        code_fingerprint(*FEATURE_CODE),
        library_versions("pyspark"),  # Spark's ALS fits the vectors
    )
    stored = lake.fingerprint(PAIRS, day)
    if day < night.run_date and stored and OWN in stored:
        failed = any(lake.state(table, day) == "failed" for table in feature_tables())
        if only or (stored.startswith(f"{of_columns}{OWN}") and not failed):
            return stored
    end = min(night.run_date, day + timedelta(days=settings.labels.label_days))
    labels = settings.labels
    of_training = (labels.label_days, labels.unshown_per_need)
    inputs = night.inputs(
        # all days, since the tiles of the long windows cover them
        daily=(DAILY_ENGAGEMENT, night.days(date.min, end)),
        needs=(NEEDS, [night.run_date]),
        wordings=mapping_inputs(night, day),
        tracks=(TRACKS, [night.tracks_unit]),
        curves=(EXPOSURE_CURVES, [day]),
        candidates=(CANDIDATES, [night.run_date]),
        popularity=(TRACKS, [u for u in known[day] if u] if known else []),
    )
    cold = (night.k, settings.features.cold_share if day < night.run_date else 0.0)
    of_inputs = night.mark(inputs, cold, head_settings(night), code_fingerprint("jobs.build_features"))
    if day == night.run_date:
        return f"{of_columns}{OWN}{of_inputs}"
    return f"{of_columns}{BACK}{night.mark(of_inputs, of_training)}"
