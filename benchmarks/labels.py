"""Benchmark: what each kind of label is worth, by itself and as a teacher, against the simulator's truth.

    python -m benchmarks.labels --worlds default,position,trust,voice --searches-per-day 1000 --json var/labels.json
    python -m benchmarks.labels --words run_date=2026-10-29         the night of `make nightly`

Three labels of the same pairs and label weeks: `naive` (successes an impression), `corrected` (the night's: successes an examined
impression, `labels.grades`), and `learner` (the naive one, with the mean position of the pair given to LightGBM, whose lambdarank then
fits a bias for each position; Yan et al. 2022, LightGBM's `position`). All are shrunk alike, and cut so that each grade has as many
pairs as among the night's: the night's cuts are rates an examined impression, which a rate an impression seldom reaches.
`label` is the NDCG@10 of the newest label week's own order of what it showed, against the best order of the same tracks. `taught` is the
NDCG@10 on day D, in its own order, of a ranker that learned from the label, with the night's parameters, trees and features; means over
SEEDS, and the difference to `corrected` with an interval that includes the fits.
Exit codes: 0 all runs done, 1 a run failed, 2 bad arguments.
"""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import product
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from benchmarks.worlds import Run, RunFailed, night_of, over_runs, unknown_worlds, world_parser
from evaluation.report import without_nan, write_json

if TYPE_CHECKING:
    import numpy.typing as npt
    import pandas as pd
    from pyspark.sql import DataFrame

    from evaluation.judge import Judge
    from night.night import Night
    from night.settings import Settings

    Floats = npt.NDArray[np.float64]

SEEDS = (1, 2, 3)
PAIR = ["as_of", "locale", "need", "track_id"]
POSITION = "_position"
SHIPPED, NAIVE, LEARNER = "corrected", "naive", "learner"


def figures_of(settings: Settings) -> dict[str, Any]:
    """The figures of a finished night: arm → label, taught, and the difference to the shipped label."""
    from evaluation.judge import Judge
    from night.arms import matrix_of
    from night.night import night
    from night.truth import lookups, truth_of

    with night(settings) as this:
        truth = truth_of(this)
        looked_up = lookups(this, truth)
        catalog = this.tracks(allow_unvalidated=False).select("track_id", "popularity").toPandas()
        judge = Judge.of(truth, looked_up.answers, matrix_of(this, looked_up.entries), catalog)
        labels = {SHIPPED: _stored(this), NAIVE: _naive(this)}
        scores = _taught(this, judge, labels[NAIVE])
        newest = this.as_of[-1]
    return _compared(judge, {arm: of_week(rows, newest) for arm, rows in labels.items()}, scores)


def _stored(this: Night) -> pd.DataFrame:
    """The night's own labels: PAIR, relevance, grade and is_shown."""
    from lake.tables.nightly import JUDGEMENTS

    rows = this.lake.read(JUDGEMENTS, [this.run_date], allow_unvalidated=True)
    return rows.select(*PAIR, "relevance", "grade", "is_shown").toPandas()


def _naive(this: Night) -> pd.DataFrame:
    """Labels as if every impression had been examined: PAIR, relevance, grade, and the mean position of the pair's impressions."""
    from pyspark.sql import functions as F

    from labels.grades import judgements
    from lake.places import places
    from lake.tables.nightly import EXPOSURE_CURVES, NEEDS
    from night.judged import grade_settings, in_label_weeks, label_weeks
    from queries.nightly.by_need import distinct_needs

    daily = in_label_weeks(this, label_weeks(this))
    curves = this.lake.read(EXPOSURE_CURVES, [this.run_date]).withColumn("propensity", F.lit(1.0))
    graded = judgements(daily, curves, distinct_needs(this.lake.read(NEEDS, [this.run_date])), grade_settings(this))
    rows = graded.select(*PAIR, "relevance", "grade").join(
        _positions(daily.withColumn("locale", F.explode(places()))), PAIR
    )
    return rows.toPandas()


def _positions(daily: DataFrame) -> DataFrame:
    """PAIR and the mean position of its impressions, rounded; the tail counts as one position."""
    from pyspark.sql import functions as F

    at = F.posexplode("impressions_by_position").alias("_i", "n")
    cells = (
        daily.select(*PAIR, at)
        .groupBy(*PAIR)
        .agg(F.round(F.try_divide(F.sum((F.col("_i") + 1) * F.col("n")), F.sum("n"))).cast("int").alias(POSITION))
    )
    return cells.where(F.col(POSITION).isNotNull())


def _taught(this: Night, judge: Judge, naive: pd.DataFrame) -> dict[str, list[Floats]]:
    """Arm -> scores of the judge's rows by a ranker that learned from its label, one array a seed."""
    import pyarrow.dataset as ds

    from lake.columns import POSITIONS
    from night.examples import examples_path
    from night.rankers import ranker_of
    from ranking.dataset import Examples, FeatureList, in_memory, read_examples
    from ranking.ranker import Boosting, load
    from ranking.scoring import feature_list

    features, folder = feature_list(), ranker_of(this)
    if folder is None:
        raise RunFailed(f"{this.run_date}: the night has no ranker")
    ranker = load(folder, features)
    frame = ds.dataset(examples_path(this), format="parquet").to_table().to_pandas()
    frame = frame.merge(naive.drop(columns="grade"), on=PAIR, how="left", suffixes=("", "_naive")).sort_values(PAIR)
    was_shown = frame["relevance_naive"].notna()
    frame[POSITION] = frame[POSITION].fillna(POSITIONS + 1).astype("float64")
    # a pair that nobody was shown keeps what is assumed of it
    relevance, grade = frame["relevance_naive"].fillna(frame["relevance"]), frame["grade"].copy()
    grade[was_shown] = cut_alike(relevance[was_shown].to_numpy(), frame.loc[was_shown, "grade"].to_numpy())
    frame = frame.drop(columns="relevance_naive")
    wide = FeatureList((*features.names, POSITION), (*features.monotone, 0), features.fingerprint)

    def ordered(rows: pd.DataFrame) -> tuple[Examples, Any]:
        """The rows as the ranker takes them, and their positions."""
        with tempfile.TemporaryDirectory() as place:
            rows.to_parquet(Path(place) / "examples.parquet", index=False)
            read = read_examples(place, wide)
        matrix = np.ascontiguousarray(read.matrix[:, :-1])
        return replace(read, features=features, matrix=matrix), read.matrix[:, -1].astype(np.int32)

    shipped, _ = ordered(frame)
    uncorrected, position = ordered(frame.assign(relevance=relevance, grade=grade.astype("int32")))
    threads, values = this.settings.tuning.threads, judge.rows[list(features.names)].to_numpy(dtype="float64")
    out: dict[str, list[Floats]] = {SHIPPED: [], NAIVE: [], LEARNER: []}
    for arm, seed in product(out, SEEDS):
        rows = shipped if arm == SHIPPED else uncorrected
        data = in_memory(rows, ranker.params.objective, ranker.params.max_bin, threads)
        if arm == LEARNER:
            data.set_position(position)
        run = Boosting(data, ranker.params.for_lightgbm(features, seed, threads))
        run.grow(ranker.trees)
        out[arm].append(np.asarray(run.booster.predict(values, num_threads=threads), np.float64).round(9))
    return out


def cut_alike(relevance: Floats, grades: npt.NDArray[np.int32]) -> npt.NDArray[np.int32]:
    """Grades in the order of `relevance`, each as often as in `grades`; equal relevance is ordered by place."""
    out = np.empty(len(grades), dtype=np.int32)
    out[np.argsort(relevance, kind="stable")] = np.sort(grades)
    return out


def of_week(labels: pd.DataFrame, as_of: object) -> pd.DataFrame:
    """The labels of what one label week showed."""
    rows = labels[labels["as_of"] == as_of]
    return rows[rows["is_shown"].astype(bool)] if "is_shown" in rows.columns else rows


def label_ndcg(judge: Judge, labels: pd.DataFrame) -> float:
    """NDCG@10 of the order by `relevance` of each asked list's labelled tracks, against their best order; weighted by searches."""
    from evaluation.judge import NDCG_K
    from evaluation.metrics import mean_over_groups, ndcg_by_group
    from evaluation.truth import ENTRY

    rows = labels.merge(judge.entries[[*ENTRY, "searches"]], on=ENTRY)
    rows = rows.merge(judge.gains, on=[*ENTRY, "track_id"], how="left").fillna({"gain": 0.0})
    rows = rows.sort_values([*ENTRY, "track_id"], kind="stable")
    groups = rows.groupby(ENTRY, sort=False)
    values = ndcg_by_group(rows["gain"], rows["relevance"], groups.size(), NDCG_K, gain="linear", ties="expected")
    return mean_over_groups(values, groups["searches"].first().to_numpy(dtype=np.float64))


def _compared(judge: Judge, labels: Mapping[str, pd.DataFrame], scores: Mapping[str, list[Floats]]) -> dict[str, Any]:
    from evaluation.intervals import clustered_interval

    judged = judge.ideal > 0
    weight, needs = judge.weight[judged], judge.entries.loc[judged, "need_id"].astype(str).to_numpy()
    of_fits = {arm: np.array([judge.ndcg(s)[judged] for s in fits]) for arm, fits in scores.items()}
    out: dict[str, Any] = {}
    for arm, values in of_fits.items():
        by_fit = [float(np.average(one, weights=weight)) for one in values]
        out[arm] = {"label": label_ndcg(judge, labels[arm if arm in labels else NAIVE])}
        out[arm] |= {"taught": float(np.mean(by_fit)), "sd_of_fits": float(np.std(by_fit, ddof=1))}
        if arm != SHIPPED:
            lead = values - of_fits[SHIPPED]
            fits = [float(np.average(one, weights=weight)) for one in lead]
            interval = clustered_interval(lead.mean(axis=0), weight, needs, fits=fits)
            out[arm]["over_corrected"] = [interval.mean, interval.low, interval.high]
    return out


def print_figures(results: Mapping[str, Mapping[str, Any]]) -> None:
    """Print one row for each night and label."""
    from rich.console import Console
    from rich.table import Table

    table = Table(title="labels against the simulator's truth, NDCG@10", title_justify="left")
    for column in ("night", "label of", "label", "taught", "over corrected"):
        table.add_column(column, justify="left" if column in ("night", "label of") else "right", no_wrap=True)
    for name, arms in results.items():
        for arm, row in arms.items():
            lead = row.get("over_corrected")
            over = "" if lead is None else f"{lead[0]:+.4f} [{lead[1]:+.3f}, {lead[2]:+.3f}]"
            table.add_row(name, arm, f"{row['label']:.4f}", f"{row['taught']:.4f} ± {row['sd_of_fits']:.4f}", over)
    Console(width=None if sys.stdout.isatty() else 120).print(table)


def main(words: Sequence[str] | None = None) -> int:
    """Run the benchmark; see the module."""
    from night.command import settings_from_words

    parser = world_parser(str(__doc__).splitlines()[0], "default,position,trust,voice", 1000, "var/labels")
    parser.add_argument("--words", nargs="+", help="settings of a night that is done, instead of worlds")
    given = parser.parse_args(words)
    if wrong := unknown_worlds(given):
        print(wrong, file=sys.stderr)
        return 2

    def of_run(run: Run) -> dict[str, Any]:
        night_of(run, given.out, given.timeout)
        folder = (given.out / f"{run.world}-{run.seed}").resolve()
        return figures_of(settings_from_words([word for word in run.night_command(folder) if "=" in word]))

    if given.words:
        settings = settings_from_words(given.words)
        results, failed = {settings.run_date: figures_of(settings)}, 0
    else:
        results, failed = over_runs(given, of_run)
    print_figures(results)
    if given.json:
        write_json(without_nan(results), given.json)
    return failed


if __name__ == "__main__":
    sys.exit(main())
