"""Check that the fitted inputs of a snapshot's features were computed from the days before it, and from nothing else.

The inputs that a night passes to the feature engine for a past snapshot T are compared with inputs recomputed from the days
before T: the curves are fitted again, and the co-play weights of the vectors and the tiles of long history are summed again from
`daily_engagement`. An input that differs was computed from other days. (Back-off strengths are fitted again by
`features.build.audit`.)
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, timedelta
from typing import TYPE_CHECKING

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from events.engagement import SUMS
from events.tiles import listener_estimate
from features.build import vectors as of_vectors
from features.build.audit import CURVE, LISTENER, STRENGTH, TILE, VECTOR
from features.expressions import dot
from labels.exposure import CurveSettings, curves, position_counts
from queries.nightly.by_need import by_need

if TYPE_CHECKING:
    from features.build.inputs import FeatureInputs

TOLERANCE = 1e-6  # curves are stored with nine decimals, and one more day changes the third
# share of keys whose co-play weight may differ: vectors of length 0 add to no weight, and a snapshot that its own night built was
# fitted before late rows of its last days arrived
MOST_DIFFERING = 0.05
MOST_SKETCH_ERROR = 0.005  # share of the summed estimates; merging tiles instead of days changes them by less


def mismatched_inputs(
    inputs: FeatureInputs,
    daily: DataFrame,
    wordings: DataFrame,
    listener_days: DataFrame | None,
    stored: Mapping[str, float],
    as_of: date,
    settings: CurveSettings,
) -> dict[str, str]:
    """Find the fitted inputs of a snapshot that differ from the same inputs recomputed from the days before it.

    Args:
        inputs: what the night passes to the features, uncut.
        daily: every day of `daily_engagement`.
        wordings: (as_of, language, query, need) of the snapshot, also of wordings that count for no need in its features.
        listener_days: the sketches of single days (search_date, locale, query, listeners); None skips the check of sketches.
        stored: level -> back-off strength, as stored in the lake for this snapshot.
        as_of: the snapshot.
        settings: how exposure curves are fitted.

    Returns:
        Fitted input -> how it differs, in words; {} if none does.
    """
    past = daily.where(F.col("search_date") < F.lit(as_of))
    wrong = {
        CURVE: _of_curves(inputs, past, wordings, as_of, settings),
        VECTOR: _of_vectors(inputs, past, as_of),
        TILE: _of_tiles(inputs, past, as_of),
        LISTENER: _of_listeners(inputs, listener_days, as_of),
        STRENGTH: ""
        if dict(inputs.strengths.get(as_of, {})) == dict(stored)
        else "those handed over are not those stored for it",
    }
    return {source: difference for source, difference in wrong.items() if difference}


def _of_curves(
    inputs: FeatureInputs, past: DataFrame, wordings: DataFrame, as_of: date, settings: CurveSettings
) -> str:
    """How the exposure curves differ from curves fitted again; "" if they do not."""
    first = as_of - timedelta(days=settings.days)
    days = past.where(F.col("search_date") >= F.lit(first)).withColumn("as_of", F.lit(as_of))
    counts = position_counts(by_need(days, wordings), inputs.needs).toPandas()
    again = curves(counts, settings).set_index(["client", "intent_group", "position"])["expected_rate"]
    handed = inputs.curves.where(F.col("run_date") == F.lit(as_of)).select(
        "client", "intent_group", "position", "expected_rate"
    )
    there = handed.toPandas().set_index(["client", "intent_group", "position"])["expected_rate"]
    apart = (again - there).abs()
    if len(there) == len(again) and bool((apart <= TOLERANCE).all()):
        return ""
    at: tuple[object, ...] = apart.fillna(1.0).idxmax()  # type: ignore[assignment]  # its index has three levels
    return f"{int((~(apart <= TOLERANCE)).sum())} of {len(apart)} cells differ, most at {' '.join(map(str, at))}"


def _of_vectors(inputs: FeatureInputs, past: DataFrame, as_of: date) -> str:
    """How the vectors' keys and co-play weights differ from those of the long plays of the 28 days before; "" if they do not."""
    if inputs.vectors is None:
        return ""
    first = F.lit(as_of - timedelta(days=of_vectors.DAYS))
    recent = past.where((F.col("search_date") >= first) & (F.col("long_plays") > 0))
    recent = by_need(recent.withColumn("as_of", F.lit(as_of)), inputs.wordings).where(F.col("need").isNotNull())
    recent = recent.join(F.broadcast(inputs.needs.select("need", "intent_group")), "need", "left")
    language = of_vectors.language_of_vector(F.substring("locale", 1, 2)).alias("language")
    plays = recent.groupBy(language, "need", "track_id").agg(F.sum("long_plays").alias("plays"))
    enough = F.sum("plays") >= of_vectors.LEAST_PLAYS
    needs = plays.groupBy("language", "need").agg(enough.alias("_q")).where("_q")
    tracks = plays.groupBy("track_id").agg(enough.alias("_t")).where("_t")
    rated = plays.join(needs, ["language", "need"]).join(tracks, "track_id")
    stored = inputs.vectors.where(F.col("as_of") == F.lit(as_of))
    # what has a vector of zeros, as in sparse logs, points nowhere and is no company
    zero = stored.where(dot(F.col("vector"), F.col("vector")) == 0)
    zero_tracks = zero.where("kind = 'track'").select(F.col("key").alias("track_id"))
    zero_needs = zero.where("kind = 'need'").select("language", F.col("key").alias("need"))
    weight = F.log1p(F.col("plays").cast("double")).alias("wanted")
    of_needs = rated.join(zero_tracks, "track_id", "left_anti").select(
        F.lit("need").alias("kind"), "language", F.col("need").alias("key"), weight
    )
    of_tracks = rated.join(zero_needs, ["language", "need"], "left_anti").select(
        F.lit("track").alias("kind"), F.lit("*").alias("language"), F.col("track_id").alias("key"), weight
    )
    handed = stored.select(
        "kind", "language", "key", F.coalesce("company_weight", F.lit(0.0)).alias("there"), F.lit(0.0).alias("wanted")
    )
    wanted = of_needs.unionByName(of_tracks).withColumn("there", F.lit(0.0))
    both = wanted.unionByName(handed)
    by_key = both.groupBy("kind", "language", "key").agg(F.sum("there").alias("there"), F.sum("wanted").alias("wanted"))
    row = by_key.agg(
        F.count("*").alias("keys"),
        F.count_if(F.abs(F.col("there") - F.col("wanted")) > TOLERANCE * (1 + F.col("wanted"))).alias("differ"),
    ).first()
    assert row is not None
    return (
        f"{row['differ']:,} of {row['keys']:,} needs and tracks" if row["differ"] > MOST_DIFFERING * row["keys"] else ""
    )


def _of_tiles(inputs: FeatureInputs, past: DataFrame, as_of: date) -> str:
    """The first count of the long history, summed over all keys, that differs from that of its days; "" if none does."""
    if inputs.history is None:
        return ""
    handed = inputs.history.where(F.col("as_of") == F.lit(as_of)).groupBy("span_days", "level")
    totals = handed.agg(*[F.sum(m).alias(m) for m in SUMS]).collect()
    if not totals:
        return "" if past.isEmpty() else f"nothing was handed over for {as_of}"
    age = F.datediff(F.lit(as_of), "search_date")
    spans = sorted({r["span_days"] for r in totals})
    levels = {r["level"] for r in totals}
    if missing := sorted(
        {(s, level) for s in spans for level in levels} - {(r["span_days"], r["level"]) for r in totals}
    ):
        return f"{missing[0][1]} over {missing[0][0]} days: nothing was handed over"
    row = past.agg(
        *[F.sum(F.when(age <= s, F.col(m)).otherwise(0)).alias(f"{m}_{s}") for s in spans for m in SUMS]
    ).first()
    assert row is not None
    wrong = [
        f"{m} of {r['level']} over {r['span_days']} days: {r[m]:,}, expected {row[f'{m}_{r.span_days}']:,}"
        for r in totals
        for m in SUMS
        if r[m] != row[f"{m}_{r.span_days}"]
    ]
    return wrong[0] if wrong else ""


def _of_listeners(inputs: FeatureInputs, days: DataFrame | None, as_of: date) -> str:
    """The first span whose estimates of listeners, summed over all needs, differ from those of its days; "" if none does."""
    if inputs.listeners is None or days is None:
        return ""
    keys = ("span_days", "locale", "query")
    handed = inputs.listeners.where(F.col("as_of") == F.lit(as_of))
    spans = handed.select("span_days").distinct()
    age = F.datediff(F.lit(as_of), "search_date")
    of_days = days.join(F.broadcast(spans), (age >= 1) & (age <= F.col("span_days"))).select(*keys, "listeners")

    def estimates(rows: DataFrame) -> dict[int, int]:
        of_need = rows.groupBy(*keys).agg(listener_estimate("listeners").alias("n"))
        return {r["span_days"]: r["n"] for r in of_need.groupBy("span_days").agg(F.sum("n").alias("n")).collect()}

    there = estimates(handed)
    if not there:
        return "" if days.where(age >= 1).isEmpty() else f"nothing was handed over for {as_of}"
    wanted = estimates(of_days)
    wrong = [s for s in sorted(there) if abs(there[s] - wanted.get(s, 0)) > MOST_SKETCH_ERROR * wanted.get(s, 0)]
    return (
        f"over {wrong[0]} days: {there[wrong[0]]:,} listeners of needs, expected {wanted.get(wrong[0], 0):,}"
        if wrong
        else ""
    )
