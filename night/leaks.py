"""The leak checks of `jobs.assemble`: no feature column may know its label, or data from after its snapshot."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from features.build.audit import future_dependent, sample, sources_of
from features.build.inputs import FeatureInputs
from features.catalogue import columns, feature_table
from labels.exposure import CurveSettings
from lake.code import code_fingerprint
from lake.errors import LeakageFound
from lake.rows import frame_of
from lake.tables.daily import DAILY_ENGAGEMENT, LISTENER_TILES
from lake.tables.models import FEATURE_AUDITS
from lake.tables.nightly import BACKOFF_STRENGTHS, JUDGEMENTS, NEEDS
from night.night import Night
from night.snapshots import inputs_of, popularity_catalogs
from night.wordings import mapping
from queries.nightly.by_need import distinct_needs
from ranking.artefacts import mismatched_inputs
from ranking.audit import audited_rows, label_leaks

PAIR = feature_table("need_track")
AUDITED_NEEDS = 100
# a column of catalog popularity is null, and proves nothing, until catalogs of past days are known: then the audit runs once more
AUDIT, AUDIT_WITH_POPULARITY = "future", "future, popularity known"
CLEAN = "reads nothing after its snapshot"
NEXT_STEP = "Look at its window and inputs, mend it and run jobs.nightly again; nothing was published."


def refuse_label_leaks(night: Night, examples: DataFrame) -> str:
    """Check that no column predicts the label better than the limits allow.

    Returns:
        How far the columns are from the limits, in words.

    Raises:
        LeakageFound: names each column that knows the label.
    """
    judged = night.lake.read(JUDGEMENTS, [night.run_date], allow_unvalidated=True)
    labels, limit = night.settings.labels, night.settings.ranking.max_leak_auc
    result = label_leaks(audited_rows(examples, judged, labels.label_days), limit)
    if result.leaks:
        reasons = "; ".join(leak.description for leak in result.leaks)
        raise LeakageFound(
            f"training_examples @ {night.settings.run_date}: {reasons}: a feature that knows the label. {NEXT_STEP}"
        )
    return result.note


def refuse_future(night: Night) -> None:
    """Raise LeakageFound naming each column, or fitted input with its readers, that depends on days after its snapshot.

    What a feature reads follows from its code, so the audit runs once, and again only when the code or the settings of the fitted
    inputs have changed. The result is stored in the table `feature_audits` under the mark of the audit.
    """
    mark, audit = audit_mark(night), AUDIT if popularity_catalogs(night) is None else AUDIT_WITH_POPULARITY
    if not night.pending(FEATURE_AUDITS, {audit: mark}):
        return
    as_of = night.as_of[-1]
    leaks = future_leaks(night, as_of)
    if leaks:
        reasons = "; ".join(f"{name} {reason}" for name, reason in leaks.items())
        raise LeakageFound(f"training_examples @ {night.settings.run_date}: {reasons}: the future. {NEXT_STEP}")
    rows = [(audit, c.name, ", ".join(sorted(sources_of(c))), CLEAN, night.run_date, as_of) for c in columns()]
    from lake.schema import struct

    night.lake.write(FEATURE_AUDITS, frame_of(night.spark, rows, struct(FEATURE_AUDITS)), {audit: mark})
    night.notes.append(
        f"features: the {len(rows)} columns read nothing after their snapshot (asked again when the code changes)"
    )


def audit_mark(night: Night) -> str:
    """The mark of the audit: a fingerprint of everything its result depends on."""
    labels = night.settings.labels
    code = code_fingerprint("night.leaks")
    return night.mark(code, night.settings.features.vectors, labels.curve_days, labels.curve_strength)


def future_leaks(night: Night, as_of: date) -> dict[str, str]:
    """Columns and fitted inputs that depend on days after the snapshot `as_of`, with what is wrong with each.

    The audit runs on the same inputs from which this night computes the features of that snapshot.
    """
    inputs, daily = _snapshot_inputs(night, as_of)
    labels = night.settings.labels
    settings = CurveSettings(labels.curve_days, labels.curve_strength)
    reasons = mismatched_inputs(
        inputs,
        daily,
        mapping(night, [as_of]),
        _listener_days(night),
        _stored_strengths(night, as_of),
        as_of,
        settings,
    )
    fitted = {f"{source} @ {as_of}": f"({reason}; read by {_readers(source)})" for source, reason in reasons.items()}
    return fitted | future_dependent(sample(inputs, as_of, AUDITED_NEEDS), as_of)


def _snapshot_inputs(night: Night, as_of: date) -> tuple[FeatureInputs, DataFrame]:
    """The feature inputs of a snapshot, and the daily counts of all days before the night."""
    lake = night.lake
    pairs = lake.read(PAIR, [as_of], allow_unvalidated=True)
    pairs = pairs.select(F.lit(as_of).alias("as_of"), "locale", "need", "track_id")
    needs = distinct_needs(lake.read(NEEDS, [night.run_date], allow_unvalidated=True))
    daily = lake.read(DAILY_ENGAGEMENT, night.days(date.min, night.run_date), allow_unvalidated=True)
    return inputs_of(night, pairs, (as_of,), daily, needs), daily


def _listener_days(night: Night) -> DataFrame:
    days = [u for u in night.lake.commits(LISTENER_TILES) if u.endswith("+1")]
    rows = night.lake.read(LISTENER_TILES, days, allow_unvalidated=True)
    return rows.withColumn("search_date", F.to_date(F.substring("tile", 1, 10)))


def _stored_strengths(night: Night, as_of: date) -> Mapping[str, float]:
    if str(as_of) not in night.lake.commits(BACKOFF_STRENGTHS):
        return {}
    return {
        r["level"]: r["strength"] for r in night.lake.read(BACKOFF_STRENGTHS, [as_of], allow_unvalidated=True).collect()
    }


def _readers(source: str) -> str:
    readers = [c.name for c in columns() if source in sources_of(c)]
    return ", ".join(readers[:5]) + (f" and {len(readers) - 5} more columns" if len(readers) > 5 else "")
