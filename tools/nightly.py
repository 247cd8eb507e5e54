"""`make nightly`: simulate logs if there are none, choose the run date, run the night.

`var/` holds one world at a time, named in `var/world.json`: simulated logs of one catalog, or the user's own logs. When another
world is called for, a simulated one moves to `var/earlier/<name>/` with its lake and releases, so that nothing is lost, and comes
back when it is called for again. Nights over the user's own logs are never moved to make room for another world: the call is
refused.
"""

from __future__ import annotations

import hashlib
import json
import shutil
import subprocess
import sys
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

from events.delivery import delivered, simulated_as
from lake.commits import units_written
from lake.errors import InputContractError
from lake.lock import holder, is_held
from lake.provenance import PLACES, provenance
from lake.store import is_elsewhere
from night.checks import paths, wrong_place
from night.settings import Settings

VAR = Path("var")
WORLD = ("logs", "truth", "catalog.jsonl.gz", "world.json", "lake", "sweeps", "rankers", "releases", "reports")
SIMULATION = {"days": "28", "searches_per_day": "5000", "seed": "7", "jsonl_days": "2"}
MADE_CATALOG, OWN_LOGS, BY_HAND = "made-catalog", "own-logs", "by-hand"
_OWN_PLACES = tuple(word.split("=")[0] for word in PLACES.split())
LIMIT_S = 12 * 3600  # of a night and of a simulation, unless limit_s= says otherwise


class Refused(Exception):
    """The call cannot be carried out; the first argument is a message with what to do, the second the exit code."""


def main() -> int:
    """Run `make nightly`; returns the exit code of the night."""
    try:
        if sys.argv[1:] == ["--last-run-date"]:
            print(last_run_date())
            return 0
        return _nightly(_settings(sys.argv[1:]))
    except Refused as refused:
        print(f"make nightly: {refused.args[0]}", file=sys.stderr)
        return int(refused.args[1])


def _settings(words: list[str]) -> dict[str, str]:
    """The words as key -> value.

    Raises Refused for a word without "=", such as the end of a value with blanks that was not quoted.
    """
    for word in words:
        if "=" not in word:
            raise Refused(f"{word!r} is no key=value. A value with blanks needs quotes: ARGS=\"key='two words'\".", 2)
    return dict(word.split("=", 1) for word in words)


def _nightly(given: dict[str, str]) -> int:
    _refuse_other_places(given)
    catalog, logs, limit_s = given.pop("catalog", ""), given.pop("logs", ""), given.pop("limit_s", str(LIMIT_S))
    if not limit_s.isdigit() or not int(limit_s):
        raise Refused(f"limit_s={limit_s}: expected whole seconds, such as {LIMIT_S}.", 2)
    if catalog and not Path(catalog).exists():
        raise Refused(f"CATALOG={catalog} is not there. Give a .jsonl, .jsonl.gz or .parquet file.", 2)
    if logs:
        catalog = catalog or str(Path(logs).parent / "catalog.jsonl.gz")  # where the simulator puts it
        if not Path(catalog).exists():
            raise Refused(f"LOGS={logs} without CATALOG, and {catalog} is not there. Say CATALOG=FILE.", 2)
        elsewhere = [key for key in _OWN_PLACES if key in given]
        if elsewhere and len(elsewhere) < len(_OWN_PLACES):
            lacking = ", ".join(key for key in _OWN_PLACES if key not in given)
            raise Refused(
                f"{', '.join(elsewhere)} elsewhere, but {lacking} in {VAR}, which may be of another world. Give all: {PLACES}.",
                2,
            )
        # places outside `var/` are the user's; there the lake itself refuses to mix simulated and real logs
        if not elsewhere and Path(logs).resolve() != (VAR / "logs").resolve():
            _make_room(_world_of(Path(logs)))
    else:
        code = _simulated(catalog, int(limit_s))
        if code:
            return code
        by_hand = _current_world() == BY_HAND
        logs, catalog = str(VAR / "logs"), catalog if by_hand and catalog else str(VAR / "catalog.jsonl.gz")
    run_date = given.pop("run_date", "")
    if not run_date:
        run_date = day_after(Path(logs))
        _refuse_an_old_night(Path(logs), run_date, Path(given.get("releases", VAR / "releases")))
    print(f"RUN_DATE={run_date}", flush=True)
    command = [sys.executable, "-m", "jobs.nightly", f"run_date={run_date}", f"logs={logs}", f"catalog={catalog}"]
    return _run([*command, *[f"{k}={v}" for k, v in given.items()]], int(limit_s))


def _refuse_other_places(given: dict[str, str]) -> None:
    """Raise Refused for a path on another store or an unknown Spark master, before anything is simulated or moved.

    This command simulates logs and keeps several worlds apart under `var/`, which is on this machine.
    """
    bare = {key.lstrip("+"): value.strip("'\"") for key, value in given.items()}
    kept_here = [key for key, _, _ in paths(Settings())]
    wrong = [
        f"{key} is {value!r}: make nightly keeps its worlds on this machine's disks; python -m jobs.nightly takes other stores "
        "(docs/anywhere.md)"
        if key in kept_here and is_elsewhere(value)
        else wrong_place(key, value)
        for key, value in bare.items()
    ]
    if lines := [line for line in wrong if line]:
        raise Refused(f"{'; '.join(lines)}.", 2)


def last_run_date() -> str:
    """The newest night with training examples in the lake of `var/`. Raises Refused if there is none."""
    nights = units_written(VAR / "lake", "training_examples")
    if not nights:
        raise Refused(f"{VAR / 'lake'} holds no training examples yet. Run make nightly first, or say RUN_DATE=….", 2)
    return max(nights)


def day_after(logs: Path) -> str:
    """The day after the newest delivered folder of searches.

    Raises Refused if there is no folder, and for real logs if that folder is dated later than tomorrow (UTC).
    """
    try:
        newest = max(f.day for f in delivered(logs, date.max) if f.files["search"])
    except InputContractError:
        raise Refused(
            f"{logs} holds no searches/date=YYYY-MM-DD/ with a file in it. Look at LOGS, or say RUN_DATE=….", 2
        ) from None
    if simulated_as(logs) is None and newest > today() + timedelta(days=1):
        raise Refused(
            f"{logs / 'searches'} holds date={newest}, and today is {today()} (UTC). Remove the folder, or say RUN_DATE=….",
            2,
        )
    return str(newest + timedelta(days=1))


def today() -> date:
    """Today in UTC."""
    return datetime.now(UTC).date()


def _refuse_an_old_night(logs: Path, run_date: str, releases: Path) -> None:
    """Raise Refused for real logs if the night is already released and its day has passed: then a delivery is missing."""
    if simulated_as(logs) is None and run_date < str(today()) and any(releases.glob(f"{run_date}-*/manifest.json")):
        raise Refused(
            f"the night of {run_date} is done, and {logs / 'searches'} holds no later day: searches/date={run_date} is missing. Deliver it, "
            f"or say RUN_DATE={run_date} to look at that night again.",
            2,
        )


def _world_of(logs: Path) -> str:
    """The name of the world of logs outside `var/`; all real logs are one world, whatever their path."""
    simulation = simulated_as(logs)
    if simulation is None:
        return OWN_LOGS
    return hashlib.sha256(json.dumps([str(logs.resolve()), simulation], sort_keys=True).encode()).hexdigest()[:12]


def _current_world() -> str | None:
    """The name of the world in `var/`; None while it holds none."""
    mark = VAR / "world.json"
    if mark.exists():
        return str(json.loads(mark.read_text())["name"])
    if (VAR / "logs").is_dir():
        return BY_HAND
    of_lake = provenance(VAR / "lake")
    return OWN_LOGS if of_lake is not None and not of_lake["simulated"] else None


def _make_room(wanted: str) -> None:
    """Make `var/` the place of the wanted world: another simulated world moves to `var/earlier/`, the wanted one comes back."""
    current = _current_world()
    if current != wanted:
        if current == OWN_LOGS or (current == BY_HAND and (VAR / "lake").is_dir()):
            whose = "your own logs" if current == OWN_LOGS else f"the logs in {VAR / 'logs'}"
            raise Refused(
                f"{VAR} holds nights over {whose}, and these are others. Give LOGS=DIR CATALOG=FILE of those, or run this in "
                f"another clone, or with places of their own: ARGS='{PLACES}'.",
                2,
            )
        lock = VAR / "lake" / "night.lock"
        if is_held(lock):
            raise Refused(f"{lock} is held by {holder(lock)}. Wait for that run to end, then run again.", 4)
        if current not in (None, BY_HAND):
            _move(VAR, VAR / "earlier" / str(current))
            print(f"the earlier world moved to {VAR / 'earlier' / str(current)}", flush=True)
        back = VAR / "earlier" / wanted
        if back.is_dir():
            _move(back, VAR)
            print(f"the world of {wanted} is back from {back}", flush=True)
    VAR.mkdir(exist_ok=True)
    (VAR / "world.json").write_text(json.dumps({"name": wanted}) + "\n")


def _simulated(catalog: str, limit_s: int) -> int:
    """Make sure that `var/` has complete simulated logs of this catalog, and return the exit code.

    They are left as they are, brought back from `var/earlier/`, or simulated, also again if the simulation was interrupted.

    Args:
        catalog: the file to simulate over; empty for the simulator's own catalog.
        limit_s: the limit of the simulation in seconds.
    """
    whole = VAR / "truth" / "_SUCCESS"
    if _current_world() == BY_HAND:
        if simulated_as(VAR / "logs") is not None and not whole.exists():
            raise Refused(
                f"the simulation in {VAR} was cut off. Remove {VAR / 'logs'} and {VAR / 'lake'}, then make nightly makes them again.",
                2,
            )
        return 0
    _make_room(_fingerprint(Path(catalog)) if catalog else MADE_CATALOG)
    if whole.exists():
        return 0
    command = [sys.executable, "-m", "simulator.generate", f"out={VAR}", *[f"{k}={v}" for k, v in SIMULATION.items()]]
    return _run([*command, *([f"catalog={catalog}"] if catalog else [])], limit_s)


def _move(source: Path, target: Path) -> None:
    target.mkdir(parents=True, exist_ok=True)
    for name in WORLD:
        if (source / name).exists():
            shutil.move(source / name, target / name)


def _fingerprint(path: Path) -> str:
    if path.is_dir():
        return hashlib.sha256(
            "".join(_fingerprint(p) for p in sorted(path.iterdir()) if p.is_file()).encode()
        ).hexdigest()[:12]
    with path.open("rb") as handle:
        return hashlib.file_digest(handle, "sha256").hexdigest()[:12]


def _run(command: list[str], limit_s: int) -> int:
    try:
        code = subprocess.run(command, check=False, timeout=limit_s).returncode
        if code < 0:
            raise Refused(
                f"{command[2]} was ended by signal {-code} (9: often the system, for want of memory). Run it again: it goes on; "
                "ARGS=cluster.memory=… gives its JVM less.",
                1,
            )
        return code
    except subprocess.TimeoutExpired:
        raise Refused(
            f"{command[2]} ran for more than {limit_s} s and was ended. Run it again: it goes on; ARGS=limit_s=… gives it longer.",
            1,
        ) from None


if __name__ == "__main__":
    sys.exit(main())
