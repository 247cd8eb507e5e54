"""`make nightly`: simulate logs if there are none, choose the run date, run the night.

`var/` always holds one world. Called with another CATALOG than the one its simulated logs were made of, the earlier
world moves to var/earlier/<fingerprint>/ (nothing is lost) and comes back when that catalog is named again.
"""

from __future__ import annotations

import hashlib
import json
import shutil
import subprocess
import sys
from datetime import date, timedelta
from pathlib import Path

VAR = Path("var")
WORLD = ("logs", "truth", "catalog.jsonl.gz", "simulated.json", "lake", "sweeps", "rankers")
SIMULATION = {"days": "28", "searches_per_day": "5000", "seed": "7", "jsonl_days": "2"}
OWN_CATALOG = "own"
LIMIT_S = 3600


def main() -> int:
    """Run the front door; the exit code is the night's."""
    if sys.argv[1:] == ["--last-run-date"]:
        print(_run_date(VAR / "logs"))
        return 0
    given = dict(a.split("=", 1) for a in sys.argv[1:] if "=" in a)
    catalog, logs = given.pop("catalog", ""), given.pop("logs", "")
    if catalog and not Path(catalog).exists():
        print(
            f"make nightly: CATALOG={catalog} is not there. Give a .jsonl, .jsonl.gz or .parquet file.", file=sys.stderr
        )
        return 2
    if not logs:
        code = _simulated(catalog)
        if code:
            return code
        logs, catalog = str(VAR / "logs"), str(VAR / "catalog.jsonl.gz")
    run_date = given.pop("run_date", "") or _run_date(Path(logs))
    print(f"RUN_DATE={run_date}", flush=True)
    command = [sys.executable, "-m", "jobs.nightly", f"run_date={run_date}", f"logs={logs}"]
    command += [f"catalog={catalog}"] if catalog else []
    return _run([*command, *[f"{k}={v}" for k, v in given.items()]])


def _simulated(catalog: str) -> int:
    """Make var/ hold the world of this catalog: leave it, bring it back, or simulate it anew."""
    wanted = {"catalog": _fingerprint(Path(catalog)) if catalog else OWN_CATALOG, **SIMULATION}
    mark = VAR / "simulated.json"
    if (VAR / "logs").is_dir():
        held = json.loads(mark.read_text()) if mark.exists() else None
        if held is None or held == wanted or (not catalog and held["catalog"] == OWN_CATALOG):
            return 0
        _move(VAR, VAR / "earlier" / held["catalog"])
        print(f"the earlier world moved to {VAR / 'earlier' / held['catalog']}", flush=True)
    back = VAR / "earlier" / wanted["catalog"]
    if back.is_dir():
        _move(back, VAR)
        return 0
    command = [sys.executable, "-m", "simulator.generate", f"out={VAR}", *[f"{k}={v}" for k, v in SIMULATION.items()]]
    code = _run([*command, *([f"catalog={catalog}"] if catalog else [])])
    if code == 0:
        mark.write_text(json.dumps(wanted))
    return code


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


def _run_date(logs: Path) -> str:
    """The day after the newest delivered folder."""
    days = sorted(p.name.removeprefix("date=") for p in (logs / "searches").glob("date=*"))
    return str(date.fromisoformat(days[-1]) + timedelta(days=1)) if days else "1970-01-01"


def _run(command: list[str]) -> int:
    try:
        return subprocess.run(command, check=False, timeout=LIMIT_S).returncode
    except subprocess.TimeoutExpired:
        print(
            f"make nightly: {command[2]} ran for more than {LIMIT_S} s and was ended. Run it again: it goes on.",
            file=sys.stderr,
        )
        return 1


if __name__ == "__main__":
    sys.exit(main())
