"""Benchmark: how near the night's exposure curves come to the examination of the simulated listeners.

    python -m benchmarks.position_curves --worlds default,position,trust --searches-per-day 36000 --json var/curves.json

A run (one world, one seed) simulates logs, runs the night up to `fit_exposure` and compares the table `exposure_curves` with what
`python -m simulator.examination` measures on the simulated listeners. Beside it, as a check, the position-based model by exact
expectation maximisation over the counts of (need, track, rank), for each client with a screen (`benchmarks.click_em`).
Exit codes: 0 all runs done, 1 a run failed (the others are shown), 2 bad arguments.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from benchmarks.click_em import Cells, em_over_cells
from benchmarks.worlds import Run, call, over_runs, start_over_unless_simulated, unknown_worlds, world_parser
from evaluation.report import without_nan, write_json

if TYPE_CHECKING:
    import numpy.typing as npt
    import pandas as pd

    from night.night import Night

    Floats = npt.NDArray[np.float64]

EM_ITERATIONS = 500
EM_PRIOR = (
    0.5,
    4.5,
)  # most pairs are seldom clicked; under a Beta(1, 1) their attraction, and so the curve, come out too steep


def errors_of(run: Run, out: Path, timeout_s: int) -> dict[str, Any]:
    """The errors of one run; the logs and the night are made unless they exist. Raises RunFailed."""
    folder = (out / f"{run.world}-{run.seed}").resolve()
    start_over_unless_simulated(folder, run, timeout_s)
    call("night", [*run.night_command(folder), "nightly.until=fit_exposure"], folder / "curves.log", timeout_s)
    fitted, by_em = _fitted(folder, run)
    measured = folder / "examination.json"
    call("true curve", [sys.executable, "-m", "simulator.examination", f"out={folder}"], measured, timeout_s)
    logs_of_truth, logs_of_fit, weights, within, by_client = [], [], [], [], {}
    for client, curve in json.loads(measured.read_text(encoding="utf-8")).items():
        truth = np.array(curve)
        own = fitted[fitted.client == client].sort_values("position").iloc[: len(truth)]
        got = own.propensity.to_numpy()
        inside = (own.propensity_low.to_numpy() <= truth) & (truth <= own.propensity_high.to_numpy())
        within += list(inside[1:])
        logs_of_truth.append(np.log(truth))
        logs_of_fit.append(np.log(got))
        weights.append(float(own.clicks.sum()))
        by_client[client] = {
            "rms_log_error": _rms(np.log(got[1:] / truth[1:])),
            "truth": truth.round(4).tolist(),
            "fitted": got.round(4).tolist(),
            "inside": int(inside[1:].sum()),
            "clicks": int(own.clicks.sum()),
        }
        if client in by_em:
            by_client[client]["em_rms_log_error"] = _rms(np.log(by_em[client][1 : len(truth)] / truth[1:]))
    pooled = np.average(logs_of_fit, axis=0, weights=weights) - np.average(logs_of_truth, axis=0, weights=weights)
    return {
        "searches": run.days * run.searches_per_day,
        "pooled_rms_log_error": _rms(pooled[1:]),
        "worst_client": max(row["rms_log_error"] for row in by_client.values()),
        "inside_share": float(np.mean(within)),
        "worst_client_of_em": max(row["em_rms_log_error"] for row in by_client.values() if "em_rms_log_error" in row),
        "clients": by_client,
    }


def _rms(values: Floats) -> float:
    return float(np.sqrt(np.mean(np.square(values))))


def _fitted(folder: Path, run: Run) -> tuple[pd.DataFrame, dict[str, Floats]]:
    """The stored curves of the night, of all intent groups together; and those of EM, by client with a screen."""
    from lake.tables.nightly import EXPOSURE_CURVES
    from night.command import settings_from_words, words_under
    from night.night import night

    settings = settings_from_words(words_under(folder, folder / "logs", folder / "catalog.jsonl.gz", str(run.run_date)))
    with night(settings) as this:
        curves = this.lake.read(EXPOSURE_CURVES, [this.run_date], allow_unvalidated=True)
        return curves.where("intent_group = 'all'").toPandas(), _by_em(this)


def _by_em(this: Night) -> dict[str, Floats]:
    """Examination of each rank by the position-based model, 1 at the first rank, for each client with a screen."""
    from pyspark.sql import functions as F

    from labels.exposure import SCREENS
    from lake.columns import POSITIONS
    from lake.tables.daily import DAILY_ENGAGEMENT
    from night.wordings import mapping
    from queries.nightly.by_need import by_need

    days = this.window(this.settings.labels.curve_days, this.run_date)
    daily = this.lake.read(DAILY_ENGAGEMENT, days, allow_unvalidated=True).withColumn("as_of", F.lit(this.run_date))
    rows = by_need(daily.where(F.col("client").isin(*SCREENS)), mapping(this, [this.run_date]))
    at = F.posexplode(F.arrays_zip(F.col("impressions_by_position").alias("n"), F.col("clicks_by_position").alias("c")))
    ranked = rows.select("client", "locale", "need", "track_id", at.alias("rank", "cell"))
    ranked = ranked.where((F.col("rank") < POSITIONS) & (F.col("cell.n") > 0))
    cells = ranked.groupBy("client", "locale", "need", "track_id", "rank").agg(
        F.sum("cell.n").alias("n"), F.sum("cell.c").alias("c")
    )
    out = {}
    for client, own in cells.toPandas().groupby("client"):
        pair = np.asarray(own.groupby(["locale", "need", "track_id"]).ngroup(), np.int64)
        counts = (own["n"].to_numpy(float), own["c"].to_numpy(float))
        counted = Cells(pair, np.asarray(own["rank"], np.int64), *counts, int(pair.max()) + 1, POSITIONS)
        _, examination = em_over_cells(counted, EM_ITERATIONS, EM_PRIOR)
        out[str(client)] = examination / examination[0]
    return out


def main(words: Sequence[str] | None = None) -> int:
    """Run the benchmark; see the module."""
    parser = world_parser(str(__doc__).splitlines()[0], "default,position,trust", 36_000, "var/position_curves")
    given = parser.parse_args(words)
    if wrong := unknown_worlds(given):
        print(wrong, file=sys.stderr)
        return 2

    def printed(run: Run) -> dict[str, Any]:
        one = errors_of(run, given.out, given.timeout)
        print(
            f"{run.world}, seed {run.seed}, {one['searches']:,} searches: RMS log error pooled {one['pooled_rms_log_error']:.3f}, worst client "
            f"{one['worst_client']:.3f} (EM {one['worst_client_of_em']:.3f}); truth inside the 95 % interval {one['inside_share']:.0%}"
        )
        return one

    results, failed = over_runs(given, printed)
    if given.json:
        write_json(without_nan(results), given.json)
    return failed


if __name__ == "__main__":
    sys.exit(main())
