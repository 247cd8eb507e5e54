"""A sweep in a process of its own, so that Ray and Spark's heap never meet: JSON in, JSON out, a hard time limit.

`run_search_in_child` starts `python -m tuning.child SPEC.json OUT.json` and ends everything it started.
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
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

from lake.errors import PlayfirstError
from ranking.dataset import FeatureList
from tuning.errors import SweepFailed
from tuning.ledger import Ledger, set_aside
from tuning.settings import SearchSettings
from tuning.winner import Winner, best_of

Progress = Callable[[int, int, float], None]
_MARK = "PLAYFIRST_SWEEP"  # in the environment of the child and of all it starts, so that stragglers can be found


def run_search_in_child(
    settings: SearchSettings,
    examples_path: Path,
    work_dir: Path,
    features: FeatureList,
    on_progress: Progress | None = None,
    limit_s: float | None = None,
) -> Winner:
    """`tuning.search.search` in a child process; its output goes to `work_dir`/NAME/sweep.log.

    `on_progress(finished, asked, best_ndcg)` is called as trials end. After `limit_s` (default: the time budget and the
    start limit) the child and all of its processes are killed. Where a sweep with `prune` was killed, by us or by the system, finished
    trials still give a winner, which says so in `notes`; without `prune` the winner would depend on the clock, so there is none.
    Raises SweepFailed with the child's last error line.
    """
    from tuning.search import ray_environment, short_temporary_folder

    folder = (work_dir / settings.name).resolve()
    folder.mkdir(parents=True, exist_ok=True)
    spec, out, log = folder / "spec.json", folder / "winner.json", folder / "sweep.log"
    out.unlink(missing_ok=True)
    if not settings.resume:  # what ends before its first trial must not be told by an older sweep's
        set_aside(folder / "trials.jsonl")
    temporary = short_temporary_folder()  # ours, so that a killed child leaves none behind
    spec.write_text(
        json.dumps(
            {
                "settings": settings.to_dict(),
                "examples_path": str(Path(examples_path).resolve()),
                "work_dir": str(Path(work_dir).resolve()),
                "features": asdict(features),
                "temporary": str(temporary),
            }
        )
    )
    mark = uuid.uuid4().hex
    house = str(Path(__file__).resolve().parent.parent)
    search_path = os.pathsep.join(filter(None, (house, os.environ.get("PYTHONPATH", ""))))
    environment = {**os.environ, **ray_environment(), _MARK: mark, "PYTHONPATH": search_path}
    limit = settings.time_budget_s + settings.start_limit_s if limit_s is None else limit_s
    began = time.monotonic()
    with log.open("wb") as written:
        child = subprocess.Popen(
            [sys.executable, "-m", "tuning.child", str(spec), str(out)],
            stdin=subprocess.DEVNULL,
            stdout=written,
            stderr=written,
            env=environment,
            start_new_session=True,
        )
        try:
            ended = _wait(child, began + limit, folder / "trials.jsonl", settings.trials, on_progress)
        finally:
            _end_all(child, mark)
            for left in (temporary, folder / "bins"):
                shutil.rmtree(left, ignore_errors=True)
    seconds = time.monotonic() - began
    if not ended:
        return _salvaged(settings, folder, features, f"killed at its limit of {limit:.0f} s", seconds)
    if child.returncode == 0 and out.exists():
        return Winner.from_dict(json.loads(out.read_text()))
    if child.returncode < 0 and Ledger(folder / "trials.jsonl").trials:  # such as by the kernel, for its memory
        return _salvaged(settings, folder, features, f"ended by signal {-child.returncode}", seconds)
    raise SweepFailed(_last_error(out, log, child.returncode))


def main(arguments: list[str]) -> int:
    """The child: run the sweep of SPEC.json, write the winner or the error to OUT.json."""
    spec, out = json.loads(Path(arguments[0]).read_text()), Path(arguments[1])
    temporary = Path(spec["temporary"])
    threading.Thread(target=_die_with_parent, args=(os.getppid(), temporary), daemon=True).start()
    given = spec["features"]
    features = FeatureList(tuple(given["names"]), tuple(given["monotone"]), given["fingerprint"])
    from tuning.search import search

    try:
        settings = SearchSettings(**spec["settings"])
        winner = search(settings, Path(spec["examples_path"]), Path(spec["work_dir"]), features, temporary)
    except PlayfirstError as error:
        _write(out, {"error": str(error)})
        print(str(error), file=sys.stderr)
        return error.exit_code
    _write(out, winner.to_dict())
    return 0


def _wait(child: subprocess.Popen[bytes], until: float, ledger: Path, asked: int, on_progress: Progress | None) -> bool:
    """Whether the child ended by itself before `until`; tells of progress once a second."""
    told = -1
    while (left := until - time.monotonic()) > 0:
        with contextlib.suppress(subprocess.TimeoutExpired):
            child.wait(timeout=min(1.0, left))
            return True
        if on_progress is not None and ledger.exists():
            scores = [row["row"]["valid_ndcg10"] for row in _lines(ledger) if row["kind"] == "trial"]
            if len(scores) != told:
                told = len(scores)
                on_progress(told, asked, max(scores, default=0.0))
    return False


def _lines(ledger: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in ledger.read_bytes().split(b"\n")[:-1]]  # the part after the last \n is torn


def _end_all(child: subprocess.Popen[bytes], mark: str) -> None:
    """End the child's process group, then whatever else carries its mark (Ray's processes may leave the group)."""
    for how, patience_s in ((signal.SIGTERM, 3.0), (signal.SIGKILL, 5.0)):
        if child.poll() is None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(child.pid, how)
            with contextlib.suppress(subprocess.TimeoutExpired):
                child.wait(timeout=patience_s)
    until = time.monotonic() + 5.0
    while (left := marked_processes(mark)) and time.monotonic() < until:
        for pid in left:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.kill(pid, signal.SIGKILL)
        time.sleep(0.05)


def marked_processes(mark: str) -> list[int]:
    """Ids of living processes whose environment carries the mark; none where there is no /proc (macOS)."""
    found = []
    for entry in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            if f"{_MARK}={mark}".encode() in (entry / "environ").read_bytes().split(b"\0"):
                found.append(int(entry.name))
    return found


def _salvaged(settings: SearchSettings, folder: Path, features: FeatureList, how: str, seconds: float) -> Winner:
    ledger = Ledger(folder / "trials.jsonl")
    note = f"{how} with {len(ledger.trials)} of {settings.trials} trials"
    if not settings.prune:
        raise SweepFailed(
            f"sweep {settings.name}: {note}; what trials would have ended depends on the machine, so none wins. "
            "Give it more time (tuning.time_budget_s) or fewer trials"
        )
    return best_of(
        ledger.trials,
        settings.name,
        ledger.identity,
        features.fingerprint,
        seconds=round(seconds, 3),
        failures=(*ledger.failures, note),
        notes=(note,),
    )


def _last_error(out: Path, log: Path, code: int) -> str:
    if out.exists() and "error" in (said := json.loads(out.read_text())):
        return str(said["error"])
    lines = [line for line in log.read_text(errors="replace").splitlines() if line.strip()]
    return f"sweep: its process ended with {code}: {lines[-1] if lines else 'no output'}; see {log}"


def _write(out: Path, content: dict[str, Any]) -> None:
    partial = out.with_suffix(".partial")
    partial.write_text(json.dumps(content))
    os.replace(partial, out)


def _die_with_parent(parent: int, temporary: Path) -> None:
    """A killed night takes its sweep along: all of its processes, then what they wrote (they would write on), then the group."""
    while os.getppid() == parent:
        time.sleep(0.5)
    for pid in marked_processes(os.environ[_MARK]):
        if pid != os.getpid():
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.kill(pid, signal.SIGKILL)
    shutil.rmtree(temporary, ignore_errors=True)
    os.killpg(os.getpgrp(), signal.SIGKILL)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
