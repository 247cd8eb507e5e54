"""Benchmark: how near the night's exposure curves come to the examination of the simulated listeners.

    python -m benchmarks.position_curves --worlds default,position,trust --searches-per-day 36000 --json var/curves.json

A run (one world, one seed) simulates logs, runs the night up to `fit_exposure` and reads the table `exposure_curves`. The truth of
a client is measured on the simulator's own listeners: a track drawn at random from a served list is put at rank r, the others keep
their order, and the listeners react; the truth of r is the rate of clicks on such tracks at r over that at rank 1. It is the curve that
clicks follow, with everything that makes them fall besides examination: trust, and leaving after a good track.
Exit codes: 0 all runs done, 1 a run failed (the others are shown), 2 bad arguments.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from benchmarks.worlds import WORLDS, Run, RunFailed, call, start_over_unless_simulated

if TYPE_CHECKING:
    import numpy.typing as npt
    import pandas as pd

    from simulator.behaviour import Behaviour

    Floats = npt.NDArray[np.float64]

SCREENS = ("mobile", "web", "firetv")
RANKS = 10
DRAWS = 8  # of a track for each list and rank


def behaviour_of(folder: Path) -> Behaviour:
    """The parameters that the simulation drew, as `truth/behaviour.json` keeps them."""
    from simulator.behaviour import Behaviour, Policy

    stored = json.loads((folder / "truth" / "behaviour.json").read_text(encoding="utf-8"))
    arrays = ("client_share", "locale_share", "examination_power", "attraction", "satisfied")
    return Behaviour(
        world=stored["world"],
        number=stored["number"],
        policies=tuple(Policy(**p) for p in stored["policies"]),
        **{name: np.array(stored[name]) for name in arrays},
    )


def served_grades(folder: Path, client: str, most: int) -> npt.NDArray[np.int8]:
    """True grades of the tracks of a client's served lists, [lists, RANKS], -1 after the last; searches of bots are left out.

    Args:
        folder: the folder of the simulation.
        client: the client.
        most: lists at most, every n-th of the log.
    """
    import duckdb

    logs, truth = folder / "logs" / "searches", folder / "truth"
    rows = duckdb.execute(
        f"""SELECT s.search_id, t.need_id, s.results FROM read_parquet('{logs}/*/*.parquet') s
            JOIN read_parquet('{truth}/searches.parquet') t USING (search_id)
            WHERE s.client = ? AND NOT t.is_bot AND len(s.results) > 1 ORDER BY s.search_id""",
        [client],
    ).df()
    rows = rows.iloc[:: max(1, len(rows) // most)]
    flat = rows.assign(row=np.arange(len(rows))).explode("results").rename(columns={"results": "track_id"})
    flat["at"] = flat.groupby("row").cumcount()
    relevance = duckdb.execute(f"SELECT need_id, track_id, grade FROM read_parquet('{truth}/relevance.parquet')").df()
    flat = flat[flat["at"] < RANKS].merge(relevance, on=["need_id", "track_id"], how="left")
    grades = np.full((len(rows), RANKS), -1, dtype=np.int8)
    grades[flat["row"].to_numpy(int), flat["at"].to_numpy(int)] = flat["grade"].fillna(0).to_numpy(np.int8)
    return grades


def true_curve(grades: npt.NDArray[np.int8], client: int, behaviour: Behaviour, seed: int) -> Floats:
    """Rate of clicks on a track drawn from the list and put at rank r, over the rate at rank 1, r = 1 … RANKS.

    Args:
        grades: what `served_grades` gives.
        client: the client's place in `simulator.behaviour.CLIENTS`.
        behaviour: the simulation's parameters.
        seed: seed of the draws and the listeners.
    """
    rng = np.random.default_rng(seed)
    size = (grades >= 0).sum(axis=1)
    curve = np.ones(RANKS)
    for rank in range(1, RANKS):
        lists = grades[size > rank]
        clicks = np.zeros(2)
        for _ in range(DRAWS):
            drawn = rng.integers(0, size[size > rank])
            clicks += [_clicks(_moved(lists, drawn, to), to, client, behaviour, rng) for to in (0, rank)]
        curve[rank] = clicks[1] / clicks[0]
    return curve


def _moved(lists: npt.NDArray[np.int8], drawn: npt.NDArray[np.int64], to: int) -> npt.NDArray[np.int8]:
    """The lists with the drawn track at the 0-based rank `to`, the others in their order."""
    rows = np.arange(len(lists))
    place = np.tile(np.arange(lists.shape[1], dtype=np.float64), (len(lists), 1))
    place[rows, drawn] = np.where(drawn > to, to - 0.5, to + 0.5)
    return np.take_along_axis(lists, np.argsort(place, axis=1), axis=1)


def _clicks(lists: npt.NDArray[np.int8], at: int, client: int, behaviour: Behaviour, rng: np.random.Generator) -> int:
    from simulator.listeners import on_screens

    shown = lists >= 0
    outcome = on_screens(
        np.maximum(lists, 0), shown, np.full(lists.shape, 200_000), np.full(len(lists), client), behaviour, rng
    )
    return int((outcome.plays.rank == at).sum())


def errors_of(run: Run, out: Path, timeout_s: int) -> dict[str, Any]:
    """The errors of one run; the logs and the night are made unless they exist. Raises RunFailed."""
    folder = (out / f"{run.world}-{run.seed}").resolve()
    start_over_unless_simulated(folder, run, timeout_s)
    call("night", [*run.night_command(folder), "nightly.until=fit_exposure"], folder / "curves.log", timeout_s)
    fitted = _fitted(folder, run)
    behaviour, out_rows = behaviour_of(folder), {}
    from simulator.behaviour import CLIENTS

    logs_of_truth, logs_of_fit, weights, within = [], [], [], []
    for client in SCREENS:
        grades = served_grades(folder, client, 60_000)
        truth = true_curve(grades, CLIENTS.index(client), behaviour, run.seed)
        own = fitted[fitted.client == client].sort_values("position").iloc[:RANKS]
        got = own.propensity.to_numpy()
        inside = (own.propensity_low.to_numpy() <= truth) & (truth <= own.propensity_high.to_numpy())
        within += list(inside[1:])
        logs_of_truth.append(np.log(truth))
        logs_of_fit.append(np.log(got))
        weights.append(float(own.clicks.sum()))
        out_rows[client] = {
            "rms_log_error": _rms(np.log(got[1:] / truth[1:])),
            "truth": truth.round(4).tolist(),
            "fitted": got.round(4).tolist(),
            "inside": int(inside[1:].sum()),
            "clicks": int(own.clicks.sum()),
        }
    pooled = np.average(logs_of_fit, axis=0, weights=weights) - np.average(logs_of_truth, axis=0, weights=weights)
    return {
        "searches": run.days * run.searches_per_day,
        "pooled_rms_log_error": _rms(pooled[1:]),
        "worst_client": max(row["rms_log_error"] for row in out_rows.values()),
        "inside_share": float(np.mean(within)),
        "clients": out_rows,
    }


def _rms(values: Floats) -> float:
    return float(np.sqrt(np.mean(np.square(values))))


def _fitted(folder: Path, run: Run) -> pd.DataFrame:
    """The stored curves of the night, of all intent groups together."""
    from benchmarks.ingest_ours import places, settings_of_command
    from lake.tables.nightly import EXPOSURE_CURVES
    from night.night import night

    settings = settings_of_command(places(folder, folder / "catalog.jsonl.gz", str(run.run_date), folder))
    with night(settings) as this:
        curves = this.lake.read(EXPOSURE_CURVES, [this.run_date], allow_unvalidated=True)
        return curves.where("intent_group = 'all'").toPandas()


def main(words: Sequence[str] | None = None) -> int:
    """Run the benchmark; see the module."""
    parser = argparse.ArgumentParser(description=str(__doc__).splitlines()[0])
    parser.add_argument("--worlds", default="default,position,trust", help=f"some of {', '.join(WORLDS)}")
    parser.add_argument("--seeds", default="7")
    parser.add_argument("--days", type=int, default=28)
    parser.add_argument("--searches-per-day", type=int, default=36_000)
    parser.add_argument("--out", type=Path, default=Path("var/position_curves"))
    parser.add_argument("--timeout", type=int, default=3600)
    parser.add_argument("--json", type=Path)
    given = parser.parse_args(words)
    worlds = given.worlds.split(",")
    if unknown := sorted(set(worlds) - set(WORLDS)):
        print(f"--worlds: unknown {', '.join(unknown)}; expected some of {', '.join(WORLDS)}", file=sys.stderr)
        return 2
    results, failed = {}, 0
    for world in worlds:
        for seed in (int(s) for s in given.seeds.split(",")):
            try:
                one = errors_of(Run(world, seed, given.days, given.searches_per_day), given.out, given.timeout)
            except RunFailed as error:
                print(error, file=sys.stderr)
                failed = 1
                continue
            results[f"{world}-{seed}"] = one
            print(
                f"{world}, seed {seed}, {one['searches']:,} searches: RMS log error pooled {one['pooled_rms_log_error']:.3f}, worst client "
                f"{one['worst_client']:.3f}; truth inside the 95 % interval {one['inside_share']:.0%}"
            )
    if given.json:
        given.json.parent.mkdir(parents=True, exist_ok=True)
        given.json.write_text(json.dumps(results, indent=2) + "\n", encoding="utf-8")
    return failed


if __name__ == "__main__":
    sys.exit(main())
