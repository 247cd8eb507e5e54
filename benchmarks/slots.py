"""Check that the fitted vectors are bit for bit equal for any number of task slots: `python -m benchmarks.slots LAKE RUN_DATE`.

It fits the vectors of a night from the daily counts of a lake with 1, 2, 4 and 8 task slots, each in its own process, and prints
a SHA-256 hash of all values beside the hash of the stored vectors. Exit code 1 if two hashes differ.
"""

from __future__ import annotations

import hashlib
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from datetime import date, timedelta
from pathlib import Path

SLOTS = (1, 2, 4, 8)
LIMIT_S = 900


def main(arguments: list[str]) -> int:
    """Print one line per number of task slots, and whether all hashes are equal."""
    if len(arguments) == 3:
        print(_hashed(Path(arguments[0]), date.fromisoformat(arguments[1]), int(arguments[2])))
        return 0
    if len(arguments) != 2:
        print("usage: python -m benchmarks.slots LAKE RUN_DATE", file=sys.stderr)
        return 2
    hashes = []
    for slots in SLOTS:
        begun = time.perf_counter()
        command = [sys.executable, "-m", "benchmarks.slots", *arguments, str(slots)]
        ran = subprocess.run(command, capture_output=True, text=True, timeout=LIMIT_S, check=True)
        fitted, stored = ran.stdout.split()[-2:]
        hashes += [fitted, stored]
        print(f"{slots} task slots: fitted {fitted}, stored {stored}, {time.perf_counter() - begun:.0f} s", flush=True)
    print("the same" if len(set(hashes)) == 1 else "NOT the same")
    return 0 if len(set(hashes)) == 1 else 1


def _hashed(root: Path, run_date: date, slots: int) -> str:
    """The hashes of the vectors fitted now and of the stored ones, in one string."""
    from features.build.stored import stored_wordings
    from features.build.vectors import DAYS, fitted_vectors
    from lake.io import Lake
    from lake.session import SessionSettings, spark_session
    from lake.tables.daily import DAILY_ENGAGEMENT
    from lake.tables.nightly import NEEDS, VECTORS
    from queries.nightly.by_need import distinct_needs

    with tempfile.TemporaryDirectory() as work:
        spark = spark_session(
            SessionSettings("slots", f"local[{slots}]", "3g", shuffle_partitions=slots, work_dir=work)
        )
        lake = Lake(spark, root)
        days = [u for u in lake.commits(DAILY_ENGAGEMENT) if str(run_date - timedelta(days=DAYS)) <= u < str(run_date)]
        daily = lake.read(DAILY_ENGAGEMENT, days, allow_unvalidated=True)
        needs = distinct_needs(lake.read(NEEDS, [run_date], allow_unvalidated=True))
        fitted = fitted_vectors(daily, stored_wordings(lake, [run_date]), needs, run_date)
        stored = lake.read(VECTORS, [run_date], allow_unvalidated=True)
        out = " ".join(_hash(frame.select(*fitted.columns).collect()) for frame in (fitted, stored))
        spark.stop()
    return out


def _hash(rows: Sequence[object]) -> str:
    return hashlib.sha256("\n".join(sorted(repr(row) for row in rows)).encode()).hexdigest()[:16]


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
