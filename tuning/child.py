"""Run a sweep in a child process, so that Ray and Spark's heap are never in one process: JSON in, JSON out, a hard time limit.

`run_search_in_child` starts `python -m tuning.child SPEC.json OUT.json` and ends every process that it started.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
import uuid
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict
from pathlib import Path

from lake.errors import PlayfirstError
from lake.store import write_file
from ranking.dataset import FeatureList
from tuning.errors import SweepFailed
from tuning.estimates import FACTS, with_estimates
from tuning.ledger import LEDGER, Ledger, set_aside, sweep_lock
from tuning.progress import RUNNING, Progress, Watch
from tuning.settings import SPEC, SearchSettings
from tuning.winner import Winner, best_of

BINS = ".bins"  # a sweep's name cannot begin with a dot
_LAST_LINE = 200  # of a log, in an error of one line
_MARK = "PLAYFIRST_SWEEP"  # environment variable of the child and of all that it starts


def run_search_in_child(
    settings: SearchSettings,
    examples_path: Path,
    work_dir: Path,
    features: FeatureList,
    bins: Path | None = None,
    on_progress: Callable[[Progress], None] | None = None,
    limit_s: float | None = None,
) -> Winner:
    """Run `tuning.search.search` in a child process; its output goes to `work_dir`/NAME/sweep.log.

    If a sweep with `prune` is killed, by this function or by the system, its finished trials still give a winner, whose `notes`
    say so. Without `prune` the winner would depend on the clock, so a killed sweep has none.

    Args:
        settings: the settings of the sweep.
        examples_path: the training examples on disk.
        work_dir: the folder that holds one folder per sweep.
        features: the features that the ranker is trained on.
        bins: the folder with the binned data, which sweeps over the same examples share; default: `work_dir`/BINS.
        on_progress: called about every half second with the state of the sweep.
        limit_s: seconds after which the child and all of its processes are killed; default: time budget + start limit, and a
            quarter of the budget more for fits with other seeds.

    Returns:
        The winner of the sweep.

    Raises:
        SweepFailed: the sweep has no winner; the message holds the child's last error line.
    """
    folder, bins = (work_dir / settings.name).resolve(), bins or work_dir / BINS
    with sweep_lock(folder) as lock:
        return _run_locked(settings, examples_path, work_dir, folder, features, bins, on_progress, limit_s, lock)


def _run_locked(
    settings: SearchSettings,
    examples_path: Path,
    work_dir: Path,
    folder: Path,
    features: FeatureList,
    bins: Path,
    on_progress: Callable[[Progress], None] | None,
    limit_s: float | None,
    lock: int,
) -> Winner:
    """`run_search_in_child` in a folder that is this run's alone; the child keeps the lock, too, until it ends."""
    from tuning.search import ray_environment, short_temporary_folder

    spec, out, log = folder / SPEC, folder / "winner.json", folder / "sweep.log"
    out.unlink(missing_ok=True)
    if not settings.resume:  # a sweep that ends before its first trial must not report the trials of an older one
        set_aside(folder / LEDGER)
    temporary = short_temporary_folder()  # created here, so that it is deleted even if the child is killed
    spec.write_text(
        json.dumps(
            {
                "settings": settings.to_dict(),
                "examples_path": str(Path(examples_path).resolve()),
                "work_dir": str(Path(work_dir).resolve()),
                "bins": str(bins.resolve()),
                "features": asdict(features),
                "temporary": str(temporary),
            }
        )
    )
    mark = uuid.uuid4().hex
    house = str(Path(__file__).resolve().parent.parent)
    search_path = os.pathsep.join(filter(None, (house, os.environ.get("PYTHONPATH", ""))))
    environment = {**os.environ, **ray_environment(settings.address), _MARK: mark, "PYTHONPATH": search_path}
    with_seeds_s = settings.time_budget_s * (1.25 if settings.seeds > 1 else 1.0)
    limit = with_seeds_s + settings.start_limit_s if limit_s is None else limit_s
    state = Progress(settings.trials, settings.threads, settings.concurrent, budget_s=with_seeds_s)
    began = time.monotonic()
    with log.open("wb") as written:
        child = subprocess.Popen(
            [sys.executable, "-m", "tuning.child", str(spec), str(out)],
            stdin=subprocess.DEVNULL,
            stdout=written,
            stderr=written,
            env=environment,
            start_new_session=True,
            pass_fds=(lock,),
        )
        try:
            ended = _wait(child, began, limit, Watch(folder, state), on_progress)
        finally:
            _end_all(child, mark)
            (folder / RUNNING).unlink(missing_ok=True)
            for left in (temporary, *bins.glob(f"*.partial-{child.pid}")):
                shutil.rmtree(left, ignore_errors=True)
    seconds = time.monotonic() - began
    if not ended:
        return _salvaged(settings, folder, features, f"killed at its limit of {limit:.0f} s", seconds)
    outcome = json.loads(out.read_text()) if out.exists() else {}
    if child.returncode == 0 and outcome:
        return Winner.from_dict(outcome)
    if "error" in outcome:
        raise SweepFailed(str(outcome["error"]))
    # it could not write an outcome: the kernel killed it, or Ray's core, which ends a process that its head has left
    how = _how_it_ended(child.returncode, log)
    if (folder / LEDGER).is_file() and Ledger(folder / LEDGER).trials:
        return _salvaged(settings, folder, features, how, seconds)
    raise SweepFailed(f"sweep {settings.name}: its process {how}; see {log}")


def main(arguments: list[str]) -> int:
    """The child process: run the sweep of SPEC.json and write the winner or the error to OUT.json; returns the exit code."""
    spec, out = json.loads(Path(arguments[0]).read_text()), Path(arguments[1])
    temporary = Path(spec["temporary"])
    threading.Thread(target=_die_with_parent, args=(os.getppid(), temporary), daemon=True).start()
    given = spec["features"]
    names, monotone, families = (tuple(given[name]) for name in ("names", "monotone", "families"))
    features = FeatureList(names, monotone, given["fingerprint"], families)
    from tuning.search import search

    try:
        settings = SearchSettings(**spec["settings"])
        examples, work_dir, bins = (Path(spec[key]) for key in ("examples_path", "work_dir", "bins"))
        winner = search(settings, examples, work_dir, bins, features, temporary)
    except PlayfirstError as error:
        write_file(out, json.dumps({"error": str(error)}).encode())
        print(str(error), file=sys.stderr)
        return error.exit_code
    write_file(out, json.dumps(winner.to_dict()).encode())
    return 0


def _wait(
    child: subprocess.Popen[bytes],
    began: float,
    limit_s: float,
    watch: Watch,
    on_progress: Callable[[Progress], None] | None,
) -> bool:
    """Whether the child ended by itself within `limit_s` of `began` (monotonic); reports progress twice a second."""
    ended = False
    while not ended and (left := began + limit_s - time.monotonic()) > 0:
        with contextlib.suppress(subprocess.TimeoutExpired):
            child.wait(timeout=min(0.5, left))
            ended = True
        if on_progress is not None:
            watch.state.seconds = time.monotonic() - began
            watch.look()
            on_progress(watch.state)
    return ended


def _end_all(child: subprocess.Popen[bytes], mark: str) -> None:
    """End the child's process group, then every other process with its mark, because Ray's processes may leave the group."""
    agents = marked_processes(mark)  # known by their raylet, which may end before them
    for how, patience_s in ((signal.SIGTERM, 3.0), (signal.SIGKILL, 5.0)):
        if child.poll() is None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(child.pid, how)
            with contextlib.suppress(subprocess.TimeoutExpired):
                child.wait(timeout=patience_s)
    _kill(agents)
    until = time.monotonic() + 5.0
    while (left := marked_processes(mark)) and time.monotonic() < until:
        _kill(left)
        time.sleep(0.05)


def _kill(process_ids: Iterable[int]) -> None:
    """Kill the processes; those that have ended, or are not ours, are left out."""
    for pid in process_ids:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.kill(pid, signal.SIGKILL)


def marked_processes(mark: str) -> list[int]:
    """Ids of running processes whose environment has the mark, and of all that these have started; none without /proc (macOS).

    What they have started is looked up by parent, because Ray's agents write their titles over their environment: without their raylet
    they would live on for about a minute.
    """
    marked, parents = set[int](), dict[int, int]()
    for entry in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError, ValueError):
            parents[int(entry.name)] = parent_of(entry)
            if f"{_MARK}={mark}".encode() in (entry / "environ").read_bytes().split(b"\0"):
                marked.add(int(entry.name))
    return sorted(marked | started_by(marked, parents))


def parent_of(entry: Path) -> int:
    """The id of a process's parent, by the process's folder below /proc. Raises OSError or ValueError if it has ended."""
    stat = (entry / "stat").read_text(errors="replace")
    return int(stat.rpartition(")")[2].split()[1])  # the name before it may have blanks


def started_by(process_ids: Iterable[int], parents: Mapping[int, int]) -> set[int]:
    """What the processes have started, directly or not, by the parents of all processes."""
    above = set(process_ids)
    below = set[int]()
    while more := {pid for pid, parent in parents.items() if parent in above | below and pid not in above | below}:
        below |= more
    return below


def _salvaged(settings: SearchSettings, folder: Path, features: FeatureList, how: str, seconds: float) -> Winner:
    ledger = Ledger(folder / LEDGER)
    note = f"{how} with {len(ledger.trials)} of {settings.trials} trials; tuning.resume={settings.name} goes on"
    if not settings.prune:
        raise SweepFailed(
            f"sweep {settings.name}: {note}; what trials would have ended depends on the machine, so none wins. "
            "Give it more time (tuning.time_budget_s) or fewer trials"
        )
    winner = best_of(
        ledger.trials,
        settings.name,
        ledger.identity,
        features.fingerprint,
        settings.cheapest_within,
        seconds=round(seconds, 3),
        failures=(*ledger.failures, note),
        notes=(note,),
        is_whole=False,
    )
    facts = folder / FACTS
    return with_estimates(winner, ledger, json.loads(facts.read_text()), settings.seed) if facts.exists() else winner


def _how_it_ended(code: int, log: Path) -> str:
    lines = [line for line in log.read_text(errors="replace").splitlines() if line.strip()]
    last = lines[-1][:_LAST_LINE] if lines else "no output"
    return f"ended by signal {-code}" if code < 0 else f"ended with {code} ({last})"


def _end_started() -> None:
    """Kill what this process has started: all at once, for Ray's agents cannot be found once their raylet has ended."""
    _kill(pid for pid in marked_processes(os.environ[_MARK]) if pid != os.getpid())


def _exit(code: int) -> None:
    """End this process and what it has started, without Ray's own shutdown, which takes seconds."""
    if not Path("/proc").exists():  # macOS: Ray ends its processes
        sys.exit(code)
    _end_started()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)


def _die_with_parent(parent: int, temporary: Path) -> None:
    """When the parent process is gone, end the sweep: its processes, then their temporary files, then the process group.

    The processes are ended first, because they would go on writing files.
    """
    while os.getppid() == parent:
        time.sleep(0.5)
    _end_started()
    shutil.rmtree(temporary, ignore_errors=True)
    os.killpg(os.getpgrp(), signal.SIGKILL)


if __name__ == "__main__":
    _exit(main(sys.argv[1:]))
