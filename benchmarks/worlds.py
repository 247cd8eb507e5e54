"""Benchmark: by how much the release beats the baselines in every world of the simulator, with several seeds each.

    python -m benchmarks.worlds --worlds default,voice --seeds 7,8,9 --json var/worlds.json

A run (one world, one seed) simulates logs, runs the whole night and reads its `night.json`. A run of the same arguments and code
is not repeated (--again repeats its night); an interrupted one continues where it stopped.
Exit codes: 0 all runs done, 1 a run failed (the others are shown), 2 bad arguments.
"""

import argparse
import json
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Any

from lake.code import code_fingerprint

WORLDS = ("default", "position", "trust", "voice", "drift", "popular_is_wrong")
_FIRST_DATE = date(2026, 10, 1)  # passed to the simulator, so that run_date does not depend on its default
_MARKER, _CODE = "arguments.json", "code"
# the code that a night's figures depend on
ROOMS = ("conf", "lake", "events", "queries", "features", "labels", "ranking", "evaluation", "serving", "night", "jobs")


class RunFailed(Exception):
    """A simulation or a night failed or timed out; the message names it, the reason, and its log."""


@dataclass(frozen=True)
class Run:
    """One world with one seed, the unit of this benchmark."""

    world: str
    seed: int
    days: int
    searches_per_day: int

    @property
    def run_date(self) -> date:
        """D, the day after the last simulated one."""
        return _FIRST_DATE + timedelta(days=self.days)

    def simulate_command(self, folder: Path) -> list[str]:
        """The simulator's command line for this run."""
        return [
            sys.executable,
            "-m",
            "simulator.generate",
            f"out={folder}",
            f"world={self.world}",
            f"seed={self.seed}",
            f"days={self.days}",
            f"searches_per_day={self.searches_per_day}",
            f"first_date={_FIRST_DATE}",
        ]

    def night_command(self, folder: Path) -> list[str]:
        """The night's command line for this run: a separate lake, releases, rankers, reports and sweeps, and no tuning."""
        return [
            sys.executable,
            "-m",
            "jobs.nightly",
            f"run_date={self.run_date}",
            f"logs={folder / 'logs'}",
            f"catalog={folder / 'catalog.jsonl.gz'}",
            f"lake.root={folder / 'lake'}",
            f"releases={folder / 'releases'}",
            f"reports={folder / 'reports'}",
            f"rankers={folder / 'rankers'}",
            f"tuning.sweeps={folder / 'sweeps'}",
            "nightly.tune=never",
        ]


def night_of(run: Run, out: Path, timeout_s: int, again: bool = False) -> dict[str, Any]:
    """The `night.json` of one run, which is made unless it exists.

    Args:
        run: the run.
        out: the folder of all runs.
        timeout_s: the limit for the simulation, and for the night.
        again: run the night again over the logs already simulated.

    Raises:
        RunFailed: the simulation or the night failed, or its report cannot be read.
    """
    folder = (out / f"{run.world}-{run.seed}").resolve()
    report = folder / "reports" / "night.json"
    if _arguments_of(folder) != _simulated_by(run):
        _start_over(folder, run)
    elif again or _code_of(folder) != code_fingerprint(*ROOMS):
        for name in ("lake", "releases", "reports"):
            shutil.rmtree(folder / name, ignore_errors=True)
    (folder / _CODE).write_text(code_fingerprint(*ROOMS) + "\n", encoding="utf-8")
    if not report.exists():
        if not (folder / "simulated").exists():
            call("simulation", run.simulate_command(folder), folder / "simulate.log", timeout_s)
            (folder / "simulated").touch()
        call("night", run.night_command(folder), folder / "night.log", timeout_s)
    try:
        night: dict[str, Any] = json.loads(report.read_text(encoding="utf-8"))
        _ = night["ndcg10"]["playfirst"], night["diff"], night["recall100"], night["coverage"]
    except (OSError, ValueError, KeyError) as broken:
        raise RunFailed(
            f"{run.world}, seed {run.seed}: {report} is no report of a night ({broken!r}); "
            f"see {folder / 'night.log'}, then remove the report and call again"
        ) from broken
    return night


def _code_of(folder: Path) -> str:
    code = folder / _CODE
    return code.read_text(encoding="utf-8").strip() if code.exists() else ""


def _simulated_by(run: Run) -> dict[str, Any]:
    """Everything that the logs of a world depend on: the arguments, and the simulator's code."""
    return asdict(run) | {"simulator": code_fingerprint("simulator")}


def _arguments_of(folder: Path) -> object:
    try:
        return json.loads((folder / _MARKER).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None


def _start_over(folder: Path, run: Run) -> None:
    """Make the folder empty for `run`. Raises RunFailed for a folder with files but without our marker."""
    if folder.exists() and any(folder.iterdir()):
        if not (folder / _MARKER).exists():
            raise RunFailed(f"{folder}: holds files but no {_MARKER}, so it is not ours to empty; choose another --out")
        shutil.rmtree(folder)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / _MARKER).write_text(json.dumps(_simulated_by(run)) + "\n", encoding="utf-8")


def start_over_unless_simulated(folder: Path, run: Run, timeout_s: int) -> None:
    """Simulate the logs of `run` into the folder, unless they are there; the logs of another run go. Raises RunFailed."""
    if _arguments_of(folder) != _simulated_by(run):
        _start_over(folder, run)
    if not (folder / "simulated").exists():
        call("simulation", run.simulate_command(folder), folder / "simulate.log", timeout_s)
        (folder / "simulated").touch()


def call(what: str, command: list[str], log: Path, timeout_s: int) -> None:
    """Run a command with its output in `log`. Raises RunFailed if it fails or is not done in time; the message names the log."""
    started = time.monotonic()
    with log.open("w", encoding="utf-8") as lines:
        try:
            code = subprocess.run(
                command,
                stdout=lines,
                stderr=subprocess.STDOUT,
                timeout=timeout_s,
                check=False,
                stdin=subprocess.DEVNULL,
            ).returncode
        except subprocess.TimeoutExpired as late:
            raise RunFailed(
                f"{log.parent.name}: the {what} was not done after {timeout_s} s; see {log}, "
                "or give it longer with --timeout"
            ) from late
    if code != 0:
        output = [line for line in log.read_text(encoding="utf-8", errors="replace").splitlines() if line.strip()]
        raise RunFailed(
            f"{log.parent.name}: the {what} ended with exit code {code}: "
            f"{output[-1].strip() if output else 'it said nothing'} (see {log})"
        )
    print(f"{log.parent.name}: {what} done in {time.monotonic() - started:.0f} s", file=sys.stderr)


def world_parser(description: str, worlds: str, searches_per_day: int, out: str) -> argparse.ArgumentParser:
    """The arguments of a benchmark over runs of worlds, with its defaults."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--worlds", default=worlds, help=f"some of {', '.join(WORLDS)}")
    parser.add_argument("--seeds", default="7")
    parser.add_argument("--days", type=int, default=28)
    parser.add_argument("--searches-per-day", type=int, default=searches_per_day)
    parser.add_argument("--out", type=Path, default=Path(out))
    parser.add_argument("--timeout", type=int, default=3600)
    parser.add_argument("--json", type=Path)
    return parser


def unknown_worlds(given: argparse.Namespace) -> str:
    """What is wrong with `--worlds`, in a line; "" if nothing is."""
    unknown = sorted(set(given.worlds.split(",")) - set(WORLDS))
    return f"--worlds: unknown {', '.join(unknown)}; expected some of {', '.join(WORLDS)}" if unknown else ""


def over_runs(given: argparse.Namespace, figures: Callable[[Run], dict[str, Any]]) -> tuple[dict[str, Any], int]:
    """`WORLD-SEED` -> the figures of each asked run, and 1 if a run failed (its line is on stderr), else 0.

    Args:
        given: the arguments of `world_parser`.
        figures: gives the figures of a run; raises RunFailed.
    """
    results, failed = {}, 0
    for world in given.worlds.split(","):
        for seed in (int(s) for s in given.seeds.split(",")):
            try:
                results[f"{world}-{seed}"] = figures(Run(world, seed, given.days, given.searches_per_day))
            except RunFailed as error:
                print(error, file=sys.stderr)
                failed = 1
    return results, failed


def print_world(world: str, nights: dict[int, dict[str, Any]]) -> None:
    """Print the table of one world: a row per arm; for each seed NDCG@10 and playfirst's lead with its interval; the means."""
    from rich.console import Console
    from rich.table import Table

    console = Console(width=None if sys.stdout.isatty() else 160)
    table = Table(title=f"world {world}: NDCG@10 by traffic", title_justify="left")
    table.add_column("arm")
    for seed in nights:
        table.add_column(f"seed {seed}", justify="right")
        table.add_column("playfirst ahead by", justify="right")
    table.add_column("mean", justify="right")
    table.add_column("mean lead", justify="right")
    for arm, value, leads in arms_of(nights):
        cells = [
            cell
            for seed, night in nights.items()
            for cell in (_number(night["ndcg10"].get(arm)), _lead(night["diff"].get(arm)))
        ]
        table.add_row(arm, *cells, f"{value:.4f}", "" if leads is None else f"{leads:+.4f}")
    table.add_section()
    for name in ("gain", "grade3"):
        values = [night["recall100"].get(name) for night in nights.values()]
        table.add_row(f"recall@100 {name}", *(cell for value in values for cell in (_number(value), "")))
    table.add_row("coverage", *(cell for night in nights.values() for cell in (_number(night["coverage"]), "")))
    console.print(table)
    console.print(verdict(nights))


def arms_of(nights: dict[int, dict[str, Any]]) -> list[tuple[str, float, float | None]]:
    """The arms as (name, mean NDCG@10 over seeds, mean lead of playfirst or None), best first."""

    def mean(values: list[float]) -> float:
        return sum(values) / len(values)

    first, *others = nights.values()
    arms = [arm for arm in first["ndcg10"] if all(arm in night["ndcg10"] for night in others)]
    rows: list[tuple[str, float, float | None]] = []
    for arm in arms:
        leads = [night["diff"][arm]["mean"] for night in nights.values() if arm in night["diff"]]
        rows.append(
            (arm, mean([night["ndcg10"][arm] or 0.0 for night in nights.values()]), mean(leads) if leads else None)
        )
    return sorted(rows, key=lambda row: -row[1])


def verdict(nights: dict[int, dict[str, Any]]) -> str:
    """One line: that playfirst's lead over every baseline has an interval above 0 on all seeds, or where it does not."""
    behind = [
        f"{arm} on seed {seed}"
        for seed, night in nights.items()
        for arm, lead in night["diff"].items()
        if not lead["low"] > 0
    ]
    if not behind:
        return f"playfirst beats every baseline on {len(nights)} of {len(nights)} seeds (interval above 0)."
    return f"playfirst is not clearly ahead of: {', '.join(behind)}."


def _number(value: float | None) -> str:
    return "–" if value is None else f"{value:.4f}"


def _lead(lead: dict[str, float] | None) -> str:
    return "" if lead is None else f"{lead['mean']:+.4f} [{lead['low']:+.4f}, {lead['high']:+.4f}]"


def main(arguments: Sequence[str] | None = None) -> int:
    """Make the runs that are missing, print one table per world, and write all reports as JSON if `--json` is given."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.worlds", description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--worlds", default=",".join(WORLDS), help="names, by comma (default: all)")
    parser.add_argument("--seeds", default="7,8,9", help="whole numbers, by comma")
    parser.add_argument("--days", type=int, default=28)
    parser.add_argument("--searches-per-day", type=int, default=5000)
    parser.add_argument("--out", type=Path, default=Path("var/worlds"), help="one folder a run goes here")
    parser.add_argument("--json", type=Path, help="write every report into this file")
    parser.add_argument("--timeout", type=int, default=3600, help="seconds for one simulation or night")
    parser.add_argument("--again", action="store_true", help="run the nights anew on the logs already simulated")
    given = parser.parse_args(arguments)
    worlds = [name.strip() for name in given.worlds.split(",") if name.strip()]
    unknown = [name for name in worlds if name not in WORLDS]
    if unknown or not worlds:
        parser.error(f"--worlds: {unknown or 'none given'}; known worlds: {', '.join(WORLDS)}")
    try:
        seeds = [int(seed) for seed in given.seeds.split(",")]
    except ValueError:
        parser.error(f"--seeds: {given.seeds!r} is not a list of whole numbers such as 7,8,9")
    if given.days < 1 or given.searches_per_day < 1 or given.timeout < 1:
        parser.error("--days, --searches-per-day and --timeout must be 1 or more")

    results: dict[str, dict[int, dict[str, Any]]] = {}
    failures = 0
    for world in worlds:
        for seed in seeds:
            run = Run(world, seed, given.days, given.searches_per_day)
            try:
                results.setdefault(world, {})[seed] = night_of(run, given.out, given.timeout, given.again)
            except RunFailed as failure:
                failures += 1
                print(failure, file=sys.stderr)
        if results.get(world):
            print_world(world, results[world])
        if given.json is not None:  # after each world, so that an interrupted benchmark keeps its results
            given.json.parent.mkdir(parents=True, exist_ok=True)
            given.json.write_text(json.dumps(results, indent=2) + "\n", encoding="utf-8")
    if failures:
        print(
            f"{failures} of {len(worlds) * len(seeds)} runs failed; mend what their lines say and call again: "
            "finished runs are kept.",
            file=sys.stderr,
        )
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
