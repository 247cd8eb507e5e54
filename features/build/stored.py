"""Read the inputs of a feature build from the lake, and write those that are fitted (vectors, back-off strengths).

Apart from `features.explain`, this is the only module of `features` that reads or writes the lake; the others take frames.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from functools import reduce

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from events.tiles import history, listener_history
from features.build.backoff import Strength
from features.build.inputs import FeatureInputs
from features.build.popularity import catalogs_known, popularity_by_snapshot
from features.build.vectors import fitted_vectors
from lake.checkpoint import checkpointed
from lake.columns import BACKDATED
from lake.io import Lake
from lake.rows import frame_of
from lake.schema import struct
from lake.tables.logs import TRACKS
from lake.tables.nightly import BACKOFF_STRENGTHS, EXPOSURE_CURVES, SNAPSHOT_WORDINGS, VECTORS


def stored_inputs(
    lake: Lake,
    pairs: DataFrame,
    as_of: tuple[date, ...],
    *,
    daily: DataFrame,
    needs: DataFrame,
    tracks: DataFrame,
    catalogs: Mapping[date, tuple[str, str | None]] | None,
    vectors: bool = True,
) -> FeatureInputs:
    """The inputs from which the features of `pairs` are built, as the lake stores them. Units: see FeatureInputs.

    Args:
        lake: where curves, tiles, sketches, vectors and strengths are stored.
        pairs: (as_of, locale, need, track_id), the wanted rows.
        as_of: the snapshots of `pairs`.
        daily: `daily_engagement` of at least the 90 days before each snapshot.
        needs: what each need asks for, one row per need (`distinct_needs`).
        tracks: the catalog.
        catalogs: snapshot -> the catalogs whose popularity it knows (`catalogs_of`); None for no popularity.
        vectors: whether features read fitted vectors.
    """
    return FeatureInputs(
        pairs,
        daily,
        needs,
        stored_wordings(lake, as_of),
        tracks,
        lake.read(EXPOSURE_CURVES, as_of, allow_unvalidated=True),
        as_of,
        popularity_by_snapshot(lambda day: lake.read(TRACKS, [day], allow_unvalidated=True), catalogs),
        history(lake, as_of),
        listener_history(lake, as_of),
        stored_vectors(lake, as_of) if vectors else None,
        stored_strengths(lake, as_of),
    )


def catalogs_of(lake: Lake, as_of: Sequence[date], *, backdate: bool) -> dict[date, tuple[str, str | None]] | None:
    """`catalogs_known` for the catalogs that the lake stores. One that stands in for an earlier day (BACKDATED) has none."""
    days = [u for u, commit in lake.commits(TRACKS).items() if not commit.fingerprint.startswith(BACKDATED)]
    return catalogs_known(days, as_of, backdate=backdate)


def stored_wordings(lake: Lake, as_of: Sequence[date]) -> DataFrame:
    """(as_of, language, query, need): the wordings that count for a need in each snapshot, as it was built. Checkpointed."""
    stored = lake.read(SNAPSHOT_WORDINGS, as_of, allow_unvalidated=True).withColumnRenamed("run_date", "as_of")
    return checkpointed(stored)


def write_vectors(
    lake: Lake, daily: DataFrame, wordings: DataFrame, needs: DataFrame, marks: Mapping[str, str]
) -> None:
    """Fit and store the vectors of the snapshots in `marks` (snapshot -> fingerprint); frames: see FeatureInputs."""
    fitted = [
        fitted_vectors(daily, wordings, needs, date.fromisoformat(d)).withColumn(
            "run_date", F.lit(date.fromisoformat(d))
        )
        for d in marks
    ]
    frame = reduce(lambda a, b: a.unionByName(b), fitted)
    lake.write(VECTORS, frame.select(*[c.name for c in VECTORS.columns]), marks)


def stored_vectors(lake: Lake, as_of: Sequence[date]) -> DataFrame | None:
    """The stored vectors of the snapshots, with `as_of`; None if none has any (as before vectors were introduced)."""
    stored_days = [d for d in as_of if str(d) in lake.commits(VECTORS)]
    if not stored_days:
        return None
    return lake.read(VECTORS, stored_days, allow_unvalidated=True).withColumnRenamed("run_date", "as_of")


def write_strengths(lake: Lake, fitted: Mapping[date, Sequence[Strength]], marks: Mapping[str, str]) -> None:
    """Store the fitted back-off strengths of each snapshot under its fingerprint in `marks` (snapshot -> fingerprint)."""
    rows = [(d, s.level, s.strength, s.units) for d, strengths in fitted.items() for s in strengths]
    lake.write(BACKOFF_STRENGTHS, frame_of(lake.spark, rows, struct(BACKOFF_STRENGTHS)), marks)


def stored_strengths(lake: Lake, as_of: Sequence[date]) -> dict[date, dict[str, float]]:
    """Snapshot -> level -> stored strength; without an entry, features of a snapshot are shrunk with UNFITTED_STRENGTH."""
    stored_days = [d for d in as_of if str(d) in lake.commits(BACKOFF_STRENGTHS)]
    out: dict[date, dict[str, float]] = {d: {} for d in stored_days}
    for row in lake.read(BACKOFF_STRENGTHS, stored_days, allow_unvalidated=True).collect() if stored_days else []:
        out[row["run_date"]][row["level"]] = float(row["strength"])
    return out
