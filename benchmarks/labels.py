"""Benchmark: what each kind of label is worth, by itself and as a teacher, against the simulator's truth.

    python -m benchmarks.labels --worlds default,position,trust,voice --searches-per-day 1000 --json var/labels.json
    python -m benchmarks.labels --words run_date=2026-10-29         the night of `make nightly`

Three labels of the same pairs and label weeks: `naive` (successes an impression), `corrected` (the night's: successes an examined
impression, `labels.grades`), and `learner` (the naive one, with the mean position of the pair given to LightGBM, whose lambdarank then
fits a bias for each position; Yan et al. 2022, LightGBM's `position`). All are shrunk and cut alike.
`label` is the NDCG@10 of the newest label week's own order of what it showed, against the best order of the same tracks. `taught` is the
NDCG@10 on day D, in its own order, of a ranker that learned from the label, with the night's parameters, trees and features; means over
SEEDS, and the difference to `corrected` with an interval that includes the fits.
Exit codes: 0 all runs done, 1 a run failed, 2 bad arguments.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from benchmarks.worlds import WORLDS, Run, RunFailed, night_of

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
        scores = {arm: _taught(this, judge, labels, arm) for arm in (SHIPPED, NAIVE, LEARNER)}
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


def _taught(this: Night, judge: Judge, labels: Mapping[str, pd.DataFrame], arm: str) -> list[Floats]:
    """Scores of the judge's rows by a ranker that learned from a label, one array a seed."""
    import pyarrow.dataset as ds

    from lake.columns import POSITIONS
    from night.examples import examples_path
    from night.rankers import ranker_of
    from ranking.dataset import FeatureList, in_memory, read_examples
    from ranking.ranker import Boosting, load
    from ranking.scoring import feature_list

    features, folder = feature_list(), ranker_of(this)
    if folder is None:
        raise RunFailed(f"{this.run_date}: the night has no ranker")
    ranker = load(folder, features)
    frame = ds.dataset(examples_path(this), format="parquet").to_table().to_pandas()
    naive = labels[NAIVE].rename(columns={"relevance": "_relevance", "grade": "_grade"})
    frame = frame.merge(naive, on=PAIR, how="left")
    if arm != SHIPPED:  # a pair that nobody was shown keeps what is assumed of it
        frame["relevance"] = frame["_relevance"].fillna(frame["relevance"])
        frame["grade"] = frame["_grade"].fillna(frame["grade"]).astype("int32")
    frame[POSITION] = frame[POSITION].fillna(POSITIONS + 1).astype("float64")
    with tempfile.TemporaryDirectory() as place:
        frame.drop(columns=["_relevance", "_grade"]).to_parquet(Path(place) / "examples.parquet", index=False)
        wide = FeatureList((*features.names, POSITION), (*features.monotone, 0), features.fingerprint)
        rows = read_examples(place, wide)
    position = rows.matrix[:, -1].astype(np.int32)
    rows = replace(rows, features=features, matrix=np.ascontiguousarray(rows.matrix[:, :-1]))
    threads, values = this.settings.tuning.threads, judge.rows[list(features.names)].to_numpy(dtype="float64")
    out = []
    for seed in SEEDS:
        data = in_memory(rows, ranker.params.objective, ranker.params.max_bin, threads)
        if arm == LEARNER:
            data.set_position(position)
        run = Boosting(data, ranker.params.for_lightgbm(features, seed, threads))
        run.grow(ranker.trees)
        out.append(np.asarray(run.booster.predict(values, num_threads=threads), np.float64).round(9))
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

    parser = argparse.ArgumentParser(description=str(__doc__).splitlines()[0])
    parser.add_argument("--worlds", default="default,position,trust,voice", help=f"some of {', '.join(WORLDS)}")
    parser.add_argument("--seeds", default="7")
    parser.add_argument("--days", type=int, default=28)
    parser.add_argument("--searches-per-day", type=int, default=1000)
    parser.add_argument("--out", type=Path, default=Path("var/labels"))
    parser.add_argument("--timeout", type=int, default=3600)
    parser.add_argument("--words", nargs="+", help="settings of a night that is done, instead of worlds")
    parser.add_argument("--json", type=Path)
    given = parser.parse_args(words)
    worlds = given.worlds.split(",")
    if unknown := sorted(set(worlds) - set(WORLDS)):
        print(f"--worlds: unknown {', '.join(unknown)}; expected some of {', '.join(WORLDS)}", file=sys.stderr)
        return 2
    results, failed = {}, 0
    if given.words:
        settings = settings_from_words(given.words)
        results[settings.run_date] = figures_of(settings)
        worlds = []
    for world in worlds:
        for seed in (int(s) for s in given.seeds.split(",")):
            run = Run(world, seed, given.days, given.searches_per_day)
            folder = (given.out / f"{world}-{seed}").resolve()
            try:
                night_of(run, given.out, given.timeout)
            except RunFailed as error:
                print(error, file=sys.stderr)
                failed = 1
                continue
            words_of_night = [word for word in run.night_command(folder) if "=" in word]
            results[f"{world}-{seed}"] = figures_of(settings_from_words(words_of_night))
    print_figures(results)
    if given.json:
        given.json.parent.mkdir(parents=True, exist_ok=True)
        given.json.write_text(json.dumps(results, indent=2) + "\n", encoding="utf-8")
    return failed


if __name__ == "__main__":
    sys.exit(main())
