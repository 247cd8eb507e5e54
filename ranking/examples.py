"""Training examples: the features as of a snapshot T, joined with what listeners did in the week after it."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from datetime import date, timedelta

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from features.catalogue import columns
from lake.columns import LEVEL, NEED, RUN_DATE, TRACK_ID
from lake.places import language_of
from lake.schema import Column, Table

SPACING_DAYS = 7
SNAPSHOTS_SHORT, SNAPSHOTS_LONG = 3, 6
LONG_HISTORY_DAYS = 56
MIN_DAYS_BEFORE = 4
VALID_SHARE = 5  # with a single snapshot, one in five needs is the validation split


def training_dates(run_date: date, first_day: date, mature_days: int) -> tuple[date, ...]:
    """The snapshots T of a training set, oldest first and a week apart; their labels are final at the run date.

    There are three with less than 56 days of history, and six from then on. Each has at least four days of logs before it. The
    newest one is the validation span.

    Args:
        run_date: D, the run date.
        first_day: the first day of the logs.
        mature_days: days from a snapshot to its final labels: the label days and those of late deliveries.
    """
    most = SNAPSHOTS_LONG if (run_date - first_day).days >= LONG_HISTORY_DAYS else SNAPSHOTS_SHORT
    back = [run_date - timedelta(days=mature_days + SPACING_DAYS * i) for i in range(most)]
    return tuple(sorted(t for t in back if (t - first_day).days >= MIN_DAYS_BEFORE))


def teachable(dates: Iterable[date], delivered: Collection[date], label_days: int) -> tuple[date, ...]:
    """The snapshots with enough delivered days: at least four in the four weeks before, and one in the label days.

    A snapshot in a gap of the logs has no data for its features, or none for its labels.

    Args:
        dates: the snapshots.
        delivered: the days for which logs were delivered.
        label_days: days after a snapshot from which its labels come.
    """

    def days(first: date, before: date) -> int:
        return sum(first <= d < before for d in delivered)

    return tuple(
        t
        for t in dates
        if days(t - timedelta(days=28), t) >= MIN_DAYS_BEFORE and days(t, t + timedelta(days=label_days))
    )


def training_examples_table() -> Table:
    """The declaration of table `training_examples`: keys, label, split, and the feature columns in the catalogue's order."""
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
        "one row per (as_of, place, need, track) with a grade",
        ("as_of", "locale", "need", "track_id"),
        "run_date",
        (
            RUN_DATE,
            Column("as_of", "date", "the snapshot the features are of"),
            LEVEL,
            NEED,
            TRACK_ID,
            Column("fold_key", "string", "the need without version and order: folds never split one"),
            Column("qid", "bigint", "group of the ranker: one per (as_of, place, need)"),
            Column("split", "string", "train, or the later span that judges", values=("train", "valid")),
            Column("grade", "int", "label 0–4", low=0, high=4),
            Column("relevance", "double", "exposure-corrected success rate", low=0, high=1),
            Column(
                "weight", "double", "examined impressions behind the label; 0 where it is assumed", "impressions", low=0
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


def matrix(pair: DataFrame, need: DataFrame, track: DataFrame) -> DataFrame:
    """Join the features of pairs, needs and tracks, in the catalogue's order. Grain: as `pair`.

    The joins are on (run_date, locale, need) and (run_date, language, track_id), so that snapshots do not mix.
    """
    names = [c.name for c in columns()]
    pair = pair.withColumn("language", language_of())
    joined = pair.join(F.broadcast(need), ["run_date", "locale", "need"]).join(
        track, ["run_date", "language", "track_id"]
    )
    return joined.select("run_date", "locale", "need", "track_id", *names)


def examples(matrix_rows: DataFrame, judgements: DataFrame, needs: DataFrame, valid_from: date | None) -> DataFrame:
    """Join the features of each snapshot T with the grades of its label days, [T, T + 7). Grain: (as_of, place, need, track).

    Needs with fewer than two tracks, or without a grade above 0, cannot teach an order and are left out.

    Args:
        matrix_rows: what `matrix` returns.
        judgements: table `judgements`.
        needs: (place, need, fold_key).
        valid_from: snapshots from this date on are the validation split; None takes one in five needs instead.
    """
    named = needs.select("locale", "need", "fold_key")
    features = matrix_rows.withColumnRenamed("run_date", "as_of")
    labels = judgements.select(
        "as_of",
        "locale",
        "need",
        "track_id",
        "grade",
        "relevance",
        "is_shown",
        F.when(F.col("is_shown"), F.col("exposure")).otherwise(F.lit(0.0)).alias("weight"),
    )
    rows = labels.join(features, ["as_of", "locale", "need", "track_id"]).join(F.broadcast(named), ["locale", "need"])
    useful = rows.groupBy("as_of", "locale", "need").agg(F.count("*").alias("n"), F.max("grade").alias("best"))
    useful = useful.where((F.col("n") >= 2) & (F.col("best") >= 1)).select("as_of", "locale", "need")
    held_out = (
        F.col("as_of") >= F.lit(valid_from) if valid_from else F.pmod(F.xxhash64("fold_key"), F.lit(VALID_SHARE)) == 0
    )
    return (
        rows.join(F.broadcast(useful), ["as_of", "locale", "need"])
        .withColumn("split", F.when(held_out, F.lit("valid")).otherwise(F.lit("train")))
        .withColumn("qid", F.xxhash64(F.col("as_of").cast("string"), "locale", "need"))
    )
