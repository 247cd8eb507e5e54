"""Training examples: the features a release live on T could have known, with what listeners did in the week after."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from datetime import date, timedelta

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from features.catalogue import columns
from lake.columns import LEVEL, QUERY, RUN_DATE, TRACK_ID
from lake.schema import Column, Table

SPACING_DAYS = 7
SNAPSHOTS_SHORT, SNAPSHOTS_LONG = 3, 6
LONG_HISTORY_DAYS = 56
MIN_DAYS_BEFORE = 4
ASSUMED_WEIGHT = 1.0  # of a track that was not shown, in examined impressions; `regression` alone reads weights
VALID_SHARE = 5  # with one snapshot only, every fifth alias cluster is held out


def training_dates(run_date: date, first_day: date, mature_days: int) -> tuple[date, ...]:
    """Snapshots T whose labels are final at D, `mature_days` later (the label's days and those of late deliveries); oldest first,
    a week apart.

    Three with under 56 days of history, then six; each has at least four days of logs before it. The newest one is
    the validation span.
    """
    most = SNAPSHOTS_LONG if (run_date - first_day).days >= LONG_HISTORY_DAYS else SNAPSHOTS_SHORT
    back = [run_date - timedelta(days=mature_days + SPACING_DAYS * i) for i in range(most)]
    return tuple(sorted(t for t in back if (t - first_day).days >= MIN_DAYS_BEFORE))


def teachable(dates: Iterable[date], delivered: Collection[date], label_days: int) -> tuple[date, ...]:
    """Those of the snapshots that days were delivered around: at least four in the four weeks before, and one in the label days.

    Where logs have a hole, a snapshot in it has nothing to learn from, and nothing to be judged by.
    """

    def days(first: date, before: date) -> int:
        return sum(first <= d < before for d in delivered)

    return tuple(
        t
        for t in dates
        if days(t - timedelta(days=28), t) >= MIN_DAYS_BEFORE and days(t, t + timedelta(days=label_days))
    )


def training_examples_table() -> Table:
    """The declaration of `training_examples`: keys, label, split, then the matrix in the catalogue's order."""
    matrix = tuple(
        Column(
            c.name,
            "double",
            c.feature.summary,
            c.feature.unit,
            nullable=True,
            low=c.feature.low,
            high=c.feature.high,
        )
        for c in columns()
    )
    return Table(
        "training_examples",
        "one row per (as_of, locale, query, track) with a grade",
        ("as_of", "locale", "query", "track_id"),
        "run_date",
        (
            RUN_DATE,
            Column("as_of", "date", "the snapshot the features are of"),
            LEVEL,
            QUERY,
            TRACK_ID,
            Column("cluster_id", "string", "alias cluster: folds never split one"),
            Column("qid", "bigint", "group of the ranker: one per (as_of, locale, query)"),
            Column("split", "string", "train, or the later span that judges", values=("train", "valid")),
            Column("grade", "int", "label 0–4", low=0, high=4),
            Column("relevance", "double", "exposure-corrected success rate", low=0, high=1),
            Column(
                "weight", "double", "examined impressions behind the label; 1 where it is assumed", "impressions", low=0
            ),
            Column("is_shown", "boolean", "false: not shown in the label week, grade 0 is assumed"),
            *matrix,
        ),
        "assemble",
        sort_by=("qid",),
        gate="publish",
        expires="as_of",
        has_check=False,
    )


def matrix(pair: DataFrame, query: DataFrame, track: DataFrame) -> DataFrame:
    """Pair, query and track features side by side, in the catalogue's order. Grain: as `pair`.

    Joined on (run_date, locale, query) and (run_date, language, track_id), so snapshots don't mix.
    """
    names = [c.name for c in columns()]
    pair = pair.withColumn(
        "language", F.when(F.col("locale") == "*", F.lit("*")).otherwise(F.substring("locale", 1, 2))
    )
    joined = pair.join(F.broadcast(query), ["run_date", "locale", "query"]).join(
        track, ["run_date", "language", "track_id"]
    )
    return joined.select("run_date", "locale", "query", "track_id", *names)


def examples(matrix_rows: DataFrame, judgements: DataFrame, queries: DataFrame, valid_from: date | None) -> DataFrame:
    """Join features of T with grades of [T, T+7). Grain: (as_of, locale, query, track).

    `valid_from`: snapshots from then on are the validation split; None holds out every fifth alias cluster instead.
    Only queries with at least two tracks and one grade above 0 can teach an order; the others are left out.
    """
    named = queries.select("locale", "query", "cluster_id")
    features = matrix_rows.withColumnRenamed("run_date", "as_of")
    labels = judgements.select(
        "as_of",
        "locale",
        "query",
        "track_id",
        "grade",
        "relevance",
        "is_shown",
        F.when(F.col("is_shown"), F.col("exposure")).otherwise(F.lit(ASSUMED_WEIGHT)).alias("weight"),
    )
    rows = labels.join(features, ["as_of", "locale", "query", "track_id"]).join(F.broadcast(named), ["locale", "query"])
    useful = rows.groupBy("as_of", "locale", "query").agg(F.count("*").alias("n"), F.max("grade").alias("best"))
    useful = useful.where((F.col("n") >= 2) & (F.col("best") >= 1)).select("as_of", "locale", "query")
    held_out = (
        F.col("as_of") >= F.lit(valid_from) if valid_from else F.pmod(F.xxhash64("cluster_id"), F.lit(VALID_SHARE)) == 0
    )
    return (
        rows.join(F.broadcast(useful), ["as_of", "locale", "query"])
        .withColumn("split", F.when(held_out, F.lit("valid")).otherwise(F.lit("train")))
        .withColumn("qid", F.xxhash64(F.col("as_of").cast("string"), "locale", "query"))
    )
