"""What the page of a night tells of its ranker, its curves, its grades and its columns: bounded samples and small sums."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from evaluation.intervals import clustered_interval
from evaluation.page.content import ColumnUse, CurvePoint, Drift, GradeRate
from evaluation.page.page import MOST_DRIFT, MOST_POINTS
from features.catalogue import columns, feature_table
from lake.tables.nightly import EXPOSURE_CURVES, JUDGEMENTS
from night.night import Night
from night.rankers import ranker_of
from ranking.dataset import Floats
from ranking.examples import SPACING_DAYS, matrix
from ranking.ranker import Ranker, load
from ranking.scoring import KEYS, feature_list

if TYPE_CHECKING:
    import pandas as pd

SAMPLED = 2000  # candidates whose scores are taken apart
BUCKETS = 50  # random groups of needs, by which the intervals of the grades are taken
MOST_JUDGED = 5_000_000  # rows of judgements that are looked at
SHARES = 1_000_000


def column_uses(night: Night) -> tuple[list[ColumnUse], int]:
    """How the night's ranker uses its columns, the greatest effect first, and the size of the sample; ([], 0) without a ranker."""
    folder = ranker_of(night)
    if folder is None:
        return [], 0
    ranker = load(folder, feature_list(), threads=night.settings.tuning.threads)
    sample = sampled_matrix(night, SAMPLED).toPandas()
    return uses_of(ranker, sample[list(ranker.features.names)]), len(sample)


def sampled_matrix(night: Night, most: int) -> DataFrame:
    """At most `most` of the night's candidates with every column of the matrix, chosen by a hash of their keys."""
    pair_table = feature_table("need_track")
    commit = night.lake.commits(pair_table)[night.settings.run_date]
    pairs, needs, tracks = (
        night.lake.read(feature_table(g), [night.run_date]) for g in ("need_track", "need", "track")
    )
    chance = F.xxhash64(*KEYS)
    # half as many again as are wanted, so that the sort below has enough and is small
    below = min(SHARES, int(SHARES * 1.5 * most / max(commit.rows, 1)) + 1)
    few = pairs.where(F.pmod(chance, F.lit(SHARES)) < below).orderBy(chance, *KEYS).limit(most)
    return matrix(few, needs, tracks)


def uses_of(ranker: Ranker, sample: pd.DataFrame) -> list[ColumnUse]:
    """How a ranker uses its columns, the greatest mean effect first.

    Args:
        ranker: the ranker.
        sample: rows of the matrix, with the ranker's columns in order.
    """
    import numpy as np

    families = {c.name: c.feature.family for c in columns()}
    names = ranker.features.names
    gain, splits = (np.asarray(ranker.booster.feature_importance(kind), dtype=np.float64) for kind in ("gain", "split"))
    total = float(gain.sum()) or 1.0
    values = sample.to_numpy(dtype="float64")
    effects = ranker.contributions(values)[:, :-1] if len(values) else np.zeros((0, len(names)))
    places = places_of(values)
    out = []
    for i, name in enumerate(names):
        points = list(zip(effects[:MOST_POINTS, i].tolist(), places[:MOST_POINTS, i].tolist(), strict=True))
        effect = float(np.abs(effects[:, i]).mean()) if len(values) else 0.0
        out.append(ColumnUse(name, families.get(name, ""), float(gain[i]) / total, int(splits[i]), effect, points))
    return sorted(out, key=lambda use: (-use.effect, -use.gain, use.name))


def places_of(values: Floats) -> Floats:
    """Where each value lies between the 5th (0) and the 95th (1) percentile of its column; the middle for nulls and constants."""
    import numpy as np

    out = np.full(values.shape, 0.5)
    for i, column in enumerate(values.T):
        known = column[np.isfinite(column)]
        if len(known) and known.min() < known.max():
            low, high = np.percentile(known, [5, 95])
            if low == high:  # a column that is nearly always the same, such as one of few ones
                low, high = known.min(), known.max()
            out[:, i] = np.nan_to_num(np.clip((column - low) / (high - low), 0.0, 1.0), nan=0.5)
    return out


def curve_points(night: Night) -> list[CurvePoint]:
    """The exposure curves of D; [] if the night has none. An interval is read if the table has `propensity_low` and `_high`."""
    if night.settings.run_date not in night.lake.passed(EXPOSURE_CURVES):
        return []
    rows = night.lake.read(EXPOSURE_CURVES, [night.run_date]).toPandas()
    rows = rows.sort_values(["client", "intent_group", "position"], kind="stable")
    has_ends = {"propensity_low", "propensity_high"} <= set(rows.columns)
    return [
        CurvePoint(
            str(row["client"]),
            str(row["intent_group"]),
            int(row["position"]),
            float(row["propensity"]),
            int(row["impressions"]),
            _or_none(row["propensity_low"]) if has_ends else None,
            _or_none(row["propensity_high"]) if has_ends else None,
        )
        for row in rows.to_dict("records")
    ]


def _or_none(value: float) -> float | None:
    return None if value != value else float(value)


def grade_rates(night: Night) -> list[GradeRate]:
    """Whether a grade holds: success per examined impression in the next label week, of the pairs of each grade.

    Over everybody (place `*`), of pairs that were shown in both weeks. Needs are put into 50 random groups, by which the interval
    is taken (random groups, Wolter 2007, chapter 2). [] if the night has no two label weeks in a row.
    """
    commit = night.lake.commits(JUDGEMENTS).get(night.settings.run_date)
    if commit is None or night.settings.run_date not in night.lake.passed(JUDGEMENTS):
        return []
    rows = (
        night.lake.read(JUDGEMENTS, [night.run_date]).where("locale = '*'").where(F.coalesce("is_shown", F.lit(True)))
    )
    one_in = max(1, commit.rows // MOST_JUDGED)
    rows = rows.where(F.pmod(F.xxhash64("need"), F.lit(one_in)) == 0)
    first = rows.select(F.date_add("as_of", SPACING_DAYS).alias("as_of"), "need", "track_id", "grade")
    after = rows.select("as_of", "need", "track_id", "exposure", "successes")
    joined = first.join(after, ["as_of", "need", "track_id"])
    bucket = F.pmod(F.xxhash64("need", F.lit(1)), F.lit(BUCKETS))
    sums = joined.groupBy("grade", bucket.alias("bucket")).agg(
        F.sum("exposure").alias("exposure"), F.sum("successes").alias("successes"), F.count("*").alias("pairs")
    )
    return rates_of(sums.toPandas())


def rates_of(sums: pd.DataFrame) -> list[GradeRate]:
    """The rate of each grade with its interval. `sums`: grade, bucket, exposure, successes, pairs; a grade needs two buckets."""
    out = []
    for grade, own in sums.sort_values(["grade", "bucket"]).groupby("grade"):
        own = own[own["exposure"] > 0]
        if len(own) < 2:
            continue
        rate = clustered_interval(own["successes"] / own["exposure"], own["exposure"], own["bucket"])
        out.append(GradeRate(int(str(grade)), int(own["pairs"].sum()), rate.mean, max(rate.low, 0.0), rate.high))
    return out


def drifted(night: Night) -> list[Drift]:
    """The columns of tonight's feature tables that moved most from earlier nights, by the profiles that the gate has stored."""
    import pandas as pd

    out = []
    for file in sorted((Path(night.settings.reports) / "profiles").glob(f"*/{night.settings.run_date}.parquet")):
        rows = pd.read_parquet(file, columns=["table", "column", "psi", "jensen_shannon", "nights_before"])
        rows = rows[rows["psi"].notna() & (rows["nights_before"] > 0)]
        out += [Drift(str(t), str(c), float(p), float(j), int(n)) for t, c, p, j, n in rows.itertuples(index=False)]
    return sorted(out, key=lambda d: (-d.psi, d.table, d.column))[:MOST_DRIFT]
