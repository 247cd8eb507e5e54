"""What assemble asks before it lets a training set go: does a column know its label, or what comes after its snapshot?"""

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
from lake.tables.nightly import BACKOFF_STRENGTHS, JUDGEMENTS, QUERIES
from night.night import Night
from night.snapshots import inputs_of
from ranking.artefacts import not_of_the_past
from ranking.audit import audited_rows, label_leaks

PAIR = feature_table("query_track")
AUDITED_QUERIES = 100
AUDIT, CLEAN = "future", "reads nothing after its snapshot"
NEXT_STEP = "Look at its window and inputs, mend it and run jobs.nightly again; nothing was published."


def refuse_label_leaks(night: Night, examples: DataFrame) -> str:
    """How far the night's columns are from the limits, in words. Raises LeakageFound naming each column that knows the label."""
    judged = night.lake.read(JUDGEMENTS, [night.run_date], allow_unvalidated=True)
    labels, limit = night.settings.labels, night.settings.ranking.max_leak_auc
    found = label_leaks(audited_rows(examples, judged, labels.label_days), limit)
    if found.leaks:
        said = "; ".join(leak.said for leak in found.leaks)
        raise LeakageFound(
            f"training_examples @ {night.settings.run_date}: {said}: a feature that knows the label. {NEXT_STEP}"
        )
    return found.said


def refuse_future(night: Night) -> None:
    """Raise LeakageFound naming each column, or fitted input with its readers, that knows days after its snapshot.

    What a feature reads follows from its code: it is asked once, and again when the code or what it is fitted with has changed. The
    answer lies in `feature_audits`, and its mark in that table's commits.
    """
    mark = audit_mark(night)
    if not night.pending(FEATURE_AUDITS, {AUDIT: mark}):
        return
    as_of = night.as_of[-1]
    wrong = future_leaks(night, as_of)
    if wrong:
        said = "; ".join(f"{name} {what}" for name, what in wrong.items())
        raise LeakageFound(f"training_examples @ {night.settings.run_date}: {said}: the future. {NEXT_STEP}")
    rows = [(AUDIT, c.name, ", ".join(sorted(sources_of(c))), CLEAN, night.run_date, as_of) for c in columns()]
    from lake.schema import struct

    night.lake.write(FEATURE_AUDITS, frame_of(night.spark, rows, struct(FEATURE_AUDITS)), {AUDIT: mark})
    night.notes.append(
        f"features: the {len(rows)} columns read nothing after their snapshot (asked again when the code changes)"
    )


def audit_mark(night: Night) -> str:
    """Fingerprint of what the audit's verdict follows from."""
    labels = night.settings.labels
    code = code_fingerprint("night.leaks")
    return night.mark(code, night.settings.features.vectors, labels.curve_days, labels.curve_strength)


def future_leaks(night: Night, as_of: date) -> dict[str, str]:
    """Column or fitted input -> what is wrong with it, judged on the inputs that the night hands to a past snapshot's features."""
    inputs, daily = _handed(night, as_of)
    labels = night.settings.labels
    settings = CurveSettings(labels.curve_days, labels.curve_strength)
    wrong = not_of_the_past(inputs, daily, _listener_days(night), _stored_strengths(night, as_of), as_of, settings)
    found = {f"{source} @ {as_of}": f"({said}; read by {_readers(source)})" for source, said in wrong.items()}
    return found | future_dependent(sample(inputs, as_of, AUDITED_QUERIES), as_of)


def _handed(night: Night, as_of: date) -> tuple[FeatureInputs, DataFrame]:
    lake = night.lake
    pairs = lake.read(PAIR, [as_of], allow_unvalidated=True)
    pairs = pairs.select(F.lit(as_of).alias("as_of"), "locale", "query", "track_id")
    queries = lake.read(QUERIES, [night.run_date], allow_unvalidated=True)
    daily = lake.read(DAILY_ENGAGEMENT, night.days(date.min, night.run_date), allow_unvalidated=True)
    return inputs_of(night, pairs, (as_of,), daily, queries), daily


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
