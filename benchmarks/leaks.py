"""Benchmark of the leak audit: it must pass nights without a leak, and name planted columns that know their label week.

    python -m benchmarks.leaks --worlds default,voice --seeds 1,2 --json var/leaks.json

A run (one world, one seed) simulates logs, runs the night's steps up to `assemble`, and stores the audited examples beside its
lake; then columns with counts of the label week are added to the examples, one at a time. A run of the same arguments and code is
not repeated. (The audit of inputs from the future is tested in tests/laws/test_audit.py, where they are broken one by one.)
Exit codes: 0 every night without a leak passes and every planted column is named, 1 not so, 2 bad arguments.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchmarks.worlds import ROOMS, WORLDS, Run, RunFailed, call, start_over_unless_simulated
from lake.code import code_fingerprint
from lake.errors import LeakageFound

if TYPE_CHECKING:
    import pandas as pd

    from night.night import Night

DAYS_KNOWN = (1, 3, 7)  # of the label week
LIMIT = 0.995
KEYS = ["as_of", "locale", "need", "track_id"]


@dataclass(frozen=True)
class Planted:
    """A column as a feature with a wrong window would give it: a count over the days [first, before) relative to the snapshot.

    `is_rate`: the count is divided by the impressions of those days.
    """

    name: str
    measure: str
    first: int
    before: int
    is_rate: bool = False


PLANTED = (
    *[Planted(f"{m}, {n} label days", m, 0, n) for m in ("long_plays", "satisfied") for n in DAYS_KNOWN],
    Planted("long plays an impression, 7 label days", "long_plays", 0, 7, is_rate=True),
    Planted("long_plays, 21 days up to the week's end", "long_plays", -14, 7),
)


def folder_of(run: Run, out: Path) -> Path:
    """Where the run's logs, lake and figures are."""
    return (out / f"{run.world}-{run.seed}").resolve()


def stored_result(folder: Path, mark: str) -> dict[str, Any] | None:
    """The result of a run made earlier by the code of this mark, else None."""
    report = folder / "leaks.json"
    if not report.exists():
        return None
    stored: dict[str, Any] = json.loads(report.read_text(encoding="utf-8"))
    return stored if stored["code"] == mark else None


def run_nights(runs: Sequence[Run], out: Path, mark: str, timeout_s: int) -> None:
    """Simulate the runs and run their nights, all in one process: only the first one pays for a JVM that has just started.

    Args:
        runs: the runs to make; what an earlier code computed for them goes.
        out: the folder of all runs.
        mark: the fingerprint of the code, which stands in the results.
        timeout_s: the limit for one simulation or night.

    Raises:
        RunFailed: a simulation failed, or a night; nights that ended have their `leaks.json`.
    """
    command = [sys.executable, "-m", "benchmarks.leaks", "--out", str(out), "--mark", mark]
    for run in runs:
        start_over_unless_simulated(folder_of(run, out), run, timeout_s)
        command += ["--night", f"{run.world}-{run.seed}:{run.run_date}"]
    call("nights", command, out / "nights.log", timeout_s * len(runs))


def up_to_assemble(folder: Path, run_date: str, mark: str) -> None:
    """Run the steps up to `assemble` over the folder's logs, and write `leaks.json`: the verdict and the planted columns."""
    from jobs.graph import GRAPH
    from night.command import settings_from_words, words_under
    from night.night import night

    words = words_under(folder, folder / "logs", folder / "catalog.jsonl.gz", run_date)
    # what was asked gets its list, and little that was not: examples come from what was asked
    settings = settings_from_words([*words, "cluster.memory=3g", "ranking.max_needs=2000"])
    last = next(i for i, step in enumerate(GRAPH) if step.name == "assemble")
    verdict = ""
    with night(settings) as this:
        for step in GRAPH[:last]:
            step.run(this)
        try:
            verdict = GRAPH[last].run(this).note or "audited before"
        except LeakageFound as error:
            verdict = str(error)
        keep_audited(this, folder)
    result = {"code": mark, "verdict": verdict, **judged(folder)}
    (folder / "leaks.json").write_text(json.dumps(result, indent=2) + "\n", encoding="utf-8")


def keep_audited(this: Night, folder: Path) -> None:
    """Write `audited.parquet`: the examples as the audit reads them, with each planted column. Grain: as the examples."""
    from pyspark.sql import functions as F

    from lake.places import places
    from lake.tables.daily import DAILY_ENGAGEMENT
    from lake.tables.nightly import JUDGEMENTS
    from night.examples import EXAMPLES
    from night.wordings import mapping
    from queries.nightly.by_need import by_need
    from ranking.audit import audited_rows

    lake, labels = this.lake, this.settings.labels
    rows = audited_rows(
        lake.read(EXAMPLES, [this.run_date], allow_unvalidated=True),
        lake.read(JUDGEMENTS, [this.run_date], allow_unvalidated=True),
        labels.label_days,
    )
    daily = lake.read(DAILY_ENGAGEMENT, allow_unvalidated=True)
    dated = daily.withColumn("as_of", F.explode(F.array(*[F.lit(d) for d in this.as_of])))
    near = by_need(dated, mapping(this, this.as_of)).withColumn("locale", F.explode(places()))
    day = F.datediff("search_date", "as_of")
    sums = {}
    for i, p in enumerate(PLANTED):
        inside = (day >= p.first) & (day < p.before)
        sums[f"planted_{i}"] = F.sum(F.when(inside, F.col(p.measure)).otherwise(0)) / (
            F.greatest(F.sum(F.when(inside, F.col("impressions")).otherwise(0)), F.lit(1)) if p.is_rate else F.lit(1)
        )
    planted = near.groupBy(*KEYS).agg(*[c.cast("double").alias(n) for n, c in sums.items()])
    rows.join(planted, KEYS, "left").fillna(0.0, list(sums)).toPandas().to_parquet(folder / "audited.parquet")


def judged(folder: Path) -> dict[str, Any]:
    """The audit of the real columns, and of each planted column: its largest value over the limit; above 1 it is named."""
    import pandas as pd

    from features.catalogue import matrix_names
    from ranking.audit import audited

    rows = pd.read_parquet(folder / "audited.parquet")
    honest = audited(rows, matrix_names(), LIMIT)
    near = honest.nearest
    result: dict[str, Any] = {"rows": len(rows), "leaks": [f.description for f in honest.leaks], "planted": {}}
    result["nearest"] = None if near is None else {"said": near.description, "part": near.value / near.limit}
    for i, planted in enumerate(PLANTED):
        result["planted"][planted.name] = _part_of(rows, matrix_names(), f"planted_{i}")
    return result


def _part_of(rows: pd.DataFrame, names: Sequence[str], planted: str) -> dict[str, Any]:
    from ranking.audit import audited

    seen = audited(rows, [*names, planted], LIMIT)
    worst = max((f for f in seen.all if f.column == planted), key=lambda f: f.value / f.limit)
    others = [f.description for f in seen.leaks if f.column != planted]
    return {
        "said": worst.description,
        "part": worst.value / worst.limit,
        "named": worst.value > worst.limit,
        "others": others,
    }


def print_table(results: dict[str, dict[str, Any]]) -> None:
    """Print one row per night: the verdict, the column nearest to its limit, and each planted column's value over the limit."""
    from rich.console import Console
    from rich.table import Table

    console = Console(width=None if sys.stdout.isatty() else 220)
    table = Table(title="leak audit: part of its limit (above 1 a column is named)", title_justify="left")
    for column in ("night", "examples", "honest columns", "nearest", *[p.name for p in PLANTED]):
        table.add_column(column, justify="left" if column in ("night", "nearest") else "right")
    for name, night in results.items():
        near = night["nearest"]
        parts = [f"{night['planted'][p.name]['part']:.2f}" for p in PLANTED]
        verdict = "pass" if passes(night) else "HELD"
        table.add_row(name, f"{night['rows']:,}", verdict, near["said"] if near else "–", *parts)
    console.print(table)
    named = sum(night["planted"][p.name]["named"] for night in results.values() for p in PLANTED)
    clean = sum(passes(night) for night in results.values())
    console.print(
        f"{clean} of {len(results)} honest nights pass; {named} of {len(results) * len(PLANTED)} planted columns named."
    )


def passes(night: dict[str, Any]) -> bool:
    """Whether neither the night itself nor the audit of its stored examples reports a leak."""
    return (
        not night["leaks"]
        and "LeakageFound" not in night["verdict"]
        and "nothing was published" not in night["verdict"]
    )


def main(arguments: Sequence[str] | None = None) -> int:
    """Make the runs that are missing, print the table, and write all figures as JSON if `--json` is given."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.leaks", description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--worlds", default="default,position,trust,voice,popular_is_wrong", help="names, by comma")
    parser.add_argument("--seeds", default="1,2,3,4", help="whole numbers, by comma")
    parser.add_argument("--days", type=int, default=28)
    parser.add_argument("--searches-per-day", type=int, default=1000)
    parser.add_argument("--out", type=Path, default=Path("var/leaks"), help="one folder a run goes here")
    parser.add_argument("--json", type=Path, help="write every figure into this file")
    parser.add_argument("--timeout", type=int, default=3600, help="seconds for one simulation or night")
    parser.add_argument("--night", action="append", default=[], help=argparse.SUPPRESS)  # WORLD-SEED:RUN_DATE
    parser.add_argument("--mark", default="", help=argparse.SUPPRESS)
    given = parser.parse_args(arguments)
    for asked in given.night:
        name, run_date = asked.split(":")
        up_to_assemble(given.out.resolve() / name, run_date, given.mark)
        print(f"{name} done", flush=True)
    if given.night:
        return 0
    worlds = [name.strip() for name in given.worlds.split(",") if name.strip()]
    unknown = [name for name in worlds if name not in WORLDS]
    if unknown or not worlds:
        parser.error(f"--worlds: {unknown or 'none given'}; known worlds: {', '.join(WORLDS)}")
    try:
        seeds = [int(seed) for seed in given.seeds.split(",")]
    except ValueError:
        parser.error(f"--seeds: {given.seeds!r} is not a list of whole numbers such as 1,2")
    runs = [Run(world, seed, given.days, given.searches_per_day) for seed in seeds for world in worlds]
    mark = code_fingerprint(*ROOMS, "benchmarks")
    missing = [run for run in runs if stored_result(folder_of(run, given.out), mark) is None]
    failed = False
    try:
        given.out.mkdir(parents=True, exist_ok=True)
        if missing:
            run_nights(missing, given.out, mark, given.timeout)
    except RunFailed as failure:
        failed = True
        print(failure, file=sys.stderr)
    stored = {f"{run.world}-{run.seed}": stored_result(folder_of(run, given.out), mark) for run in runs}
    results = {name: result for name, result in stored.items() if result is not None}
    if results:
        print_table(results)
    if given.json is not None:
        given.json.parent.mkdir(parents=True, exist_ok=True)
        given.json.write_text(json.dumps(results, indent=2) + "\n", encoding="utf-8")
    missed = any(not passes(n) or not all(p["named"] for p in n["planted"].values()) for n in results.values())
    return 1 if failed or missed else 0


if __name__ == "__main__":
    sys.exit(main())
