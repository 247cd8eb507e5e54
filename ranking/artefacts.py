"""Were the fitted inputs of a snapshot's features made from the days before it, and from nothing else?

What a night hands to the feature engine for a past snapshot T is compared with what the days before T give: the curves are fitted
again, the weights beside the vectors and the tiles of long history are added up again from `daily_engagement`. Each is given days
before T only, so that an input that differs was made of others. (Strengths are fitted again by `features.build.audit`, from its worlds.)
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, timedelta
from typing import TYPE_CHECKING

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from events.engagement import SUMS
from features.build import vectors as of_vectors
from features.build.audit import CURVE, LISTENER, STRENGTH, TILE, VECTOR
from labels.exposure import CurveSettings, curves, position_counts

if TYPE_CHECKING:
    from features.build.inputs import FeatureInputs

ALIKE = 1e-6  # curves are stored with nine decimals; a day more moves the third
# share of keys whose weight may differ: a vector of length 0 is company to nobody, and a snapshot that its own night built was fitted
# before the late rows of its last days came
MOST_STRANGERS = 0.05
MOST_SKETCH_ERROR = 0.005  # of the sum of the estimates, where tiles and days are merged in another order


def not_of_the_past(
    inputs: FeatureInputs,
    daily: DataFrame,
    listener_days: DataFrame | None,
    stored: Mapping[str, float],
    as_of: date,
    settings: CurveSettings,
) -> dict[str, str]:
    """Fitted input -> what it differs in from what the days before `as_of` give; {} if each is made of them alone.

    `inputs`: what the night hands to the features, uncut, of this snapshot. `daily`: every day of daily_engagement; `listener_days`:
    the sketches of single days (`search_date`, locale, query, listeners). `stored`: the snapshot's strengths as they lie in the lake.
    """
    past = daily.where(F.col("search_date") < F.lit(as_of))
    wrong = {
        CURVE: _of_curves(inputs, past, as_of, settings),
        VECTOR: _of_vectors(inputs, past, as_of),
        TILE: _of_tiles(inputs, past, as_of),
        LISTENER: _of_listeners(inputs, listener_days, as_of),
        STRENGTH: ""
        if dict(inputs.strengths.get(as_of, {})) == dict(stored)
        else "those handed over are not those stored for it",
    }
    return {source: said for source, said in wrong.items() if said}


def _of_curves(inputs: FeatureInputs, past: DataFrame, as_of: date, settings: CurveSettings) -> str:
    first = as_of - timedelta(days=settings.days)
    counts = position_counts(past.where(F.col("search_date") >= F.lit(first)), inputs.queries).toPandas()
    again = curves(counts, settings).set_index(["client", "intent_group", "position"])["expected_rate"]
    handed = inputs.curves.where(F.col("run_date") == F.lit(as_of)).select(
        "client", "intent_group", "position", "expected_rate"
    )
    there = handed.toPandas().set_index(["client", "intent_group", "position"])["expected_rate"]
    apart = (again - there).abs()
    if len(there) == len(again) and bool((apart <= ALIKE).all()):
        return ""
    at: tuple[object, ...] = apart.fillna(1.0).idxmax()  # type: ignore[assignment]  # its index has three levels
    return f"{int((~(apart <= ALIKE)).sum())} of {len(apart)} cells differ, most at {' '.join(map(str, at))}"


def _of_vectors(inputs: FeatureInputs, past: DataFrame, as_of: date) -> str:
    """Whose keys and weights are not those of the long plays of the 28 days before."""
    if inputs.vectors is None:
        return ""
    first = F.lit(as_of - timedelta(days=of_vectors.DAYS))
    recent = past.where((F.col("search_date") >= first) & (F.col("long_plays") > 0))
    plays = recent.groupBy(F.substring("locale", 1, 2).alias("language"), "query", "track_id").agg(
        F.sum("long_plays").alias("plays")
    )
    enough = F.sum("plays") >= of_vectors.LEAST_PLAYS
    queries = plays.groupBy("language", "query").agg(enough.alias("_q")).where("_q")
    tracks = plays.groupBy("track_id").agg(enough.alias("_t")).where("_t")
    rated = plays.join(queries, ["language", "query"]).join(tracks, "track_id")
    weight = F.log1p(F.col("plays").cast("double"))
    sides = (F.lit("query"), F.col("language"), F.col("query")), (F.lit("track"), F.lit("*"), F.col("track_id"))
    wanted = rated.select(
        weight.alias("wanted"),
        F.explode(
            F.array(
                *[
                    F.struct(kind.alias("kind"), language.alias("language"), key.alias("key"))
                    for kind, language, key in sides
                ]
            )
        ).alias("of"),
    )
    handed = inputs.vectors.where(F.col("as_of") == F.lit(as_of)).select(
        "kind", "language", "key", F.coalesce("company_weight", F.lit(0.0)).alias("there"), F.lit(0.0).alias("wanted")
    )
    both = wanted.select("of.*", F.lit(0.0).alias("there"), "wanted").unionByName(handed)
    by_key = both.groupBy("kind", "language", "key").agg(F.sum("there").alias("there"), F.sum("wanted").alias("wanted"))
    row = by_key.agg(
        F.count("*").alias("keys"),
        F.count_if(F.abs(F.col("there") - F.col("wanted")) > ALIKE * (1 + F.col("wanted"))).alias("differ"),
    ).first()
    assert row is not None
    return (
        f"{row['differ']:,} of {row['keys']:,} queries and tracks"
        if row["differ"] > MOST_STRANGERS * row["keys"]
        else ""
    )


def _of_tiles(inputs: FeatureInputs, past: DataFrame, as_of: date) -> str:
    """Whose counts, over all keys, are not those of the days of the span."""
    if inputs.history is None:
        return ""
    handed = inputs.history.where(F.col("as_of") == F.lit(as_of)).groupBy("span_days", "level")
    told = handed.agg(*[F.sum(m).alias(m) for m in SUMS]).collect()
    age = F.datediff(F.lit(as_of), "search_date")
    spans = sorted({r["span_days"] for r in told})
    row = past.agg(
        *[F.sum(F.when(age <= s, F.col(m)).otherwise(0)).alias(f"{m}_{s}") for s in spans for m in SUMS]
    ).first()
    assert row is not None or not spans
    wrong = [
        f"{m} of {r['level']} over {r['span_days']} days: {r[m]:,}, expected {row[f'{m}_{r.span_days}']:,}"
        for r in told
        for m in SUMS
        if row is not None and r[m] != row[f"{m}_{r.span_days}"]
    ]
    return wrong[0] if wrong else ""


def _of_listeners(inputs: FeatureInputs, days: DataFrame | None, as_of: date) -> str:
    """Whose estimates, added up over all queries, are not those of the days of the span."""
    if inputs.listeners is None or days is None:
        return ""
    keys = ("span_days", "locale", "query")
    handed = inputs.listeners.where(F.col("as_of") == F.lit(as_of))
    spans = handed.select("span_days").distinct()
    age = F.datediff(F.lit(as_of), "search_date")
    of_days = days.join(F.broadcast(spans), (age >= 1) & (age <= F.col("span_days"))).select(*keys, "listeners")

    def estimates(rows: DataFrame) -> dict[int, int]:
        of_query = rows.groupBy(*keys).agg(F.hll_sketch_estimate(F.hll_union_agg("listeners")).alias("n"))
        return {r["span_days"]: r["n"] for r in of_query.groupBy("span_days").agg(F.sum("n").alias("n")).collect()}

    there, wanted = estimates(handed), estimates(of_days)
    wrong = [s for s in sorted(there) if abs(there[s] - wanted.get(s, 0)) > MOST_SKETCH_ERROR * wanted.get(s, 0)]
    return (
        f"over {wrong[0]} days: {there[wrong[0]]:,} listeners of queries, expected {wanted.get(wrong[0], 0):,}"
        if wrong
        else ""
    )
